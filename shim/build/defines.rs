//! What the configure steps of the libraries would find out on each system that
//! this builds for; all of them have 64 bits.

use std::env;

/// Names for one library: `NAME` or `NAME=VALUE`.
pub struct Defines {
    everywhere: &'static [&'static str],
    /// On Linux and macOS.
    unix: &'static [&'static str],
    linux: &'static [&'static str],
    macos: &'static [&'static str],
    windows: &'static [&'static str],
    /// On Windows with Microsoft's headers.
    msvc: &'static [&'static str],
}

/// The systems that there are tables for.
pub const SYSTEMS: &[&str] = &["linux", "macos", "windows"];

impl Defines {
    const NONE: Self = Self::everywhere(&[]);

    pub const fn everywhere(names: &'static [&'static str]) -> Self {
        Self {
            everywhere: names,
            unix: &[],
            linux: &[],
            macos: &[],
            windows: &[],
            msvc: &[],
        }
    }

    /// Those for the system that is built for.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let target = |what| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
        let (os, env) = (target("OS"), target("ENV"));
        let systems: &[_] = match (os.as_str(), env.as_str()) {
            ("linux", _) => &[self.unix, self.linux],
            ("macos", _) => &[self.unix, self.macos],
            ("windows", "msvc") => &[self.windows, self.msvc],
            ("windows", _) => &[self.windows],
            _ => &[],
        };
        [&[self.everywhere], systems]
            .concat()
            .into_iter()
            .flatten()
            .copied()
    }
}

pub const CURL: Defines = Defines {
    everywhere: &[
        "BUILDING_LIBCURL",
        // Four times the usual: WRITEFUNCTION is called for each piece of a body.
        "CURL_MAX_WRITE_SIZE=65536",
        // Features.
        "CURL_DISABLE_HTTPSIG",
        "CURL_DISABLE_LDAP",
        "CURL_DISABLE_LDAPS",
        "HAVE_BROTLI",
        "HAVE_IDN2_H",
        "HAVE_LIBIDN2",
        "HAVE_LIBZ",
        "HAVE_SSL_SET0_WBIO",
        "HAVE_ZSTD",
        "USE_IPV6",
        "USE_LIBPSL",
        "USE_LIBSSH2",
        "USE_NGHTTP2",
        "USE_NGHTTP3",
        "USE_NGTCP2",
        "USE_OPENSSL",
        "USE_RESOLV_THREADED",
        "USE_SSLS_EXPORT",
        "USE_UNIX_SOCKETS",
    ],
    unix: &[
        // Features.
        "CURL_CA_FALLBACK",
        "HAVE_GSSAPI",
        "HAVE_GSS_SET_NEG_MECHS",
        "HAVE_THREADS_POSIX",
        // The dlopen shim may meet any release; this one has every call it uses.
        "CURL_KRB5_VERSION=\"1.8\"",
        // Types.
        "HAVE_BOOL_T",
        "HAVE_SA_FAMILY_T",
        "HAVE_SOCKADDR_IN6_SIN6_SCOPE_ID",
        "HAVE_STRUCT_SOCKADDR_STORAGE",
        "HAVE_STRUCT_TIMEVAL",
        "HAVE_SUSECONDS_T",
        "SIZEOF_CURL_OFF_T=8",
        "SIZEOF_CURL_SOCKET_T=4",
        "SIZEOF_LONG=8",
        "SIZEOF_OFF_T=8",
        "SIZEOF_SIZE_T=8",
        "SIZEOF_TIME_T=8",
        "_FILE_OFFSET_BITS=64",
        // Headers.
        "HAVE_ARPA_INET_H",
        "HAVE_DIRENT_H",
        "HAVE_FCNTL_H",
        "HAVE_IFADDRS_H",
        "HAVE_LIBGEN_H",
        "HAVE_NETDB_H",
        "HAVE_NETINET_IN_H",
        "HAVE_NETINET_IP_H",
        "HAVE_NETINET_TCP_H",
        "HAVE_NETINET_UDP_H",
        "HAVE_NET_IF_H",
        "HAVE_POLL_H",
        "HAVE_PWD_H",
        "HAVE_STDATOMIC_H",
        "HAVE_STDBOOL_H",
        "HAVE_STRINGS_H",
        "HAVE_SYS_IOCTL_H",
        "HAVE_SYS_PARAM_H",
        "HAVE_SYS_POLL_H",
        "HAVE_SYS_SELECT_H",
        "HAVE_SYS_UN_H",
        "HAVE_UNISTD_H",
        // Functions.
        "HAVE_ALARM",
        "HAVE_ATOMIC",
        "HAVE_BASENAME",
        "HAVE_CLOCK_GETTIME_MONOTONIC",
        "HAVE_CLOCK_GETTIME_MONOTONIC_RAW",
        "HAVE_DECL_FSEEKO",
        "HAVE_FCNTL",
        "HAVE_FCNTL_O_NONBLOCK",
        "HAVE_FNMATCH",
        "HAVE_FREEADDRINFO",
        "HAVE_FSEEKO",
        "HAVE_GETADDRINFO",
        "HAVE_GETADDRINFO_THREADSAFE",
        "HAVE_GETEUID",
        "HAVE_GETHOSTNAME",
        "HAVE_GETIFADDRS",
        "HAVE_GETPEERNAME",
        "HAVE_GETPWUID",
        "HAVE_GETPWUID_R",
        "HAVE_GETSOCKNAME",
        "HAVE_GETTIMEOFDAY",
        "HAVE_GMTIME_R",
        "HAVE_IF_NAMETOINDEX",
        "HAVE_IOCTL_FIONBIO",
        "HAVE_IOCTL_SIOCGIFADDR",
        "HAVE_OPENDIR",
        "HAVE_PIPE",
        "HAVE_POLL",
        "HAVE_REALPATH",
        "HAVE_RECV",
        "HAVE_SCHED_YIELD",
        "HAVE_SEND",
        "HAVE_SENDMSG",
        "HAVE_SIGACTION",
        "HAVE_SIGNAL",
        "HAVE_SIGSETJMP",
        "HAVE_SOCKET",
        "HAVE_SOCKETPAIR",
        "HAVE_STRERROR_R",
    ],
    linux: &[
        "CURL_OS=\"Linux\"",
        "HAVE_LINUX_TCP_H",
        "HAVE_SYS_EVENTFD_H",
        "HAVE_ACCEPT4",
        "HAVE_EVENTFD",
        "HAVE_GETHOSTBYNAME_R",
        "HAVE_GETHOSTBYNAME_R_6",
        "HAVE_MEMRCHR",
        "HAVE_PIPE2",
        "HAVE_SENDMMSG",
    ],
    macos: &[
        "CURL_OS=\"Darwin\"",
        "HAVE_BUILTIN_AVAILABLE",
        "HAVE_MACH_ABSOLUTE_TIME",
        "HAVE_SYS_SOCKIO_H",
    ],
    windows: &[
        // Features.
        "CURL_CA_NATIVE",
        "USE_WIN32_CRYPTO",
        "USE_WINDOWS_SSPI",
        // Files have names in UTF-8, and may have more than 260 characters.
        "UNICODE",
        "_UNICODE",
        "HAVE_CONFIG_H",
        "CURL_OS=\"Windows\"",
        "SIZEOF_CURL_OFF_T=8",
        "SIZEOF_CURL_SOCKET_T=8",
        "SIZEOF_LONG=4",
        "SIZEOF_OFF_T=4",
        "SIZEOF_SIZE_T=8",
        "SIZEOF_TIME_T=8",
        "HAVE_BOOL_T",
        "HAVE_CLOSESOCKET",
        "HAVE_FCNTL_H",
        "HAVE_FREEADDRINFO",
        "HAVE_GETADDRINFO",
        "HAVE_GETADDRINFO_THREADSAFE",
        "HAVE_GETHOSTNAME",
        "HAVE_GETPEERNAME",
        "HAVE_GETSOCKNAME",
        "HAVE_IOCTLSOCKET",
        "HAVE_IOCTLSOCKET_FIONBIO",
        "HAVE_IO_H",
        "HAVE_LOCALE_H",
        "HAVE_RECV",
        "HAVE_SEND",
        "HAVE_SETLOCALE",
        "HAVE_SIGNAL",
        "HAVE_SOCKADDR_IN6_SIN6_SCOPE_ID",
        "HAVE_SOCKET",
        "HAVE_STDBOOL_H",
        "HAVE_STRUCT_SOCKADDR_STORAGE",
        "HAVE_STRUCT_TIMEVAL",
        "HAVE_SYS_TYPES_H",
        "HAVE_SYS_UTIME_H",
        "HAVE_UTIME",
    ],
    msvc: &["ssize_t=__int64"],
};

pub const NGHTTP: Defines = Defines {
    unix: &[
        "HAVE_ARPA_INET_H",
        "HAVE_CLOCK_GETTIME",
        "HAVE_DECL_CLOCK_MONOTONIC=1",
        "HAVE_NETINET_IN_H",
        "HAVE_TIME_H",
        "HAVE_UNISTD_H",
    ],
    linux: &[
        "HAVE_BYTESWAP_H",
        "HAVE_DECL_BE64TOH=1",
        "HAVE_DECL_BSWAP_64=1",
        "HAVE_ENDIAN_H",
    ],
    msvc: &["ssize_t=ptrdiff_t"],
    ..Defines::NONE
};

pub const SSH2: Defines = Defines {
    everywhere: &[
        "HAVE_INTTYPES_H",
        "HAVE_SNPRINTF",
        "HAVE_STDLIB_H",
        "HAVE_STRTOLL",
        "LIBSSH2_HAVE_ZLIB",
        "LIBSSH2_OPENSSL",
    ],
    unix: &[
        "HAVE_ARPA_INET_H",
        "HAVE_GETTIMEOFDAY",
        "HAVE_NETINET_IN_H",
        "HAVE_O_NONBLOCK",
        "HAVE_SELECT",
        "HAVE_SYS_IOCTL_H",
        "HAVE_SYS_PARAM_H",
        "HAVE_SYS_SELECT_H",
        "HAVE_SYS_SOCKET_H",
        "HAVE_SYS_TIME_H",
        "HAVE_SYS_UIO_H",
        "HAVE_SYS_UN_H",
        "HAVE_UNISTD_H",
    ],
    // As for libcurl.
    windows: &["UNICODE", "_UNICODE"],
    ..Defines::NONE
};

pub const ZLIB: Defines = Defines {
    unix: &["HAVE_UNISTD_H"],
    ..Defines::NONE
};

pub const SSL: Defines = Defines {
    everywhere: &["BORINGSSL_IMPLEMENTATION"],
    windows: &["NOMINMAX"],
    msvc: &["_HAS_EXCEPTIONS=0"],
    ..Defines::NONE
};

/// Given to every library, because their headers test them.
pub const COMMON: Defines = Defines {
    everywhere: &[
        "CURL_STATICLIB",
        "NDEBUG",
        "NGHTTP2_STATICLIB",
        "NGHTTP3_STATICLIB",
        "NGTCP2_STATICLIB",
    ],
    unix: &["_GNU_SOURCE"],
    windows: &["WIN32_LEAN_AND_MEAN"],
    ..Defines::NONE
};
