//! Waiting for the sockets of a program's own multi handle, with no hand on the
//! handle: the sockets were asked for before.

use super::stack::Watched;
use std::ffi::c_int;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// What is waited for, and how long at most.
pub struct Sockets {
    entries: Vec<libc::pollfd>,
    timeout: Duration,
}

impl Sockets {
    pub fn new(sockets: &[Watched], timeout: Duration) -> Self {
        Self {
            entries: sockets.iter().map(entry).collect(),
            timeout,
        }
    }

    /// How many are ready now.
    pub fn look(&mut self) -> usize {
        poll(&mut self.entries, Duration::ZERO);
        count(&self.entries)
    }

    /// Waits on this thread: how many are ready.
    pub fn wait(&mut self) -> usize {
        poll(&mut self.entries, self.timeout);
        count(&self.entries)
    }
}

/// A wait on another thread.
pub struct Wait {
    sockets: Vec<libc::pollfd>,
    timeout: Duration,
    /// What is written here ends it, whether it has begun or not.
    waker: UnixStream,
    woken: UnixStream,
}

impl Wait {
    pub fn new(sockets: Sockets) -> io::Result<Self> {
        let (waker, woken) = UnixStream::pair()?;
        waker.set_nonblocking(true)?;
        Ok(Self {
            sockets: sockets.entries,
            timeout: sockets.timeout,
            waker,
            woken,
        })
    }

    /// How many sockets are ready.
    pub fn wait(&self) -> usize {
        let mut entries = self.sockets.clone();
        entries.push(libc::pollfd {
            fd: self.woken.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        });
        poll(&mut entries, self.timeout);
        count(&entries[..self.sockets.len()])
    }

    pub fn wake(&self) {
        // If there is no room for it, it was woken before.
        let _ = (&self.waker).write(&[0]);
    }
}

fn entry(watched: &Watched) -> libc::pollfd {
    let readable = if watched.readable { libc::POLLIN } else { 0 };
    let writable = if watched.writable { libc::POLLOUT } else { 0 };
    libc::pollfd {
        fd: watched.socket,
        events: readable | writable,
        revents: 0,
    }
}

fn count(entries: &[libc::pollfd]) -> usize {
    entries.iter().filter(|entry| entry.revents != 0).count()
}

/// A failed wait is for libcurl to notice: it looks at its sockets.
fn poll(entries: &mut [libc::pollfd], timeout: Duration) {
    let end = Instant::now() + timeout;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        // Rounded up: too early would mean to wait again.
        let milliseconds = left.as_nanos().div_ceil(1_000_000);
        let milliseconds = c_int::try_from(milliseconds).unwrap_or(c_int::MAX);
        let length = entries.len() as libc::nfds_t;
        // SAFETY: so many live entries; a number that is no socket any more is
        // told as such.
        let found = unsafe { libc::poll(entries.as_mut_ptr(), length, milliseconds) };
        let interrupted =
            found < 0 && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted;
        if !interrupted && (found != 0 || end <= Instant::now()) {
            return;
        }
    }
}
