//! Which sockets are ready: none. A wait ends when its time is up, or by
//! `notify`.

use super::bindings::curl_socket_t;
use super::poller::Ready;
use crate::sync::Order;
use loom::thread::{Thread, current, park};
use real::cell::{Cell, RefCell};
use real::io;
use real::time::Duration;

pub struct System {
    order: Order,
    /// The wait that is under way ends, or else the next one.
    notified: Cell<bool>,
    waiting: RefCell<Option<Thread>>,
}

// SAFETY: loom's threads take turns on one thread of the system.
unsafe impl Sync for System {}

impl System {
    /// Time does not pass in a model.
    pub const MOMENT: Duration = Duration::ZERO;
    pub const OVERLOOKS: bool = false;

    pub fn new() -> io::Result<Self> {
        Ok(Self {
            order: Order::new(),
            notified: Cell::new(false),
            waiting: RefCell::new(None),
        })
    }

    pub fn watch(&self, _: curl_socket_t, _: bool, _: bool) -> io::Result<()> {
        unreachable!("there is no socket")
    }

    pub fn forget(&self, _: curl_socket_t) {
        unreachable!("there is no socket")
    }

    pub fn wait(&self, timeout: Option<Duration>, _: &mut Vec<Ready>) -> io::Result<()> {
        self.order.acquire();
        match timeout {
            Some(timeout) => assert!(timeout.is_zero(), "time does not pass in a model"),
            None => {
                while !self.notified.get() {
                    let other = self.waiting.replace(Some(current()));
                    assert!(other.is_none(), "one waits at a time");
                    park();
                    self.waiting.replace(None);
                    self.order.acquire();
                }
            }
        }
        self.notified.set(false);
        Ok(())
    }

    pub fn notify(&self) -> io::Result<()> {
        self.order.release();
        if !self.notified.replace(true)
            && let Some(thread) = &*self.waiting.borrow()
        {
            thread.unpark();
        }
        Ok(())
    }
}
