//! What the model checker replaces by its own.

pub use std::sync::{Arc, Mutex, MutexGuard, TryLockError, Weak};
pub use std::thread::yield_now;
