//! Waiting for sockets, for the next thing that is due, or for being woken.

use super::bindings::*;
#[cfg(target_os = "linux")]
use super::epoll::System;
use super::linger::Linger;
#[cfg(not(target_os = "linux"))]
use super::portable::System;
use std::ffi::c_int;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// One waits while another adds sockets, moves the deadline, or wakes it.
pub struct Poller {
    system: System,
    state: Mutex<State>,
    /// Somebody is inside `wait`.
    waiting: AtomicBool,
    /// Of the thread that takes what is ready.
    linger: Mutex<Linger>,
}

#[derive(Default)]
struct State {
    /// When libcurl wants to look again.
    deadline: Option<Instant>,
    /// When progress is to be told.
    tick: Option<Instant>,
    /// When a transfer on a stack of its own wants to look again.
    alarm: Option<Instant>,
    /// When something is due of what libcurl is done with.
    reminder: Option<Instant>,
    /// What the last wait has found and nobody has taken.
    ready: Vec<Ready>,
    /// Somebody has something for whoever turns the handle.
    woken: bool,
    /// Nobody turns it any more.
    ended: bool,
}

/// As often as libcurl tells progress of what does not move.
pub const TICK: Duration = Duration::from_secs(1);

/// A socket on which something can be done, in CURL_CSELECT_*.
#[derive(Clone, Copy)]
pub struct Ready {
    pub socket: curl_socket_t,
    pub how: c_int,
}

impl Poller {
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            system: System::new()?,
            state: Mutex::default(),
            waiting: AtomicBool::new(false),
            linger: Mutex::new(Linger::new(System::MOMENT)),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Until there is something to do. What it was is for `take`.
    pub fn wait(&self) {
        loop {
            let timeout = {
                let state = self.lock();
                if state.woken || state.ended || !state.ready.is_empty() {
                    return;
                }
                // Under the lock: whoever moves the deadline later sees it.
                self.waiting.store(true, Ordering::Relaxed);
                state.first().map(left)
            };
            if timeout.is_some_and(|timeout| timeout.is_zero()) {
                self.waiting.store(false, Ordering::Relaxed);
                return;
            }
            let mut ready = Vec::new();
            let found = self.system.wait(timeout, &mut ready);
            let mut state = self.lock();
            self.waiting.store(false, Ordering::Relaxed);
            state.ready.append(&mut ready);
            // A failed wait is for libcurl to notice: it looks at its sockets.
            if found.is_err() {
                return;
            }
        }
    }

    /// Whether there is something to do, looking for a moment where that is
    /// worth it.
    pub fn linger(&self) -> bool {
        if self.waiting.load(Ordering::Relaxed) {
            return false;
        }
        let mut linger = self
            .linger
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        linger.until(|| self.is_busy())
    }

    /// Whether the next wait would end at once.
    pub fn is_busy(&self) -> bool {
        let mut state = self.lock();
        let is_due = state.first().is_some_and(|first| left(first).is_zero());
        if is_due || state.woken || state.ended || !state.ready.is_empty() {
            return true;
        }
        // Nothing where it fails: the next wait tells.
        let _ = self.system.wait(Some(Duration::ZERO), &mut state.ready);
        !state.ready.is_empty()
    }

    /// What was found ready, and whether progress is to be told. `look`: what is
    /// ready now, too.
    pub fn take(&self, into: &mut Vec<Ready>, look: bool) -> bool {
        let mut state = self.lock();
        // A wait has just looked where it has found something.
        if look && state.ready.is_empty() && !self.waiting.load(Ordering::Relaxed) {
            // Nothing where it fails: the next wait tells.
            let _ = self.system.wait(Some(Duration::ZERO), &mut state.ready);
        }
        into.append(&mut state.ready);
        state.tick.take_if(|tick| left(*tick).is_zero()).is_some()
    }

    /// There is one a second, until this is called no more.
    pub fn tick(&self) {
        let next = Instant::now() + TICK;
        self.lock().tick.get_or_insert(next);
        self.interrupt();
    }

    /// Whatever woke it so far is about to be looked at.
    pub fn hear(&self) {
        self.lock().woken = false;
    }

    /// Ends a wait that is under way, or the next one at once.
    pub fn wake(&self) {
        // Whoever has done so before has ended the wait as well.
        if !std::mem::replace(&mut self.lock().woken, true) {
            self.interrupt();
        }
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

    /// Whoever has set it is about to be looked at.
    pub fn clear_alarm(&self) {
        self.lock().alarm = None;
    }

    /// The next turn is due then, at the latest.
    #[cfg(unix)]
    pub(super) fn set_alarm(&self, at: Instant) {
        let mut state = self.lock();
        if state.alarm.is_none_or(|alarm| at < alarm) {
            state.alarm = Some(at);
            drop(state);
            self.interrupt();
        }
    }

    /// The next turn is due then, at the latest; in place of what was said before.
    pub fn remind_at(&self, at: Option<Instant>) {
        self.lock().reminder = at;
    }

    /// libcurl has nothing to do before, unless something comes.
    pub fn set_deadline(&self, after: Option<Duration>) {
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
        self.system.watch(socket, readable, writable)?;
        if System::OVERLOOKS {
            fence(Ordering::SeqCst);
            self.interrupt();
        }
        Ok(())
    }

    pub(super) fn forget(&self, socket: curl_socket_t) {
        self.system.forget(socket);
    }
}

impl Ready {
    pub fn is_writable(self) -> bool {
        self.how & CURL_CSELECT_OUT != 0
    }

    pub(super) fn new(socket: curl_socket_t, readable: bool, writable: bool) -> Self {
        let read = if readable { CURL_CSELECT_IN } else { 0 };
        let write = if writable { CURL_CSELECT_OUT } else { 0 };
        Self {
            socket,
            how: read | write,
        }
    }
}

impl State {
    fn first(&self) -> Option<Instant> {
        let times = [self.deadline, self.tick, self.alarm, self.reminder];
        times.into_iter().flatten().min()
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}
