//! A Curl's native half: its libcurl handle, all that its options point to,
//! and which isolate answers which callback.

mod entering;
mod remains;

pub use entering::Entered;
pub use remains::Remains;

use crate::claim::{Claim, IsolateId, State};
use crate::error::{Error, Result};
use crate::isolate;
use crate::mime::{InUse, Mimes};
use crate::registry::{self, EASIES};
use crate::share::attached::Member;
use crate::share::{self, Share};
use crate::sys::bindings::*;
use crate::sys::coroutine::resumes;
use crate::sys::easy::OwnedEasy;
use crate::sys::getinfo;
use crate::sys::lists::Slist;
use crate::sys::share::OwnedShare;
use crate::sys::trampolines::Slot;
use crate::sys::url::OwnedUrl;
use crate::transfer::{Alone, NameCache};
use crate::url::Url;
use std::collections::BTreeMap;
use std::ffi::{CString, c_long};
use std::sync::Arc;

pub struct Easy {
    id: u64,
    claim: Claim<Core>,
}

impl Member for Easy {
    type Value = Core;
    fn claim(&self) -> &Claim<Core> {
        &self.claim
    }
}

/// libcurl's default of UPKEEP_INTERVAL_MS.
const UPKEEP_INTERVAL: c_long = 60_000;

pub struct Core {
    // Freed first: until then libcurl points to what follows.
    handle: Option<Arc<OwnedEasy>>,
    pub(crate) owned: BTreeMap<u32, Kept>,
    rest: Option<Box<Rest>>,
    /// Of the callbacks that are set.
    answers: Vec<(Slot, Answers)>,
    pub(crate) share: Option<Arc<Share>>,
    pub(crate) noprogress: bool,
    /// A transfer has progress reported to itself, whatever `noprogress` is.
    pub(crate) watched: bool,
    /// Its connection is not for libcurl alone.
    pub(crate) connect_only: bool,
    /// PIPEWAIT was set by the program.
    pub(crate) pipewait: bool,
    /// UPKEEP_INTERVAL_MS.
    pub(crate) upkeep_interval: c_long,
    /// TIMEOUT in milliseconds; 0 for none.
    pub(crate) timeout: c_long,
    /// Its URL is of a kind that needs a stack for itself.
    pub(crate) alone: Option<Alone>,
    /// Its transfer runs on its share's engine.
    pub(crate) elsewhere: bool,
    /// The number of the program's own multi handle that it is in, or 0.
    multi: u64,
}

/// What few handles have, so that the others take no room for it.
#[derive(Default)]
struct Rest {
    mimes: Mimes,
    /// Replaced while a transfer may still read it; freed when that is over.
    retired: Vec<Arc<Owned>>,
    /// A body to post that was set or taken back inside a callback, for the
    /// next transfer: libcurl has taken the length of this one's already.
    pending_body: Option<Option<Box<[u8]>>>,
    /// What CURLU was set to; libcurl reads a copy, new for each transfer.
    url: Option<Arc<Url>>,
    /// The cache of names that RESOLVE's entries were last put into.
    resolved_in: Option<NameCache>,
}

/// What libcurl points to without a copy of its own, and only reads: copies of
/// a handle point to the same.
pub enum Owned {
    List(Slist),
    Bytes(Box<[u8]>),
    Url { _url: OwnedUrl },
}

#[derive(Clone)]
pub struct Kept {
    pub owned: Arc<Owned>,
    /// `resumes` when it was set inside a callback; 0 otherwise.
    set_at: u64,
}

/// Where a handle is, for what wants to move it.
pub enum Place {
    Idle,
    Running,
    Multi(u64),
    Closed,
}

/// Who answers a callback.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    Nobody,
    Isolate(IsolateId),
    /// It was set, and the function is gone with the isolate or the object
    /// that had it.
    Lost,
}

impl Easy {
    pub fn new() -> Result<Arc<Self>> {
        crate::sys::init();
        let handle = OwnedEasy::new().ok_or_else(|| Error::easy(CURLE_OUT_OF_MEMORY, ""))?;
        let id = registry::new_id();
        set_defaults(&handle, id)?;
        Ok(Self::register(id, Core::new(handle)))
    }

    fn register(id: u64, core: Core) -> Arc<Self> {
        let easy = Arc::new(Self {
            id,
            claim: Claim::new(core),
        });
        EASIES.add(id, &easy);
        easy
    }

    pub fn id(&self) -> u64 {
        self.id
    }

    pub fn state(&self) -> Option<State> {
        self.claim.state()
    }

    pub fn closed(&self) -> bool {
        self.claim.lock().state() == State::Closed
    }

    /// Whether libcurl may read what was set before; what is set in a handle that
    /// a multi handle has not begun with is for the transfer to come.
    pub fn has_begun(&self, held: &Entered<'_>) -> bool {
        let is_fresh = || isolate::members_of(self.id).is_some_and(|all| all.is_fresh(self.id));
        matches!(held.state(), State::Running(_)) && !(held.multi != 0 && is_fresh())
    }

    pub fn place(&self) -> Place {
        let held = self.claim.lock();
        match held.state() {
            State::Closed => Place::Closed,
            State::Running(_) if held.multi != 0 => Place::Multi(held.multi),
            State::Running(_) => Place::Running,
            State::Idle => Place::Idle,
        }
    }

    /// The number of the multi handle that it is in, or 0.
    pub fn multi(&self) -> u64 {
        self.claim.lock().multi
    }

    pub fn join(&self, multi: u64) {
        self.claim.lock().multi = multi;
    }

    /// Whether something ends a transfer, or may call back, while no more of its
    /// body is taken.
    pub fn goes_on_when_paused(&self) -> bool {
        let held = self.claim.lock();
        held.timeout > 0
            || held.progress().is_some()
            || held.answered(Slot::READ)
            || held.answered(Slot::DEBUG)
            || held.known_mimes().is_some_and(|it| !it.in_use.is_empty())
    }

    pub fn finish(&self) {
        let mut held = self.claim.finish();
        held.elsewhere = false;
        held.multi = 0;
        if let Some(rest) = &mut held.rest {
            rest.retired.clear();
            rest.mimes.in_use = InUse::default();
            if let Some(body) = rest.pending_body.take() {
                let code = held.set_body(body, false);
                debug_assert_eq!(code, Ok(CURLE_OK));
            }
        }
        for kept in held.owned.values_mut() {
            kept.set_at = 0;
        }
    }

    pub fn share(&self) -> Option<Arc<Share>> {
        self.claim.lock().share.clone()
    }

    /// SHARE set or taken back.
    pub fn set_share(self: &Arc<Self>, share: Option<&Arc<Share>>) -> Result<()> {
        // Its connection is looked for in the share's pool.
        let looks = |core: &Core| core.connect_only;
        let (_turn, mut held) = self.enter_in_turn(|| self.enter_idle("setopt"), looks)?;
        let handle = held.handle()?.clone();
        match (share, &held.share) {
            (Some(_), Some(_)) => return Err(Error::already_sharing()),
            (Some(share), None) => {
                share.attach(self.id, self, &handle)?;
                held.share = Some(share.clone());
            }
            (None, Some(old)) => {
                if held.would_lose_connection(old)? {
                    return Err(Error::holds_connection());
                }
                old.detach(self.id, &handle)?;
                let old = held.share.take();
                // The share may end with it, so not under the claim.
                drop(held);
                drop(old);
            }
            (None, None) => {}
        }
        Ok(())
    }

    /// CURLU set or taken back. Not while a transfer runs: libcurl would free the
    /// URL that it is at.
    pub fn set_url(&self, method: &str, url: Option<Arc<Url>>) -> Result<()> {
        let mut held = self.enter_idle(method)?;
        held.point_to_url(url.as_deref())?;
        if url.is_some() || held.rest.is_some() {
            held.rest().url = url;
        }
        Ok(())
    }

    /// Options go back to their defaults; share, connections and cookies stay.
    pub fn reset(&self) -> Result<()> {
        let mut held = self.enter_idle("reset")?;
        let handle = held.handle()?.clone();
        if !handle.reset() {
            return Err(Error::easy(CURLE_OUT_OF_MEMORY, ""));
        }
        held.owned.clear();
        if let Some(rest) = &mut held.rest {
            rest.url = None;
            rest.mimes.let_go();
        }
        held.answers.clear();
        held.noprogress = true;
        held.connect_only = false;
        held.pipewait = false;
        held.upkeep_interval = UPKEEP_INTERVAL;
        held.timeout = 0;
        held.alone = None;
        set_defaults(&handle, self.id)
    }

    pub fn duplicate(&self) -> Result<Arc<Self>> {
        // libcurl copies HSTS entries, which may be the share's.
        self.enter_quietly("duphandle", |core| core.duplicate())
    }

    /// Isolate `owner` has let its functions go.
    pub fn lose_answers(&self, owner: IsolateId) {
        let mut held = self.claim.lock();
        for (_, answers) in &mut held.answers {
            if *answers == Answers::Isolate(owner) {
                *answers = Answers::Lost;
            }
        }
        if let Some(rest) = &mut held.rest {
            rest.mimes.lose(owner);
        }
    }
}

impl Core {
    fn new(handle: Arc<OwnedEasy>) -> Self {
        Self {
            handle: Some(handle),
            owned: BTreeMap::new(),
            rest: None,
            answers: Vec::new(),
            share: None,
            noprogress: true,
            watched: false,
            connect_only: false,
            pipewait: false,
            upkeep_interval: UPKEEP_INTERVAL,
            timeout: 0,
            alone: None,
            elsewhere: false,
            multi: 0,
        }
    }

    fn rest(&mut self) -> &mut Rest {
        self.rest.get_or_insert_default()
    }

    pub fn mimes(&mut self) -> &mut Mimes {
        &mut self.rest().mimes
    }

    /// `true`: RESOLVE's entries were last put into another cache of names.
    pub fn resolves_in(&mut self, cache: NameCache) -> bool {
        self.rest().resolved_in.replace(cache) != Some(cache)
    }

    /// If it ever had some.
    pub fn known_mimes(&self) -> Option<&Mimes> {
        Some(&self.rest.as_ref()?.mimes)
    }

    pub fn handle(&self) -> Result<&Arc<OwnedEasy>> {
        self.handle
            .as_ref()
            .ok_or_else(|| Error::state("the Curl object is closed"))
    }

    /// A transfer of it is under way that takes turns with others of its share.
    pub fn takes_turns(&self) -> bool {
        let has_engine = || self.share.as_ref().is_some_and(|share| share.has_engine());
        self.elsewhere || (self.multi != 0 && has_engine())
    }

    /// Keeps what an option now points to. What it pointed to before may still
    /// be read by a transfer that waits in a callback, unless it was set in
    /// that callback, too.
    pub fn keep(&mut self, option: u32, owned: Option<Owned>, running: bool) {
        let now = if running { resumes() } else { 0 };
        let before = match owned {
            Some(owned) => {
                let kept = Kept {
                    owned: Arc::new(owned),
                    set_at: now,
                };
                self.owned.insert(option, kept)
            }
            None => self.owned.remove(&option),
        };
        let is_unseen = |before: &Kept| !self.elsewhere && before.set_at == now;
        if running && let Some(before) = before.filter(|before| !is_unseen(before)) {
            self.rest().retired.push(before.owned);
        }
    }

    /// A body to post, or none.
    pub fn set_body(&mut self, body: Option<Box<[u8]>>, running: bool) -> Result<CURLcode> {
        if running {
            self.rest().pending_body = Some(body);
            return Ok(CURLE_OK);
        }
        let code = self.handle()?.set_post_fields(body.as_deref());
        if code == CURLE_OK {
            self.keep(CURLOPT_POSTFIELDS, body.map(Owned::Bytes), false);
        }
        Ok(code)
    }

    /// libcurl reads what this is now, whatever becomes of it.
    fn point_to_url(&mut self, url: Option<&Url>) -> Result<()> {
        let copy = url.map(Url::snapshot).transpose()?;
        check(self.handle()?.set_url(copy.as_ref()))?;
        let scheme = copy
            .as_ref()
            .and_then(|url| url.get(CURLUPART_SCHEME, 0).ok());
        self.alone = scheme.and_then(|scheme| Alone::by_scheme(&scheme));
        let owned = copy.map(|url| Owned::Url { _url: url });
        self.keep(CURLOPT_CURLU, owned, false);
        Ok(())
    }

    /// For a transfer that begins: CURLU may have changed since the last one.
    pub fn read_url(&mut self) -> Result<()> {
        let url = self.rest.as_ref().and_then(|rest| rest.url.clone());
        match url {
            Some(url) => self.point_to_url(Some(&url)),
            None => Ok(()),
        }
    }

    fn duplicate(&self) -> Result<Arc<Easy>> {
        let copy = self
            .handle()?
            .duplicate()
            .ok_or_else(|| Error::easy(CURLE_OUT_OF_MEMORY, ""))?;
        let id = registry::new_id();
        let mut core = Self::new(copy);
        core.noprogress = self.noprogress;
        core.connect_only = self.connect_only;
        core.pipewait = self.pipewait;
        core.upkeep_interval = self.upkeep_interval;
        core.timeout = self.timeout;
        core.alone = self.alone;
        core.owned = self.owned.clone();
        for kept in core.owned.values_mut() {
            kept.set_at = 0;
        }
        if let Some(rest) = &self.rest {
            let copy = core.rest();
            copy.url = rest.url.clone();
            copy.mimes = rest.mimes.copy(isolate::id());
            if let Some(body) = &rest.pending_body {
                check(core.set_body(body.clone(), false)?)?;
            }
        }
        let handle = core.handle()?.clone();
        check(handle.set_callback(Slot::WRITE, Some(id)))?;
        check(handle.set_callback(Slot::READ, Some(id)))?;
        for (slot, answers) in self.answers.iter().copied() {
            check(handle.set_callback(slot, Some(id)))?;
            let answers = match answers {
                Answers::Isolate(owner) if owner == isolate::id() => answers,
                _ => Answers::Lost,
            };
            core.answers.push((slot, answers));
        }
        Ok(Easy::register(id, core))
    }

    pub fn answered(&self, slot: Slot) -> bool {
        self.answers.iter().any(|(set, _)| *set == slot)
    }

    /// The callback that is told of progress.
    pub fn progress(&self) -> Option<Slot> {
        let mut slots = [Slot::XFERINFO, Slot::PROGRESS].into_iter();
        match self.noprogress {
            true => None,
            false => slots.find(|slot| self.answered(*slot)),
        }
    }

    pub fn set_answers(&mut self, slot: Slot, me: Option<IsolateId>) {
        self.answers.retain(|(set, _)| *set != slot);
        if let Some(me) = me {
            // Most handles have one or two, where a Vec takes room for four.
            self.answers.reserve_exact(1);
            self.answers.push((slot, Answers::Isolate(me)));
        }
    }

    /// The callbacks that `me` answers, a bit for each slot's index.
    pub fn answered_by(&self, me: IsolateId) -> u32 {
        self.answers
            .iter()
            .filter(|(_, answers)| *answers == Answers::Isolate(me))
            .fold(0, |bits, (slot, _)| bits | slot.bit())
    }

    /// A callback that `me` can't answer.
    pub fn foreign_answer(&self, me: IsolateId) -> Option<Slot> {
        self.answers
            .iter()
            .filter(|(_, answers)| *answers != Answers::Isolate(me))
            .map(|(slot, _)| *slot)
            .min_by_key(|slot| slot.index())
    }

    /// Whether detaching would take away the connection that CONNECT_ONLY has
    /// made for the program itself. libcurl would leave it to the share's pool.
    fn would_lose_connection(&self, share: &Share) -> Result<bool> {
        if !self.connect_only || !share.pools_connections() {
            return Ok(false);
        }
        let socket = getinfo::socket(self.handle()?, CURLINFO_ACTIVESOCKET);
        Ok(socket.is_ok_and(|socket| socket >= 0))
    }

    /// For a share's close, which holds the claim and a reference to the share.
    pub fn leave_share(&mut self, share: &Share) -> Result<()> {
        if self.would_lose_connection(share)? {
            return Err(Error::share_holds_connection());
        }
        share::unlink(self.handle()?).map_err(|error| match error {
            error if error == Error::holds_connection() => Error::share_holds_connection(),
            error => error,
        })?;
        self.share = None;
        Ok(())
    }

    /// Undoes `leave_share`: libcurl has nothing against attaching a handle
    /// that it has just let go.
    pub fn rejoin(&mut self, share: &Arc<Share>, native: Option<&OwnedShare>) {
        if let Ok(handle) = self.handle() {
            let code = handle.set_share(native);
            debug_assert_eq!(code, CURLE_OK);
        }
        self.share = Some(share.clone());
    }
}

fn check(code: CURLcode) -> Result<()> {
    match code {
        CURLE_OK => Ok(()),
        code => Err(Error::easy(code, "")),
    }
}

/// What every handle starts with, and goes back to with reset.
fn set_defaults(handle: &OwnedEasy, id: u64) -> Result<()> {
    check(handle.set_callback(Slot::WRITE, Some(id)))?;
    check(handle.set_callback(Slot::READ, Some(id)))?;
    // A signal that libcurl raises for one thread would hit the others.
    check(handle.set_long(CURLOPT_NOSIGNAL, 1))?;
    check(handle.set_string(CURLOPT_USERAGENT, Some(user_agent())))?;
    if let Some(bundle) = crate::authorities::bundle() {
        check(handle.set_string(CURLOPT_CAINFO, Some(bundle)))?;
    }
    Ok(())
}

fn user_agent() -> &'static std::ffi::CStr {
    static AGENT: std::sync::OnceLock<CString> = std::sync::OnceLock::new();
    AGENT.get_or_init(|| {
        let text = format!(
            "denocurl/{} {}",
            env!("CARGO_PKG_VERSION"),
            crate::sys::strerror::version()
                .split(' ')
                .next()
                .unwrap_or_default()
        );
        CString::new(text).unwrap_or_default()
    })
}
