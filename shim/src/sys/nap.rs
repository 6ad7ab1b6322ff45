//! libcurl's own waits for sockets, in a transfer that has a stack for itself.

use super::bindings::{CURL_POLL_IN, CURL_POLL_OUT};
use super::poller::Poller;
use libc::{POLLIN, POLLOUT, nfds_t, pollfd};
use std::ffi::c_int;
use std::ptr;
use std::time::{Duration, Instant};

/// What such a wait is for.
#[derive(Clone)]
pub struct Nap {
    sockets: Vec<pollfd>,
    until: Option<Instant>,
}

impl Nap {
    /// `timeout` is in milliseconds; below 0: none.
    pub fn new(sockets: &[pollfd], timeout: c_int) -> Self {
        let timeout = u64::try_from(timeout).ok();
        Self {
            sockets: sockets.to_vec(),
            until: timeout.map(|timeout| Instant::now() + Duration::from_millis(timeout)),
        }
    }

    pub fn is_late(&self) -> bool {
        self.until.is_some_and(|until| until <= Instant::now())
    }

    /// A socket is ready, or the time has come.
    pub fn is_over(&mut self) -> bool {
        let count = self.sockets.len() as nfds_t;
        // SAFETY: so many live entries. A failure is for libcurl to notice.
        let found = unsafe { libc::poll(self.sockets.as_mut_ptr(), count, 0) };
        found != 0 || self.is_late()
    }

    /// Something can be sent, which is not to be kept waiting.
    pub fn sends(&self) -> bool {
        self.sockets
            .iter()
            .any(|socket| socket.events & POLLOUT != 0)
    }

    /// Has a wait of the poller's end with it.
    pub fn begin(&self, poller: &Poller) {
        for socket in self.sockets.iter().filter(|socket| socket.fd >= 0) {
            let read = if socket.events & POLLIN != 0 {
                CURL_POLL_IN
            } else {
                0
            };
            let write = if socket.events & POLLOUT != 0 {
                CURL_POLL_OUT
            } else {
                0
            };
            // What can't be watched is looked at when the time has come.
            let _ = poller.watch(socket.fd, (read | write) as c_int);
        }
        self.remind(poller);
    }

    /// Has a turn come at its time.
    pub fn remind(&self, poller: &Poller) {
        if let Some(until) = self.until {
            poller.set_alarm(until);
        }
    }

    pub fn end(&self, poller: &Poller) {
        for socket in self.sockets.iter().filter(|socket| socket.fd >= 0) {
            poller.forget(socket.fd);
        }
    }
}

/// What `poll()` answers where it can't wait.
pub fn failed() -> c_int {
    // SAFETY: nothing has so many entries, so none is looked at.
    unsafe { libc::poll(ptr::null_mut(), nfds_t::MAX, 0) }
}
