//! The URL handle.

use super::bindings::*;
use std::ffi::{CStr, c_char};
use std::ptr::{self, NonNull};

pub struct OwnedUrl(NonNull<CURLU>);

// SAFETY: plain memory from malloc, tied to no thread.
unsafe impl Send for OwnedUrl {}
// SAFETY: through a shared reference it is only read; `set` takes the only one.
unsafe impl Sync for OwnedUrl {}

impl OwnedUrl {
    pub fn new() -> Option<Self> {
        // SAFETY: it takes nothing, and the caller frees what it gives.
        NonNull::new(unsafe { curl_url() }).map(Self)
    }

    pub fn duplicate(&self) -> Option<Self> {
        // SAFETY: a live handle, which is only read.
        NonNull::new(unsafe { curl_url_dup(self.raw()) }).map(Self)
    }

    pub(super) fn raw(&self) -> *mut CURLU {
        self.0.as_ptr()
    }

    pub fn get(&self, part: CURLUPart, flags: u32) -> Result<Vec<u8>, CURLUcode> {
        let mut text: *mut c_char = ptr::null_mut();
        // SAFETY: a live handle, which is only read; libcurl knows which
        // numbers are parts.
        let code = unsafe { curl_url_get(self.raw(), part, &raw mut text, flags) };
        if code != CURLUE_OK || text.is_null() {
            return Err(code);
        }
        // SAFETY: a terminated string, which is the caller's to free.
        unsafe {
            let bytes = CStr::from_ptr(text).to_bytes().to_vec();
            curl_free(text.cast());
            Ok(bytes)
        }
    }

    /// `None` takes the part away. A value that is refused changes nothing.
    pub fn set(&mut self, part: CURLUPart, value: Option<&CStr>, flags: u32) -> CURLUcode {
        let text = value.map_or(ptr::null(), CStr::as_ptr);
        // SAFETY: a live handle that nobody else refers to; the text is
        // terminated, and copied.
        unsafe { curl_url_set(self.raw(), part, text, flags) }
    }
}

impl Drop for OwnedUrl {
    fn drop(&mut self) {
        // SAFETY: owned, and no option points to it any more: whoever drops it
        // has replaced it first.
        unsafe { curl_url_cleanup(self.raw()) }
    }
}
