//! What one isolate has in a multi handle: its handles, each a transfer that
//! begins when it is added and ends when it is removed.

use super::{From, Multi};
use crate::claim::IsolateId;
use crate::error::{Error, Result};
use crate::ids::IdMap;
use crate::isolate;
use crate::sys::bindings::*;
use crate::sys::coroutine::Desks;
use crate::sys::desk::{Desk, Output, Scripts};
use crate::sys::trampolines::Slot;
use crate::transfer::Transfer;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

pub struct Members {
    pub(super) multi: Arc<Multi>,
    isolate: IsolateId,
    /// Those of its handles, and its own.
    pub(super) desks: Rc<RefCell<IdMap<Rc<Desk>>>>,
    pub(super) transfers: RefCell<IdMap<Transfer>>,
    /// Those in which libcurl has not looked at its options yet.
    fresh: RefCell<IdMap<()>>,
    /// One of them may have been told something that waits to be passed on.
    talkative: Cell<bool>,
}

/// A transfer that is over, while its handle is still in.
pub struct Finished {
    pub id: u64,
    pub code: CURLcode,
    /// Nothing if all went well.
    pub text: String,
    /// How many more can be told at once.
    pub left: i32,
}

impl Members {
    pub fn new(multi: Arc<Multi>) -> Rc<Self> {
        Rc::new(Self {
            multi,
            isolate: isolate::id(),
            desks: Rc::default(),
            transfers: RefCell::default(),
            fresh: RefCell::default(),
            talkative: Cell::new(false),
        })
    }

    pub fn multi(&self) -> &Arc<Multi> {
        &self.multi
    }

    pub fn desk(&self, id: u64) -> Option<Rc<Desk>> {
        self.desks.borrow().get(&id).cloned()
    }

    /// For a call on any of them.
    pub fn desks(&self) -> Desks {
        Desks::Many(self.desks.clone())
    }

    /// Its functions are asked by this, even if they were not to be any more
    /// when an earlier call was aborted.
    pub(super) fn renew_own_desk(&self) {
        let id = self.multi.id();
        let scripts = Scripts {
            output: Output::Script,
            answered: 0,
            watched: false,
        };
        let desk = Rc::new(Desk::new(id, scripts));
        self.desks.borrow_mut().insert(id, desk);
    }

    /// It is in from here on.
    pub(super) fn take_in(self: &Rc<Self>, transfer: Transfer, scripts: Scripts) {
        let id = transfer.id();
        if scripts.answered & talking() != 0 {
            self.talkative.set(true);
        }
        let desk = Desk::of_transfer(transfer.handle(), id, scripts);
        let desk = Rc::new(desk.with_sources(transfer.sources()));
        let mut desks = self.desks.borrow_mut();
        for source in desk.sources() {
            desks.insert(*source, desk.clone());
        }
        desks.insert(id, desk);
        drop(desks);
        transfer.join(self.multi.id());
        self.fresh.borrow_mut().insert(id, ());
        self.transfers.borrow_mut().insert(id, transfer);
        self.multi.count_in(self.isolate);
        isolate::seat(id, self.clone());
    }

    pub fn is_fresh(&self, id: u64) -> bool {
        self.fresh.borrow().contains_key(&id)
    }

    /// Transfers begin here.
    pub(super) fn set_off(&self) {
        self.fresh.borrow_mut().clear();
    }

    /// libcurl has let go of it.
    pub(super) fn let_go(&self, id: u64) {
        isolate::unseat(id);
        self.fresh.borrow_mut().remove(&id);
        let mut desks = self.desks.borrow_mut();
        let desk = desks.remove(&id);
        for source in desk.iter().flat_map(|desk| desk.sources()) {
            desks.remove(source);
        }
        drop(desks);
        drop(desk);
        let transfer = self.transfers.borrow_mut().remove(&id);
        if transfer.is_some() {
            self.multi.count_out();
        }
    }

    pub fn callback_changed(&self, slot: Slot) {
        if slot.bit() & talking() != 0 {
            self.talkative.set(true);
        }
    }

    /// On the stack of a call that has done its work.
    pub(super) fn tell_deferred(&self) {
        if !self.talkative.get() {
            return;
        }
        let desks: Vec<_> = self.desks.borrow().values().cloned().collect();
        for desk in desks {
            desk.tell_deferred();
        }
    }

    /// For a handle that need not be removed.
    pub fn check_idle(&self) -> Result<()> {
        let entered = self.multi.enter(From::Notification);
        entered.map(|_| ()).map_err(Error::adding)
    }

    /// The next transfer that is over and was not told.
    pub fn next_done(&self) -> Result<Option<Finished>> {
        let held = self.multi.enter_for("infoRead", From::Anywhere)?;
        let Some(done) = held.native()?.next_done() else {
            return Ok(None);
        };
        drop(held);
        let transfers = self.transfers.borrow();
        let text = match transfers
            .get(&done.id)
            .map(|transfer| transfer.tell(done.code))
        {
            Some(Err(error)) => error.text,
            Some(Ok(())) | None => String::new(),
        };
        Ok(Some(Finished {
            id: done.id,
            code: done.code,
            text,
            left: done.left,
        }))
    }

    /// The isolate lets go of it: nobody is asked any more. Gives the handles
    /// that were in.
    pub fn end(&self) -> Vec<u64> {
        let transfers = self.transfers.take();
        self.desks.borrow_mut().clear();
        let native = self.multi.claim.lock().native.clone();
        let ids = transfers.keys().copied().collect();
        for transfer in transfers.into_values() {
            // No call is running, so that its callbacks do what libcurl would
            // do by itself.
            let code = native
                .as_ref()
                .map(|native| native.remove(transfer.handle()));
            debug_assert!(code.is_some_and(is_removed));
            drop(transfer);
            self.multi.count_out();
        }
        let waits = std::mem::take(&mut self.multi.claim.lock().waits);
        for (_, wait) in waits {
            wait.wake();
        }
        self.multi.lose_answers(self.isolate);
        ids
    }
}

/// The callbacks that are told in the end what they could not be told at once.
fn talking() -> u32 {
    Slot::DEBUG.bit() | Slot::CLOSESOCKET.bit()
}

/// A function of the program's that failed does not keep a handle in.
pub(super) fn is_removed(code: CURLMcode) -> bool {
    ![
        CURLM_BAD_HANDLE,
        CURLM_BAD_EASY_HANDLE,
        CURLM_INTERNAL_ERROR,
        CURLM_RECURSIVE_API_CALL,
    ]
    .contains(&code)
}
