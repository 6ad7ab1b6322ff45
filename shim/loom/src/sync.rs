//! What the included files take from `std::sync`, over loom.
//!
//! Everything here can be made in a constant, as the shim's statics are, and
//! starts anew with each execution. loom's own mutex is not used: a thread
//! that is about to try it counts as waiting for it there, and what only looks
//! at a lock would seem to be part of a deadlock.

pub use crate::arc::{Arc, Weak};
pub use loom::thread::yield_now;
pub use real::sync::{LockResult, OnceLock, TryLockError, TryLockResult};

use crate::model::execution;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread::{Thread, current, park};
use real::cell::{Cell, RefCell, UnsafeCell};
use real::collections::VecDeque;
use real::mem;
use real::ops::{Deref, DerefMut};
use real::rc::Rc;
use real::time::Duration;

/// Numbers are counted and never waited for: no steps of a model.
pub mod atomic {
    pub use real::sync::atomic::{Ordering, fence};

    use super::Order;
    use crate::model::execution;
    use real::cell::Cell;

    /// Ordered by nothing but itself, whatever its users say.
    pub struct AtomicBool {
        order: Order,
        now: Cell<bool>,
    }

    // SAFETY: loom's threads take turns on one thread of the system.
    unsafe impl Sync for AtomicBool {}

    impl AtomicBool {
        pub const fn new(start: bool) -> Self {
            Self {
                order: Order::new(),
                now: Cell::new(start),
            }
        }

        pub fn load(&self, _: Ordering) -> bool {
            self.order.look();
            self.now.get()
        }

        pub fn store(&self, value: bool, _: Ordering) {
            self.order.look();
            self.now.set(value);
        }
    }

    pub type AtomicU32 = Counter<u32>;
    pub type AtomicU64 = Counter<u64>;

    /// Starts anew with each execution, so that ids are the same in all.
    pub struct Counter<T> {
        start: T,
        now: Cell<Option<(u64, T)>>,
    }

    // SAFETY: loom's threads take turns on one thread of the system, and one
    // model runs at a time.
    unsafe impl<T> Sync for Counter<T> {}

    impl<T: Copy + real::ops::Add<Output = T>> Counter<T> {
        pub const fn new(start: T) -> Self {
            Self {
                start,
                now: Cell::new(None),
            }
        }

        pub fn load(&self, _: Ordering) -> T {
            match self.now.get() {
                Some((then, value)) if then == execution() => value,
                _ => self.start,
            }
        }

        pub fn fetch_add(&self, amount: T, order: Ordering) -> T {
            let before = self.load(order);
            self.now.set(Some((execution(), before + amount)));
            before
        }
    }
}

/// Where threads come one after another. What a thread does after one of these
/// operations, up to its next one on anything, no other thread interrupts.
pub(crate) struct Order(Cell<Option<(u64, usize)>>);

/// loom wants an atomic to be made before its users could race, and the shim's
/// mutexes can be constants: so all are made when an execution begins, and
/// given out at their first use.
static ATOMICS: Atomics = Atomics(RefCell::new(Vec::new()), Cell::new(0));
const ATOMICS_MADE: usize = 160;

struct Atomics(RefCell<Vec<Rc<AtomicUsize>>>, Cell<usize>);

// SAFETY: loom's threads take turns on one thread of the system, and one model
// runs at a time.
unsafe impl Sync for Atomics {}

/// On a model's first thread, before any other.
pub(crate) fn begin_execution() {
    let made = (0..ATOMICS_MADE).map(|_| Rc::new(AtomicUsize::new(0)));
    *ATOMICS.0.borrow_mut() = made.collect();
    ATOMICS.1.set(0);
}

impl Order {
    pub(crate) const fn new() -> Self {
        Self(Cell::new(None))
    }

    fn step(&self, order: Ordering) {
        // A model that has failed is taken apart without loom.
        if real::thread::panicking() {
            return;
        }
        let index = match self.0.get() {
            Some((then, index)) if then == execution() => index,
            _ => {
                let index = ATOMICS.1.replace(ATOMICS.1.get() + 1);
                self.0.set(Some((execution(), index)));
                index
            }
        };
        let atomic = ATOMICS.0.borrow()[index].clone();
        atomic.fetch_add(1, order);
    }

    pub(crate) fn look(&self) {
        self.step(Ordering::Relaxed);
    }

    pub(crate) fn release(&self) {
        self.step(Ordering::Release);
    }

    pub(crate) fn acquire(&self) {
        self.step(Ordering::Acquire);
    }
}

pub struct Mutex<T> {
    order: Order,
    state: RefCell<State>,
    value: UnsafeCell<T>,
}

struct State {
    taken: bool,
    waiting: VecDeque<Thread>,
}

pub struct MutexGuard<'a, T> {
    mutex: &'a Mutex<T>,
}

// SAFETY: loom's threads take turns on one thread of the system.
unsafe impl<T: Send> Sync for Mutex<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Mutex<T> {}

impl<T> Mutex<T> {
    pub const fn new(value: T) -> Self {
        Self {
            order: Order::new(),
            state: RefCell::new(State {
                taken: false,
                waiting: VecDeque::new(),
            }),
            value: UnsafeCell::new(value),
        }
    }

    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        loop {
            self.order.acquire();
            if !mem::replace(&mut self.state.borrow_mut().taken, true) {
                return Ok(MutexGuard { mutex: self });
            }
            self.state.borrow_mut().waiting.push_back(current());
            park();
        }
    }

    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        self.order.look();
        if mem::replace(&mut self.state.borrow_mut().taken, true) {
            return Err(TryLockError::WouldBlock);
        }
        self.order.acquire();
        Ok(MutexGuard { mutex: self })
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: the guard is the only one.
        unsafe { &*self.mutex.value.get() }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard is the only one.
        unsafe { &mut *self.mutex.value.get() }
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        self.mutex.order.release();
        let mut state = self.mutex.state.borrow_mut();
        state.taken = false;
        state.waiting.drain(..).for_each(|thread| thread.unpark());
    }
}

pub struct Condvar {
    order: Order,
    waiting: RefCell<Vec<Thread>>,
}

// SAFETY: loom's threads take turns on one thread of the system.
unsafe impl Sync for Condvar {}

impl Condvar {
    pub const fn new() -> Self {
        Self {
            order: Order::new(),
            waiting: RefCell::new(Vec::new()),
        }
    }

    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        let mutex = guard.mutex;
        self.waiting.borrow_mut().push(current());
        drop(guard);
        // Returns at once if somebody has notified since.
        park();
        mutex.lock()
    }

    /// Time does not pass.
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        _: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, ())> {
        let guard = self.wait(guard).unwrap_or_else(|never| never.into_inner());
        Ok((guard, ()))
    }

    pub fn notify_one(&self) {
        self.order.look();
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.is_empty() {
            waiting.remove(0).unpark();
        }
    }

    pub fn notify_all(&self) {
        self.order.look();
        self.waiting
            .borrow_mut()
            .drain(..)
            .for_each(|thread| thread.unpark());
    }
}
