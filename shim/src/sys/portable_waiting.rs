//! Waiting for the sockets of a program's own multi handle, with no hand on the
//! handle: the sockets were asked for before. Windows' own poll() does not tell
//! everywhere that a connection has failed.

use super::portable::System;
use super::stack::Watched;
use std::io;
use std::time::Duration;

/// What is waited for, and how long at most.
#[derive(Clone)]
pub struct Sockets {
    sockets: Vec<Watched>,
    timeout: Duration,
}

impl Sockets {
    pub fn new(sockets: &[Watched], timeout: Duration) -> Self {
        Self {
            sockets: sockets.to_vec(),
            timeout,
        }
    }

    /// How many are ready now.
    pub fn look(&mut self) -> usize {
        let now = Self {
            timeout: Duration::ZERO,
            ..self.clone()
        };
        ready(now)
    }

    /// Waits on this thread: how many are ready.
    pub fn wait(&mut self) -> usize {
        ready(self.clone())
    }
}

/// A failed wait is for libcurl to notice: it looks at its sockets.
fn ready(sockets: Sockets) -> usize {
    Wait::new(sockets).map_or(0, |wait| wait.wait())
}

/// A wait on another thread.
pub struct Wait {
    system: System,
    sockets: Vec<Watched>,
    timeout: Duration,
}

impl Wait {
    pub fn new(sockets: Sockets) -> io::Result<Self> {
        let Sockets { sockets, timeout } = sockets;
        let wait = Self {
            system: System::new()?,
            sockets,
            timeout,
        };
        for watched in &wait.sockets {
            let Watched {
                socket,
                readable,
                writable,
            } = *watched;
            wait.system.watch(socket, readable, writable)?;
        }
        Ok(wait)
    }

    /// How many sockets are ready.
    pub fn wait(&self) -> usize {
        let mut ready = Vec::new();
        // As above.
        let _ = self.system.wait(Some(self.timeout), &mut ready);
        ready.len()
    }

    /// Ends it, whether it has begun or not.
    pub fn wake(&self) {
        let _ = self.system.notify();
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        for watched in &self.sockets {
            self.system.forget(watched.socket);
        }
    }
}
