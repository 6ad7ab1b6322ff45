//! Whoever has letters of an engine and was not told yet. To be woken costs as much
//! as a small transfer, and where there is one core it takes that from the engine:
//! while the engine has more to do, letters come together.

use super::mailbox::Mailbox;
use super::there::note;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(Default)]
pub struct Untold {
    mailboxes: Vec<Arc<Mailbox>>,
    /// When the first of them got its letter.
    since: Option<Instant>,
}

/// So long nobody minds.
const WHILE: Duration = Duration::from_micros(150);

impl Untold {
    pub fn add(&mut self, mailbox: &Arc<Mailbox>) {
        note(&mut self.mailboxes, mailbox);
    }

    pub fn tell(&mut self) {
        self.since = None;
        for mailbox in self.mailboxes.drain(..) {
            mailbox.tell();
        }
    }

    /// The same, unless the engine is busy and it can wait.
    pub fn tell_soon(&mut self, is_busy: impl FnOnce() -> bool) {
        if self.mailboxes.is_empty() {
            return;
        }
        let since = self.since.get_or_insert_with(Instant::now);
        if since.elapsed() > WHILE || !is_busy() {
            self.tell();
        }
    }
}
