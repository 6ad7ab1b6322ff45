//! A program's own multi handle: an engine's, of which nobody turns the poller.

use super::bindings::*;
use super::easy::OwnedEasy;
use super::multi::OwnedMulti;
use super::poller::Poller;
use crate::sync::Arc;
use real::cell::Cell;
use real::ffi::{CStr, c_int, c_long, c_uint};

pub struct OwnedStack {
    multi: OwnedMulti,
    unfinished: Cell<i32>,
}

// SAFETY: loom's threads take turns on one thread of the system; what must not
// meet is told by the cell of the multi handle.
unsafe impl Send for OwnedStack {}
// SAFETY: as above.
unsafe impl Sync for OwnedStack {}

pub struct Done {
    pub id: u64,
    pub code: CURLcode,
    pub left: i32,
}

#[derive(Clone, Copy)]
pub struct Watched;

impl OwnedStack {
    pub fn new() -> Option<Self> {
        let poller = Arc::new(Poller::new().ok()?);
        Some(Self {
            multi: OwnedMulti::new(poller)?,
            unfinished: Cell::new(0),
        })
    }

    pub fn add(&self, easy: &OwnedEasy, id: u64) -> CURLMcode {
        self.unfinished.set(self.unfinished.get() + 1);
        self.multi.add(easy, id)
    }

    pub fn remove(&self, easy: &OwnedEasy) -> CURLMcode {
        self.multi.remove(easy)
    }

    pub fn perform(&self) -> (CURLMcode, c_int) {
        self.unfinished.set(0);
        (self.multi.act(), 0)
    }

    pub fn socket_action(&self, _: curl_socket_t, _: c_int) -> (CURLMcode, c_int) {
        self.perform()
    }

    pub fn next_done(&self) -> Option<Done> {
        let (id, code) = self.multi.next_done()?;
        Some(Done { id, code, left: 0 })
    }

    pub fn set_long(&self, _: CURLMoption, _: c_long) -> CURLMcode {
        CURLM_OK
    }

    pub fn set_off_t(&self, _: CURLMoption, _: curl_off_t) -> CURLMcode {
        CURLM_OK
    }

    pub fn set_list(&self, _: CURLMoption, _: Option<&[&CStr]>) -> CURLMcode {
        CURLM_OK
    }

    pub fn set_function(&self, _: CURLMoption, _: Option<u64>) -> CURLMcode {
        CURLM_OK
    }

    pub fn assign(&self, _: curl_socket_t, _: bool) -> CURLMcode {
        CURLM_BAD_SOCKET
    }

    pub fn timeout(&self) -> (CURLMcode, c_long) {
        (CURLM_OK, -1)
    }

    pub fn enable(&self, _: c_uint, _: bool) -> CURLMcode {
        CURLM_OK
    }

    pub fn unfinished(&self) -> i64 {
        self.unfinished.get().into()
    }

    pub fn sockets(&self, _: usize) -> Result<Vec<Watched>, CURLMcode> {
        Ok(Vec::new())
    }

    pub fn poll(&self, _: c_int) -> (CURLMcode, c_int) {
        (CURLM_OK, 0)
    }
}
