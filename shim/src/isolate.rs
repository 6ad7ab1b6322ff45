//! What one JavaScript isolate, on its own thread, holds on to. When it ends,
//! terminated or not, the thread-local here is dropped, and all is let go.

use crate::claim::IsolateId;
use crate::easy::Easy;
use crate::engine::here::Here;
use crate::error::{Error, Result};
use crate::ids::IdMap;
use crate::multi::members::Members;
use crate::multi::{Multi, Refused};
use crate::perform::Operation;
use crate::registry::{EASIES, MULTIS, SHARES};
use crate::share::Share;
use crate::sys::desk::{Desk, Query};
use crate::sys::trampolines::Slot;
use crate::url::Url;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

struct Isolate {
    id: IsolateId,
    easies: IdMap<Arc<Easy>>,
    shares: IdMap<Arc<Share>>,
    urls: IdMap<Arc<Url>>,
    multis: IdMap<Rc<Members>>,
    /// The handles that are in one of them.
    seats: IdMap<Rc<Members>>,
    /// Transfers that wait for this isolate's answer; each was started inside
    /// a callback of the one before.
    operations: Vec<Operation>,
    /// Made when the first asynchronous transfer is.
    here: Option<Rc<Here>>,
    /// The body that the last transfer collected, until it is fetched.
    body: Vec<u8>,
}

static NEXT: AtomicU32 = AtomicU32::new(1);

thread_local! {
    static ID: Cell<IsolateId> = const { Cell::new(0) };
    static COUNT: Cell<i32> = const { Cell::new(0) };
    static ISOLATE: RefCell<Isolate> = RefCell::new(Isolate::new());
}

/// 0 on a thread that has no isolate, or none any more.
pub fn id() -> IsolateId {
    ID.get()
}

/// For somebody who takes turns with isolates.
pub fn new_id() -> IsolateId {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// On the thread of a share's engine.
pub fn assume(id: IsolateId) {
    ID.set(id);
}

/// A new isolate on this thread. One that was there before has ended without
/// its thread: runtimes reuse threads for isolates that follow one another.
pub fn begin() {
    let old = ISOLATE.with(|isolate| isolate.replace(Isolate::new()));
    let new = ID.get();
    ID.set(old.id);
    drop(old);
    ID.set(new);
}

impl Isolate {
    fn asked_by(&self, multi: u64) -> Option<Slot> {
        let mut operations = self.operations.iter();
        let innermost = operations.rfind(|operation| operation.multi() == multi)?;
        let question = innermost.question();
        Some(question.map_or(Slot::WAIT, |question| question.slot))
    }

    fn new() -> Self {
        let id = new_id();
        ID.set(id);
        Self::without_anything(id)
    }

    fn without_anything(id: IsolateId) -> Self {
        Self {
            id,
            easies: IdMap::default(),
            shares: IdMap::default(),
            urls: IdMap::default(),
            multis: IdMap::default(),
            seats: IdMap::default(),
            operations: Vec::new(),
            here: None,
            body: Vec::new(),
        }
    }
}

impl Drop for Isolate {
    #[cfg(not(windows))]
    fn drop(&mut self) {
        self.let_go();
    }

    #[cfg(windows)]
    fn drop(&mut self) {
        let is_thread_ending = ISOLATE.try_with(|_| ()).is_err();
        if !is_thread_ending || self.has_nothing() {
            self.let_go();
            return;
        }
        let all = std::mem::replace(self, Self::without_anything(self.id));
        crate::sys::windows::leave_to_another(all, |all| {
            // The thread's own, which has and gets nothing, takes an id first.
            ISOLATE.with(|_| ());
            ID.set(all.id);
            drop(all);
        });
    }
}

impl Isolate {
    #[cfg(windows)]
    fn has_nothing(&self) -> bool {
        self.easies.is_empty()
            && self.shares.is_empty()
            && self.urls.is_empty()
            && self.multis.is_empty()
            && self.seats.is_empty()
            && self.operations.is_empty()
            && self.here.is_none()
    }

    fn let_go(&mut self) {
        // From the innermost out: an outer one waits for those inside it.
        while let Some(operation) = self.operations.pop() {
            operation.abort();
        }
        drop(self.here.take());
        self.seats.clear();
        for members in self.multis.values() {
            members.end();
        }
        self.multis.clear();
        for easy in self.easies.values() {
            easy.lose_answers(self.id);
        }
        self.easies.clear();
        self.shares.clear();
        self.urls.clear();
    }
}

/// For short calls: `act` may read what is held here, and change nothing.
pub fn with_easy<R>(id: u64, method: &str, act: impl FnOnce(&Arc<Easy>) -> Result<R>) -> Result<R> {
    ISOLATE.with_borrow(|isolate| match isolate.easies.get(&id) {
        Some(easy) => act(easy),
        None => Err(Error::no_curl(method)),
    })
}

pub fn multi(id: u64, refuse: impl FnOnce(Refused) -> Error) -> Result<Rc<Members>> {
    let members = ISOLATE.with_borrow(|isolate| isolate.multis.get(&id).cloned());
    members.ok_or_else(|| refuse(Refused::Closed))
}

pub fn hold_multi(multi: Arc<Multi>) -> u64 {
    let id = multi.id();
    let members = Members::new(multi);
    let before = ISOLATE.with_borrow_mut(|isolate| isolate.multis.insert(id, members));
    drop(before);
    id
}

/// A number that came from another isolate.
pub fn open_multi(id: u64) -> Result<()> {
    match MULTIS.find(id) {
        Some(multi) => {
            // An object that was collected may not have been let go yet.
            release_multi(id);
            hold_multi(multi);
            Ok(())
        }
        None => Err(Error::state(format!(
            "no CurlMulti object has the handle {id}: it was closed, or nobody holds it any more"
        ))),
    }
}

/// The object in JavaScript is gone, and its functions with it.
pub fn release_multi(id: u64) {
    let members = ISOLATE.with_borrow_mut(|isolate| isolate.multis.remove(&id));
    if let Some(members) = members {
        abandon(outermost_on(id));
        members.end().into_iter().for_each(unseat);
    }
}

/// How many operations are around all those on a multi handle. JavaScript may
/// have run out of stack before it could say that they are over.
fn outermost_on(multi: u64) -> usize {
    ISOLATE.with_borrow(|isolate| {
        let operations = &isolate.operations;
        let place = operations.iter().position(|it| it.multi() == multi);
        place.unwrap_or(operations.len())
    })
}

/// The handle is in a multi handle of this isolate's from here on.
pub fn seat(id: u64, members: Rc<Members>) {
    let before = ISOLATE.with_borrow_mut(|isolate| isolate.seats.insert(id, members));
    drop(before);
}

pub fn unseat(id: u64) {
    let members = ISOLATE
        .try_with(|isolate| isolate.borrow_mut().seats.remove(&id))
        .ok();
    drop(members);
}

pub fn members_of(id: u64) -> Option<Rc<Members>> {
    ISOLATE.with_borrow(|isolate| isolate.seats.get(&id).cloned())
}

/// The callback that waits for its answer, if one does, in the innermost call
/// that this multi handle is at work in.
pub fn asked_by(multi: u64) -> Option<Slot> {
    ISOLATE.with_borrow(|isolate| isolate.asked_by(multi))
}

/// For calls that start or end something.
pub fn easy(id: u64, method: &str) -> Result<Arc<Easy>> {
    with_easy(id, method, |easy| Ok(easy.clone()))
}

pub fn with_share<R>(
    id: u64,
    method: &str,
    act: impl FnOnce(&Arc<Share>) -> Result<R>,
) -> Result<R> {
    let share = ISOLATE.with_borrow(|isolate| isolate.shares.get(&id).cloned());
    match share {
        Some(share) => act(&share),
        None => Err(Error::no_share(method)),
    }
}

/// `missing`: what to say if it is closed.
pub fn url(id: u64, missing: &str) -> Result<Arc<Url>> {
    let url = ISOLATE.with_borrow(|isolate| isolate.urls.get(&id).cloned());
    url.ok_or_else(|| Error::state(missing))
}

pub fn hold_easy(easy: Arc<Easy>) -> u64 {
    let id = easy.id();
    let before = ISOLATE.with_borrow_mut(|isolate| isolate.easies.insert(id, easy));
    drop(before);
    id
}

pub fn hold_share(share: Arc<Share>) -> u64 {
    let id = share.id();
    let before = ISOLATE.with_borrow_mut(|isolate| isolate.shares.insert(id, share));
    drop(before);
    id
}

pub fn hold_url(url: Arc<Url>) -> u64 {
    let id = url.id();
    let before = ISOLATE.with_borrow_mut(|isolate| isolate.urls.insert(id, url));
    drop(before);
    id
}

/// A number that came from another isolate.
pub fn open_easy(id: u64) -> Result<()> {
    match EASIES.find(id) {
        Some(easy) => {
            // An object that was collected may not have been let go yet.
            easy.lose_answers(self::id());
            hold_easy(easy);
            Ok(())
        }
        None => Err(Error::state(format!(
            "no Curl object has the handle {id}: it was closed, or nobody holds it any more"
        ))),
    }
}

pub fn open_share(id: u64) -> Result<()> {
    match SHARES.find(id) {
        Some(share) if !share.closed() => {
            hold_share(share);
            Ok(())
        }
        _ => Err(Error::state(format!(
            "no CurlShare object has the handle {id}: it was closed, or nobody holds it any more"
        ))),
    }
}

/// The object in JavaScript is gone, and its functions with it.
pub fn release_easy(id: u64) {
    let easy = ISOLATE.with_borrow_mut(|isolate| isolate.easies.remove(&id));
    if let Some(easy) = easy {
        easy.lose_answers(self::id());
    }
    if let Some(here) = here_if_any() {
        here.forget(id);
    }
}

pub fn release_share(id: u64) {
    let share = ISOLATE.with_borrow_mut(|isolate| isolate.shares.remove(&id));
    drop(share);
}

pub fn release_url(id: u64) {
    let url = ISOLATE.with_borrow_mut(|isolate| isolate.urls.remove(&id));
    drop(url);
}

pub fn push_operation(operation: Operation) {
    ISOLATE.with_borrow_mut(|isolate| isolate.operations.push(operation));
}

/// The operation of this handle that waits for its answer. Those that were
/// started in its callback are over for JavaScript, which may have run out of
/// stack before it could say so.
pub fn pop_operation(id: u64) -> Option<Operation> {
    let place = ISOLATE.with_borrow(|isolate| {
        isolate
            .operations
            .iter()
            .rposition(|operation| operation.id() == id)
    })?;
    abandon(place + 1);
    ISOLATE.with_borrow_mut(|isolate| isolate.operations.pop())
}

/// How many operations wait for answers on this thread.
pub fn waiting() -> usize {
    ISOLATE.with_borrow(|isolate| isolate.operations.len())
}

/// Ends all but the first `count`, from the innermost out: JavaScript has left
/// the loops that would have answered.
pub fn abandon(count: usize) {
    while let Some(operation) = ISOLATE.with_borrow_mut(|isolate| {
        (isolate.operations.len() > count)
            .then(|| isolate.operations.pop())
            .flatten()
    }) {
        operation.abort();
    }
}

/// The operation whose question is about this handle.
pub fn with_operation<R>(id: u64, act: impl FnOnce(&mut Operation) -> R) -> Option<R> {
    ISOLATE.with_borrow_mut(|isolate| {
        let operations = isolate.operations.iter_mut();
        operations
            .rev()
            .find(|operation| operation.asks_about(id))
            .map(act)
    })
}

/// NOPROGRESS was set while a transfer has progress reported to itself.
pub fn progress_changed(id: u64, noprogress: bool) {
    if let Some(desk) = desk(id) {
        desk.watched.set(noprogress);
    }
}

/// A callback that is always installed has become JavaScript's, or is no more.
pub fn callback_changed(id: u64, slot: Slot, set: bool) {
    if let Some(desk) = desk(id) {
        desk.callback_changed(slot, set);
        if let Some(members) = members_of(id) {
            members.callback_changed(slot);
        }
    } else if let Some(here) = here_if_any() {
        here.remotes.callback_changed(id, slot, set);
    }
}

/// What the transfer of this handle has on hand, if one runs on this thread.
pub fn desk(id: u64) -> Option<Rc<Desk>> {
    ISOLATE
        .try_with(|isolate| {
            let isolate = isolate.borrow();
            let mut operations = isolate.operations.iter();
            match operations.rfind(|operation| operation.id() == id) {
                Some(operation) => operation.desk().cloned(),
                None => match isolate.seats.get(&id) {
                    Some(members) => members.desk(id),
                    None => isolate.here.as_ref()?.desk(id),
                },
            }
        })
        .ok()
        .flatten()
}

/// Whether JavaScript is inside a callback of this handle.
pub fn answers(id: u64) -> bool {
    ISOLATE.with_borrow(|isolate| {
        let mut operations = isolate.operations.iter();
        operations.any(|operation| operation.asks_about(id))
            || isolate.here.as_ref().is_some_and(|here| here.answers(id))
    })
}

/// Whether a handle whose transfer is under way may be called on: inside its
/// own callback, or while nobody works on the multi handle that it is in.
pub fn may_touch(id: u64) -> bool {
    let is_free = ISOLATE.with_borrow(|isolate| {
        let members = isolate.seats.get(&id)?;
        let asked = isolate.asked_by(members.multi().id());
        Some(asked.is_none_or(|slot| slot == Slot::MULTI_NOTIFY))
    });
    is_free == Some(true) || answers(id)
}

/// Whether JavaScript is inside the WRITEFUNCTION of this handle.
pub fn writes(id: u64) -> bool {
    ISOLATE.with_borrow(|isolate| {
        let mut operations = isolate.operations.iter();
        let is_writing = |query: Query<'_>| query.id == id && query.slot == Slot::WRITE;
        operations.any(|operation| operation.question().is_some_and(is_writing))
            || isolate.here.as_ref().is_some_and(|here| here.writes(id))
    })
}

/// Where its asynchronous transfers run.
pub fn here() -> Result<Rc<Here>> {
    if let Some(here) = here_if_any() {
        return Ok(here);
    }
    let here = Here::new()?;
    ISOLATE.with_borrow_mut(|isolate| isolate.here = Some(here.clone()));
    Ok(here)
}

pub fn here_if_any() -> Option<Rc<Here>> {
    ISOLATE.with_borrow(|isolate| isolate.here.clone())
}

/// What a call that is over has counted.
pub fn keep_count(count: i32) {
    COUNT.set(count);
}

pub fn kept_count() -> i32 {
    COUNT.get()
}

pub fn keep_body(body: Vec<u8>) {
    ISOLATE.with_borrow_mut(|isolate| isolate.body = body);
}

pub fn take_body() -> Vec<u8> {
    ISOLATE.with(|isolate| std::mem::take(&mut isolate.borrow_mut().body))
}

pub fn body_length() -> usize {
    ISOLATE.with_borrow(|isolate| isolate.body.len())
}
