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
});
static FREED: Condvar = Condvar::new();

struct Turns {
    /// Share → who holds its turn.
    holders: BTreeMap<u64, IsolateId>,
    /// Isolate → the share it waits for.
    waiting: BTreeMap<IsolateId, u64>,
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

fn wait(
    mut turns: MutexGuard<'_, Turns>,
    share: u64,
    me: IsolateId,
) -> Result<Turn, WaitsForItself> {
    while turns.holders.contains_key(&share) {
        if turns.ends_at(share, me) {
            return Err(WaitsForItself);
        }
        turns.waiting.insert(me, share);
        turns = FREED
            .wait(turns)
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        turns.waiting.remove(&me);
    }
    turns.holders.insert(share, me);
    Ok(Turn { share: Some(share) })
}

impl Turns {
    /// Follows holder and wait, holder and wait. No ring can be met on the
    /// way, as none is ever closed.
    fn ends_at(&self, share: u64, me: IsolateId) -> bool {
        let mut next = Some(share);
        while let Some(share) = next {
            match self.holders.get(&share) {
                Some(holder) if *holder == me => return true,
                Some(holder) => next = self.waiting.get(holder).copied(),
                None => return false,
            }
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

    #[test]
    fn a_second_transfer_waits_for_the_first() {
        let first = take(1_000, 1).unwrap();
        let (done, waits) = channel();
        let other = thread::spawn(move || {
            let turn = take(1_000, 2).unwrap();
            done.send(()).unwrap();
            drop(turn);
        });
        while lock().waiting.get(&2) != Some(&1_000) {
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
        while lock().waiting.get(&22) != Some(&3_001) {
            thread::yield_now();
        }
        assert!(take(3_002, 21).is_err());
        drop(mine);
        theirs.join().unwrap();
    }
}
