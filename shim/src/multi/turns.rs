//! The turns of shares with an engine. Handles of such a share may be in a multi
//! handle, too: each call that may go on with them takes its turn first, and has
//! it until it is over. Between two calls others are inside, who see that its
//! connections are in use.

use crate::engine::here::Here;
use crate::engine::mailbox::Asked;
use crate::error::{Error, Result};
use crate::isolate;
use crate::share::turn::{self, Turn};
use crate::sys::desk::{Query, Reply};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Those of one multi handle.
#[derive(Default)]
pub struct Turns {
    /// How many of its handles are on each such share.
    shares: RefCell<BTreeMap<u64, usize>>,
    /// What the call under way has.
    held: RefCell<BTreeMap<u64, Turn>>,
}

impl Turns {
    pub fn is_empty(&self) -> bool {
        self.shares.borrow().is_empty()
    }

    /// One more handle is on this share.
    pub fn add(&self, share: u64) {
        *self.shares.borrow_mut().entry(share).or_default() += 1;
    }

    pub fn remove(&self, share: u64) {
        let mut shares = self.shares.borrow_mut();
        if let Some(count) = shares.get_mut(&share) {
            *count -= 1;
            if *count == 0 {
                shares.remove(&share);
            }
        }
    }

    /// For a short call in which nothing is asked. Where waiting would close a
    /// ring, nobody moves, as `Share::quiet` has it.
    pub fn quiet(&self) -> Vec<Turn> {
        let shares: Vec<u64> = self.shares.borrow().keys().copied().collect();
        let take = |share| turn::take_or_keep(share, isolate::id()).ok();
        shares.into_iter().filter_map(take).collect()
    }
}

/// Gives back all turns when the outermost call is over.
pub struct Holding(pub Rc<Turns>);

impl Drop for Holding {
    fn drop(&mut self) {
        let held = self.0.held.take();
        drop(held);
    }
}

/// A call on its way to its turns. An engine that has one may wait for an answer
/// of this isolate's: that comes first.
pub struct Taking {
    turns: Rc<Turns>,
    method: &'static str,
    /// In order, so that no two calls wait for each other.
    shares: Vec<u64>,
    asked: Option<(Rc<Here>, Asked)>,
    /// They belong to the answer.
    bytes: Vec<u8>,
}

impl Taking {
    /// `None`: the call has all that it needs.
    pub fn new(turns: &Rc<Turns>, method: &'static str) -> Option<Self> {
        let held = turns.held.borrow();
        let all = turns.shares.borrow();
        let missing = all.keys().filter(|share| !held.contains_key(share));
        let shares: Vec<u64> = missing.copied().collect();
        (!shares.is_empty()).then(|| Self {
            turns: turns.clone(),
            method,
            shares,
            asked: None,
            bytes: Vec::new(),
        })
    }

    /// `false`: it asks.
    pub fn go_on(&mut self, reply: Reply) -> Result<bool> {
        self.answer(reply);
        let me = isolate::id();
        loop {
            let take = |share: &u64| Ok((*share, turn::take_or_answer(*share, me)?));
            // Those that were taken are given back if one is not.
            let taken: std::result::Result<Vec<_>, turn::WaitsForItself> =
                self.shares.iter().map(take).collect();
            if let Ok(taken) = taken {
                self.turns.held.borrow_mut().extend(taken);
                return Ok(true);
            }
            if !turn::is_asked(me) {
                return Err(Error::own_turn(self.method));
            }
            let here = isolate::here()?;
            if let Some(asked) = here.remotes.question() {
                self.asked = Some((here, asked));
                return Ok(false);
            }
        }
    }

    /// To the question that it waits with, if it does.
    pub fn answer(&mut self, reply: Reply) {
        if let Some((here, asked)) = self.asked.take() {
            here.remotes
                .reply(asked, reply, std::mem::take(&mut self.bytes));
        }
    }

    pub fn answer_bytes(&mut self, given: &[u8]) {
        self.bytes.extend_from_slice(given);
    }

    pub fn question(&self) -> Option<Query<'_>> {
        self.asked.as_ref().map(|(_, asked)| asked.query())
    }
}
