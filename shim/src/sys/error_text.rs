//! What libcurl says of a failure. Most handles never fail, so build/patches.rs has
//! it ask for room then.

use super::bindings::*;
use std::cell::UnsafeCell;
use std::ffi::{CStr, c_char};

/// One handle's: it stays where it is as long as libcurl knows of it.
#[derive(Default)]
pub struct ErrorText(UnsafeCell<Place>);

#[derive(Default)]
#[repr(C)]
struct Place {
    /// libcurl takes this for the text's first byte, and writes 0 where there is
    /// none any more.
    exists: u8,
    text: Option<Box<[u8; CURL_ERROR_SIZE]>>,
}

impl ErrorText {
    /// For CURLOPT_ERRORBUFFER.
    pub fn as_ptr(&self) -> *mut c_char {
        self.0.get().cast()
    }

    /// # Safety
    /// No call on the handle is under way.
    pub unsafe fn read(&self) -> String {
        // SAFETY: the caller vouches that libcurl does not write meanwhile.
        let place = unsafe { &*self.0.get() };
        let text = place.text.as_ref().filter(|_| place.exists != 0);
        let text = text.and_then(|text| CStr::from_bytes_until_nul(&text[..]).ok());
        text.unwrap_or_default().to_string_lossy().into_owned()
    }

    /// # Safety
    /// As for `read`.
    pub unsafe fn clear(&self) {
        // SAFETY: as there.
        unsafe { *self.0.get() = Place::default() }
    }
}

/// Where a text of CURL_ERROR_SIZE bytes at most is to be put.
#[unsafe(no_mangle)]
unsafe extern "C" fn denocurl_error(place: *mut c_char) -> *mut c_char {
    // SAFETY: what `as_ptr` gave, of a live handle, which the claim keeps to this
    // thread.
    let place = unsafe { &mut *place.cast::<Place>() };
    place.exists = 1;
    let text = place
        .text
        .get_or_insert_with(|| Box::new([0; CURL_ERROR_SIZE]));
    text.as_mut_ptr().cast()
}
