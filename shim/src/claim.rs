//! Who may touch a handle now: one word and one lock for each, and the only
//! transitions between its states.
//!
//! The lock is held for the length of one libcurl call, so whoever finds it
//! taken waits. A transfer does not hold it: it leaves the word `Running`, and
//! whoever finds that is refused.

use crate::sync::{Mutex, MutexGuard, TryLockError};
use std::ops::{Deref, DerefMut};

/// Names an isolate for the life of the process; never reused.
pub type IsolateId = u32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Idle,
    Running(IsolateId),
    Closed,
}

/// Why a transition was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A transfer is running, in this isolate or in another.
    Running {
        by: IsolateId,
    },
    Closed,
}

pub struct Claim<T> {
    inner: Mutex<Inner<T>>,
}

struct Inner<T> {
    state: State,
    value: T,
}

/// Exclusive use of what a claim guards, for one call.
pub struct Held<'a, T> {
    inner: MutexGuard<'a, Inner<T>>,
}

/// What a look that does not wait finds.
pub enum Peek<'a, T> {
    Idle(Held<'a, T>),
    /// Somebody is inside for the length of one call.
    Busy,
    Running,
    Closed,
}

impl<T> Claim<T> {
    pub fn new(value: T) -> Self {
        Self {
            inner: Mutex::new(Inner {
                state: State::Idle,
                value,
            }),
        }
    }

    /// For calls that libcurl allows inside a callback: the handle is idle, or
    /// its transfer waits for this isolate's answer.
    pub fn enter(&self, me: IsolateId) -> Result<Held<'_, T>, Refusal> {
        let held = self.lock();
        match held.inner.state {
            State::Idle => Ok(held),
            State::Running(by) if by == me => Ok(held),
            State::Running(by) => Err(Refusal::Running { by }),
            State::Closed => Err(Refusal::Closed),
        }
    }

    /// For calls that must not meet a transfer, not even their own.
    pub fn enter_idle(&self) -> Result<Held<'_, T>, Refusal> {
        let held = self.lock();
        match held.inner.state {
            State::Idle => Ok(held),
            State::Running(by) => Err(Refusal::Running { by }),
            State::Closed => Err(Refusal::Closed),
        }
    }

    /// As `enter_idle`, but never waits: closing a share holds locks that
    /// whoever is inside may be waiting for.
    pub fn peek(&self) -> Peek<'_, T> {
        let inner = match self.inner.try_lock() {
            Ok(inner) => inner,
            Err(TryLockError::WouldBlock) => return Peek::Busy,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        };
        match inner.state {
            State::Idle => Peek::Idle(Held { inner }),
            State::Running(_) => Peek::Running,
            State::Closed => Peek::Closed,
        }
    }

    /// The transfer is over. Only whoever made it `Running` calls this.
    pub fn finish(&self) -> Held<'_, T> {
        let mut held = self.lock();
        debug_assert!(matches!(held.inner.state, State::Running(_)));
        held.inner.state = State::Idle;
        held
    }

    /// For reports only: the state may change as soon as it is told.
    pub fn state(&self) -> Option<State> {
        self.inner.try_lock().ok().map(|inner| inner.state)
    }

    /// Not subject to the state: for the owner of the last reference, and for
    /// questions that any state answers.
    pub fn lock(&self) -> Held<'_, T> {
        Held {
            inner: self
                .inner
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner()),
        }
    }
}

impl<T> Held<'_, T> {
    pub fn state(&self) -> State {
        self.inner.state
    }

    /// From now on a transfer of isolate `me` owns the handle.
    pub fn run(&mut self, me: IsolateId) {
        debug_assert_eq!(self.inner.state, State::Idle);
        self.inner.state = State::Running(me);
    }

    /// For good: no transition leads out of `Closed`.
    pub fn close(&mut self) {
        self.inner.state = State::Closed;
    }
}

impl<T> Deref for Held<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.inner.value
    }
}

impl<T> DerefMut for Held<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner.value
    }
}
