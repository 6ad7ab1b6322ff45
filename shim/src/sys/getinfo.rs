//! Typed doors to curl_easy_getinfo.

use super::bindings::*;
use super::easy::OwnedEasy;
use super::lists::{self, Slist};
use super::socket::number;
use std::ffi::{CStr, c_char, c_double, c_long};
use std::ptr;

type Answer<T> = Result<T, CURLcode>;

fn checked<T>(code: CURLcode, value: T) -> Answer<T> {
    if code == CURLE_OK {
        Ok(value)
    } else {
        Err(code)
    }
}

pub fn long(easy: &OwnedEasy, info: CURLINFO) -> Answer<c_long> {
    let mut value: c_long = 0;
    // SAFETY: kinds.rs names this info as a long.
    let code = unsafe { curl_easy_getinfo(easy.raw_for_info(), info, &raw mut value) };
    checked(code, value)
}

pub fn off_t(easy: &OwnedEasy, info: CURLINFO) -> Answer<curl_off_t> {
    let mut value: curl_off_t = 0;
    // SAFETY: kinds.rs names this info as a curl_off_t.
    let code = unsafe { curl_easy_getinfo(easy.raw_for_info(), info, &raw mut value) };
    checked(code, value)
}

pub fn double(easy: &OwnedEasy, info: CURLINFO) -> Answer<c_double> {
    let mut value: c_double = 0.0;
    // SAFETY: kinds.rs names this info as a double.
    let code = unsafe { curl_easy_getinfo(easy.raw_for_info(), info, &raw mut value) };
    checked(code, value)
}

/// Its number.
pub fn socket(easy: &OwnedEasy, info: CURLINFO) -> Answer<i32> {
    let mut value: curl_socket_t = CURL_SOCKET_BAD;
    // SAFETY: kinds.rs names this info as a socket.
    let code = unsafe { curl_easy_getinfo(easy.raw_for_info(), info, &raw mut value) };
    checked(code, number(value))
}

/// Copied at once: libcurl keeps the string only until its next call.
pub fn string(easy: &OwnedEasy, info: CURLINFO) -> Answer<Option<Vec<u8>>> {
    let mut value: *const c_char = ptr::null();
    // SAFETY: kinds.rs names this info as a string.
    let code = unsafe { curl_easy_getinfo(easy.raw_for_info(), info, &raw mut value) };
    checked(code, ())?;
    // SAFETY: null or terminated, and alive until the next call on the handle.
    Ok((!value.is_null()).then(|| unsafe { CStr::from_ptr(value) }.to_bytes().to_vec()))
}

/// A list that libcurl makes for the caller.
pub fn list(easy: &OwnedEasy, info: CURLINFO) -> Answer<Slist> {
    let mut value: *mut curl_slist = ptr::null_mut();
    // SAFETY: kinds.rs names this info as a list; the caller frees it.
    let code = unsafe { curl_easy_getinfo(easy.raw_for_info(), info, &raw mut value) };
    // SAFETY: null, or a list that nobody else frees.
    checked(code, unsafe { Slist::from_raw(value) })
}

/// The lines of each certificate of the peer's chain, `name:value`.
pub fn certificates(easy: &OwnedEasy) -> Answer<Vec<Vec<Vec<u8>>>> {
    let mut value: *const curl_certinfo = ptr::null();
    // SAFETY: this info answers with a pointer to the handle's own table.
    let code = unsafe { curl_easy_getinfo(easy.raw_for_info(), CURLINFO_CERTINFO, &raw mut value) };
    checked(code, ())?;
    if value.is_null() {
        return Ok(Vec::new());
    }
    // SAFETY: the table holds `num_of_certs` lists, alive until the next call.
    unsafe {
        let table = &*value;
        Ok((0..table.num_of_certs as usize)
            .map(|index| {
                lists::items(*table.certinfo.add(index))
                    .into_iter()
                    .map(<[u8]>::to_vec)
                    .collect()
            })
            .collect())
    }
}
