//! libcurl's words for its codes and for itself.

use super::bindings;
use std::ffi::{CStr, c_char};

fn text(answer: *const c_char) -> String {
    if answer.is_null() {
        return String::new();
    }
    // SAFETY: libcurl answers with static, terminated strings.
    unsafe { CStr::from_ptr(answer) }
        .to_string_lossy()
        .into_owned()
}

pub fn easy(code: u32) -> String {
    // SAFETY: any number is allowed; unknown ones get a text that says so.
    text(unsafe { bindings::curl_easy_strerror(code) })
}

pub fn share(code: u32) -> String {
    // SAFETY: as above.
    text(unsafe { bindings::curl_share_strerror(code) })
}

pub fn multi(code: i32) -> String {
    // SAFETY: as above.
    text(unsafe { bindings::curl_multi_strerror(code) })
}

pub fn url(code: u32) -> String {
    // SAFETY: as above.
    text(unsafe { bindings::curl_url_strerror(code) })
}

pub fn version() -> String {
    // SAFETY: libcurl was set up, and the answer is a static buffer that is
    // written once.
    text(unsafe { bindings::curl_version() })
}
