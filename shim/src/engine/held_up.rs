//! A transfer that libcurl is done with while the program holds up what has not
//! been told yet. Its progress and its time go on as if libcurl was not.

use super::mailbox::Asked;
use crate::error::Error;
use crate::sys::bindings::*;
use crate::sys::getinfo;
use crate::sys::poller::TICK;
use crate::sys::trampolines::Slot;
use crate::transfer::Over;
use std::time::{Duration, Instant};

pub struct HeldUp {
    since: Instant,
    /// How long it had taken by then.
    took: Duration,
    /// When its time is up.
    deadline: Option<Instant>,
    /// What hears of its progress, and when next.
    progress: Option<(Slot, Instant)>,
}

/// What is due of it.
pub enum Due {
    Progress(Asked),
    TimeIsUp(Error),
}

impl HeldUp {
    /// From now on.
    pub fn new(over: &Over) -> Self {
        let now = Instant::now();
        let took = getinfo::off_t(over.transfer.handle(), CURLINFO_TOTAL_TIME_T);
        let took = took.unwrap_or_default().try_into().unwrap_or_default();
        let took = Duration::from_micros(took);
        let timeout = over.transfer.timeout();
        Self {
            since: now,
            took,
            deadline: timeout.map(|timeout| now + timeout.saturating_sub(took)),
            progress: over.transfer.progress().map(|slot| (slot, now + TICK)),
        }
    }

    /// When something is due; never where nothing is left to end it.
    pub fn next(&self) -> Option<Instant> {
        let times = [self.deadline, self.progress.map(|(_, at)| at)];
        times.into_iter().flatten().min()
    }

    pub fn take_due(&mut self, over: &Over) -> Option<Due> {
        let now = Instant::now();
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            return Some(Due::TimeIsUp(self.time_is_up(over)));
        }
        let (slot, at) = self.progress.as_mut().filter(|(_, at)| *at <= now)?;
        *at = now + TICK;
        let [expected, got, to_send, sent] = figures(over);
        Some(Due::Progress(Asked {
            id: over.transfer.id(),
            slot: *slot,
            numbers: [expected, got, to_send, sent, 0, 0].map(|figure| figure as f64),
            body: Vec::new(),
        }))
    }

    /// In libcurl's words.
    fn time_is_up(&self, over: &Over) -> Error {
        let took = (self.took + self.since.elapsed()).as_millis();
        let [expected, got, ..] = figures(over);
        let of = match expected {
            0 => String::new(),
            expected => format!(" out of {expected}"),
        };
        let text =
            format!("Operation timed out after {took} milliseconds with {got}{of} bytes received");
        Error::easy(CURLE_OPERATION_TIMEDOUT, &text)
    }
}

/// As libcurl tells them: 0 is what it does not know.
fn figures(over: &Over) -> [curl_off_t; 4] {
    [
        CURLINFO_CONTENT_LENGTH_DOWNLOAD_T,
        CURLINFO_SIZE_DOWNLOAD_T,
        CURLINFO_CONTENT_LENGTH_UPLOAD_T,
        CURLINFO_SIZE_UPLOAD_T,
    ]
    .map(|info| {
        let figure = getinfo::off_t(over.transfer.handle(), info);
        figure.unwrap_or_default().max(0)
    })
}
