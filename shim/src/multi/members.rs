//! What one isolate has in a multi handle: its handles, each a transfer that
//! begins when it is added and ends when it is removed.

use super::turns::{Holding, Taking, Turns};
use super::{From, Multi};
use crate::claim::IsolateId;
use crate::error::{Error, Result};
use crate::ids::IdMap;
use crate::isolate;
use crate::sys::bindings::*;
use crate::sys::coroutine::Desks;
use crate::sys::desk::{Desk, Output, Scripts};
use crate::sys::easy::OwnedEasy;
use crate::sys::linger::Linger;
use crate::sys::stack::Watched;
use crate::sys::trampolines::Slot;
use crate::sys::waiting::Sockets;
use crate::transfer::Transfer;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

pub struct Members {
    pub(super) multi: Arc<Multi>,
    isolate: IsolateId,
    /// Those of its handles, and its own.
    pub(super) desks: Rc<RefCell<IdMap<Rc<Desk>>>>,
    entries: RefCell<IdMap<Entry>>,
    /// How often transfers were begun.
    round: Cell<u64>,
    pub(super) turns: Rc<Turns>,
    linger: RefCell<Linger>,
    /// One of them may have been told something that waits to be passed on.
    talkative: Cell<bool>,
}

/// How `select()` goes on.
pub enum Prepared {
    /// By the wait of this number.
    Waits(u64),
    /// So many sockets are ready.
    Ready(usize),
}

/// The rest of the program waits meanwhile.
const MOMENT: Duration = Duration::from_micros(50);

struct Entry {
    transfer: Transfer,
    /// The `round` in which it was added.
    round: u64,
    /// It is over, and was told.
    is_told: bool,
}

/// Transfers that are over, while their handles are still in.
#[derive(Default)]
pub struct Told {
    /// How many of them went well.
    pub well: usize,
    /// The one behind them did not.
    pub failed: Option<Failed>,
    /// How many more can be told at once.
    pub left: i32,
}

pub struct Failed {
    pub id: u64,
    pub code: CURLcode,
    pub text: String,
}

impl Members {
    pub fn new(multi: Arc<Multi>) -> Rc<Self> {
        Rc::new(Self {
            multi,
            isolate: isolate::id(),
            desks: Rc::default(),
            entries: RefCell::default(),
            round: Cell::new(0),
            turns: Rc::default(),
            linger: RefCell::new(Linger::new(MOMENT)),
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
        let own = self.desk(id);
        if own.is_some_and(|desk| !desk.aborting()) {
            return;
        }
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
        let before = desks.insert(id, desk);
        drop((desks, before));
        transfer.join(self.multi.id());
        if let Some(share) = transfer.turns() {
            self.turns.add(share);
        }
        let entry = Entry {
            transfer,
            round: self.round.get(),
            is_told: false,
        };
        self.entries.borrow_mut().insert(id, entry);
        self.multi.count_in(self.isolate);
        isolate::seat(id, self.clone());
    }

    /// libcurl has not looked at its options yet.
    pub fn is_fresh(&self, id: u64) -> bool {
        let entries = self.entries.borrow();
        let entry = entries.get(&id);
        entry.is_some_and(|entry| entry.round == self.round.get())
    }

    /// Transfers begin here.
    pub(super) fn set_off(&self) {
        self.round.set(self.round.get() + 1);
    }

    /// No callback of a handle can come in a call that does nothing for a
    /// transfer, nor is there a turn to take.
    pub(super) fn is_quiet(&self) -> bool {
        !self.talkative.get() && self.turns.is_empty()
    }

    /// Its transfer is over, and all was said about it.
    pub(super) fn is_told(&self, id: u64) -> bool {
        let entries = self.entries.borrow();
        entries.get(&id).is_some_and(|entry| entry.is_told)
    }

    /// libcurl has let go of it.
    pub(super) fn let_go(&self, id: u64) {
        isolate::unseat(id);
        let desk = self.desks.borrow_mut().remove(&id);
        if let Some(desk) = desk {
            let mut desks = self.desks.borrow_mut();
            for source in desk.sources() {
                desks.remove(source);
            }
        }
        let entry = self.entries.borrow_mut().remove(&id);
        if let Some(entry) = entry {
            self.drop_transfer(entry.transfer);
        }
    }

    fn drop_transfer(&self, transfer: Transfer) {
        if let Some(share) = transfer.turns() {
            self.turns.remove(share);
        }
        drop(transfer);
        self.multi.count_out();
    }

    /// The turns that a call has to take first, and what gives them back. One
    /// inside another leaves that to the outermost, which goes on with whatever
    /// was added.
    pub fn take_turns(
        &self,
        method: &'static str,
        outermost: bool,
    ) -> (Option<Box<Taking>>, Option<Holding>) {
        let holding = outermost.then(|| Holding(self.turns.clone()));
        (Taking::new(&self.turns, method).map(Box::new), holding)
    }

    /// The sockets that libcurl waits for.
    pub fn sockets(&self) -> Result<Vec<Watched>> {
        let _turns = self.turns.quiet();
        self.multi.sockets()
    }

    /// What to wait for; nothing if all transfers are over.
    pub(super) fn awaited(&self, most: Duration) -> Result<Option<Sockets>> {
        let _turns = self.turns.quiet();
        self.multi.awaited(most)
    }

    /// A wait on another thread, unless a look for a moment finds it needless:
    /// sockets that are ready, or all transfers over.
    pub fn prepare_wait(&self, most: Duration, looks: bool) -> Result<Prepared> {
        let Some(mut sockets) = self.awaited(most)? else {
            return Ok(Prepared::Ready(0));
        };
        let mut ready = 0;
        if looks && !most.is_zero() {
            self.linger.borrow_mut().until(|| {
                ready = sockets.look();
                ready > 0
            });
        }
        match ready {
            0 => self.multi.add_wait(sockets).map(Prepared::Waits),
            ready => Ok(Prepared::Ready(ready)),
        }
    }

    pub(super) fn ids(&self) -> Vec<u64> {
        self.entries.borrow().keys().copied().collect()
    }

    pub(super) fn handles(&self) -> Vec<Arc<OwnedEasy>> {
        let entries = self.entries.borrow();
        let handles = entries
            .values()
            .map(|entry| entry.transfer.handle().clone());
        handles.collect()
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

    /// Transfers that are over and were not told: those that went well, as many
    /// as there is room for, up to the first that did not.
    pub fn tell_done(&self, well: &mut [f64]) -> Result<Told> {
        let held = self.multi.enter_for("infoRead", From::Anywhere)?;
        let native = held.native()?;
        drop(held);
        let mut told = Told::default();
        let mut entries = self.entries.borrow_mut();
        while told.well < well.len()
            && let Some(done) = native.next_done()
        {
            told.left = done.left;
            let Some(entry) = entries.get_mut(&done.id) else {
                continue;
            };
            entry.is_told = true;
            match entry.transfer.tell(done.code) {
                Ok(()) => {
                    well[told.well] = done.id as f64;
                    told.well += 1;
                }
                Err(error) => {
                    told.failed = Some(Failed {
                        id: done.id,
                        code: done.code,
                        text: error.text,
                    });
                    break;
                }
            }
        }
        Ok(told)
    }

    /// The isolate lets go of it: nobody is asked any more. Gives the handles
    /// that were in.
    pub fn end(&self) -> Vec<u64> {
        let turns = self.turns.quiet();
        let entries = self.entries.take();
        self.desks.borrow_mut().clear();
        let native = self.multi.claim.lock().native.clone();
        let ids = entries.keys().copied().collect();
        for Entry { transfer, .. } in entries.into_values() {
            // No call is running, so that its callbacks do what libcurl would
            // do by itself.
            let code = native
                .as_ref()
                .map(|native| native.remove(transfer.handle()));
            debug_assert!(code.is_some_and(is_removed));
            self.drop_transfer(transfer);
        }
        drop(turns);
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
