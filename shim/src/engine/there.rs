//! The engine of a share, on a thread of its own: libcurl supports sharing
//! cookies, connections and HSTS only if all transfers are on one.
//!
//! Callbacks are told to the isolate that started the transfer. What libcurl
//! only hands over (bodies, headers, progress) is put into its mailbox while
//! the engine goes on; where libcurl needs an answer the engine waits for it.

use super::Engine;
use super::mailbox::{Asked, Letter, Mailbox};
use super::untold::Untold;
use crate::claim::IsolateId;
use crate::error::Error;
use crate::ids::IdMap;
use crate::isolate;
use crate::share::turn::{self, Asking};
use crate::sys::bindings::*;
use crate::sys::desk::{Arrived, Query, Reply, Scripts};
use crate::sys::poller::Poller;
use crate::sys::trampolines::Slot;
use crate::transfer::{Over, Transfer};
use std::collections::VecDeque;
use std::ffi::c_long;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

/// What isolates know of it.
pub struct There {
    /// The share's.
    id: u64,
    /// Who it is where turns are taken.
    me: IsolateId,
    poller: Arc<Poller>,
    inbox: Mutex<Inbox>,
    came: Condvar,
}

#[derive(Default)]
struct Inbox {
    messages: VecDeque<Message>,
    /// The engine ended by itself, and can't be used any more.
    failed: bool,
    /// The engine waits for an answer, until one comes.
    awaits: bool,
}

pub enum Message {
    Start(Box<Start>),
    Cancel(u64, CURLcode),
    /// The answer to a question.
    Answer(Answer),
    Pause(u64, i32),
    /// Its stream has room again.
    Reconsider(u64),
    CallbackChanged(u64, Slot, bool),
    /// Its idle connections are to be kept alive.
    Upkeep(c_long),
    /// As a bug would do it.
    #[cfg(test)]
    Panic,
}

pub struct Start {
    pub transfer: Transfer,
    pub scripts: Scripts,
    pub mailbox: Arc<Mailbox>,
    /// The isolate it is from.
    pub isolate: IsolateId,
}

pub struct Answer {
    pub id: u64,
    pub slot: Slot,
    pub reply: Reply,
    pub bytes: Vec<u8>,
    /// The length of what it is about.
    pub length: usize,
}

impl Answer {
    /// Where it is one of failure to what the engine has gone on from.
    pub fn fails_with(&self) -> Option<CURLcode> {
        let is = |number: f64| self.reply == Reply::Number(number);
        match self.slot {
            Slot::WRITE | Slot::HEADER | Slot::INTERLEAVE => {
                let is_taken = self.reply == Reply::Default || is(self.length as f64);
                (!is_taken).then_some(CURLE_WRITE_ERROR)
            }
            Slot::XFERINFO | Slot::PROGRESS => {
                let goes_on = self.reply == Reply::Default || is(0.0);
                (!goes_on).then_some(CURLE_ABORTED_BY_CALLBACK)
            }
            Slot::READ | Slot::MIME_READ => {
                let is_given = is(self.bytes.len() as f64) || is(CURL_READFUNC_PAUSE as f64);
                (!is_given).then_some(CURLE_ABORTED_BY_CALLBACK)
            }
            Slot::DEBUG => (self.reply == Reply::Abort).then_some(CURLE_ABORTED_BY_CALLBACK),
            _ => None,
        }
    }
}

/// Of a body so much is in a mailbox at most, but for the last piece.
const HIGH_WATER: usize = 256 * 1024;

struct Owner {
    mailbox: Arc<Mailbox>,
    isolate: IsolateId,
    /// How much of its data waits in the mailbox.
    queued: usize,
    /// Progress was told, and not heard yet.
    progress: bool,
    /// Nobody is asked any more.
    silent: bool,
}

impl There {
    /// For the share of this number.
    pub fn start(id: u64) -> io::Result<Arc<Self>> {
        let there = Arc::new(Self {
            id,
            me: isolate::new_id(),
            poller: Arc::new(Poller::new()?),
            inbox: Mutex::default(),
            came: Condvar::new(),
        });
        let its = there.clone();
        thread::Builder::new()
            .name("curl share".to_owned())
            .spawn(move || Runner::run(&its))?;
        Ok(there)
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// `Err`: it has failed, and gives the message back.
    pub fn send(&self, message: Message) -> Result<(), Message> {
        self.put(message)?;
        self.tell();
        Ok(())
    }

    /// The same, for whoever calls `tell` after the last message: an engine that
    /// is woken for each of many would come to each of them alone.
    pub fn put(&self, message: Message) -> Result<(), Message> {
        let mut inbox = self.inbox();
        if inbox.failed {
            return Err(message);
        }
        if let Some(id) = message.lets_go_on() {
            turn::answer(self.me, id);
        }
        inbox.messages.push_back(message);
        Ok(())
    }

    /// There may be messages.
    pub fn tell(&self) {
        let inbox = self.inbox();
        if inbox.messages.is_empty() {
            return;
        }
        if inbox.awaits {
            self.came.notify_one();
        }
        drop(inbox);
        self.poller.wake();
    }

    pub fn has_failed(&self) -> bool {
        self.inbox().failed
    }

    /// The share is gone: so are its transfers.
    pub fn end(&self) {
        self.poller.end();
        // Nobody is between looking and waiting then.
        drop(self.inbox());
        self.came.notify_one();
    }

    /// An isolate has its question about this handle.
    pub fn is_heard(&self, id: u64) {
        turn::hear(self.me, id);
    }

    /// Unless it need not wait for the answer: that is on its way already.
    fn ask(&self, id: u64, isolate: IsolateId) -> Option<Asking> {
        let inbox = self.inbox();
        let mut ways_on = inbox.messages.iter().filter_map(Message::lets_go_on);
        (!ways_on.any(|about| about == id)).then(|| turn::ask(self.me, isolate, id))
    }
}

/// What the thread has.
struct Runner<'a> {
    there: &'a There,
    engine: Engine,
    owners: IdMap<Owner>,
    /// What has come, and is being heeded.
    messages: VecDeque<Message>,
    untold: Untold,
}

impl<'a> Runner<'a> {
    fn run(there: &'a There) {
        isolate::assume(there.me);
        let Ok(engine) = Engine::new(there.poller.clone()) else {
            Self::fail(
                there,
                IdMap::default(),
                Vec::new(),
                VecDeque::new(),
                "there is no memory for it",
            );
            return;
        };
        let mut runner = Self {
            there,
            engine,
            owners: IdMap::default(),
            messages: VecDeque::new(),
            untold: Untold::default(),
        };
        let ended = catch_unwind(AssertUnwindSafe(|| runner.turn_until_end()));
        runner.untold.tell();
        if ended.is_ok() && !runner.engine.is_broken() {
            return;
        }
        let Self {
            engine,
            owners,
            messages,
            ..
        } = runner;
        let gate = turn::take(there.id, there.me);
        let cleared = catch_unwind(AssertUnwindSafe(|| engine.end()));
        drop(gate);
        debug_assert!(cleared.is_ok());
        let mut over = Vec::new();
        while let Some(next) = engine.next_over() {
            over.push(next);
        }
        let why = "it has come to an end by itself";
        Self::fail(there, owners, over, messages, why);
    }

    /// Every transfer fails, also one that these messages start; whatever comes
    /// later starts another engine.
    fn fail(
        there: &There,
        owners: IdMap<Owner>,
        over: Vec<Over>,
        mut messages: VecDeque<Message>,
        why: &str,
    ) {
        let error = Error::state(format!("the engine of this CurlShare has failed: {why}"));
        let mut inbox = there.inbox();
        inbox.failed = true;
        messages.append(&mut inbox.messages);
        drop(inbox);
        for over in over {
            if let Some(owner) = owners.get(&over.transfer.id()) {
                owner.mailbox.post(Letter::Over(Over {
                    failure: Some(error.clone()),
                    ..over
                }));
            }
        }
        for message in messages {
            if let Message::Start(start) = message {
                start.mailbox.post(Letter::Over(Over {
                    transfer: start.transfer,
                    code: CURLE_FAILED_INIT,
                    body: None,
                    failure: Some(error.clone()),
                }));
            }
        }
    }

    fn turn_until_end(&mut self) {
        while !self.there.poller.has_ended() && !self.engine.is_broken() {
            if self.there.inbox().messages.is_empty() {
                self.there.poller.wait();
            }
            self.messages = std::mem::take(&mut self.there.inbox().messages);
            while let Some(message) = self.messages.pop_front() {
                self.heed(message);
            }
            // Whoever sends after this wakes it again; what came since the
            // inbox was taken is in there.
            self.there.poller.hear();
            // Nobody else is inside the share's data during a turn. It can't be
            // waited for in a ring, since an engine that waits has its turn.
            let gate = turn::take(self.there.id, self.there.me);
            debug_assert!(gate.is_ok());
            let mut reply = Reply::Default;
            while let Ok(true) = self.engine.turn(reply) {
                reply = self.answer();
            }
            drop(gate);
            while let Some(over) = self.engine.next_over() {
                if let Some(owner) = self.owners.remove(&over.transfer.id()) {
                    owner.mailbox.put(Letter::Over(over));
                    self.untold.add(&owner.mailbox);
                }
            }
            self.untold.tell_soon(|| self.there.poller.is_busy());
        }
    }

    fn heed(&mut self, message: Message) {
        match message {
            Message::Start(start) => {
                let Start {
                    transfer,
                    scripts,
                    mailbox,
                    isolate,
                } = *start;
                let owner = Owner {
                    mailbox,
                    isolate,
                    queued: 0,
                    progress: false,
                    silent: false,
                };
                self.owners.insert(transfer.id(), owner);
                self.engine.start(transfer, scripts);
            }
            Message::Cancel(id, code) => {
                if let Some(owner) = self.owners.get_mut(&id) {
                    owner.silent = true;
                }
                self.engine.cancel(id, code);
            }
            Message::Pause(id, directions) => self.engine.pause(id, directions),
            Message::Reconsider(id) => self.engine.reconsider(id),
            Message::CallbackChanged(id, slot, set) => {
                if let Some(desk) = self.engine.desk(id) {
                    desk.callback_changed(slot, set);
                }
            }
            Message::Answer(answer) => self.heed_answer(answer),
            Message::Upkeep(interval) => self.engine.keep_up_soon(interval),
            #[cfg(test)]
            Message::Panic => panic!("a test wants this"),
        }
    }

    /// An answer to what the engine has gone on from.
    fn heed_answer(&mut self, answer: Answer) {
        let code = answer.fails_with();
        let Answer {
            id,
            slot,
            reply,
            bytes,
            length,
        } = answer;
        let Some(owner) = self.owners.get_mut(&id) else {
            return;
        };
        match slot {
            Slot::READ | Slot::MIME_READ => match reply {
                Reply::Number(number) if number == CURL_READFUNC_PAUSE as f64 => {
                    self.engine.read_later(id);
                }
                Reply::Number(number) if number == bytes.len() as f64 => {
                    self.engine.read(id, Arrived::Bytes { bytes, sent: 0 });
                }
                _ => self.engine.read(id, Arrived::Abort),
            },
            Slot::XFERINFO | Slot::PROGRESS => owner.progress = false,
            _ => {
                owner.queued -= length.min(owner.queued);
                if owner.queued < HIGH_WATER / 2 {
                    self.engine.written(id);
                }
            }
        }
        if let Some(code) = code {
            self.heed(Message::Cancel(id, code));
        }
    }

    /// To the question that the turn waits with.
    fn answer(&mut self) -> Reply {
        let asked = self.engine.with_question(|query| (query.id, query.slot));
        let Some((id, slot)) = asked else {
            return Reply::Abort;
        };
        let Some(owner) = self.owners.get_mut(&id).filter(|owner| !owner.silent) else {
            return Reply::Abort;
        };
        // Known before the question is: its isolate may want the engine then.
        let _asking = match slot.waits() {
            true => self.there.ask(id, owner.isolate),
            false => None,
        };
        let told = self.engine.with_question(|query| owner.tell(query));
        self.untold.add(&owner.mailbox);
        match told.flatten() {
            None => Reply::Abort,
            Some(Told::Goes(reply)) => reply,
            Some(Told::Waits) => self.wait_for_answer(id),
        }
    }

    fn wait_for_answer(&mut self, id: u64) -> Reply {
        self.untold.tell();
        loop {
            let message = {
                let mut inbox = self.there.inbox();
                loop {
                    if self.there.poller.has_ended() {
                        return Reply::Abort;
                    }
                    // Whatever changes the handle that is asked about is heeded
                    // at once; the rest waits for the turn's end.
                    let mut messages = inbox.messages.iter();
                    let place = messages.position(|message| message.matters_to(id));
                    if let Some(message) = place.and_then(|place| inbox.messages.remove(place)) {
                        inbox.awaits = false;
                        break message;
                    }
                    inbox.awaits = true;
                    inbox = self
                        .there
                        .came
                        .wait(inbox)
                        .unwrap_or_else(|poisoned| poisoned.into_inner());
                }
            };
            match message {
                Message::Answer(answer) if answer.slot.waits() => {
                    if !answer.bytes.is_empty() && !self.engine.answer_bytes(&answer.bytes) {
                        return Reply::Abort;
                    }
                    return answer.reply;
                }
                Message::Cancel(..) => {
                    self.heed(message);
                    return Reply::Abort;
                }
                message => self.heed(message),
            }
        }
    }
}

/// Of who is to be told: once is enough for each.
pub fn note<T>(untold: &mut Vec<Arc<T>>, who: &Arc<T>) {
    if !untold.iter().any(|other| Arc::ptr_eq(other, who)) {
        untold.push(who.clone());
    }
}

/// What became of a question.
enum Told {
    Goes(Reply),
    Waits,
}

impl Owner {
    /// `None`: nobody is there to be told.
    fn tell(&mut self, query: Query<'_>) -> Option<Told> {
        let Query {
            id,
            slot,
            mut numbers,
            body,
            // It has no such place.
            landed: _,
        } = query;
        if slot.is_progress() && self.progress {
            return Some(Told::Goes(Reply::Default));
        }
        if slot == Slot::READ {
            // More than libcurl takes at once saves asking for it.
            numbers[1] = HIGH_WATER as f64;
        }
        let asked = Asked {
            id,
            slot,
            numbers,
            body: body.to_vec(),
        };
        if !self.mailbox.put(Letter::Asked(asked)) {
            return None;
        }
        if slot.waits() {
            return Some(Told::Waits);
        }
        if slot.is_progress() {
            self.progress = true;
            return Some(Told::Goes(Reply::Default));
        }
        if slot.reads() {
            return Some(Told::Goes(Reply::Later));
        }
        self.queued += body.len();
        let is_full = slot == Slot::WRITE && self.queued >= HIGH_WATER;
        Some(Told::Goes(if is_full {
            Reply::Later
        } else {
            Reply::Default
        }))
    }
}

impl Message {
    /// The handle that an engine which has asked about it goes on with.
    fn lets_go_on(&self) -> Option<u64> {
        match self {
            Self::Answer(answer) if answer.slot.waits() => Some(answer.id),
            Self::Cancel(id, _) => Some(*id),
            _ => None,
        }
    }

    fn matters_to(&self, asked: u64) -> bool {
        match self {
            Self::Answer(answer) => answer.id == asked,
            Self::Cancel(id, _)
            | Self::Pause(id, _)
            | Self::Reconsider(id)
            | Self::CallbackChanged(id, ..) => *id == asked,
            Self::Start(_) | Self::Upkeep(_) => false,
            #[cfg(test)]
            Self::Panic => true,
        }
    }
}

#[cfg(test)]
mod tests;
