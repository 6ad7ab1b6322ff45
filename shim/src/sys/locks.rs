//! The lock table of a share: one lock for each kind of data, taken and given
//! back by libcurl alone.

use super::bindings::{CURL_LOCK_DATA_LAST, curl_lock_access, curl_lock_data};
use parking_lot::RawMutex;
use parking_lot::lock_api::RawMutex as _;
use std::cell::Cell;
use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

const KINDS: usize = CURL_LOCK_DATA_LAST as usize;

#[derive(Default)]
pub struct Locks {
    kinds: [Lock; KINDS],
}

/// What a kind's lock has seen so far.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Figures {
    pub taken: u64,
    pub contended: u64,
    pub waited_ns: u64,
}

struct Lock {
    raw: RawMutex,
    /// The thread that has it, as `thread_token`; 0: nobody.
    owner: AtomicUsize,
    /// How often the owner has taken it again: libcurl closes a connection
    /// under the pool's lock, and may look into the pool meanwhile.
    depth: AtomicU32,
    // Written by the owner alone; atomic because anybody may read.
    taken: AtomicU64,
    contended: AtomicU64,
    waited_ns: AtomicU64,
}

impl Default for Lock {
    fn default() -> Self {
        Self {
            raw: RawMutex::INIT,
            owner: AtomicUsize::new(0),
            depth: AtomicU32::new(0),
            taken: AtomicU64::new(0),
            contended: AtomicU64::new(0),
            waited_ns: AtomicU64::new(0),
        }
    }
}

thread_local! {
    /// How many share locks this thread has: while any, no question may be
    /// put to JavaScript, since another thread could wait for the lock.
    static HELD: Cell<u32> = const { Cell::new(0) };
}

pub fn holds_any() -> bool {
    HELD.get() > 0
}

/// Unlike an id from the system, a thread-local's address costs no call.
fn thread_token() -> usize {
    HELD.with(|held| held as *const _ as usize)
}

fn add(counter: &AtomicU64, amount: u64) {
    // A plain addition is enough: only the lock's owner writes.
    counter.store(counter.load(Ordering::Relaxed) + amount, Ordering::Relaxed);
}

impl Lock {
    fn lock(&self) {
        let me = thread_token();
        if !self.raw.try_lock() {
            if self.owner.load(Ordering::Relaxed) == me {
                self.depth
                    .store(self.depth.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                return;
            }
            self.wait();
        }
        self.owner.store(me, Ordering::Relaxed);
        add(&self.taken, 1);
        HELD.set(HELD.get() + 1);
    }

    #[cold]
    fn wait(&self) {
        let since = Instant::now();
        self.raw.lock();
        add(&self.contended, 1);
        add(&self.waited_ns, since.elapsed().as_nanos() as u64);
    }

    fn unlock(&self) {
        let depth = self.depth.load(Ordering::Relaxed);
        if depth > 0 {
            self.depth.store(depth - 1, Ordering::Relaxed);
            return;
        }
        HELD.set(HELD.get() - 1);
        self.owner.store(0, Ordering::Relaxed);
        // SAFETY: libcurl unlocks what it has locked, on the same thread: a
        // coroutine never moves, and is not suspended while `holds_any`.
        unsafe { self.raw.unlock() }
    }
}

impl Locks {
    pub fn figures(&self, kind: usize) -> Figures {
        let lock = &self.kinds[kind];
        Figures {
            taken: lock.taken.load(Ordering::Relaxed),
            contended: lock.contended.load(Ordering::Relaxed),
            waited_ns: lock.waited_ns.load(Ordering::Relaxed),
        }
    }

    /// What one pair of libcurl's callbacks costs, for the bench.
    #[doc(hidden)]
    pub fn lock_and_unlock(&self, kind: u32) {
        let table = (self as *const Self).cast_mut().cast();
        // SAFETY: the table is alive, and the kind is checked by the callbacks.
        unsafe {
            lock_callback(std::ptr::null_mut(), kind as _, 2, table);
            unlock_callback(std::ptr::null_mut(), kind as _, table);
        }
    }
}

/// # Safety
/// `table` is the `Locks` of a share that is being used.
pub(super) unsafe extern "C" fn lock_callback(
    _handle: *mut c_void,
    kind: curl_lock_data,
    _access: curl_lock_access,
    table: *mut c_void,
) {
    // SAFETY: the share's owner keeps its table until libcurl has freed the share.
    let table = unsafe { &*table.cast::<Locks>() };
    if let Some(lock) = table.kinds.get(kind as usize) {
        lock.lock();
    }
}

/// # Safety
/// As for `lock_callback`.
pub(super) unsafe extern "C" fn unlock_callback(
    _handle: *mut c_void,
    kind: curl_lock_data,
    table: *mut c_void,
) {
    // SAFETY: as above.
    let table = unsafe { &*table.cast::<Locks>() };
    if let Some(lock) = table.kinds.get(kind as usize) {
        lock.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::thread;

    #[test]
    fn a_kind_is_locked_for_other_threads_and_counted() {
        let locks = Arc::new(Locks::default());
        let mut value = Box::new(0_u64);
        let address = &raw mut *value as usize;
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let locks = locks.clone();
                thread::spawn(move || {
                    for _ in 0..10_000 {
                        locks.kinds[3].lock();
                        // SAFETY: the lock under test lets one thread in.
                        unsafe { *(address as *mut u64) += 1 };
                        locks.kinds[3].unlock();
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(*value, 40_000);
        assert_eq!(locks.figures(3).taken, 40_000);
        assert_eq!(locks.figures(2), Figures::default());
    }

    #[test]
    fn its_owner_may_take_a_lock_again() {
        let locks = Locks::default();
        locks.kinds[5].lock();
        locks.kinds[5].lock();
        assert!(holds_any());
        locks.kinds[5].unlock();
        assert!(holds_any());
        locks.kinds[5].unlock();
        assert!(!holds_any());
    }
}
