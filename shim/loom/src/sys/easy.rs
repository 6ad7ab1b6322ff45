//! The easy handle: who is inside, and what it is attached to.

use super::bindings::*;
use super::lists::Slist;
use super::mime::MimeRoot;
use super::multi::Turned;
use super::share::{OwnedShare, Shared};
use super::trampolines::{self, Slot};
use super::url::OwnedUrl;
use loom::cell::UnsafeCell;
use real::cell::{Cell, RefCell};
use real::ffi::{CStr, c_char, c_int, c_long, c_void};
use real::mem;
use real::rc::Rc;
use std::sync::Arc;

/// What a transfer asks, in this order.
const STEPS: [Slot; 4] = [Slot::SOCKOPT, Slot::HEADER, Slot::READ, Slot::WRITE];

type Transport = unsafe extern "C" fn(*mut c_char, usize, usize, *mut c_void) -> usize;

pub struct OwnedEasy {
    /// Written by every call: two that may meet are an error of the model.
    calls: UnsafeCell<()>,
    /// What its callbacks are told.
    id: Cell<u64>,
    /// The callbacks that are set, a bit for each slot's index.
    callbacks: Cell<u32>,
    uploads: Cell<bool>,
    /// What its transfer has still to do, from here on in `STEPS`.
    step: Cell<usize>,
    /// READFUNCTION has said so.
    paused: Cell<bool>,
    /// Its transfer breaks the multi handle that it is on.
    breaks: Cell<bool>,
    multi: RefCell<Option<Rc<Turned>>>,
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
    pub fn new() -> Option<Arc<Self>> {
        Some(Arc::new(Self {
            calls: UnsafeCell::new(()),
            id: Cell::new(0),
            callbacks: Cell::new(0),
            uploads: Cell::new(false),
            step: Cell::new(0),
            paused: Cell::new(false),
            breaks: Cell::new(false),
            multi: RefCell::new(None),
            share: RefCell::new(None),
            connects_only: Cell::new(false),
            holds_connection: Cell::new(false),
        }))
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

    /// No transfer here is a WebSocket's.
    pub(super) fn frame(&self) -> Option<[f64; 5]> {
        None
    }

    pub fn set_long(&self, option: CURLoption, value: c_long) -> CURLcode {
        if option == CURLOPT_CONNECT_ONLY {
            self.connects_only.set(value != 0);
        }
        if option == CURLOPT_UPLOAD {
            self.uploads.set(value != 0);
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
        if slot == Slot::WRITE {
            self.id.set(id.expect("the body is always ours"));
        }
        let others = self.callbacks.get() & !slot.bit();
        let own = if id.is_some() { slot.bit() } else { 0 };
        self.callbacks.set(others | own);
        self.call()
    }

    pub fn set_url(&self, _: Option<&OwnedUrl>) -> CURLcode {
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

    pub fn set_mime(&self, _: Option<MimeRoot>) -> CURLcode {
        self.call()
    }

    /// Makes a connection, has one line of a header, sends what it may send,
    /// and has one piece of a body.
    pub fn perform(&self) -> CURLcode {
        self.step.set(0);
        self.go_on().expect("nobody pauses it")
    }

    /// Onto a multi handle.
    pub(super) fn join(&self, multi: Rc<Turned>) {
        self.call_on_shared_data();
        self.step.set(0);
        self.paused.set(false);
        let before = self.multi.replace(Some(multi));
        assert!(before.is_none(), "it is on one multi handle at a time");
    }

    /// Off it again.
    pub(super) fn part(&self) {
        self.call_on_shared_data();
        self.multi.replace(None);
    }

    /// For the models: its transfer is the multi handle's last.
    pub fn break_multi(&self) {
        self.breaks.set(true);
    }

    pub(super) fn breaks(&self) -> bool {
        self.breaks.replace(false)
    }

    /// `None`: it is paused, or over already.
    pub(super) fn go_on(&self) -> Option<CURLcode> {
        if self.paused.get() || self.step.get() > STEPS.len() {
            return None;
        }
        self.call_on_shared_data();
        let mut code = CURLE_OK;
        while code == CURLE_OK
            && let Some(slot) = STEPS.get(self.step.get())
        {
            code = self.ask(*slot);
            if self.paused.get() {
                return None;
            }
            self.step.set(self.step.get() + 1);
        }
        self.step.set(STEPS.len() + 1);
        self.holds_connection.set(self.connects_only.get());
        self.call_on_shared_data();
        Some(code)
    }

    fn ask(&self, slot: Slot) -> CURLcode {
        let id = self.id.get() as usize as *mut c_void;
        let is_set = self.callbacks.get() & slot.bit() != 0;
        let code = match slot {
            Slot::READ if self.uploads.get() => self.send(id),
            Slot::SOCKOPT if is_set => connect(id),
            Slot::HEADER | Slot::WRITE if is_set => receive(slot, id),
            _ => CURLE_OK,
        };
        self.call();
        code
    }

    fn send(&self, id: *mut c_void) -> CURLcode {
        // SAFETY: the callback is of this type, and has room for one byte.
        let count = unsafe {
            let function = trampolines::function(Slot::READ, true);
            let function = mem::transmute::<*const (), Transport>(function);
            function([0; 1].as_mut_ptr(), 1, 1, id)
        };
        match count {
            0 => CURLE_OK,
            CURL_READFUNC_PAUSE => {
                self.paused.set(true);
                CURLE_OK
            }
            _ => CURLE_ABORTED_BY_CALLBACK,
        }
    }

    pub fn pause(&self, mask: i32) -> CURLcode {
        self.paused
            .set(self.paused.get() && mask & CURLPAUSE_SEND != 0);
        if let Some(multi) = &*self.multi.borrow() {
            multi.hurry();
        }
        self.call()
    }

    pub fn upkeep(&self) -> CURLcode {
        self.call_on_shared_data()
    }

    pub fn reset(&self) -> bool {
        self.call();
        true
    }

    pub fn duplicate(&self) -> Option<Arc<Self>> {
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

/// One line, or one piece.
fn receive(slot: Slot, id: *mut c_void) -> CURLcode {
    // Empty, as it may go to standard output.
    let mut piece = [];
    // SAFETY: both callbacks are of this type, and may read the piece.
    let taken = unsafe {
        let function = trampolines::function(slot, true);
        let function = mem::transmute::<*const (), Transport>(function);
        function(piece.as_mut_ptr(), 1, piece.len(), id)
    };
    match taken == piece.len() {
        true => CURLE_OK,
        false => CURLE_WRITE_ERROR,
    }
}

/// A connection of its own.
fn connect(id: *mut c_void) -> CURLcode {
    type Connected = unsafe extern "C" fn(*mut c_void, curl_socket_t, curlsocktype) -> c_int;
    // SAFETY: the callback is of this type.
    let code = unsafe {
        let function = trampolines::function(Slot::SOCKOPT, true);
        let function = mem::transmute::<*const (), Connected>(function);
        function(id, 3, CURLSOCKTYPE_IPCXN)
    };
    match code {
        CURL_SOCKOPT_OK => CURLE_OK,
        _ => CURLE_ABORTED_BY_CALLBACK,
    }
}
