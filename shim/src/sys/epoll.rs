//! Which sockets are ready, on Linux: as few calls of the system as can be, as
//! each transfer makes some.

use super::bindings::curl_socket_t;
use super::poller::Ready;
use crate::ids::IdMap;
use std::ffi::c_int;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

pub struct System {
    epoll: OwnedFd,
    /// Becomes readable when somebody wakes whoever waits.
    event: OwnedFd,
    /// What is registered, maybe of sockets that are closed by now.
    sockets: Mutex<IdMap<Registered>>,
}

struct Registered {
    events: c_int,
    /// libcurl has lost interest in it, though it is still registered: most are
    /// of connections that are used again. This is `CLOSES` of that time.
    idle: Option<u64>,
}

/// How often libcurl has closed a socket: what is registered is still the same
/// socket for as long as it closes none.
static CLOSES: AtomicU64 = AtomicU64::new(0);

/// build/patches.rs has libcurl call this before it closes a socket, and after it
/// has had it forgotten.
#[unsafe(no_mangle)]
pub(super) extern "C" fn denocurl_closing() {
    CLOSES.fetch_add(1, Ordering::SeqCst);
}

/// In place of a socket's number.
const WOKEN: u64 = u64::MAX;
const AT_ONCE: usize = 256;

impl System {
    /// How long a turn looks for more: the rest of the program waits meanwhile.
    pub const MOMENT: Duration = Duration::from_micros(50);
    /// Whether a wait that just begins may miss a socket that just comes.
    pub const OVERLOOKS: bool = false;

    pub fn new() -> io::Result<Self> {
        // SAFETY: new descriptors, which nobody else owns.
        let (epoll, event) = unsafe {
            (
                own(libc::epoll_create1(libc::EPOLL_CLOEXEC))?,
                own(libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK))?,
            )
        };
        let system = Self {
            epoll,
            event,
            sockets: Mutex::default(),
        };
        let event = system.event.as_raw_fd();
        system.control(libc::EPOLL_CTL_ADD, event, libc::EPOLLIN, WOKEN)?;
        Ok(system)
    }

    fn control(&self, what: c_int, socket: c_int, events: c_int, data: u64) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: events as u32,
            u64: data,
        };
        let epoll = self.epoll.as_raw_fd();
        // SAFETY: a live event; a number that is no socket any more is refused.
        match unsafe { libc::epoll_ctl(epoll, what, socket, &raw mut event) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    fn sockets(&self) -> MutexGuard<'_, IdMap<Registered>> {
        self.sockets
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub fn watch(&self, socket: curl_socket_t, readable: bool, writable: bool) -> io::Result<()> {
        let mut events = 0;
        if readable {
            events |= libc::EPOLLIN | libc::EPOLLRDHUP;
        }
        if writable {
            events |= libc::EPOLLOUT;
        }
        // Held to the end: `wait` may be about to let this very socket go.
        let mut sockets = self.sockets();
        let data = socket as u64;
        let now = Registered { events, idle: None };
        if let Some(before) = sockets.insert(data, now)
            && before.events == events
            && before.idle == Some(CLOSES.load(Ordering::SeqCst))
        {
            return Ok(());
        }
        // One that was closed meanwhile, so that another has its number, is
        // registered no more.
        let outcome = match self.control(libc::EPOLL_CTL_MOD, socket, events, data) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.control(libc::EPOLL_CTL_ADD, socket, events, data)
            }
            outcome => outcome,
        };
        if outcome.is_err() {
            sockets.remove(&data);
        }
        outcome
    }

    pub fn forget(&self, socket: curl_socket_t) {
        if let Some(registered) = self.sockets().get_mut(&(socket as u64)) {
            registered.idle = Some(CLOSES.load(Ordering::SeqCst));
        }
    }

    /// What is ready at the latest after `timeout`.
    pub fn wait(&self, timeout: Option<Duration>, into: &mut Vec<Ready>) -> io::Result<()> {
        let mut events = [const { libc::epoll_event { events: 0, u64: 0 } }; AT_ONCE];
        // Rounded up: too early would mean to wait again.
        let timeout = timeout.map_or(-1, |timeout| {
            let milliseconds = timeout.as_nanos().div_ceil(1_000_000);
            c_int::try_from(milliseconds).unwrap_or(c_int::MAX)
        });
        let epoll = self.epoll.as_raw_fd();
        // SAFETY: room for so many events.
        let count =
            unsafe { libc::epoll_wait(epoll, events.as_mut_ptr(), AT_ONCE as c_int, timeout) };
        let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
        let mut sockets = None;
        for event in &events[..count] {
            let (data, found) = (event.u64, event.events as c_int);
            if data == WOKEN {
                self.hear();
                continue;
            }
            let sockets = sockets.get_or_insert_with(|| self.sockets());
            let socket = data as curl_socket_t;
            if self.drop_idle(sockets, socket) {
                continue;
            }
            let is = |events: c_int| found & (events | libc::EPOLLERR | libc::EPOLLHUP) != 0;
            let readable = is(libc::EPOLLIN | libc::EPOLLRDHUP);
            into.push(Ready::new(socket, readable, is(libc::EPOLLOUT)));
        }
        Ok(())
    }

    /// Its peer has closed it, say: nobody wants to know before it is used.
    /// `false`: it is in use.
    fn drop_idle(&self, sockets: &mut IdMap<Registered>, socket: curl_socket_t) -> bool {
        let is_in_use = |it: &Registered| it.idle.is_none();
        if sockets.get(&(socket as u64)).is_some_and(is_in_use) {
            return false;
        }
        sockets.remove(&(socket as u64));
        // It may be closed by now.
        let _ = self.control(libc::EPOLL_CTL_DEL, socket, 0, 0);
        true
    }

    fn hear(&self) {
        let mut count = 0_u64;
        // SAFETY: eight bytes, as the event wants. It is not empty, or was
        // emptied by another.
        unsafe { libc::read(self.event.as_raw_fd(), (&raw mut count).cast(), 8) };
    }

    pub fn notify(&self) -> io::Result<()> {
        let one = 1_u64;
        // SAFETY: eight bytes, as the event wants.
        match unsafe { libc::write(self.event.as_raw_fd(), (&raw const one).cast(), 8) } {
            8 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// # Safety
/// A descriptor that nobody else owns, or less than 0.
unsafe fn own(descriptor: c_int) -> io::Result<OwnedFd> {
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the caller vouches.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}
