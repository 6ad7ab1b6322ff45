//! Typed doors to the TLS sessions that libcurl keeps.

use super::bindings::*;
use super::easy::OwnedEasy;
use std::ffi::{CStr, c_char, c_int, c_uchar, c_void};
use std::{ptr, slice};

/// A session with a server, as libcurl packs it.
pub struct Session {
    /// Names the server and the settings it was made with, unless it came from
    /// elsewhere without.
    pub key: Option<Vec<u8>>,
    /// A salt and the key's hash with it.
    pub shmac: Vec<u8>,
    pub data: Vec<u8>,
    pub valid_until: i64,
    pub tls_version: c_int,
    pub alpn: Option<Vec<u8>>,
    pub earlydata_max: usize,
}

/// All that is in the cache, which is locked meanwhile.
pub fn export(easy: &OwnedEasy) -> Result<Vec<Session>, CURLcode> {
    let mut sessions: Vec<Session> = Vec::new();
    // SAFETY: `collect` is called during this call only, with `sessions`.
    let code = unsafe {
        curl_easy_ssls_export(
            easy.raw_for_sessions(),
            Some(collect),
            (&raw mut sessions).cast(),
        )
    };
    match code {
        CURLE_OK => Ok(sessions),
        code => Err(code),
    }
}

/// Adds one to the cache. Whatever `data` holds, libcurl checks it.
pub fn import(easy: &OwnedEasy, key: Option<&CStr>, shmac: &[u8], data: &[u8]) -> CURLcode {
    // SAFETY: a live handle, and bytes of these lengths that are only read.
    unsafe {
        curl_easy_ssls_import(
            easy.raw_for_sessions(),
            key.map_or(ptr::null(), CStr::as_ptr),
            shmac.as_ptr(),
            shmac.len(),
            data.as_ptr(),
            data.len(),
        )
    }
}

/// # Safety
/// For `curl_easy_ssls_export`, with its caller's list.
unsafe extern "C" fn collect(
    _: *mut CURL,
    sessions: *mut c_void,
    key: *const c_char,
    shmac: *const c_uchar,
    shmac_length: usize,
    data: *const c_uchar,
    data_length: usize,
    valid_until: curl_off_t,
    tls_version: c_int,
    alpn: *const c_char,
    earlydata_max: usize,
) -> CURLcode {
    // SAFETY: the caller's list, which only this function touches meanwhile;
    // libcurl's strings are terminated or null, and its bytes as long as it says.
    unsafe {
        let sessions = &mut *sessions.cast::<Vec<Session>>();
        sessions.push(Session {
            key: text(key),
            shmac: slice::from_raw_parts(shmac, shmac_length).to_vec(),
            data: slice::from_raw_parts(data, data_length).to_vec(),
            valid_until,
            tls_version,
            alpn: text(alpn),
            earlydata_max,
        });
    }
    CURLE_OK
}

/// # Safety
/// `pointer` is null or a terminated string.
unsafe fn text(pointer: *const c_char) -> Option<Vec<u8>> {
    // SAFETY: the caller vouches.
    (!pointer.is_null()).then(|| unsafe { CStr::from_ptr(pointer) }.to_bytes().to_vec())
}
