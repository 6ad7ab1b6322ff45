//! What the included files take from `std::thread`, over loom.

pub use loom::thread::{ThreadId, current, yield_now};

use crate::local;
use crate::model::execution;
use loom::thread::JoinHandle;
use real::cell::{Cell, RefCell};
use real::io;

/// Threads that nobody joins but the end of the model.
static STARTED: Started = Started(Cell::new(0), RefCell::new(Vec::new()));

struct Started(Cell<u64>, RefCell<Vec<JoinHandle<()>>>);

// SAFETY: loom's threads take turns on one thread of the system, and one model
// runs at a time.
unsafe impl Sync for Started {}

#[derive(Default)]
pub struct Builder;

impl Builder {
    pub fn new() -> Self {
        Self
    }

    pub fn name(self, _: String) -> Self {
        self
    }

    /// Whoever starts it doesn't wait for its end.
    pub fn spawn(self, run: impl FnOnce() + 'static) -> io::Result<()> {
        let thread = loom::thread::spawn(move || {
            run();
            local::end_thread();
        });
        if STARTED.0.replace(execution()) != execution() {
            STARTED.1.borrow_mut().clear();
        }
        STARTED.1.borrow_mut().push(thread);
        Ok(())
    }
}

/// One that doesn't come to an end is a deadlock of the model.
pub(crate) fn join_all() {
    if STARTED.0.get() != execution() {
        return;
    }
    loop {
        let next = STARTED.1.borrow_mut().pop();
        let Some(thread) = next else { return };
        thread.join().expect("a thread of the shim's ends well");
    }
}
