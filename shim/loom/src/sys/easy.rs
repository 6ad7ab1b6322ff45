//! The easy handle: who is inside, and what it is attached to.

use super::bindings::*;
use super::lists::Slist;
use super::share::{OwnedShare, Shared};
use super::trampolines::{self, Slot};
use loom::cell::UnsafeCell;
use real::cell::{Cell, RefCell};
use real::ffi::{CStr, c_char, c_long, c_void};
use real::mem;
use real::rc::Rc;

pub struct OwnedEasy {
    /// Written by every call: two that may meet are an error of the model.
    calls: UnsafeCell<()>,
    /// What its callbacks are told.
    id: Cell<u64>,
    /// HEADERFUNCTION is set.
    header: Cell<bool>,
    share: RefCell<Option<Rc<Shared>>>,
    /// CONNECT_ONLY was set, and a transfer has made the connection.
    connects_only: Cell<bool>,
    holds_connection: Cell<bool>,
}

// SAFETY: loom's threads take turns on one thread of the system; what must not
// meet is told by the cell.
unsafe impl Send for OwnedEasy {}
// SAFETY: as above.
unsafe impl Sync for OwnedEasy {}

impl OwnedEasy {
    pub fn new() -> Option<Self> {
        Some(Self {
            calls: UnsafeCell::new(()),
            id: Cell::new(0),
            header: Cell::new(false),
            share: RefCell::new(None),
            connects_only: Cell::new(false),
            holds_connection: Cell::new(false),
        })
    }

    pub(super) fn call(&self) -> CURLcode {
        self.calls.with_mut(|_| {});
        CURLE_OK
    }

    fn call_on_shared_data(&self) -> CURLcode {
        if let Some(share) = &*self.share.borrow() {
            share.touch_data();
        }
        self.call()
    }

    /// For the models to ask.
    pub fn is_attached(&self) -> bool {
        self.call();
        self.share.borrow().is_some()
    }

    /// In the pool that the connection is in.
    pub(super) fn socket(&self) -> curl_socket_t {
        self.call_on_shared_data();
        match self.holds_connection.get() {
            true => 3,
            false => CURL_SOCKET_BAD,
        }
    }

    pub fn error_text(&self) -> String {
        self.call();
        String::new()
    }

    pub fn clear_error(&self) {
        self.call();
    }

    pub fn set_long(&self, option: CURLoption, value: c_long) -> CURLcode {
        if option == CURLOPT_CONNECT_ONLY {
            self.connects_only.set(value != 0);
        }
        self.call()
    }

    pub fn set_off_t(&self, _: CURLoption, _: curl_off_t) -> CURLcode {
        self.call()
    }

    pub fn set_string(&self, option: CURLoption, _: Option<&CStr>) -> CURLcode {
        match option {
            CURLOPT_COOKIELIST => self.call_on_shared_data(),
            _ => self.call(),
        }
    }

    pub fn set_post_fields(&self, _: Option<&[u8]>) -> CURLcode {
        self.call()
    }

    pub fn set_list(&self, _: CURLoption, _: Option<&Slist>) -> CURLcode {
        self.call()
    }

    pub fn set_blob(&self, _: CURLoption, _: Option<&[u8]>) -> CURLcode {
        self.call()
    }

    pub fn set_callback(&self, slot: Slot, id: Option<u64>) -> CURLcode {
        match slot {
            Slot::WRITE => self.id.set(id.expect("the body is always ours")),
            Slot::HEADER => self.header.set(id.is_some()),
            _ => {}
        }
        self.call()
    }

    pub fn set_share(&self, share: Option<&OwnedShare>) -> CURLcode {
        self.call();
        if self.holds_connection.get() {
            return CURLE_BAD_FUNCTION_ARGUMENT;
        }
        let new = share.map(OwnedShare::shared);
        if let Some(new) = &new {
            new.attach();
        }
        if let Some(old) = self.share.replace(new) {
            old.detach();
        }
        CURLE_OK
    }

    /// Has one line of a header and one piece of a body.
    pub fn perform(&self) -> CURLcode {
        self.call_on_shared_data();
        let slots = [Slot::HEADER, Slot::WRITE];
        let code = match slots.into_iter().all(|slot| self.receive(slot)) {
            true => CURLE_OK,
            false => CURLE_WRITE_ERROR,
        };
        self.holds_connection.set(self.connects_only.get());
        self.call_on_shared_data();
        code
    }

    fn receive(&self, slot: Slot) -> bool {
        type Receiver = unsafe extern "C" fn(*mut c_char, usize, usize, *mut c_void) -> usize;
        if slot == Slot::HEADER && !self.header.get() {
            return true;
        }
        let function = trampolines::function(slot, true);
        let id = self.id.get() as usize as *mut c_void;
        // Empty, as it may go to standard output.
        let mut piece = [];
        // SAFETY: both callbacks are of this type, and may read the piece.
        let taken = unsafe {
            let function = mem::transmute::<*const (), Receiver>(function);
            function(piece.as_mut_ptr(), 1, piece.len(), id)
        };
        self.call();
        taken == piece.len()
    }

    pub fn pause(&self, _: i32) -> CURLcode {
        self.call()
    }

    pub fn reset(&self) -> bool {
        self.call();
        true
    }

    pub fn duplicate(&self) -> Option<Self> {
        self.call();
        Self::new()
    }
}

impl Drop for OwnedEasy {
    fn drop(&mut self) {
        self.call_on_shared_data();
        if let Some(share) = self.share.take() {
            share.detach();
        }
    }
}
