//! A share: what kinds of data it shares, who is attached, and its end.

pub mod attached;
mod closing;
pub mod turn;

use crate::claim::IsolateId;
use crate::easy::{Core, Easy};
use crate::engine::mailbox::Mailbox;
use crate::engine::there::{Message, There};
use crate::error::{Error, Result};
use crate::registry::{self, SHARES};
use crate::sys::bindings::*;
use crate::sys::easy::OwnedEasy;
use crate::sys::locks::Figures;
use crate::sys::share::OwnedShare;
use attached::{Attached, Close};
use closing::Closing;
use std::ffi::{c_int, c_long};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use turn::Turn;

/// The kinds that `stats` reports on, in the order it does.
pub const KINDS: [curl_lock_data; 7] = [
    CURL_LOCK_DATA_SHARE,
    CURL_LOCK_DATA_COOKIE,
    CURL_LOCK_DATA_DNS,
    CURL_LOCK_DATA_SSL_SESSION,
    CURL_LOCK_DATA_CONNECT,
    CURL_LOCK_DATA_PSL,
    CURL_LOCK_DATA_HSTS,
];

/// The kinds that libcurl supports only with one thread inside at a time.
const EXCLUSIVE: u32 =
    1 << CURL_LOCK_DATA_COOKIE | 1 << CURL_LOCK_DATA_CONNECT | 1 << CURL_LOCK_DATA_HSTS;

pub struct Share {
    id: u64,
    detach_on_close: bool,
    attached: Attached<Easy>,
    /// Taken under `attached`, or by whoever is attached.
    own: Mutex<Own>,
    /// Where its transfers run, if not each in its isolate.
    there: Mutex<Option<Arc<There>>>,
    closing: Closing,
    transfers: AtomicU64,
    connections_made: AtomicU64,
    connections_reused: AtomicU64,
}

struct Own {
    /// `None` once closed.
    handle: Option<OwnedShare>,
    /// What the lock tables had counted by then.
    figures: [Figures; KINDS.len()],
    /// Which it shares, a bit each.
    kinds: u32,
}

#[derive(Default)]
pub struct Stats {
    pub figures: [Figures; KINDS.len()],
    pub transfers: u64,
    pub connections_made: u64,
    pub connections_reused: u64,
}

impl Share {
    pub fn new(detach_on_close: bool) -> Result<Arc<Self>> {
        crate::sys::init();
        let handle = OwnedShare::new().ok_or_else(|| Error::share(CURLSHE_NOMEM))?;
        let id = registry::new_id();
        let share = Arc::new(Self {
            id,
            detach_on_close,
            attached: Attached::new(),
            own: Mutex::new(Own {
                handle: Some(handle),
                figures: Default::default(),
                kinds: 0,
            }),
            there: Mutex::new(None),
            closing: Closing::new(id),
            transfers: AtomicU64::new(0),
            connections_made: AtomicU64::new(0),
            connections_reused: AtomicU64::new(0),
        });
        SHARES.add(id, &share);
        Ok(share)
    }

    pub fn id(&self) -> u64 {
        self.id
    }

    pub fn detach_on_close(&self) -> bool {
        self.detach_on_close
    }

    pub fn closed(&self) -> bool {
        self.attached.closed()
    }

    pub fn attached(&self) -> usize {
        self.attached.count()
    }

    fn own(&self) -> MutexGuard<'_, Own> {
        self.own
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// SH_SHARE or SH_UNSHARE of some kinds, each a bit: all or none.
    pub fn setopt(&self, option: u32, kinds: u32) -> Result<()> {
        if option != CURLSHOPT_SHARE && option != CURLSHOPT_UNSHARE {
            return Err(Error::argument("invalid arguments to setopt"));
        }
        let set = || {
            let mut own = self.own();
            let Some(handle) = &own.handle else {
                return Err(Error::no_share("setopt"));
            };
            // What libcurl can refuse comes first: it can't unshare this one.
            let first = CURL_LOCK_DATA_PSL;
            let others = (0..u32::BITS).filter(|kind| *kind != first);
            for kind in [first].into_iter().chain(others) {
                if kinds & (1 << kind) != 0 {
                    match handle.setopt(option, kind as c_int) {
                        CURLSHE_OK => {}
                        code => return Err(Error::share(code)),
                    }
                }
            }
            match option {
                CURLSHOPT_SHARE => own.kinds |= kinds,
                _ => own.kinds &= !kinds,
            }
            Ok(())
        };
        self.attached
            .open(set)
            .unwrap_or_else(|| Err(Error::no_share("setopt")))
    }

    /// Whether its transfers run on an engine of its own. Can't change while a
    /// handle is attached.
    pub fn has_engine(&self) -> bool {
        self.own().kinds & EXCLUSIVE != 0
    }

    /// Its engine, which starts with the first transfer, and anew after it has
    /// failed.
    pub fn there(&self) -> Result<Arc<There>> {
        let mut there = self
            .there
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(there) = there.as_ref().filter(|there| !there.has_failed()) {
            return Ok(there.clone());
        }
        let started = There::start(self.id).map_err(|error| {
            Error::state(format!("the engine of this CurlShare can't start: {error}"))
        })?;
        Ok(there.insert(started).clone())
    }

    /// Has its engine keep its idle connections alive, unless those are the
    /// share's own, which every handle on it reaches.
    pub fn keep_up(&self, interval: c_long) {
        if self.pools_connections() {
            return;
        }
        let there = self
            .there
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(there) = there.as_ref() {
            // One that has failed has no connections.
            let _ = there.send(Message::Upkeep(interval));
        }
    }

    fn end_there(&self) {
        let there = self
            .there
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .take();
        if let Some(there) = there {
            there.end();
        }
    }

    pub fn pools_connections(&self) -> bool {
        self.own().kinds & (1 << CURL_LOCK_DATA_CONNECT) != 0
    }

    pub fn keeps_sessions(&self) -> bool {
        self.own().kinds & (1 << CURL_LOCK_DATA_SSL_SESSION) != 0
    }

    /// For a short call on an attached handle that reaches shared data. Where
    /// waiting would close a ring, everybody in it waits for the caller, so
    /// nobody is inside and the call may go on.
    pub fn quiet(&self, me: IsolateId) -> Option<Turn> {
        if self.has_engine() {
            turn::take_or_keep(self.id, me).ok()
        } else {
            None
        }
    }

    /// The caller holds the handle's claim.
    pub fn attach(&self, id: u64, easy: &Arc<Easy>, handle: &OwnedEasy) -> Result<()> {
        self.check_open()?;
        let linked = self.attached.attach(id, easy, || {
            let own = self.own();
            match handle.set_share(own.handle.as_ref()) {
                CURLE_OK => Ok(()),
                CURLE_BAD_FUNCTION_ARGUMENT => Err(Error::holds_connection()),
                code => Err(Error::easy(code, "")),
            }
        });
        linked.unwrap_or_else(|| Err(Error::share_closed()))
    }

    /// The caller holds the handle's claim, or its last reference.
    pub fn detach(&self, id: u64, handle: &OwnedEasy) -> Result<()> {
        self.attached.detach(id, || unlink(handle))?;
        self.closing.tell();
        Ok(())
    }

    /// Off the list after libcurl has freed the handle, whatever it held.
    pub fn forget(&self, id: u64) {
        let gone: std::result::Result<(), ()> = self.attached.detach(id, || Ok(()));
        debug_assert!(gone.is_ok());
        self.closing.tell();
    }

    /// Closes it unless it is in use. `true`: nobody uses it, and `close` tells
    /// how it went.
    pub fn close_if_free(self: &Arc<Self>) -> bool {
        !matches!(self.try_close(), Close::InUse(_))
    }

    pub fn close(self: &Arc<Self>) -> Result<()> {
        match self.try_close() {
            Close::Done | Close::AlreadyClosed => Ok(()),
            Close::InUse(count) if self.detach_on_close => Err(Error::share_in_use(count)),
            Close::InUse(count) => Err(Error::share_attached(count)),
            Close::Failed(error) => Err(error),
        }
    }

    fn try_close(self: &Arc<Self>) -> Close<Error> {
        let closed = self.attached.close(
            self.detach_on_close,
            |core: &mut Core| core.leave_share(self),
            |core| core.rejoin(self, self.own().handle.as_ref()),
            || {
                let mut own = self.own();
                own.figures = own.figures_now();
                let Some(handle) = &mut own.handle else {
                    return Ok(());
                };
                match handle.clean_up() {
                    CURLSHE_OK => {
                        own.handle = None;
                        Ok(())
                    }
                    code => Err(Error::share(code)),
                }
            },
        );
        if closed == Close::Done {
            self.end_there();
            self.closing.tell();
        }
        closed
    }

    /// From now on nothing new begins on it, and whoever reads the mailbox is
    /// told when nothing is left.
    pub fn begin_closing(&self, mailbox: &Arc<Mailbox>) {
        self.closing.begin(mailbox);
    }

    /// Undoes one `begin_closing`.
    pub fn end_closing(&self, mailbox: &Arc<Mailbox>) {
        self.closing.end(mailbox);
    }

    /// Nobody is closing it.
    pub fn check_open(&self) -> Result<()> {
        match self.closing.is_on() {
            true => Err(Error::share_closing()),
            false => Ok(()),
        }
    }

    /// An attached handle is idle again.
    pub fn tell_idle(&self) {
        self.closing.tell();
    }

    /// A transfer of an attached handle is over.
    pub fn count_transfer(&self, connections: c_long) {
        self.transfers.fetch_add(1, Ordering::Relaxed);
        let made = u64::try_from(connections).unwrap_or(0);
        if made > 0 {
            self.connections_made.fetch_add(made, Ordering::Relaxed);
        } else {
            self.connections_reused.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn stats(&self) -> Stats {
        Stats {
            figures: self.own().figures_now(),
            transfers: self.transfers.load(Ordering::Relaxed),
            connections_made: self.connections_made.load(Ordering::Relaxed),
            connections_reused: self.connections_reused.load(Ordering::Relaxed),
        }
    }
}

impl Own {
    fn figures_now(&self) -> [Figures; KINDS.len()] {
        match &self.handle {
            Some(handle) => KINDS.map(|kind| handle.figures(kind as usize)),
            None => self.figures,
        }
    }
}

/// libcurl refuses while the handle holds a connection of its own.
pub fn unlink(handle: &OwnedEasy) -> Result<()> {
    match handle.set_share(None) {
        CURLE_OK => Ok(()),
        CURLE_BAD_FUNCTION_ARGUMENT => Err(Error::holds_connection()),
        code => Err(Error::easy(code, "")),
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.end_there();
        SHARES.remove(self.id);
    }
}
