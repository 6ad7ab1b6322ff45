//! The multi handle: its transfers go on at once when they are due.

use super::bindings::*;
use super::easy::OwnedEasy;
use super::poller::{Poller, Ready};
use crate::sync::Arc;
use loom::cell::UnsafeCell;
use real::cell::{Cell, RefCell};
use real::collections::VecDeque;
use real::rc::Rc;
use real::time::Duration;

pub struct OwnedMulti(Rc<Turned>);

/// What its handles know of it.
pub(super) struct Turned {
    /// Written by every call: no two may meet.
    calls: UnsafeCell<()>,
    /// Something can be done.
    due: Cell<bool>,
    transfers: RefCell<Vec<(u64, *const OwnedEasy)>>,
    done: RefCell<VecDeque<(u64, CURLcode)>>,
}

impl Turned {
    pub(super) fn hurry(&self) {
        self.due.set(true);
    }
}

impl OwnedMulti {
    pub fn new(_: Arc<Poller>) -> Option<Self> {
        Some(Self(Rc::new(Turned {
            calls: UnsafeCell::new(()),
            due: Cell::new(false),
            transfers: RefCell::default(),
            done: RefCell::default(),
        })))
    }

    fn call(&self) {
        self.0.calls.with_mut(|_| {});
    }

    pub fn add(&self, easy: &OwnedEasy, id: u64) -> CURLMcode {
        self.call();
        easy.join(self.0.clone());
        self.0.transfers.borrow_mut().push((id, easy));
        self.0.hurry();
        CURLM_OK
    }

    pub fn remove(&self, easy: &OwnedEasy) -> CURLMcode {
        self.call();
        let mut transfers = self.0.transfers.borrow_mut();
        let place = transfers
            .iter()
            .position(|(_, other)| real::ptr::eq(*other, easy));
        let (id, _) = transfers.swap_remove(place.expect("it was added"));
        drop(transfers);
        self.0.done.borrow_mut().retain(|(done, _)| *done != id);
        easy.part();
        CURLM_OK
    }

    pub fn mark_ready(&self, _: Ready) {
        unreachable!("there is no socket")
    }

    pub fn due(&self) -> Option<Duration> {
        self.call();
        self.0.due.get().then_some(Duration::ZERO)
    }

    pub fn look_at_all(&self) -> CURLMcode {
        self.act()
    }

    pub fn act(&self) -> CURLMcode {
        self.call();
        self.0.due.set(false);
        let transfers = self.0.transfers.borrow().clone();
        for (id, easy) in transfers {
            // SAFETY: the engine keeps the handle until it has removed it.
            let easy = unsafe { &*easy };
            if easy.breaks() {
                return CURLM_INTERNAL_ERROR;
            }
            if let Some(code) = easy.go_on() {
                self.0.done.borrow_mut().push_back((id, code));
            }
        }
        self.call();
        CURLM_OK
    }

    pub fn next_done(&self) -> Option<(u64, CURLcode)> {
        self.call();
        self.0.done.borrow_mut().pop_front()
    }
}

impl Drop for OwnedMulti {
    fn drop(&mut self) {
        self.call();
        let left = self.0.transfers.borrow().len();
        assert!(left == 0 || real::thread::panicking(), "freed while in use");
    }
}
