//! The share handle.

use super::bindings::*;
use loom::cell::UnsafeCell;
use real::cell::Cell;
use real::ffi::c_int;
use real::rc::Rc;

pub struct OwnedShare(Rc<Shared>);

pub(super) struct Shared {
    /// Written by what may meet no other call, and read by attaching, for
    /// which libcurl has a lock of its own.
    calls: UnsafeCell<()>,
    /// Written by whoever is inside the shared data, where that takes one
    /// thread at a time.
    data: UnsafeCell<()>,
    exclusive: Cell<bool>,
    attached: Cell<usize>,
    freed: Cell<bool>,
}

// SAFETY: loom's threads take turns on one thread of the system; what must not
// meet is told by the cells.
unsafe impl Send for OwnedShare {}
// SAFETY: as above.
unsafe impl Sync for OwnedShare {}

impl OwnedShare {
    pub fn new() -> Option<Self> {
        Some(Self(Rc::new(Shared {
            calls: UnsafeCell::new(()),
            data: UnsafeCell::new(()),
            exclusive: Cell::new(false),
            attached: Cell::new(0),
            freed: Cell::new(false),
        })))
    }

    pub fn setopt(&self, option: CURLSHoption, kind: c_int) -> CURLSHcode {
        self.0.alone();
        if self.0.attached.get() > 0 {
            return CURLSHE_IN_USE;
        }
        let exclusive = [
            CURL_LOCK_DATA_COOKIE,
            CURL_LOCK_DATA_CONNECT,
            CURL_LOCK_DATA_HSTS,
        ];
        if exclusive.contains(&(kind as u32)) {
            self.0.exclusive.set(option == CURLSHOPT_SHARE);
        }
        CURLSHE_OK
    }

    pub fn figures(&self, _kind: usize) -> super::locks::Figures {
        super::locks::Figures
    }

    pub fn clean_up(&mut self) -> CURLSHcode {
        self.0.alone();
        if self.0.attached.get() > 0 {
            return CURLSHE_IN_USE;
        }
        assert!(!self.0.freed.replace(true), "a share is freed once");
        CURLSHE_OK
    }

    pub(super) fn shared(&self) -> Rc<Shared> {
        self.0.clone()
    }
}

impl Drop for OwnedShare {
    fn drop(&mut self) {
        if !self.0.freed.get() {
            assert_eq!(self.clean_up(), CURLSHE_OK, "freed while attached");
        }
    }
}

impl Shared {
    fn alone(&self) {
        assert!(!self.freed.get(), "a share is used after its end");
        self.calls.with_mut(|_| {});
    }

    fn among_others(&self) {
        assert!(!self.freed.get(), "a share is used after its end");
        self.calls.with(|_| {});
    }

    pub(super) fn attach(&self) {
        self.among_others();
        self.attached.set(self.attached.get() + 1);
    }

    pub(super) fn detach(&self) {
        self.among_others();
        self.attached.set(self.attached.get() - 1);
    }

    /// A call on an attached handle uses what is shared.
    pub(super) fn touch_data(&self) {
        self.among_others();
        if self.exclusive.get() {
            self.data.with_mut(|_| {});
        }
    }
}
