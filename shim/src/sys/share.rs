//! The share handle and its lock table.

use super::bindings::*;
use super::locks::{Figures, Locks, lock_callback, unlock_callback};
use std::ffi::c_int;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};

pub struct OwnedShare {
    /// `None` once libcurl has freed it.
    handle: Option<NonNull<CURLSH>>,
    /// Boxed so that it stays where libcurl was told.
    locks: Box<Locks>,
    /// Whether it has ever had connections.
    pooled: AtomicBool,
}

// SAFETY: libcurl locks what the handles of several threads share by the
// callbacks set in `new`; its own calls are made under the share's own lock.
unsafe impl Send for OwnedShare {}
// SAFETY: as above.
unsafe impl Sync for OwnedShare {}

impl OwnedShare {
    pub fn new() -> Option<Self> {
        // SAFETY: global initialisation is done before.
        let handle = NonNull::new(unsafe { curl_share_init() })?;
        let share = Self {
            handle: Some(handle),
            locks: Box::default(),
            pooled: AtomicBool::new(false),
        };
        let table = &raw const *share.locks;
        // SAFETY: functions of the types that these options take; the table
        // lives as long as the handle.
        let codes = unsafe {
            [
                curl_share_setopt(share.raw(), CURLSHOPT_LOCKFUNC, lock_callback as *const ()),
                curl_share_setopt(
                    share.raw(),
                    CURLSHOPT_UNLOCKFUNC,
                    unlock_callback as *const (),
                ),
                curl_share_setopt(share.raw(), CURLSHOPT_USERDATA, table),
            ]
        };
        codes
            .iter()
            .all(|code| *code == CURLSHE_OK)
            .then_some(share)
    }

    pub(super) fn raw(&self) -> *mut CURLSH {
        self.handle.map_or(std::ptr::null_mut(), NonNull::as_ptr)
    }

    pub fn setopt(&self, option: CURLSHoption, kind: c_int) -> CURLSHcode {
        if kind == CURL_LOCK_DATA_CONNECT as c_int {
            self.pooled.store(true, Ordering::Relaxed);
        }
        // SAFETY: SHARE and UNSHARE take an int; nothing else gets here.
        unsafe { curl_share_setopt(self.raw(), option, kind) }
    }

    pub fn figures(&self, kind: usize) -> Figures {
        self.locks.figures(kind)
    }

    /// Frees the share unless handles are attached, which is an error and
    /// changes nothing.
    pub fn clean_up(&mut self) -> CURLSHcode {
        // libcurl frees its pool of connections only if it still shares them.
        if self.pooled.load(Ordering::Relaxed) {
            let code = self.setopt(CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT as c_int);
            if code != CURLSHE_OK {
                return code;
            }
        }
        // SAFETY: null is refused by libcurl; a share in use is left as it was.
        let code = unsafe { curl_share_cleanup(self.raw()) };
        if code == CURLSHE_OK {
            self.handle = None;
        }
        code
    }
}

impl Drop for OwnedShare {
    fn drop(&mut self) {
        if self.handle.is_some() {
            let code = self.clean_up();
            debug_assert_eq!(code, CURLSHE_OK);
        }
    }
}
