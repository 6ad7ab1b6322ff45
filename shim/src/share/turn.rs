//! One transfer at a time for a share of cookies, connections or HSTS: libcurl
//! supports these between threads only if one is inside.
//!
//! An isolate may hold several turns, since a callback of one transfer can
//! start another on a different share. Waiting is refused where it would close
//! a ring.

use crate::claim::IsolateId;
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard};

static TURNS: Mutex<Turns> = Mutex::new(Turns {
    holders: BTreeMap::new(),
    waiting: BTreeMap::new(),
    asking: BTreeMap::new(),
    tickets: 0,
});
static FREED: Condvar = Condvar::new();

struct Turns {
    /// Share → who holds its turn.
    holders: BTreeMap<u64, IsolateId>,
    /// Who waits → for which share, and since when.
    waiting: BTreeMap<IsolateId, Ticket>,
    /// A share's engine → the isolate whose answer it waits for.
    asking: BTreeMap<IsolateId, IsolateId>,
    tickets: u64,
}

#[derive(Clone, Copy)]
struct Ticket {
    share: u64,
    number: u64,
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
    wait(lock(), share, me)
}

/// For a short call, which an isolate may also make while its own transfer has
/// the turn and waits for an answer.
pub fn take_or_keep(share: u64, me: IsolateId) -> Result<Turn, WaitsForItself> {
    let turns = lock();
    if turns.holders.get(&share) == Some(&me) {
        return Ok(Turn { share: None });
    }
    wait(turns, share, me)
}

/// First come, first served: an engine comes again and again.
fn wait(
    mut turns: MutexGuard<'_, Turns>,
    share: u64,
    me: IsolateId,
) -> Result<Turn, WaitsForItself> {
    turns.tickets += 1;
    let ticket = Ticket {
        share,
        number: turns.tickets,
    };
    while turns.is_taken(ticket) {
        if turns.ends_at(share, me) {
            turns.waiting.remove(&me);
            return Err(WaitsForItself);
        }
        turns.waiting.insert(me, ticket);
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

pub fn ask(engine: IsolateId, isolate: IsolateId) -> Asking {
    lock().asking.insert(engine, isolate);
    // Whoever waits for the engine may find itself in a ring now.
    FREED.notify_all();
    Asking(engine)
}

impl Drop for Asking {
    fn drop(&mut self) {
        lock().asking.remove(&self.0);
    }
}

/// Whether `engine` waits for `isolate` in the end.
pub fn waits_for(engine: IsolateId, isolate: IsolateId) -> bool {
    lock().leads_to(engine, isolate)
}

impl Turns {
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
        for _ in 0..=self.asking.len() + self.waiting.len() {
            if who == me {
                return true;
            }
            let next = match (self.asking.get(&who), self.waiting.get(&who)) {
                (Some(isolate), _) => Some(isolate),
                (None, Some(ticket)) => self.holders.get(&ticket.share),
                (None, None) => None,
            };
            let Some(next) = next else { return false };
            who = *next;
        }
        false
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(share) = self.share {
            lock().holders.remove(&share);
            FREED.notify_all();
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
