//! What is to be told to one isolate, by whichever thread.

use crate::claim::IsolateId;
use crate::isolate;
use crate::sys::desk::Query;
use crate::sys::poller::Poller;
use crate::sys::trampolines::Slot;
use crate::transfer::Over;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Instant;

pub struct Mailbox {
    /// Who reads it.
    owner: IsolateId,
    poller: Arc<Poller>,
    inner: Mutex<Inner>,
    posted: Condvar,
}

#[derive(Default)]
struct Inner {
    letters: VecDeque<Letter>,
    /// Nobody reads it any more.
    closed: bool,
    /// Somebody is inside `wait_for`.
    awaited: bool,
}

pub enum Letter {
    /// A callback of a transfer on a share's engine.
    Asked(Asked),
    Over(Over),
    /// A stream has something new.
    News(u64),
    /// A share that is to be closed may be free now.
    Closable(u64),
}

/// A question with all that belongs to it, on its way between two threads.
pub struct Asked {
    pub id: u64,
    pub slot: Slot,
    pub numbers: [f64; 6],
    pub body: Vec<u8>,
}

impl Slot {
    pub fn is_progress(self) -> bool {
        self == Self::XFERINFO || self == Self::PROGRESS
    }

    /// It belongs to the body or comes in order with it.
    pub fn is_handed_over(self) -> bool {
        [
            Self::WRITE,
            Self::HEADER,
            Self::READ,
            Self::MIME_READ,
            Self::DEBUG,
            Self::INTERLEAVE,
        ]
        .contains(&self)
    }

    /// Whether libcurl can't go on before it is answered.
    pub fn waits(self) -> bool {
        !self.is_handed_over() && !self.is_progress()
    }
}

impl Asked {
    pub fn query(&self) -> Query<'_> {
        Query {
            id: self.id,
            slot: self.slot,
            numbers: self.numbers,
            body: &self.body,
            landed: 0,
        }
    }
}

impl Letter {
    /// For somebody who waits for this transfer and nothing else: an engine
    /// that waits for another answer would never come to it.
    pub fn concerns(&self, id: u64) -> bool {
        match self {
            Self::Asked(asked) => asked.slot.waits() || asked.id == id,
            Self::Over(over) => over.transfer.id() == id,
            Self::News(_) | Self::Closable(_) => false,
        }
    }
}

impl Mailbox {
    pub fn new(poller: Arc<Poller>) -> Self {
        Self {
            owner: isolate::id(),
            poller,
            inner: Mutex::new(Inner::default()),
            posted: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// `false`: nobody will read it.
    pub fn post(&self, letter: Letter) -> bool {
        let posted = self.put(letter);
        if posted {
            self.tell();
        }
        posted
    }

    /// The same, for whoever calls `tell` after the last letter: each time that
    /// somebody is woken costs as much as a small transfer.
    pub fn put(&self, letter: Letter) -> bool {
        let mut inner = self.lock();
        if !inner.closed {
            inner.letters.push_back(letter);
        }
        !inner.closed
    }

    /// There may be letters.
    pub fn tell(&self) {
        let inner = self.lock();
        if inner.letters.is_empty() {
            return;
        }
        if inner.awaited {
            self.posted.notify_one();
        }
        drop(inner);
        self.poller.wake();
    }

    /// Of a stream. On the isolate's own thread it comes from a turn, at the end
    /// of which the letters are read: to wake it would be a turn for nothing.
    pub fn post_news(&self, id: u64) {
        let mut inner = self.lock();
        if inner.closed {
            return;
        }
        inner.letters.push_back(Letter::News(id));
        drop(inner);
        if isolate::id() != self.owner {
            self.tell();
        }
    }

    /// Read again, before all others.
    pub fn put_back(&self, letters: impl DoubleEndedIterator<Item = Letter>) {
        let mut inner = self.lock();
        for letter in letters.rev() {
            inner.letters.push_front(letter);
        }
        drop(inner);
        self.poller.wake();
    }

    pub fn next(&self) -> Option<Letter> {
        self.lock().letters.pop_front()
    }

    /// The first letter that concerns this transfer; nothing if it does not come
    /// in time.
    pub fn wait_for(&self, id: u64, until: Option<Instant>) -> Option<Letter> {
        let mut inner = self.lock();
        loop {
            let place = inner.letters.iter().position(|letter| letter.concerns(id));
            let letter = place.and_then(|place| inner.letters.remove(place));
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if letter.is_some() || left.is_some_and(|left| left.is_zero()) {
                inner.awaited = false;
                return letter;
            }
            inner.awaited = true;
            inner = match left {
                Some(left) => {
                    let waited = self.posted.wait_timeout(inner, left);
                    waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0
                }
                None => {
                    let waited = self.posted.wait(inner);
                    waited.unwrap_or_else(|poisoned| poisoned.into_inner())
                }
            };
        }
    }

    pub fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        let letters = std::mem::take(&mut inner.letters);
        drop(inner);
        drop(letters);
    }
}
