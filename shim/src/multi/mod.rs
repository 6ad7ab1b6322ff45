//! A program's own multi handle: who may call it, what its options are, and its
//! end.
//!
//! Any isolate may use it while it is empty. With the first handle it belongs to
//! the isolate that has added it, until the last is removed: the callbacks of
//! its handles are that isolate's. So what is on one thread needs no lock here;
//! the claim keeps the others out.

pub mod calls;
pub mod members;
pub mod turns;

use crate::claim::{Claim, Held, IsolateId, State};
use crate::easy::Answers;
use crate::error::{Error, Result};
use crate::isolate;
use crate::registry::{self, MULTIS, WAITS};
use crate::sys::bindings::*;
use crate::sys::stack::{OwnedStack, Watched};
use crate::sys::trampolines::Slot;
use crate::sys::waiting::{Sockets, Wait};
use std::ffi::{CStr, c_int, c_long};
use std::sync::Arc;
use std::time::Duration;

pub struct Multi {
    id: u64,
    /// What was asked for when it was made; for JavaScript alone.
    close_handles: bool,
    claim: Claim<Core>,
}

pub struct Core {
    native: Option<Arc<OwnedStack>>,
    /// Whose handles are in it.
    owner: Option<IsolateId>,
    count: usize,
    /// In the order of `FUNCTIONS`.
    answers: [Answers; FUNCTIONS.len()],
    /// Waits on other threads, each by its number.
    waits: Vec<(u64, Arc<Wait>)>,
}

const FUNCTIONS: [(CURLMoption, &str); 3] = [
    (CURLMOPT_SOCKETFUNCTION, "M_SOCKETFUNCTION"),
    (CURLMOPT_TIMERFUNCTION, "M_TIMERFUNCTION"),
    (CURLMOPT_NOTIFYFUNCTION, "M_NOTIFYFUNCTION"),
];

/// Where a call may come from while another is under way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum From {
    Outside,
    /// Also NOTIFYFUNCTION, which libcurl calls between all other work.
    Notification,
    /// Any callback of the same isolate.
    Anywhere,
}

/// Why a call is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    Closed,
    Running,
    /// The handles in it are another isolate's.
    Elsewhere,
}

/// A call that is under way, until this is dropped.
struct Calling {
    multi: Arc<Multi>,
    /// It is not inside NOTIFYFUNCTION of another one.
    outermost: bool,
    /// One of the multi handle's own functions is set.
    has_functions: bool,
}

impl Drop for Calling {
    fn drop(&mut self) {
        if self.outermost && !self.multi.closed() {
            self.multi.claim.finish();
        }
    }
}

impl Multi {
    pub fn new(close_handles: bool) -> Result<Arc<Self>> {
        crate::sys::init();
        let native = OwnedStack::new().ok_or_else(|| Error::easy(CURLE_OUT_OF_MEMORY, ""))?;
        let id = registry::new_id();
        let multi = Arc::new(Self {
            id,
            close_handles,
            claim: Claim::new(Core {
                native: Some(Arc::new(native)),
                owner: None,
                count: 0,
                answers: [Answers::Nobody; FUNCTIONS.len()],
                waits: Vec::new(),
            }),
        });
        MULTIS.add(id, &multi);
        Ok(multi)
    }

    pub fn id(&self) -> u64 {
        self.id
    }

    pub fn close_handles(&self) -> bool {
        self.close_handles
    }

    pub fn state(&self) -> Option<State> {
        self.claim.state()
    }

    pub fn closed(&self) -> bool {
        self.claim.lock().state() == State::Closed
    }

    /// How many handles are in it.
    pub fn count(&self) -> usize {
        self.claim.lock().count
    }

    fn enter(&self, from: From) -> std::result::Result<Held<'_, Core>, Refused> {
        let me = isolate::id();
        let held = self.claim.lock();
        match held.state() {
            State::Closed => return Err(Refused::Closed),
            State::Running(by) if by != me => return Err(Refused::Running),
            State::Idle | State::Running(_) => {}
        }
        if held.owner.is_some_and(|owner| owner != me) {
            return Err(Refused::Elsewhere);
        }
        let allowed = match isolate::asked_by(self.id) {
            None => true,
            Some(slot) if slot == Slot::MULTI_NOTIFY => from != From::Outside,
            Some(_) => from == From::Anywhere,
        };
        match allowed {
            // It is being closed.
            true if held.native.is_none() => Err(Refused::Closed),
            true => Ok(held),
            false => Err(Refused::Running),
        }
    }

    fn enter_for(&self, method: &str, from: From) -> Result<Held<'_, Core>> {
        self.enter(from)
            .map_err(|refused| Error::multi_refused(method, refused))
    }

    /// For calls in which libcurl may call back. Those who wait for its sockets
    /// wait for others from here on.
    fn begin(
        self: &Arc<Self>,
        method: &str,
        from: From,
        refuse: impl FnOnce(Refused) -> Error,
    ) -> Result<(Calling, Arc<OwnedStack>)> {
        let mut held = self.enter(from).map_err(refuse)?;
        if let Some(option) = held.foreign_function(isolate::id()) {
            return Err(Error::foreign_callback(method, option));
        }
        let native = held.native()?;
        let has_functions = held.answers != [Answers::Nobody; FUNCTIONS.len()];
        let waits = std::mem::take(&mut held.waits);
        let outermost = held.state() == State::Idle;
        if outermost {
            held.run(isolate::id());
        }
        drop(held);
        for (_, wait) in waits {
            wait.wake();
        }
        let calling = Calling {
            multi: self.clone(),
            outermost,
            has_functions,
        };
        Ok((calling, native))
    }

    /// A function set or taken back by the isolate that calls.
    pub fn set_function(&self, option: CURLMoption, set: bool) -> Result<()> {
        let mut held = self.enter_for("setopt", From::Notification)?;
        let place = FUNCTIONS.iter().position(|(known, _)| *known == option);
        let Some(place) = place else {
            return Err(Error::multi(CURLM_UNKNOWN_OPTION, "setopt failed"));
        };
        // libcurl goes on to call this one after it was taken back inside it.
        let stays = option == CURLMOPT_NOTIFYFUNCTION;
        let id = (set || stays).then_some(self.id);
        check(held.native()?.set_function(option, id), "setopt failed")?;
        held.answers[place] = match set {
            true => Answers::Isolate(isolate::id()),
            false => Answers::Nobody,
        };
        Ok(())
    }

    pub fn set_list(&self, option: CURLMoption, items: Option<&[&CStr]>) -> Result<()> {
        let held = self.enter_for("setopt", From::Notification)?;
        check(held.native()?.set_list(option, items), "setopt failed")
    }

    pub fn enable(&self, method: &str, notification: u32, on: bool) -> Result<()> {
        let held = self.enter_for(method, From::Notification)?;
        let code = held.native()?.enable(notification, on);
        check(code, &format!("{method} failed"))
    }

    pub fn assign(&self, socket: c_int, assigned: bool) -> Result<()> {
        let method = if assigned { "assign" } else { "unassign" };
        let held = self.enter_for(method, From::Anywhere)?;
        let code = held.native()?.assign(socket, assigned);
        check(code, &format!("{method} failed"))
    }

    pub fn timeout(&self) -> Result<c_long> {
        let held = self.enter_for("timeout", From::Notification)?;
        let (code, timeout) = held.native()?.timeout();
        check(code, "timeout failed")?;
        Ok(timeout)
    }

    pub fn sockets(&self) -> Result<Vec<Watched>> {
        let held = self.enter_for("fdset", From::Notification)?;
        held.sockets("fdset")
    }

    /// What to wait for; nothing if all transfers are over.
    pub fn awaited(&self, most: Duration) -> Result<Option<Sockets>> {
        self.enter_for("select", From::Notification)?.awaited(most)
    }

    /// A wait on another thread: its number.
    pub fn add_wait(&self, sockets: Sockets) -> Result<u64> {
        let mut held = self.enter_for("select", From::Notification)?;
        let failed = |error| Error::state(format!("no socket can be waited for: {error}"));
        let wait = Arc::new(Wait::new(sockets).map_err(failed)?);
        let id = registry::new_id();
        WAITS.add(id, &wait);
        held.waits.push((id, wait));
        Ok(id)
    }

    /// That wait is over.
    pub fn forget_wait(&self, id: u64) {
        WAITS.remove(id);
        self.claim.lock().waits.retain(|(other, _)| *other != id);
    }

    /// Nobody gets in any more.
    fn end(&self) {
        self.claim.lock().close();
        MULTIS.remove(self.id);
    }

    /// One more handle of this isolate's.
    fn count_in(&self, owner: IsolateId) {
        let mut held = self.claim.lock();
        held.owner = Some(owner);
        held.count += 1;
    }

    fn count_out(&self) {
        let mut held = self.claim.lock();
        held.count -= 1;
        if held.count == 0 {
            held.owner = None;
        }
    }

    /// Isolate `owner` has let its functions go, and waits no more.
    fn lose_answers(&self, owner: IsolateId) {
        let mut held = self.claim.lock();
        for answers in &mut held.answers {
            if *answers == Answers::Isolate(owner) {
                *answers = Answers::Lost;
            }
        }
    }
}

impl Core {
    fn native(&self) -> Result<Arc<OwnedStack>> {
        self.native
            .clone()
            .ok_or_else(|| Error::state("the CurlMulti is closed"))
    }

    fn foreign_function(&self, me: IsolateId) -> Option<&'static str> {
        let is_foreign =
            |answers: &Answers| ![Answers::Nobody, Answers::Isolate(me)].contains(answers);
        let place = self.answers.iter().position(is_foreign)?;
        Some(FUNCTIONS[place].1)
    }

    fn sockets(&self, method: &str) -> Result<Vec<Watched>> {
        // Some are connecting to two addresses at once.
        self.native()?
            .sockets(2 * self.count)
            .map_err(|code| Error::multi(code, &format!("{method} failed")))
    }

    fn awaited(&self, most: Duration) -> Result<Option<Sockets>> {
        let native = self.native()?;
        if native.unfinished() == 0 {
            return Ok(None);
        }
        let (code, timeout) = native.timeout();
        check(code, "select failed")?;
        let due = u64::try_from(timeout).map(Duration::from_millis);
        let timeout = due.map_or(most, |due| due.min(most));
        Ok(Some(Sockets::new(&self.sockets("select")?, timeout)))
    }
}

impl Drop for Multi {
    fn drop(&mut self) {
        MULTIS.remove(self.id);
    }
}

fn check(code: CURLMcode, what: &str) -> Result<()> {
    match code {
        CURLM_OK => Ok(()),
        code => Err(Error::multi(code, what)),
    }
}
