//! libcurl's own waits for sockets, which can't be had here: those of a transfer
//! that has a stack for itself block its thread.

use super::poller::Poller;

/// There is none.
pub enum Nap {}

impl Nap {
    pub fn is_over(&mut self) -> bool {
        match *self {}
    }

    pub fn begin(&self, _: &Poller) {
        match *self {}
    }

    pub fn remind(&self, _: &Poller) {
        match *self {}
    }

    pub fn end(&self, _: &Poller) {
        match *self {}
    }
}
