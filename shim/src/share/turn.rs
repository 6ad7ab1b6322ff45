//! One thread at a time in a share of cookies, connections or HSTS, which is
//! all that libcurl supports: mostly the share's engine, else whoever makes a
//! short call that reaches the shared data.
//!
//! An isolate may hold several turns, since a callback of one transfer can
//! start another on a different share. Waiting is refused where it would close
//! a ring, which can lead over answers and transfers that are waited for.

use crate::claim::IsolateId;
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard};

static TURNS: Mutex<Turns> = Mutex::new(Turns {
    holders: BTreeMap::new(),
    waiting: BTreeMap::new(),
    asking: BTreeMap::new(),
    relying: BTreeMap::new(),
    tickets: 0,
});
static FREED: Condvar = Condvar::new();

struct Turns {
    /// Share → who holds its turn.
    holders: BTreeMap<u64, IsolateId>,
    /// Who waits → for which share, and since when.
    waiting: BTreeMap<IsolateId, Ticket>,
    /// A share's engine → the question whose answer it waits for.
    asking: BTreeMap<IsolateId, Question>,
    /// Isolate → the share on whose engine its synchronous transfer runs.
    relying: BTreeMap<IsolateId, u64>,
    tickets: u64,
}

#[derive(Clone, Copy)]
struct Ticket {
    share: u64,
    number: u64,
    /// Who waits answers what comes meanwhile.
    serves: bool,
}

struct Question {
    isolate: IsolateId,
    /// The handle it is about.
    about: u64,
    /// Its isolate is inside the callback.
    heard: bool,
}

/// Gives the turn back when dropped.
#[derive(Debug)]
pub struct Turn {
    /// `None`: the isolate had it already, and keeps it.
    share: Option<u64>,
}

/// The turn is held by whom the caller would, in the end, wait for: itself.
#[derive(Debug)]
pub struct WaitsForItself;

/// For a transfer.
pub fn take(share: u64, me: IsolateId) -> Result<Turn, WaitsForItself> {
    wait(lock(), share, me, false)
}

/// For a call that answers what an engine asks, if that is why it would wait for
/// itself: see `is_asked`.
pub fn take_or_answer(share: u64, me: IsolateId) -> Result<Turn, WaitsForItself> {
    wait(lock(), share, me, true)
}

/// An engine waits for an answer of this isolate's, which has not heard of it.
pub fn is_asked(me: IsolateId) -> bool {
    let turns = lock();
    let mut questions = turns.asking.values();
    questions.any(|question| question.isolate == me && !question.heard)
}

/// For a short call, which an isolate may also make while its own transfer has
/// the turn and waits for an answer.
pub fn take_or_keep(share: u64, me: IsolateId) -> Result<Turn, WaitsForItself> {
    let turns = lock();
    if turns.holders.get(&share) == Some(&me) {
        return Ok(Turn { share: None });
    }
    wait(turns, share, me, false)
}

/// First come, first served: an engine comes again and again.
fn wait(
    mut turns: MutexGuard<'_, Turns>,
    share: u64,
    me: IsolateId,
    serves: bool,
) -> Result<Turn, WaitsForItself> {
    turns.tickets += 1;
    let ticket = Ticket {
        share,
        number: turns.tickets,
        serves,
    };
    while turns.is_taken(ticket) {
        if turns.ends_at(share, me) {
            turns.waiting.remove(&me);
            return Err(WaitsForItself);
        }
        if turns.waiting.insert(me, ticket).is_none() {
            // Whoever would answer may find itself in a ring now.
            FREED.notify_all();
        }
        turns = FREED
            .wait(turns)
            .unwrap_or_else(|poisoned| poisoned.into_inner());
    }
    turns.waiting.remove(&me);
    turns.holders.insert(share, me);
    Ok(Turn { share: Some(share) })
}

/// An engine that waits for an isolate's answer, until this is dropped.
pub struct Asking(IsolateId);

pub fn ask(engine: IsolateId, isolate: IsolateId, about: u64) -> Asking {
    let question = Question {
        isolate,
        about,
        heard: false,
    };
    lock().asking.insert(engine, question);
    // Whoever waits for the engine may find itself in a ring now.
    FREED.notify_all();
    Asking(engine)
}

/// The question has come to its isolate.
pub fn hear(engine: IsolateId, about: u64) {
    if let Some(question) = lock().asking.get_mut(&engine)
        && question.about == about
    {
        question.heard = true;
    }
}

/// Before the engine can know that it need not wait any more: its isolate is
/// not to take it for waiting from here on.
pub fn answer(engine: IsolateId, about: u64) {
    let mut turns = lock();
    if turns.asking.get(&engine).map(|question| question.about) == Some(about) {
        turns.asking.remove(&engine);
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        lock().asking.remove(&self.0);
    }
}

/// An isolate that waits for a transfer on a share's engine, until this is
/// dropped.
#[derive(Debug)]
pub struct Relying(IsolateId);

/// For a transfer that is to begin, unless it would wait for `me` in the end. A
/// question that comes meanwhile is answered.
pub fn rely(share: u64, me: IsolateId) -> Result<Relying, WaitsForItself> {
    let mut turns = lock();
    let is_unheard = |holder| {
        let question = turns.asking.get(holder);
        question.is_some_and(|question| question.isolate == me && !question.heard)
    };
    if turns.ends_at(share, me) && !turns.holders.get(&share).is_some_and(is_unheard) {
        return Err(WaitsForItself);
    }
    turns.relying.insert(me, share);
    // Whoever waits for a turn may find itself in a ring now.
    FREED.notify_all();
    Ok(Relying(me))
}

/// For one that goes on.
pub fn rely_again(share: u64, me: IsolateId) -> Relying {
    lock().relying.insert(me, share);
    FREED.notify_all();
    Relying(me)
}

impl Drop for Relying {
    fn drop(&mut self) {
        lock().relying.remove(&self.0);
    }
}

impl Turns {
    /// Something has changed for those who wait.
    fn notify(&self) {
        if !self.waiting.is_empty() {
            FREED.notify_all();
        }
    }

    fn is_taken(&self, ticket: Ticket) -> bool {
        let is_earlier =
            |other: &Ticket| other.share == ticket.share && other.number < ticket.number;
        self.holders.contains_key(&ticket.share) || self.waiting.values().any(is_earlier)
    }

    fn ends_at(&self, share: u64, me: IsolateId) -> bool {
        self.holders
            .get(&share)
            .is_some_and(|holder| self.leads_to(*holder, me))
    }

    /// Follows holder and wait, holder and wait. A ring that others are about
    /// to notice can be met on the way, so no more steps than there are waits.
    fn leads_to(&self, from: IsolateId, me: IsolateId) -> bool {
        let mut who = from;
        let mut serves = false;
        for _ in 0..=self.asking.len() + self.waiting.len() + self.relying.len() {
            if who == me {
                return true;
            }
            let holder = |share: &u64| self.holders.get(share).copied();
            let question = self.asking.get(&who);
            // Whoever waits for a transfer answers what comes meanwhile, as some
            // do who wait for a turn.
            let relied_on = || self.relying.get(&who).filter(|_| !serves);
            let waited_for = || {
                let ticket = self.waiting.get(&who)?;
                (!(serves && ticket.serves)).then_some(ticket.share)
            };
            let next = question
                .map(|question| question.isolate)
                .or_else(|| holder(&waited_for()?))
                .or_else(|| holder(relied_on()?));
            serves = question.is_some_and(|question| !question.heard);
            let Some(next) = next else { return false };
            who = next;
        }
        false
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(share) = self.share {
            let mut turns = lock();
            turns.holders.remove(&share);
            turns.notify();
        }
    }
}

fn lock() -> MutexGuard<'static, Turns> {
    TURNS
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::thread;

    fn is_waiting(who: IsolateId, share: u64) -> bool {
        let turns = lock();
        let ticket = turns.waiting.get(&who);
        ticket.is_some_and(|ticket| ticket.share == share)
    }

    #[test]
    fn a_second_transfer_waits_for_the_first() {
        let first = take(1_000, 1).unwrap();
        let (done, waits) = channel();
        let other = thread::spawn(move || {
            let turn = take(1_000, 2).unwrap();
            done.send(()).unwrap();
            drop(turn);
        });
        while !is_waiting(2, 1_000) {
            thread::yield_now();
        }
        assert!(waits.try_recv().is_err());
        drop(first);
        waits.recv().unwrap();
        other.join().unwrap();
    }

    #[test]
    fn a_transfer_inside_a_callback_of_its_own_share_is_refused() {
        let _turn = take(2_000, 11).unwrap();
        assert!(take(2_000, 11).is_err());
        assert!(take_or_keep(2_000, 11).is_ok());
        assert!(take(2_000, 11).is_err());
    }

    #[test]
    fn a_ring_of_two_is_refused() {
        let mine = take(3_001, 21).unwrap();
        let theirs = thread::spawn(|| {
            let turn = take(3_002, 22).unwrap();
            let other = take(3_001, 22).unwrap();
            drop((turn, other));
        });
        while !is_waiting(22, 3_001) {
            thread::yield_now();
        }
        assert!(take(3_002, 21).is_err());
        drop(mine);
        theirs.join().unwrap();
    }
}
