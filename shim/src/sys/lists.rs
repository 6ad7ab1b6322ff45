//! Memory that libcurl reads while an option points to it.

use super::bindings::{curl_slist, curl_slist_append, curl_slist_free_all};
use std::ffi::CStr;
use std::ptr;

/// A list of strings that libcurl's options refer to without copying it.
pub struct Slist(*mut curl_slist);

// SAFETY: plain memory from malloc, tied to no thread.
unsafe impl Send for Slist {}
// SAFETY: nobody changes a list once it is made: libcurl only reads it.
unsafe impl Sync for Slist {}

impl Slist {
    pub fn new<'a>(items: impl IntoIterator<Item = &'a CStr>) -> Option<Self> {
        let mut list = Self(ptr::null_mut());
        for item in items {
            // SAFETY: the list is null or made by earlier calls; the item is
            // copied.
            let longer = unsafe { curl_slist_append(list.0, item.as_ptr()) };
            if longer.is_null() {
                return None;
            }
            list.0 = longer;
        }
        Some(list)
    }

    pub(super) fn as_ptr(&self) -> *mut curl_slist {
        self.0
    }

    /// For libcurl's callbacks that take the list over.
    pub(super) fn into_raw(self) -> *mut curl_slist {
        let list = self.0;
        std::mem::forget(self);
        list
    }

    /// Reads a list that libcurl made and that the caller has to free.
    ///
    /// # Safety
    /// `list` is null or such a list, and not used afterwards.
    pub(super) unsafe fn from_raw(list: *mut curl_slist) -> Self {
        Self(list)
    }

    pub fn items(&self) -> Vec<&[u8]> {
        // SAFETY: `self` keeps the list alive while its items are borrowed.
        unsafe { items(self.0) }
    }
}

/// # Safety
/// `list` is null or a list that outlives `'a`.
pub(super) unsafe fn items<'a>(list: *const curl_slist) -> Vec<&'a [u8]> {
    let mut found = Vec::new();
    let mut node = list;
    while !node.is_null() {
        // SAFETY: a node of a live list, whose data is a terminated string.
        unsafe {
            found.push(CStr::from_ptr((*node).data).to_bytes());
            node = (*node).next;
        }
    }
    found
}

impl Drop for Slist {
    fn drop(&mut self) {
        // SAFETY: owned, and no option refers to it any more: whoever drops
        // it has replaced it first.
        unsafe { curl_slist_free_all(self.0) }
    }
}
