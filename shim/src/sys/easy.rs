//! The easy handle and the typed doors to its variadic calls.

use super::bindings::*;
use super::error_text::ErrorText;
use super::lists::Slist;
use super::mime::MimeRoot;
use super::share::OwnedShare;
use super::trampolines::{self, Slot};
use super::url::OwnedUrl;
#[cfg(unix)]
use crate::libcurl::poll;
use std::ffi::{CStr, c_long, c_void};
use std::ptr::{self, NonNull};
use std::sync::Arc;

pub struct OwnedEasy {
    handle: NonNull<CURL>,
    /// libcurl writes here: it stays where it is, as nobody has one that is not
    /// in an `Arc`.
    error: ErrorText,
}

// SAFETY: libcurl ties no thread to an easy handle, and the claim in front of it
// lets one thread in at a time.
unsafe impl Send for OwnedEasy {}
// SAFETY: as above: a shared reference is used under the claim, or by the thread
// that made it `Running`.
unsafe impl Sync for OwnedEasy {}

impl OwnedEasy {
    pub fn new() -> Option<Arc<Self>> {
        // SAFETY: global initialisation is done before any handle is made.
        Self::own(unsafe { curl_easy_init() })
    }

    fn own(handle: *mut CURL) -> Option<Arc<Self>> {
        let easy = Arc::new(Self {
            handle: NonNull::new(handle)?,
            error: ErrorText::default(),
        });
        easy.point_to_error().then_some(easy)
    }

    fn raw(&self) -> *mut CURL {
        self.handle.as_ptr()
    }

    fn point_to_error(&self) -> bool {
        let place = self.error.as_ptr();
        // SAFETY: it lives as long as the handle, and libcurl asks it for room.
        unsafe { curl_easy_setopt(self.raw(), CURLOPT_ERRORBUFFER, place) == CURLE_OK }
    }

    /// The detailed text of the last failure, or nothing.
    pub fn error_text(&self) -> String {
        // SAFETY: libcurl writes only during calls on this handle, none of
        // which is under way.
        unsafe { self.error.read() }
    }

    pub fn clear_error(&self) {
        // SAFETY: as in `error_text`.
        unsafe { self.error.clear() }
    }

    pub fn set_long(&self, option: CURLoption, value: c_long) -> CURLcode {
        debug_assert!(option < 10_000);
        // SAFETY: options below 10000 take a long.
        unsafe { curl_easy_setopt(self.raw(), option, value) }
    }

    pub fn set_off_t(&self, option: CURLoption, value: curl_off_t) -> CURLcode {
        debug_assert!((30_000..40_000).contains(&option));
        // SAFETY: options of this range take a curl_off_t.
        unsafe { curl_easy_setopt(self.raw(), option, value) }
    }

    /// For options whose string libcurl copies. `None` takes it back.
    pub fn set_string(&self, option: CURLoption, value: Option<&CStr>) -> CURLcode {
        debug_assert!((10_000..20_000).contains(&option));
        let pointer = value.map_or(ptr::null(), CStr::as_ptr);
        // SAFETY: kinds.rs names this option as one that takes a string, which
        // is terminated and copied during the call.
        unsafe { curl_easy_setopt(self.raw(), option, pointer) }
    }

    /// For the body to post, which libcurl does not copy: the caller keeps it.
    pub fn set_post_fields(&self, value: Option<&[u8]>) -> CURLcode {
        let length = value.map_or(-1, |bytes| bytes.len() as curl_off_t);
        let code = self.set_off_t(CURLOPT_POSTFIELDSIZE_LARGE, length);
        if code != CURLE_OK {
            return code;
        }
        let pointer = value.map_or(ptr::null(), |bytes| bytes.as_ptr());
        // SAFETY: exactly `length` bytes are read; the handle's owner keeps
        // them until the option changes or the handle is gone.
        unsafe { curl_easy_setopt(self.raw(), CURLOPT_POSTFIELDS, pointer) }
    }

    /// The caller keeps the list until the option changes.
    pub fn set_list(&self, option: CURLoption, list: Option<&Slist>) -> CURLcode {
        let pointer = list.map_or(ptr::null_mut(), Slist::as_ptr);
        // SAFETY: kinds.rs names this option as one that takes a list.
        unsafe { curl_easy_setopt(self.raw(), option, pointer) }
    }

    pub fn set_blob(&self, option: CURLoption, bytes: Option<&[u8]>) -> CURLcode {
        debug_assert!(option >= 40_000);
        let blob = bytes.map(|bytes| curl_blob {
            data: bytes.as_ptr().cast_mut().cast(),
            len: bytes.len(),
            flags: CURL_BLOB_COPY as _,
        });
        let pointer = blob
            .as_ref()
            .map_or(ptr::null(), |blob| blob as *const curl_blob);
        // SAFETY: options from 40000 on take a blob, whose bytes are copied.
        unsafe { curl_easy_setopt(self.raw(), option, pointer) }
    }

    /// Points a callback option to its trampoline, or back to libcurl's own
    /// behaviour. `id` is what the trampoline is told; no pointer.
    pub fn set_callback(&self, slot: Slot, id: Option<u64>) -> CURLcode {
        let function = trampolines::function(slot, id.is_some());
        // SAFETY: the table pairs each option with a function of its type.
        let code = unsafe { curl_easy_setopt(self.raw(), slot.function_option(), function) };
        if code != CURLE_OK || (id.is_none() && slot.shares_data()) {
            return code;
        }
        let data = id.map_or(ptr::null_mut(), |id| id as usize as *mut c_void);
        // SAFETY: the data is a number that only our trampolines read.
        unsafe { curl_easy_setopt(self.raw(), slot.data_option(), data) }
    }

    /// libcurl forgets URL with it. The caller keeps it until the option changes.
    pub fn set_url(&self, url: Option<&OwnedUrl>) -> CURLcode {
        let pointer = url.map_or(ptr::null_mut(), OwnedUrl::raw);
        // SAFETY: this option takes a URL handle, which libcurl only reads.
        unsafe { curl_easy_setopt(self.raw(), CURLOPT_CURLU, pointer) }
    }

    pub fn set_share(&self, share: Option<&OwnedShare>) -> CURLcode {
        let pointer = share.map_or(ptr::null_mut(), OwnedShare::raw);
        // SAFETY: the share outlives its attached handles: each keeps a
        // reference, and close detaches all before it cleans up.
        unsafe { curl_easy_setopt(self.raw(), CURLOPT_SHARE, pointer) }
    }

    /// What is to be sent, or nothing. It may ask JavaScript to rewind what is in
    /// it.
    pub fn set_mime(&self, mime: Option<MimeRoot>) -> CURLcode {
        let pointer = mime.map_or(ptr::null_mut(), |mime| mime.0);
        // SAFETY: null, or a tree that is live as long as this handle's claim
        // is held; libcurl is told before it is freed.
        unsafe { curl_easy_setopt(self.raw(), CURLOPT_MIMEPOST, pointer) }
    }

    pub fn perform(&self) -> CURLcode {
        // On Windows libcurl waits for events of its own.
        #[cfg(unix)]
        poll::begin();
        // SAFETY: a live handle, that the claim keeps to this thread.
        unsafe { curl_easy_perform(self.raw()) }
    }

    pub fn pause(&self, mask: i32) -> CURLcode {
        // SAFETY: as in `perform`.
        unsafe { curl_easy_pause(self.raw(), mask) }
    }

    /// Keeps the idle connections alive that this handle could use.
    pub fn upkeep(&self) -> CURLcode {
        // SAFETY: as in `perform`.
        unsafe { curl_easy_upkeep(self.raw()) }
    }

    /// Options go back to libcurl's defaults; connections, caches, cookies and
    /// the share stay.
    pub fn reset(&self) -> bool {
        // libcurl's reset forgets to forget this list, which the caller frees.
        if self.set_list(CURLOPT_RESOLVE, None) != CURLE_OK {
            return false;
        }
        // SAFETY: idle, as reset inside a callback is refused before.
        unsafe { curl_easy_reset(self.raw()) };
        self.point_to_error()
    }

    /// The copy has its own text of an error; its lists and its body to post are this
    /// handle's, so the caller keeps them for both, and its callbacks are still
    /// told this handle's number.
    pub fn duplicate(&self) -> Option<Arc<Self>> {
        // SAFETY: libcurl allows this in callbacks, too.
        Self::own(unsafe { curl_easy_duphandle(self.raw()) })
    }

    /// A multi handle tells this number.
    pub(super) fn set_private(&self, id: u64) -> CURLcode {
        // SAFETY: a number, which is only read as such.
        unsafe { curl_easy_setopt(self.raw(), CURLOPT_PRIVATE, id as usize as *mut c_void) }
    }

    pub(super) fn raw_for_multi(&self) -> *mut CURL {
        self.raw()
    }

    pub(super) fn raw_for_headers(&self) -> *mut CURL {
        self.raw()
    }

    pub(super) fn raw_for_sessions(&self) -> *mut CURL {
        self.raw()
    }

    pub(super) fn raw_for_mime(&self) -> *mut CURL {
        self.raw()
    }

    pub(super) fn raw_for_connection(&self) -> *mut CURL {
        self.raw()
    }

    pub(super) fn raw_for_info(&self) -> *mut CURL {
        self.raw()
    }
}

impl Drop for OwnedEasy {
    fn drop(&mut self) {
        // SAFETY: the last owner lets go, so no other call can be under way.
        unsafe { curl_easy_cleanup(self.raw()) }
    }
}
