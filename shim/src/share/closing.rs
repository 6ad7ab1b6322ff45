//! Those who wait for a share to become free, to close it.

use crate::engine::mailbox::{Letter, Mailbox};
use std::sync::{Arc, Mutex, MutexGuard};

pub struct Closing {
    share: u64,
    /// A mailbox for each close that is under way.
    waiting: Mutex<Vec<Arc<Mailbox>>>,
}

impl Closing {
    pub fn new(share: u64) -> Self {
        Self {
            share,
            waiting: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Mailbox>>> {
        self.waiting
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub fn is_on(&self) -> bool {
        !self.lock().is_empty()
    }

    pub fn begin(&self, mailbox: &Arc<Mailbox>) {
        self.lock().push(mailbox.clone());
    }

    pub fn end(&self, mailbox: &Arc<Mailbox>) {
        let mut waiting = self.lock();
        if let Some(place) = waiting.iter().position(|other| Arc::ptr_eq(other, mailbox)) {
            waiting.swap_remove(place);
        }
    }

    /// Something has changed: it is worth another try.
    pub fn tell(&self) {
        for mailbox in self.lock().iter() {
            mailbox.post(Letter::Closable(self.share));
        }
    }
}
