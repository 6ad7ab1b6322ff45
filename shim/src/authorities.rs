//! Where the system keeps the certificates of its authorities.

use std::env;
use std::ffi::{CStr, CString};
use std::path::Path;
use std::sync::OnceLock;

/// The places that the TLS library looks at by itself. A folder of single
/// certificates beats a bundle, of which each new connection parses all.
#[cfg(not(windows))]
const BUILT_IN: [&str; 2] = ["/etc/ssl/certs", "/etc/ssl/cert.pem"];

/// The bundle to name where none of those places exists.
pub fn bundle() -> Option<&'static CStr> {
    static BUNDLE: OnceLock<Option<CString>> = OnceLock::new();
    BUNDLE.get_or_init(find).as_deref()
}

/// libcurl takes the system's own there, unless it is told of others, and has
/// the TLS library look nowhere else: its places are for everybody to write to.
#[cfg(windows)]
fn find() -> Option<CString> {
    let named = env::var("SSL_CERT_FILE").ok()?;
    Path::new(&named)
        .exists()
        .then(|| CString::new(named).ok())?
}

#[cfg(not(windows))]
fn find() -> Option<CString> {
    let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
        .iter()
        .any(|name| env::var_os(name).is_some());
    if named || BUILT_IN.iter().any(|path| Path::new(path).exists()) {
        return None;
    }
    let file = openssl_probe::probe().cert_file?;
    CString::new(file.into_os_string().into_encoded_bytes()).ok()
}
