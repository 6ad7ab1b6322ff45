//! Answers libcurl's public suffix questions from the list in the `psl` crate.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::net::IpAddr;
use std::ptr;

/// The libpsl release whose behaviour is followed.
const VERSION: &CStr = c"0.21.5";

/// libcurl only passes the list back; any address that is not null will do.
static LIST: u8 = 0;

#[unsafe(no_mangle)]
extern "C" fn denocurl_psl_builtin() -> *const c_void {
    (&raw const LIST).cast()
}

/// Null makes libcurl fall back on the built-in list.
#[unsafe(no_mangle)]
extern "C" fn denocurl_psl_latest(_file: *const c_char) -> *mut c_void {
    ptr::null_mut()
}

#[unsafe(no_mangle)]
extern "C" fn denocurl_psl_free(_list: *mut c_void) {}

#[unsafe(no_mangle)]
extern "C" fn denocurl_psl_get_version() -> *const c_char {
    VERSION.as_ptr()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn denocurl_psl_is_public_suffix(
    _list: *const c_void,
    domain: *const c_char,
) -> c_int {
    // SAFETY: libcurl passes null or a terminated string.
    let domain = unsafe { bytes(domain) };
    domain.is_none_or(is_public_suffix).into()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn denocurl_psl_is_cookie_domain_acceptable(
    _list: *const c_void,
    host: *const c_char,
    cookie_domain: *const c_char,
) -> c_int {
    // SAFETY: libcurl passes null or terminated strings.
    let pair = unsafe { bytes(host).zip(bytes(cookie_domain)) };
    pair.is_some_and(|(host, domain)| is_cookie_domain_acceptable(host, domain))
        .into()
}

unsafe fn bytes<'a>(text: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: not null, and the caller vouches for the terminator.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_bytes())
}

fn is_public_suffix(domain: &[u8]) -> bool {
    psl::suffix(domain).is_some_and(|suffix| suffix == domain)
}

/// A host may set cookies for itself and for the domains above it, down to but
/// not including its public suffix.
fn is_cookie_domain_acceptable(host: &[u8], domain: &[u8]) -> bool {
    let domain = domain.strip_prefix(b".").unwrap_or(domain);
    if host == domain {
        return true;
    }
    if is_address(host) {
        return false;
    }
    let below = host
        .strip_suffix(domain)
        .is_some_and(|rest| rest.ends_with(b"."));
    let suffix = psl::suffix(host).map_or(0, |suffix| suffix.as_bytes().len());
    below && domain.len() > suffix
}

fn is_address(host: &[u8]) -> bool {
    std::str::from_utf8(host).is_ok_and(|host| host.parse::<IpAddr>().is_ok())
}
