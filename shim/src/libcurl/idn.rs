//! Converts international host names for libcurl with the `idna` crate.

use std::borrow::Cow;
use std::ffi::{CStr, CString, c_char, c_int, c_void};

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

const OK: c_int = 0;
/// libcurl makes CURLE_URL_MALFORMAT of every code but the two it knows.
const FAILED: c_int = -1;

/// The version in native/include/idn2.h, which libcurl asks for and prints.
#[unsafe(no_mangle)]
extern "C" fn denocurl_idn2_check_version(_wanted: *const c_char) -> *const c_char {
    c"2.3.8".as_ptr()
}

/// Unlike libidn2, which reads the locale, this takes every name as UTF-8: a
/// program that never calls setlocale() would otherwise lose all such names.
#[unsafe(no_mangle)]
unsafe extern "C" fn denocurl_idn2_lookup_ul(
    name: *const c_char,
    ascii: *mut *mut c_char,
    _flags: c_int,
) -> c_int {
    // SAFETY: libcurl passes a terminated name and room for the answer.
    unsafe { convert(name, ascii, to_ascii) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn denocurl_idn2_to_unicode_8z8z(
    name: *const c_char,
    unicode: *mut *mut c_char,
    _flags: c_int,
) -> c_int {
    // SAFETY: as above.
    unsafe { convert(name, unicode, to_unicode) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn denocurl_idn2_free(text: *mut c_void) {
    if !text.is_null() {
        // SAFETY: only `convert` hands out such pointers, each once.
        drop(unsafe { CString::from_raw(text.cast()) });
    }
}

unsafe fn convert(
    name: *const c_char,
    answer: *mut *mut c_char,
    with: fn(&[u8]) -> Option<String>,
) -> c_int {
    // SAFETY: the caller vouches for the terminator.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes();
    let Some(text) = with(name).and_then(|text| CString::new(text).ok()) else {
        return FAILED;
    };
    // SAFETY: the caller vouches for the room.
    unsafe { *answer = text.into_raw() };
    OK
}

fn to_ascii(name: &[u8]) -> Option<String> {
    // A name must not turn into one that holds "/", "@" or the like.
    // Hyphens and lengths are checked as libidn2 does.
    Uts46::new()
        .to_ascii(
            name,
            AsciiDenyList::URL,
            Hyphens::Check,
            DnsLength::VerifyAllowRootDot,
        )
        .ok()
        .map(Cow::into_owned)
}

fn to_unicode(name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    let (unicode, result) = idna::domain_to_unicode(name);
    result.is_ok().then_some(unicode)
}
