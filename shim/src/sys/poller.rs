//! Waiting for sockets, for the next thing that is due, or for being woken.

use super::bindings::*;
use polling::{Event, Events, PollMode};
use std::ffi::c_int;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// One waits while another adds sockets, moves the deadline, or wakes it.
pub struct Poller {
    system: polling::Poller,
    state: Mutex<State>,
    /// Somebody is inside `wait`.
    waiting: AtomicBool,
}

#[derive(Default)]
struct State {
    /// When libcurl wants to look again.
    deadline: Option<Instant>,
    /// What the last wait has found and nobody has taken.
    ready: Vec<Ready>,
    /// Somebody has something for whoever turns the handle.
    woken: bool,
    /// Nobody turns it any more.
    ended: bool,
}

/// A socket on which something can be done, in CURL_CSELECT_*.
#[derive(Clone, Copy)]
pub struct Ready {
    pub socket: curl_socket_t,
    pub how: c_int,
}

impl Poller {
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            system: polling::Poller::new()?,
            state: Mutex::default(),
            waiting: AtomicBool::new(false),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Until there is something to do. What it was is for `take`.
    pub fn wait(&self) {
        let mut events = Events::new();
        loop {
            let timeout = {
                let state = self.lock();
                if state.woken || state.ended || !state.ready.is_empty() {
                    return;
                }
                // Under the lock: whoever moves the deadline later sees it.
                self.waiting.store(true, Ordering::Relaxed);
                state.deadline.map(left)
            };
            if timeout.is_some_and(|timeout| timeout.is_zero()) {
                self.waiting.store(false, Ordering::Relaxed);
                return;
            }
            let found = self.system.wait(&mut events, timeout);
            let mut state = self.lock();
            self.waiting.store(false, Ordering::Relaxed);
            state.ready.extend(events.iter().filter_map(ready));
            // A failed wait is for libcurl to notice: it looks at its sockets.
            if found.is_err() {
                return;
            }
            events.clear();
        }
    }

    /// What was found ready, and whether the deadline has passed. `look`: what
    /// is ready now, too.
    pub fn take(&self, into: &mut Vec<Ready>, look: bool) -> bool {
        if look && !self.waiting.load(Ordering::Relaxed) {
            self.look();
        }
        let mut state = self.lock();
        into.append(&mut state.ready);
        let due = state
            .deadline
            .is_some_and(|deadline| left(deadline).is_zero());
        if due {
            state.deadline = None;
        }
        due
    }

    /// Without waiting.
    fn look(&self) {
        let mut events = Events::new();
        if self.system.wait(&mut events, Some(Duration::ZERO)).is_ok() {
            self.lock().ready.extend(events.iter().filter_map(ready));
        }
    }

    /// Whatever woke it so far is about to be looked at.
    pub fn hear(&self) {
        self.lock().woken = false;
    }

    /// Ends a wait that is under way, or the next one at once.
    pub fn wake(&self) {
        self.lock().woken = true;
        self.interrupt();
    }

    /// From now on nobody waits here.
    pub fn end(&self) {
        self.lock().ended = true;
        self.interrupt();
    }

    pub fn has_ended(&self) -> bool {
        self.lock().ended
    }

    fn interrupt(&self) {
        if self.waiting.load(Ordering::Relaxed) {
            let notified = self.system.notify();
            debug_assert!(notified.is_ok());
        }
    }

    pub(super) fn set_deadline(&self, after: Option<Duration>) {
        let deadline = after.map(|after| Instant::now() + after);
        let mut state = self.lock();
        let sooner = match (deadline, state.deadline) {
            (Some(new), Some(old)) => new < old,
            (Some(_), None) => true,
            (None, _) => false,
        };
        state.deadline = deadline;
        drop(state);
        if sooner {
            self.interrupt();
        }
    }

    /// `what` is one of CURL_POLL_*.
    pub(super) fn watch(&self, socket: curl_socket_t, what: c_int) -> io::Result<()> {
        let (readable, writable) = (what & CURL_POLL_IN != 0, what & CURL_POLL_OUT != 0);
        let interest = Event::new(socket as usize, readable, writable);
        // SAFETY: libcurl has the socket open, and says so before it closes it.
        let source = unsafe { BorrowedFd::borrow_raw(socket) };
        match self
            .system
            .modify_with_mode(source, interest, PollMode::Level)
        {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // SAFETY: as above; `forget` is called then.
                unsafe {
                    self.system
                        .add_with_mode(&source, interest, PollMode::Level)
                }
            }
            outcome => outcome,
        }
    }

    pub(super) fn forget(&self, socket: curl_socket_t) {
        // SAFETY: as in `watch`.
        let source = unsafe { BorrowedFd::borrow_raw(socket) };
        // Gone already where the program has closed the socket itself.
        let _ = self.system.delete(source);
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

fn ready(event: Event) -> Option<Ready> {
    let mut how = 0;
    if event.readable {
        how |= CURL_CSELECT_IN;
    }
    if event.writable {
        how |= CURL_CSELECT_OUT;
    }
    (how != 0).then_some(Ready {
        socket: event.key as curl_socket_t,
        how,
    })
}
