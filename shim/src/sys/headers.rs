//! Typed doors to libcurl's header API.

use super::bindings::*;
use super::easy::OwnedEasy;
use std::ffi::{CStr, c_int};
use std::ptr;

/// A header that the handle keeps; it holds until the next call on the handle.
pub struct Header<'a> {
    pub name: &'a [u8],
    pub value: &'a [u8],
    /// How many have this name.
    pub amount: usize,
    /// Which of them this is.
    pub index: usize,
    pub origin: u32,
}

/// libcurl sets a further bit, so that nobody compares the number as a whole.
const ORIGINS: u32 = CURLH_HEADER | CURLH_TRAILER | CURLH_CONNECT | CURLH_1XX | CURLH_PSEUDO;

impl Header<'_> {
    /// # Safety
    /// `found` was just given by libcurl, and no call on its handle follows
    /// during `'a`.
    unsafe fn read(found: *const curl_header) -> Self {
        // SAFETY: the caller vouches; both strings are terminated.
        unsafe {
            let header = &*found;
            Header {
                name: CStr::from_ptr(header.name).to_bytes(),
                value: CStr::from_ptr(header.value).to_bytes(),
                amount: header.amount,
                index: header.index,
                origin: header.origin & ORIGINS,
            }
        }
    }
}

/// One header, read before anything else is done with the handle.
pub fn one<R>(
    easy: &OwnedEasy,
    name: &CStr,
    index: usize,
    origin: u32,
    request: c_int,
    read: impl FnOnce(Header<'_>) -> R,
) -> Result<R, CURLHcode> {
    let mut found = ptr::null_mut();
    // SAFETY: a live handle, and a terminated name that is only read.
    let code = unsafe {
        curl_easy_header(
            easy.raw_for_headers(),
            name.as_ptr(),
            index,
            origin,
            request,
            &raw mut found,
        )
    };
    if code != CURLHE_OK {
        return Err(code);
    }
    // SAFETY: libcurl has found it, and `read` has no way to the handle.
    Ok(read(unsafe { Header::read(found) }))
}

/// Each header of a request, in the order in which they came.
pub fn each(easy: &OwnedEasy, origin: u32, request: c_int, mut read: impl FnMut(Header<'_>)) {
    let mut found = ptr::null_mut();
    loop {
        // SAFETY: a live handle; `found` is null or what the last call gave,
        // and the list is the same, as nothing else was called.
        found = unsafe { curl_easy_nextheader(easy.raw_for_headers(), origin, request, found) };
        if found.is_null() {
            return;
        }
        // SAFETY: as in `one`.
        read(unsafe { Header::read(found) });
    }
}
