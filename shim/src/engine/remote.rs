//! The transfers of one isolate that run on engines of shares.

use super::held_up::{Due, HeldUp};
use super::mailbox::{Asked, Letter, Mailbox};
use super::there::{Answer, Message, Start, There, note};
use crate::error::{Error, Result};
use crate::ids::IdMap;
use crate::isolate;
use crate::sys::bindings::*;
use crate::sys::desk::{Reply, Scripts};
use crate::sys::trampolines::{Slot, write_stdout};
use crate::transfer::{Over, Transfer};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

pub struct Remotes {
    mailbox: Arc<Mailbox>,
    transfers: RefCell<IdMap<Remote>>,
    /// The handles whose callbacks are being answered, the innermost last.
    answering: RefCell<Vec<u64>>,
    /// Engines that have not been told yet of what was started on them.
    untold: RefCell<Vec<Arc<There>>>,
    /// Those that libcurl is done with before the program has heard all.
    held_up: RefCell<IdMap<HeldUp>>,
}

struct Remote {
    there: Arc<There>,
    /// The directions that the program has paused.
    paused: i32,
    /// Callbacks that have returned promises, each about so many bytes.
    promised: Vec<(Slot, usize)>,
    /// Letters that wait until the program goes on.
    aside: VecDeque<Letter>,
    /// A callback threw, or it was cancelled: none is called again.
    silent: bool,
    /// Callbacks that were taken back while it runs, a bit for each.
    unset: u32,
    /// What it fails with for a callback's sake, however far libcurl has come
    /// meanwhile.
    code: Option<CURLcode>,
}

/// No handle has this number.
const NO_TRANSFER: u64 = 0;

impl Remotes {
    pub fn new(mailbox: Arc<Mailbox>) -> Self {
        Self {
            mailbox,
            transfers: RefCell::default(),
            answering: RefCell::default(),
            untold: RefCell::default(),
            held_up: RefCell::default(),
        }
    }

    /// Before the isolate does anything but start more.
    pub fn tell(&self) {
        for there in self.untold.take() {
            there.tell();
        }
    }

    pub fn count(&self) -> usize {
        self.transfers.borrow().len()
    }

    pub fn answers(&self, id: u64) -> bool {
        let transfers = self.transfers.borrow();
        self.answering.borrow().contains(&id)
            || transfers
                .get(&id)
                .is_some_and(|remote| !remote.promised.is_empty())
    }

    /// Whether JavaScript is inside what its WRITEFUNCTION has put off.
    pub fn writes(&self, id: u64) -> bool {
        let transfers = self.transfers.borrow();
        transfers.get(&id).is_some_and(|remote| {
            let mut promised = remote.promised.iter();
            promised.any(|(slot, _)| *slot == Slot::WRITE)
        })
    }

    pub fn start(&self, transfer: Transfer, scripts: Scripts) -> Result<()> {
        let Some(share) = transfer.engine_share().cloned() else {
            return Err(Error::panic("the transfer is for no engine"));
        };
        let id = transfer.id();
        let mut start = Box::new(Start {
            transfer,
            scripts,
            mailbox: self.mailbox.clone(),
            isolate: isolate::id(),
        });
        loop {
            let there = share.there()?;
            match there.put(Message::Start(start)) {
                Ok(()) => {
                    note(&mut self.untold.borrow_mut(), &there);
                    let remote = Remote {
                        there,
                        paused: CURLPAUSE_CONT,
                        promised: Vec::new(),
                        aside: VecDeque::new(),
                        silent: false,
                        unset: 0,
                        code: None,
                    };
                    self.transfers.borrow_mut().insert(id, remote);
                    return Ok(());
                }
                // It has failed since.
                Err(Message::Start(back)) => start = back,
                Err(_) => return Err(Error::panic("a message came back as another")),
            }
        }
    }

    fn send(&self, id: u64, message: Message) {
        if let Some(remote) = self.transfers.borrow().get(&id) {
            // One that has failed has told so.
            let _ = remote.there.send(message);
        }
    }

    /// `false`: no transfer of this handle runs there.
    pub fn pause(&self, id: u64, directions: i32) -> bool {
        let mut transfers = self.transfers.borrow_mut();
        let Some(remote) = transfers.get_mut(&id) else {
            return false;
        };
        remote.paused = directions;
        let _ = remote.there.send(Message::Pause(id, directions));
        self.go_on(remote);
        true
    }

    pub fn cancel(&self, id: u64, code: CURLcode) {
        if let Some(remote) = self.transfers.borrow_mut().get_mut(&id) {
            remote.silent = true;
            remote.promised.clear();
            self.mailbox.put_back(remote.aside.drain(..));
        }
        self.send(id, Message::Cancel(id, code));
    }

    pub fn reconsider(&self, id: u64) {
        self.send(id, Message::Reconsider(id));
    }

    pub fn callback_changed(&self, id: u64, slot: Slot, set: bool) {
        if let Some(remote) = self.transfers.borrow_mut().get_mut(&id) {
            remote.unset &= !slot.bit();
            remote.unset |= if set { 0 } else { slot.bit() };
        }
        self.send(id, Message::CallbackChanged(id, slot, set));
    }

    /// Reads letters again that were put aside, if nothing keeps them there.
    fn go_on(&self, remote: &mut Remote) {
        if !remote.aside.is_empty() && !remote.waits() {
            self.mailbox.put_back(remote.aside.drain(..));
        }
    }

    /// What is to be told to JavaScript of it now, if anything is.
    pub fn read(&self, letter: Letter) -> Option<Letter> {
        match letter {
            Letter::Asked(asked) => self.read_question(asked).map(Letter::Asked),
            Letter::Over(over) => self.read_end(over).map(Letter::Over),
            other => Some(other),
        }
    }

    fn read_question(&self, asked: Asked) -> Option<Asked> {
        let mut transfers = self.transfers.borrow_mut();
        let remote = transfers.get_mut(&asked.id)?;
        if remote.silent {
            remote.answer(&asked, Reply::Abort, Vec::new());
            return None;
        }
        if remote.unset & asked.slot.bit() != 0 {
            // It was on its way already: as if there had been none.
            let is_body = asked.slot == Slot::WRITE;
            let is_done = !is_body || write_stdout(&asked.body);
            let reply = if is_done {
                Reply::Default
            } else {
                Reply::Abort
            };
            remote.answer(&asked, reply, Vec::new());
            return None;
        }
        if asked.slot.is_handed_over() && (remote.waits() || !remote.aside.is_empty()) {
            remote.aside.push_back(Letter::Asked(asked));
            return None;
        }
        if asked.slot.waits() {
            remote.there.is_heard(asked.id);
        }
        self.answering.borrow_mut().push(asked.id);
        Some(asked)
    }

    fn read_end(&self, mut over: Over) -> Option<Over> {
        let mut transfers = self.transfers.borrow_mut();
        let id = over.transfer.id();
        if let Some(code) = transfers.get(&id).and_then(|remote| remote.code) {
            over.code = code;
        } else if let Some(remote) = transfers.get_mut(&id)
            && !remote.silent
            && over.code == CURLE_OK
            && over.failure.is_none()
            // The promise of the last piece is waited for by JavaScript alone.
            && (remote.paused & CURLPAUSE_RECV != 0 || !remote.aside.is_empty())
        {
            let mut held_up = self.held_up.borrow_mut();
            held_up.entry(id).or_insert_with(|| HeldUp::new(&over));
            remote.aside.push_back(Letter::Over(over));
            return None;
        }
        transfers.remove(&id);
        self.held_up.borrow_mut().remove(&id);
        Some(over)
    }

    /// To a question that `read` has let through.
    pub fn reply(&self, asked: Asked, reply: Reply, bytes: Vec<u8>) {
        let mut answering = self.answering.borrow_mut();
        if let Some(place) = answering.iter().rposition(|id| *id == asked.id) {
            answering.remove(place);
        }
        drop(answering);
        let mut transfers = self.transfers.borrow_mut();
        let Some(remote) = transfers.get_mut(&asked.id) else {
            return;
        };
        match (asked.slot, reply) {
            (Slot::WRITE | Slot::READ | Slot::MIME_READ, Reply::Later) => {
                remote.promised.push((asked.slot, asked.body.len()));
            }
            (Slot::WRITE, Reply::Number(number)) if number == CURL_WRITEFUNC_PAUSE as f64 => {
                remote.paused |= CURLPAUSE_RECV;
                let paused = Message::Pause(asked.id, remote.paused);
                let _ = remote.there.send(paused);
                remote.aside.push_front(Letter::Asked(asked));
            }
            _ => {
                remote.answer(&asked, reply, bytes);
                self.go_on(remote);
            }
        }
    }

    /// What a promise has become. `false`: it was of no transfer here.
    pub fn settle(&self, id: u64, slot: Slot, reply: Reply, bytes: &[u8]) -> bool {
        let mut transfers = self.transfers.borrow_mut();
        let Some(remote) = transfers.get_mut(&id) else {
            return false;
        };
        let mut promised = remote.promised.iter();
        if let Some(place) = promised.position(|(other, _)| *other == slot) {
            let (slot, length) = remote.promised.swap_remove(place);
            let answer = Answer {
                id,
                slot,
                reply,
                bytes: bytes.to_vec(),
                length,
            };
            remote.judge(&answer);
            let _ = remote.there.send(Message::Answer(answer));
            self.go_on(remote);
        }
        true
    }

    /// Waits for the transfer's next event. An engine that waits for another
    /// answer of this isolate asks in between. Nothing: its end was told in a turn,
    /// which JavaScript may still have after it was ended in a callback.
    pub fn wait_for(&self, id: u64) -> Option<Letter> {
        self.tell();
        while self.transfers.borrow().contains_key(&id) {
            self.remind_of(id);
            let until = self.held_up.borrow().get(&id).and_then(HeldUp::next);
            if let Some(letter) = self.mailbox.wait_for(id, until)
                && let Some(letter) = self.read(letter)
            {
                return Some(letter);
            }
        }
        None
    }

    /// Puts letters into the mailbox that are due of what is held up.
    pub fn remind(&self) {
        let ids: Vec<u64> = self.held_up.borrow().keys().copied().collect();
        for id in ids {
            self.remind_of(id);
        }
    }

    fn remind_of(&self, id: u64) {
        let mut held_up = self.held_up.borrow_mut();
        let mut transfers = self.transfers.borrow_mut();
        let (Some(held_up), Some(remote)) = (held_up.get_mut(&id), transfers.get_mut(&id)) else {
            return;
        };
        // It may be in the mailbox again.
        let Some(Letter::Over(over)) = remote.aside.back_mut() else {
            return;
        };
        match held_up.take_due(over) {
            None => {}
            Some(Due::Progress(asked)) => {
                self.mailbox.put_back([Letter::Asked(asked)].into_iter());
            }
            Some(Due::TimeIsUp(error)) => {
                over.failure = Some(error);
                remote.silent = true;
                remote.code = Some(CURLE_OPERATION_TIMEDOUT);
                self.go_on(remote);
            }
        }
    }

    /// When the next of those is due.
    pub fn next_reminder(&self) -> Option<Instant> {
        let held_up = self.held_up.borrow();
        held_up.values().filter_map(HeldUp::next).min()
    }

    /// What an engine waits with that `turn::is_asked` knows of; nothing if it
    /// needs no answer of JavaScript's.
    pub fn question(&self) -> Option<Asked> {
        self.tell();
        match self.read(self.mailbox.wait_for(NO_TRANSFER, None)?)? {
            Letter::Asked(asked) => Some(asked),
            _ => None,
        }
    }

    /// Answers for callbacks that nobody answers any more, until the transfer
    /// is over.
    pub fn abort_until_end(&self, id: u64, mut asked: Option<Asked>) {
        loop {
            if let Some(asked) = asked {
                self.reply(asked, Reply::Abort, Vec::new());
            }
            asked = match self.wait_for(id) {
                Some(Letter::Asked(next)) => Some(next),
                _ => return,
            };
        }
    }

    /// The isolate is gone.
    pub fn abandon(&self) {
        for (id, remote) in self.transfers.take() {
            let cancel = Message::Cancel(id, CURLE_ABORTED_BY_CALLBACK);
            let _ = remote.there.send(cancel);
        }
    }
}

impl Remote {
    /// What is handed over has to wait.
    fn waits(&self) -> bool {
        let is_written = self.promised.iter().any(|(slot, _)| *slot == Slot::WRITE);
        !self.silent && (is_written || self.paused & CURLPAUSE_RECV != 0)
    }

    fn answer(&mut self, asked: &Asked, reply: Reply, bytes: Vec<u8>) {
        let answer = Answer {
            id: asked.id,
            slot: asked.slot,
            reply,
            bytes,
            length: asked.body.len(),
        };
        self.judge(&answer);
        let _ = self.there.send(Message::Answer(answer));
    }

    fn judge(&mut self, answer: &Answer) {
        self.silent |= answer.reply == Reply::Abort;
        if let Some(code) = answer.fails_with() {
            self.silent = true;
            self.code.get_or_insert(code);
        }
    }
}
