//! Which C libraries are compiled, and from which files.

use crate::defines::{self, Defines};

/// One static library made from the sources inside a crate.
pub struct Library {
    pub name: &'static str,
    pub krate: &'static str,
    /// Folder inside the crate; every path below is relative to it.
    pub root: &'static str,
    /// Files, or `folder/*.ext` for all files of a folder.
    pub sources: &'static [&'static str],
    /// File names left out of the folders above.
    pub skip: &'static [&'static str],
    /// Include folders that only this library needs.
    pub private: &'static [&'static str],
    /// Include folders that the other libraries need too.
    pub public: &'static [&'static str],
    pub defines: &'static Defines,
    pub language: Language,
}

#[derive(PartialEq)]
pub enum Language {
    C,
    /// Without exceptions and RTTI, so that libstdc++ is not needed.
    PlainCpp,
}

/// Linked in this order: every library stands before those it calls.
pub const LIBRARIES: &[Library] = &[
    Library {
        name: "curl",
        krate: "curl-sys",
        root: "curl/lib",
        sources: &[
            "*.c",
            "curlx/*.c",
            "vauth/*.c",
            "vdns/*.c",
            "vquic/*.c",
            "vssh/*.c",
            "vtls/*.c",
        ],
        skip: &[],
        private: &["."],
        public: &[],
        defines: &defines::CURL,
        language: Language::C,
    },
    Library {
        name: "ngtcp2_crypto",
        krate: "ngtcp2-sys",
        root: "deps/ngtcp2",
        sources: &["crypto/shared.c", "crypto/boringssl/boringssl.c"],
        skip: &[],
        private: &["lib", "crypto"],
        public: &["crypto/includes"],
        defines: &defines::NGHTTP,
        language: Language::C,
    },
    Library {
        name: "ngtcp2",
        krate: "ngtcp2-sys",
        root: "deps/ngtcp2",
        sources: &["lib/*.c"],
        skip: &[],
        private: &["lib"],
        public: &["lib/includes"],
        defines: &defines::NGHTTP,
        language: Language::C,
    },
    Library {
        name: "nghttp3",
        krate: "nghttp3-sys",
        root: "deps/nghttp3",
        sources: &["lib/*.c", "lib/sfparse/sfparse.c"],
        skip: &[],
        private: &["lib", "lib/sfparse"],
        public: &["lib/includes"],
        defines: &defines::NGHTTP,
        language: Language::C,
    },
    Library {
        name: "nghttp2",
        krate: "libnghttp2-sys",
        root: "nghttp2",
        sources: &["lib/*.c"],
        // nghttp3 brings a newer copy of the same functions.
        skip: &["sfparse.c"],
        private: &["lib"],
        public: &["lib/includes"],
        defines: &defines::NGHTTP,
        language: Language::C,
    },
    Library {
        name: "ssh2",
        krate: "libssh2-sys",
        root: "libssh2",
        sources: &["src/*.c"],
        skip: &[],
        private: &["src"],
        public: &["include"],
        defines: &defines::SSH2,
        language: Language::C,
    },
    Library {
        name: "brotlidec",
        krate: "compu-brotli-sys",
        root: "brotli/c",
        sources: &["common/*.c", "dec/*.c"],
        skip: &[],
        private: &[],
        public: &["include"],
        defines: &Defines::everywhere(&[]),
        language: Language::C,
    },
    Library {
        name: "zstd",
        krate: "zstd-sys",
        root: "zstd/lib",
        sources: &["common/*.c", "decompress/*.c"],
        skip: &[],
        private: &[],
        public: &["."],
        // The assembly version would need a per-architecture source list.
        defines: &Defines::everywhere(&["ZSTD_DISABLE_ASM"]),
        language: Language::C,
    },
    Library {
        name: "z",
        krate: "libz-sys",
        root: "src/zlib",
        sources: &["*.c"],
        // Only needed for reading and writing .gz files.
        skip: &["gzclose.c", "gzlib.c", "gzread.c", "gzwrite.c"],
        private: &[],
        public: &["."],
        defines: &defines::ZLIB,
        language: Language::C,
    },
    Library {
        name: "ssl",
        krate: "aws-lc-sys",
        root: "aws-lc/ssl",
        sources: &["*.cc", "ssl_decrepit.c"],
        skip: &[],
        private: &[],
        public: &[],
        defines: &defines::SSL,
        language: Language::PlainCpp,
    },
];
