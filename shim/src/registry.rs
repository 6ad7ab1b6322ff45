//! Every handle of the process by its number, which any isolate may ask for.
//!
//! Numbers are never reused, so a stale one can't mean another handle.

use crate::easy::Easy;
use crate::multi::Multi;
use crate::share::Share;
use crate::sys::poller::Poller;
use crate::sys::waiting::Wait;
use crate::url::Url;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

static NEXT: AtomicU64 = AtomicU64::new(1);

pub fn new_id() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

pub struct Registry<T>(Mutex<BTreeMap<u64, Weak<T>>>);

pub static EASIES: Registry<Easy> = Registry::new();
pub static SHARES: Registry<Share> = Registry::new();
pub static URLS: Registry<Url> = Registry::new();
pub static MULTIS: Registry<Multi> = Registry::new();
/// Each under way, or about to be, on another thread.
pub static WAITS: Registry<Wait> = Registry::new();
/// Each by the number of the isolate's engine that turns after it.
pub static POLLERS: Registry<Poller> = Registry::new();

impl<T> Registry<T> {
    const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    pub fn add(&self, id: u64, object: &Arc<T>) {
        self.lock().insert(id, Arc::downgrade(object));
    }

    pub fn find(&self, id: u64) -> Option<Arc<T>> {
        // The lock is released before the reference can be dropped.
        let found = self.lock().get(&id).cloned();
        found.and_then(|weak| weak.upgrade())
    }

    pub fn remove(&self, id: u64) {
        self.lock().remove(&id);
    }

    pub fn all(&self) -> Vec<Arc<T>> {
        let weak: Vec<_> = self.lock().values().cloned().collect();
        weak.iter().filter_map(Weak::upgrade).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Weak<T>>> {
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
