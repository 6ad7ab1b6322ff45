//! A Curl's native half: its libcurl handle, all that its options point to,
//! and which isolate answers which callback.

use crate::claim::{Claim, Held, IsolateId, State};
use crate::error::{Error, Result};
use crate::isolate;
use crate::mime::{InUse, Mimes};
use crate::registry::{self, EASIES};
use crate::share::attached::Member;
use crate::share::turn::Turn;
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
use std::ops::{Deref, DerefMut};
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
    pub(crate) mimes: Mimes,
    /// Replaced while a transfer may still read it; freed when that is over.
    retired: Vec<Arc<Owned>>,
    /// A body to post that was set or taken back inside a callback, for the
    /// next transfer: libcurl has taken the length of this one's already.
    pending_body: Option<Option<Box<[u8]>>>,
    answers: [Answers; Slot::COUNT],
    pub(crate) share: Option<Arc<Share>>,
    /// What CURLU was set to; libcurl reads a copy, new for each transfer.
    url: Option<Arc<Url>>,
    pub(crate) noprogress: bool,
    /// A transfer has progress reported to itself, whatever `noprogress` is.
    pub(crate) watched: bool,
    /// Its connection is not for libcurl alone.
    pub(crate) connect_only: bool,
    /// PIPEWAIT was set by the program.
    pub(crate) pipewait: bool,
    /// UPKEEP_INTERVAL_MS.
    pub(crate) upkeep_interval: c_long,
    /// Its URL is of a kind that needs a stack for itself.
    pub(crate) alone: Option<Alone>,
    /// Its transfer runs on its share's engine.
    pub(crate) elsewhere: bool,
    /// The number of the program's own multi handle that it is in, or 0.
    multi: u64,
    /// The cache of names that RESOLVE's entries were last put into.
    pub(crate) resolved_in: Option<NameCache>,
}

/// Exclusive use of a handle, and of its share's data where its transfer runs
/// on the share's engine.
pub struct Entered<'a> {
    held: Held<'a, Core>,
    /// Given back last.
    _turn: Option<Turn>,
}

impl Entered<'_> {
    pub fn state(&self) -> State {
        self.held.state()
    }
}

impl Deref for Entered<'_> {
    type Target = Core;
    fn deref(&self) -> &Core {
        &self.held
    }
}

impl DerefMut for Entered<'_> {
    fn deref_mut(&mut self) -> &mut Core {
        &mut self.held
    }
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

    /// For calls that libcurl allows inside the handle's own callbacks.
    pub fn enter(&self, method: &str) -> Result<Entered<'_>> {
        let held = self.claim(method)?;
        if held.state() == State::Idle {
            return Ok(Entered { held, _turn: None });
        }
        // An asynchronous transfer is this isolate's outside callbacks, too.
        if !isolate::may_touch(self.id) {
            return Err(Error::running(method));
        }
        if !held.elsewhere {
            return Ok(Entered { held, _turn: None });
        }
        // The engine may be at it. Its turn comes before the claim, as always.
        let share = held.share.clone();
        drop(held);
        let turn = share.and_then(|share| share.quiet(isolate::id()));
        Ok(Entered {
            held: self.claim(method)?,
            _turn: turn,
        })
    }

    fn claim(&self, method: &str) -> Result<Held<'_, Core>> {
        self.claim
            .enter(isolate::id())
            .map_err(|refusal| Error::refused(method, refusal))
    }

    /// For pause and unpause, which may come from anywhere in the isolate.
    pub fn enter_to_pause(&self, method: &str) -> Result<Held<'_, Core>> {
        let me = isolate::id();
        let held = self
            .claim
            .enter(me)
            .map_err(|refusal| Error::refused_outside(method, refusal, me))?;
        match held.multi != 0 && !isolate::may_touch(self.id) {
            true => Err(Error::running(method)),
            false => Ok(held),
        }
    }

    /// Whatever its state is: for whoever runs its transfer.
    pub fn held(&self) -> Held<'_, Core> {
        self.claim.lock()
    }

    pub fn enter_idle(&self, method: &str) -> Result<Held<'_, Core>> {
        self.claim
            .enter_idle()
            .map_err(|refusal| match self.place() {
                Place::Multi(multi) => busy_in(multi, method),
                _ => Error::refused(method, refusal),
            })
    }

    /// For a multi handle, which has this number.
    pub fn enter_to_join(&self, multi: u64) -> Result<Held<'_, Core>> {
        self.claim.enter_idle().map_err(|_| match self.place() {
            Place::Closed => Error::adding_closed(),
            Place::Multi(other) if other == multi => Error::on_multi(),
            Place::Multi(_) => Error::adding_from_another(),
            Place::Running | Place::Idle => Error::adding_performing(),
        })
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

    pub fn finish(&self) {
        let mut held = self.claim.finish();
        held.elsewhere = false;
        held.multi = 0;
        held.retired.clear();
        held.mimes.in_use = InUse::default();
        if let Some(body) = held.pending_body.take() {
            let code = held.set_body(body, false);
            debug_assert_eq!(code, Ok(CURLE_OK));
        }
        for kept in held.owned.values_mut() {
            kept.set_at = 0;
        }
    }

    /// As `enter`, with nobody else inside the share's data meanwhile.
    pub fn enter_quietly<R>(
        &self,
        method: &str,
        act: impl FnOnce(&mut Core) -> Result<R>,
    ) -> Result<R> {
        let (_turn, mut held) = self.enter_in_turn(|| self.enter(method), |_| true)?;
        act(&mut held)
    }

    /// For calls on a connection that the program keeps, which may be in a
    /// share's pool. None of them may meet a transfer.
    pub fn enter_connection<R>(
        &self,
        method: &str,
        act: impl FnOnce(&mut Core) -> Result<R>,
    ) -> Result<R> {
        let keeps = |core: &Core| core.connect_only;
        let (_turn, mut held) = self.enter_in_turn(|| self.enter_idle(method), keeps)?;
        act(&mut held)
    }

    /// The turn of the share it is attached to, if `wanted`, and the claim. The
    /// turn is taken first, since whoever has it may want the claim; the handle
    /// may have moved to another share meanwhile.
    fn enter_in_turn<H: Deref<Target = Core>>(
        &self,
        enter: impl Fn() -> Result<H>,
        wanted: impl Fn(&Core) -> bool,
    ) -> Result<(Option<Turn>, H)> {
        let of = |core: &Core| core.share.clone().filter(|_| wanted(core));
        loop {
            let share = of(&*enter()?);
            let turn = share.as_ref().and_then(|share| share.quiet(isolate::id()));
            let held = enter()?;
            let same = match (&of(&held), &share) {
                (Some(now), Some(then)) => Arc::ptr_eq(now, then),
                (None, None) => true,
                _ => false,
            };
            if same {
                return Ok((turn, held));
            }
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
        held.url = url;
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
        held.url = None;
        held.mimes.let_go();
        held.answers = [Answers::Nobody; Slot::COUNT];
        held.noprogress = true;
        held.connect_only = false;
        held.pipewait = false;
        held.upkeep_interval = UPKEEP_INTERVAL;
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
        for answers in &mut held.answers {
            if *answers == Answers::Isolate(owner) {
                *answers = Answers::Lost;
            }
        }
        held.mimes.lose(owner);
    }

    /// `None`: it was closed before. Otherwise it is closed now, and what is
    /// left is to free libcurl's handle, outside every lock.
    pub fn close(&self) -> Result<Option<Remains>> {
        let mut held = self.claim.lock();
        match held.state() {
            State::Closed => return Ok(None),
            State::Running(_) if held.multi != 0 => return Err(busy_in(held.multi, "close")),
            State::Running(_) => return Err(Error::running("close")),
            State::Idle => {}
        }
        let remains = held.dismantle(self.id);
        held.close();
        EASIES.remove(self.id);
        Ok(remains)
    }
}

impl Drop for Easy {
    fn drop(&mut self) {
        EASIES.remove(self.id);
        let remains = self.claim.lock().dismantle(self.id);
        if let Some(remains) = remains {
            remains.free();
        }
    }
}

/// A closed handle that libcurl has not freed yet.
pub struct Remains {
    id: u64,
    handle: Arc<OwnedEasy>,
    /// libcurl would not detach it: it holds a connection, which goes first.
    share: Option<Arc<Share>>,
    /// Let go of when no claim is held: the share may end with it.
    left: Option<Arc<Share>>,
    /// The callbacks that this isolate answers, a bit for each slot's index.
    answered: u32,
    owned: BTreeMap<u32, Kept>,
    mimes: Mimes,
}

impl Remains {
    /// Whether to free it where callbacks can be answered. Not while it is
    /// attached: whoever closes the share waits for it.
    pub fn asks(&self) -> bool {
        let last = Slot::CLOSESOCKET.bit() | Slot::HSTSWRITE.bit() | Slot::DEBUG.bit();
        self.answered & last != 0 && self.share.is_none()
    }

    pub fn answered(&self) -> u32 {
        self.answered
    }

    pub fn id(&self) -> u64 {
        self.id
    }

    pub fn free(self) {
        let Self {
            id,
            handle,
            share,
            left,
            owned,
            mimes,
            ..
        } = self;
        let turn = share.as_ref().and_then(|share| share.quiet(isolate::id()));
        drop(handle);
        drop(owned);
        drop(mimes);
        drop(turn);
        if let Some(share) = share {
            share.forget(id);
        }
        drop(left);
    }
}

impl Core {
    fn new(handle: OwnedEasy) -> Self {
        Self {
            handle: Some(Arc::new(handle)),
            owned: BTreeMap::new(),
            mimes: Mimes::default(),
            retired: Vec::new(),
            pending_body: None,
            answers: [Answers::Nobody; Slot::COUNT],
            share: None,
            url: None,
            noprogress: true,
            watched: false,
            connect_only: false,
            pipewait: false,
            upkeep_interval: UPKEEP_INTERVAL,
            alone: None,
            elsewhere: false,
            multi: 0,
            resolved_in: None,
        }
    }

    pub fn handle(&self) -> Result<&Arc<OwnedEasy>> {
        self.handle
            .as_ref()
            .ok_or_else(|| Error::state("the Curl object is closed"))
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
            self.retired.push(before.owned);
        }
    }

    /// A body to post, or none.
    pub fn set_body(&mut self, body: Option<Box<[u8]>>, running: bool) -> Result<CURLcode> {
        if running {
            self.pending_body = Some(body);
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
        match self.url.clone() {
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
        core.alone = self.alone;
        core.url = self.url.clone();
        core.owned = self.owned.clone();
        core.mimes = self.mimes.copy(isolate::id());
        for kept in core.owned.values_mut() {
            kept.set_at = 0;
        }
        if let Some(body) = &self.pending_body {
            check(core.set_body(body.clone(), false)?)?;
        }
        let handle = core.handle()?.clone();
        check(handle.set_callback(Slot::WRITE, Some(id)))?;
        check(handle.set_callback(Slot::READ, Some(id)))?;
        for slot in Slot::all() {
            let answers = self.answers[slot.index()];
            if answers != Answers::Nobody {
                check(handle.set_callback(slot, Some(id)))?;
                core.answers[slot.index()] = match answers {
                    Answers::Isolate(owner) if owner == isolate::id() => answers,
                    _ => Answers::Lost,
                };
            }
        }
        Ok(Easy::register(id, core))
    }

    pub fn answered(&self, slot: Slot) -> bool {
        self.answers[slot.index()] != Answers::Nobody
    }

    pub fn set_answers(&mut self, slot: Slot, me: Option<IsolateId>) {
        self.answers[slot.index()] = me.map_or(Answers::Nobody, Answers::Isolate);
    }

    /// The callbacks that `me` answers, a bit for each slot's index.
    pub fn answered_by(&self, me: IsolateId) -> u32 {
        Slot::all()
            .filter(|slot| self.answers[slot.index()] == Answers::Isolate(me))
            .fold(0, |bits, slot| bits | slot.bit())
    }

    /// A callback that `me` can't answer.
    pub fn foreign_answer(&self, me: IsolateId) -> Option<Slot> {
        Slot::all().find(|slot| {
            let answers = self.answers[slot.index()];
            answers != Answers::Nobody && answers != Answers::Isolate(me)
        })
    }

    /// Whether detaching would take away the connection that CONNECT_ONLY has
    /// made for the program itself. libcurl would leave it to the share's pool.
    fn would_lose_connection(&self, share: &Share) -> Result<bool> {
        if !self.connect_only || !share.pools_connections() {
            return Ok(false);
        }
        let socket = getinfo::socket(self.handle()?, CURLINFO_ACTIVESOCKET);
        Ok(socket.is_ok_and(|socket| socket != CURL_SOCKET_BAD))
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

    fn dismantle(&mut self, id: u64) -> Option<Remains> {
        let handle = self.handle.take()?;
        self.url = None;
        let mut share = self.share.take();
        let mut left = None;
        if let Some(attached) = &share
            && attached.detach(id, &handle).is_ok()
        {
            left = share.take();
        }
        Some(Remains {
            id,
            handle,
            share,
            left,
            answered: self.answered_by(isolate::id()),
            owned: std::mem::take(&mut self.owned),
            mimes: std::mem::take(&mut self.mimes),
        })
    }
}

/// A handle in a multi handle is busy even between the calls on that one.
fn busy_in(multi: u64, method: &str) -> Error {
    match isolate::asked_by(multi) {
        Some(_) => Error::running(method),
        None => Error::in_multi(method),
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
