//! Which sockets are ready, on systems other than Linux.

use super::bindings::curl_socket_t;
use super::poller::Ready;
use polling::{Event, Events, PollMode, Poller};
use std::io;
#[cfg(unix)]
use std::os::fd::BorrowedFd as Borrowed;
#[cfg(windows)]
use std::os::windows::io::{BorrowedSocket as Borrowed, RawSocket};
use std::sync::Mutex;
use std::time::Duration;

pub struct System {
    poller: Poller,
    /// Of the last wait: there is room for many, which is used again.
    events: Mutex<Events>,
}

impl System {
    /// How long a turn looks for more: the rest of the program waits meanwhile.
    pub const MOMENT: Duration = Duration::from_micros(50);
    /// Whether a wait that just begins may miss a socket that just comes.
    pub const OVERLOOKS: bool = cfg!(windows);

    pub fn new() -> io::Result<Self> {
        Ok(Self {
            poller: Poller::new()?,
            events: Mutex::new(Events::new()),
        })
    }

    pub fn watch(&self, socket: curl_socket_t, readable: bool, writable: bool) -> io::Result<()> {
        let interest = Event::new(socket as usize, readable, writable);
        // SAFETY: libcurl has the socket open, and says so before it closes it.
        let source = unsafe { borrow(socket) };
        match self
            .poller
            .modify_with_mode(source, interest, PollMode::Level)
        {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // SAFETY: as above; `forget` is called then.
                unsafe {
                    self.poller
                        .add_with_mode(&source, interest, PollMode::Level)
                }
            }
            outcome => outcome,
        }
    }

    pub fn forget(&self, socket: curl_socket_t) {
        // SAFETY: as in `watch`.
        let source = unsafe { borrow(socket) };
        // Gone already where the program has closed the socket itself.
        let _ = self.poller.delete(source);
    }

    pub fn wait(&self, timeout: Option<Duration>, into: &mut Vec<Ready>) -> io::Result<()> {
        let mut events = self
            .events
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        events.clear();
        self.poller.wait(&mut events, timeout)?;
        let ready =
            |event: Event| Ready::new(event.key as curl_socket_t, event.readable, event.writable);
        into.extend(events.iter().map(ready));
        Ok(())
    }

    pub fn notify(&self) -> io::Result<()> {
        self.poller.notify()
    }
}

impl Drop for System {
    fn drop(&mut self) {
        // Windows tells of each forgotten socket once more, and only then frees
        // what it has of it.
        let _ = self.wait(Some(Duration::ZERO), &mut Vec::new());
    }
}

/// # Safety
/// The socket is open as long as the result is in use.
#[cfg(unix)]
unsafe fn borrow(socket: curl_socket_t) -> Borrowed<'static> {
    // SAFETY: the caller vouches.
    unsafe { Borrowed::borrow_raw(socket) }
}

/// # Safety
/// As above.
#[cfg(windows)]
unsafe fn borrow(socket: curl_socket_t) -> Borrowed<'static> {
    // SAFETY: the caller vouches.
    unsafe { Borrowed::borrow_raw(socket as RawSocket) }
}
