//! TLS for the server, from the library that libcurl is linked with.

use std::ffi::{CString, c_char, c_int, c_void};
use std::io::{Error, Read, Result, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::ptr::NonNull;
use std::sync::OnceLock;

/// For localhost and 127.0.0.1, by itself.
pub const CERTIFICATE: &[u8] = include_bytes!("tls/certificate.pem");

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/tls");
const SSL_FILETYPE_PEM: c_int = 1;

#[repr(C)]
struct Context([u8; 0]);

#[repr(C)]
struct Session([u8; 0]);

unsafe extern "C" {
    fn TLS_server_method() -> *const c_void;
    fn SSL_CTX_new(method: *const c_void) -> *mut Context;
    fn SSL_CTX_use_certificate_file(ctx: *mut Context, path: *const c_char, kind: c_int) -> c_int;
    fn SSL_CTX_use_PrivateKey_file(ctx: *mut Context, path: *const c_char, kind: c_int) -> c_int;
    fn SSL_new(ctx: *mut Context) -> *mut Session;
    fn SSL_free(ssl: *mut Session);
    fn SSL_set_fd(ssl: *mut Session, fd: c_int) -> c_int;
    fn SSL_accept(ssl: *mut Session) -> c_int;
    fn SSL_read(ssl: *mut Session, buffer: *mut c_void, length: c_int) -> c_int;
    fn SSL_write(ssl: *mut Session, buffer: *const c_void, length: c_int) -> c_int;
}

/// For all connections, and kept to the end.
struct Server(NonNull<Context>);

// SAFETY: connections are made from it on any thread, which the library allows.
unsafe impl Send for Server {}
// SAFETY: as above.
unsafe impl Sync for Server {}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let path = |name| CString::new(format!("{FOLDER}/{name}")).expect("a path");
        let (certificate, key) = (path("certificate.pem"), path("key.pem"));
        // SAFETY: terminated paths, and a context that nobody else knows yet.
        unsafe {
            let context = NonNull::new(SSL_CTX_new(TLS_server_method())).expect("a context");
            let raw = context.as_ptr();
            let used = [
                SSL_CTX_use_certificate_file(raw, certificate.as_ptr(), SSL_FILETYPE_PEM),
                SSL_CTX_use_PrivateKey_file(raw, key.as_ptr(), SSL_FILETYPE_PEM),
            ];
            assert_eq!(used, [1, 1], "the certificate and its key");
            Server(context)
        }
    })
}

pub struct TlsStream {
    session: NonNull<Session>,
    /// Closed after the session is gone.
    _stream: TcpStream,
}

impl TlsStream {
    pub fn accept(stream: TcpStream) -> Result<Self> {
        // SAFETY: the context is kept.
        let session = NonNull::new(unsafe { SSL_new(server().0.as_ptr()) });
        let accepted = Self {
            session: session.expect("memory for a session"),
            _stream: stream,
        };
        let raw = accepted.session.as_ptr();
        // SAFETY: the session is alive, and so is the descriptor.
        let outcome = unsafe {
            SSL_set_fd(raw, accepted._stream.as_raw_fd());
            SSL_accept(raw)
        };
        count(outcome).map(|_| accepted)
    }
}

fn count(outcome: c_int) -> Result<usize> {
    usize::try_from(outcome).map_err(|_| Error::other("the TLS connection is broken"))
}

impl Read for TlsStream {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        // SAFETY: the session is alive, and the buffer has that length.
        count(unsafe {
            SSL_read(
                self.session.as_ptr(),
                buffer.as_mut_ptr().cast(),
                buffer.len() as c_int,
            )
        })
    }
}

impl Write for TlsStream {
    fn write(&mut self, buffer: &[u8]) -> Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        // SAFETY: as above.
        count(unsafe {
            SSL_write(
                self.session.as_ptr(),
                buffer.as_ptr().cast(),
                buffer.len() as c_int,
            )
        })
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Drop for TlsStream {
    fn drop(&mut self) {
        // SAFETY: made by `accept`, and used no more.
        unsafe { SSL_free(self.session.as_ptr()) }
    }
}
