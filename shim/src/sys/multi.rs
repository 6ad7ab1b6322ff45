//! The multi handle: many transfers, turned by whoever has something ready.

use super::bindings::*;
use super::easy::OwnedEasy;
use super::poller::{Poller, Ready};
use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::Duration;

unsafe extern "C" {
    /// Added by build/patches.rs.
    fn denocurl_ready(multi: *mut CURLM, socket: curl_socket_t);
    fn denocurl_act(multi: *mut CURLM, running: *mut c_int) -> CURLMcode;
}

/// Stays on the thread that made it.
pub struct OwnedMulti {
    handle: NonNull<CURLM>,
    /// Kept where libcurl was told; its callbacks only read it.
    poller: Arc<Poller>,
}

impl OwnedMulti {
    pub fn new(poller: Arc<Poller>) -> Option<Self> {
        // SAFETY: global initialisation is done before.
        let handle = NonNull::new(unsafe { curl_multi_init() })?;
        let multi = Self { handle, poller };
        let data = Arc::as_ptr(&multi.poller);
        // SAFETY: a function of the type that this option takes; the poller lives
        // as long as the handle.
        let codes = unsafe {
            [
                curl_multi_setopt(multi.raw(), CURLMOPT_SOCKETFUNCTION, watch as *const ()),
                curl_multi_setopt(multi.raw(), CURLMOPT_SOCKETDATA, data),
            ]
        };
        codes.iter().all(|code| *code == CURLM_OK).then_some(multi)
    }

    fn raw(&self) -> *mut CURLM {
        self.handle.as_ptr()
    }

    /// `next_done` tells the number when the transfer is over.
    pub fn add(&self, easy: &OwnedEasy, id: u64) -> CURLMcode {
        if easy.set_private(id) != CURLE_OK {
            return CURLM_INTERNAL_ERROR;
        }
        // SAFETY: a live handle, which the claim keeps to this thread.
        unsafe { curl_multi_add_handle(self.raw(), easy.raw_for_multi()) }
    }

    pub fn remove(&self, easy: &OwnedEasy) -> CURLMcode {
        // SAFETY: as above; libcurl refuses one that was not added.
        unsafe { curl_multi_remove_handle(self.raw(), easy.raw_for_multi()) }
    }

    /// `act` is to go on with its transfers.
    pub fn mark_ready(&self, ready: Ready) {
        // SAFETY: a live handle; any number may be a socket's.
        unsafe { denocurl_ready(self.raw(), ready.socket) }
    }

    /// Goes on with all that are ready, were added, or are due.
    pub fn act(&self) -> CURLMcode {
        let mut running = 0;
        // SAFETY: not called inside a callback of this handle.
        unsafe { denocurl_act(self.raw(), &raw mut running) }
    }

    /// After so long `act` has something to do, whatever comes.
    pub fn due(&self) -> Option<Duration> {
        let mut milliseconds = -1;
        // SAFETY: a live handle, and a place for the answer.
        let code = unsafe { curl_multi_timeout(self.raw(), &raw mut milliseconds) };
        debug_assert_eq!(code, CURLM_OK);
        u64::try_from(milliseconds).ok().map(Duration::from_millis)
    }

    /// Every transfer has its progress told, though nothing may have come.
    pub fn look_at_all(&self) -> CURLMcode {
        let mut running = 0;
        // SAFETY: not called inside a callback of this handle.
        unsafe { curl_multi_socket_all(self.raw(), &raw mut running) }
    }

    /// A transfer that is over, by its number, and its result.
    pub fn next_done(&self) -> Option<(u64, CURLcode)> {
        let mut left = 0;
        // SAFETY: the message lives until the next call, or until its handle is
        // removed; it is read before.
        unsafe {
            let message = curl_multi_info_read(self.raw(), &raw mut left).as_ref()?;
            let mut id: *mut c_void = ptr::null_mut();
            let code = curl_easy_getinfo(message.easy_handle, CURLINFO_PRIVATE, &raw mut id);
            debug_assert_eq!(code, CURLE_OK);
            Some((id as usize as u64, message.data.result))
        }
    }
}

impl Drop for OwnedMulti {
    fn drop(&mut self) {
        // SAFETY: all handles were removed, and nobody else knows this one.
        let code = unsafe { curl_multi_cleanup(self.raw()) };
        debug_assert_eq!(code, CURLM_OK);
        // Of what wakes it, which is no connection's, libcurl says nothing.
        #[cfg(target_os = "linux")]
        super::epoll::denocurl_closing();
    }
}

unsafe extern "C" fn watch(
    _easy: *mut CURL,
    socket: curl_socket_t,
    what: c_int,
    poller: *mut c_void,
    _data: *mut c_void,
) -> c_int {
    // SAFETY: the handle's owner keeps the poller.
    let poller = unsafe { &*poller.cast::<Poller>() };
    let watched = catch_unwind(AssertUnwindSafe(|| {
        if what == CURL_POLL_REMOVE {
            poller.forget(socket);
            return true;
        }
        poller.watch(socket, what).is_ok()
    }));
    if watched.unwrap_or(false) { 0 } else { -1 }
}

const _: curl_socket_callback = Some(watch);
