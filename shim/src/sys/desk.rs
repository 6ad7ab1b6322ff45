//! What libcurl's callbacks have on hand for one handle while a call on it
//! runs: where its output goes, who answers, and what is still to be told.

use super::bindings::{CURLPAUSE_RECV, CURLPAUSE_SEND, curl_socket_t};
use super::coroutine::{suspend, suspend_about_landed};
use super::easy::OwnedEasy;
use super::landing;
use super::locks;
#[cfg(unix)]
use super::nap;
use super::nap::Nap;
use super::socket::number;
use super::stream::{Offer, Stream};
use super::trampolines::{Slot, close_socket};
use crate::websocket::Socket;
#[cfg(unix)]
use libc::pollfd;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
#[cfg(unix)]
use std::ffi::c_int;
use std::sync::Arc;

/// What JavaScript answers to a question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reply {
    /// The callback threw, or nobody is left to answer.
    Abort,
    /// The callback returned nothing.
    Default,
    /// The callback returned a promise: the rest of the body waits for it.
    Later,
    Number(f64),
}

/// A question as whoever answers it sees it.
pub struct Query<'a> {
    /// The handle it is about.
    pub id: u64,
    pub slot: Slot,
    pub numbers: [f64; 6],
    pub body: &'a [u8],
    /// So many bytes are there already, in place of those.
    pub landed: usize,
}

/// Used by the thread that runs the call alone.
pub struct Desk {
    id: u64,
    pub output: RefCell<Output>,
    /// The callbacks that JavaScript answers, a bit for each slot's index.
    answered: Cell<u32>,
    /// XFERINFOFUNCTION is there only to end what is aborting, as NOPROGRESS
    /// says or because none is set.
    pub watched: Cell<bool>,
    /// From here on every callback answers "abort".
    aborting: Cell<bool>,
    /// Made when there is something in it, as most transfers have nothing.
    backlog: RefCell<Option<Box<Backlog>>>,
    /// The parts of its mime whose content JavaScript gives.
    sources: Box<[u64]>,
    /// The handle of a transfer, which may be one of frames.
    transfers: Option<Arc<OwnedEasy>>,
    pub flow: Flow,
}

/// What holds an asynchronous transfer up.
#[derive(Default)]
pub struct Flow {
    /// A piece of the body is being dealt with: no other is handed over.
    pub writing: Cell<bool>,
    /// Bytes to send have been asked for.
    pub reading: Cell<bool>,
    /// Those that were asked for are wanted no more: the upload starts again.
    pub stale: Cell<bool>,
    /// They have come; empty for the end of them.
    pub arrived: RefCell<Option<Box<Arrived>>>,
    /// libcurl was told to send what is before a part that can't go on now.
    pub emptied: Cell<bool>,
    /// The directions that libcurl has paused for one of these.
    pub held: Cell<i32>,
    /// It has a stack for itself, and can wait on it: libcurl knows no pause
    /// for files.
    pub alone: Cell<bool>,
    /// How many pieces of the body came in a row.
    pieces: Cell<u32>,
    /// It waits for nothing but the next turn.
    pub resting: Cell<bool>,
    /// What libcurl itself waits for on that stack.
    pub nap: Cell<Option<Box<Nap>>>,
    /// It receives, whatever becomes of what is to be sent, and is paused on that
    /// stack as well.
    pub talks: Cell<bool>,
    /// The directions that the program itself has paused.
    pub paused: Cell<i32>,
}

/// As much of a file at a time as libcurl reads of a socket.
const PIECES: u32 = 16;

/// Bytes to send, handed over in parts where libcurl's buffer is short.
pub enum Arrived {
    Bytes {
        bytes: Vec<u8>,
        sent: usize,
    },
    /// JavaScript has them, and gives them when it is asked again.
    Elsewhere,
    Abort,
}

/// Where a body goes.
pub enum Output {
    Script,
    Collect(Vec<u8>),
    Stdout,
    Stream(Arc<Stream>),
    /// What is sent comes from there, too.
    Socket(Arc<Socket>),
}

/// What JavaScript has to do with a call.
pub struct Scripts {
    pub output: Output,
    /// The callbacks it answers, a bit for each slot's index.
    pub answered: u32,
    pub watched: bool,
}

#[derive(Default)]
struct Backlog {
    /// What is put off.
    events: VecDeque<Deferred>,
    /// Bytes that go with the answer.
    reply: Vec<u8>,
}

/// Told to JavaScript as soon as no share lock is held.
pub enum Deferred {
    Debug { kind: u32, data: Vec<u8> },
    CloseSocket { socket: curl_socket_t },
}

impl Desk {
    pub fn new(id: u64, scripts: Scripts) -> Self {
        Self {
            id,
            output: RefCell::new(scripts.output),
            answered: Cell::new(scripts.answered),
            watched: Cell::new(scripts.watched),
            aborting: Cell::new(false),
            backlog: RefCell::default(),
            sources: Box::default(),
            transfers: None,
            flow: Flow::default(),
        }
    }

    /// The same, of a handle that sends what these give.
    pub fn with_sources(mut self, sources: Vec<u64>) -> Self {
        self.sources = sources.into();
        self
    }

    pub fn sources(&self) -> &[u64] {
        &self.sources
    }

    pub fn has_source(&self, source: u64) -> bool {
        self.sources.contains(&source)
    }

    /// That of a transfer on this handle.
    pub fn of_transfer(handle: &Arc<OwnedEasy>, id: u64, scripts: Scripts) -> Self {
        let mut desk = Self::new(id, scripts);
        desk.transfers = Some(handle.clone());
        desk
    }

    /// What WRITEFUNCTION is told beside its piece: the frame, and that it is
    /// one.
    pub(super) fn frame(&self) -> [f64; 6] {
        match self.transfers.as_ref().and_then(|handle| handle.frame()) {
            Some([age, flags, offset, left, length]) => [age, flags, offset, left, length, 1.0],
            None => [0.0; 6],
        }
    }

    pub fn id(&self) -> u64 {
        self.id
    }

    /// A connection keeps the callbacks that its handle had when it was made,
    /// so libcurl may call one that is set no longer.
    pub(super) fn answers(&self, slot: Slot) -> bool {
        self.answered.get() & slot.bit() != 0
    }

    /// A callback has become JavaScript's, or is no more.
    pub fn callback_changed(&self, slot: Slot, set: bool) {
        let others = self.answered.get() & !slot.bit();
        let own = if set { slot.bit() } else { 0 };
        self.answered.set(others | own);
        let mut output = self.output.borrow_mut();
        if slot == Slot::WRITE && matches!(*output, Output::Script | Output::Stdout) {
            *output = if set { Output::Script } else { Output::Stdout };
        }
    }

    /// Where the next piece of the body may go, of which this many bytes follow
    /// if that is known. JavaScript must not be asked anything before it is
    /// passed on.
    pub(super) fn room(&self, rest: usize) -> Offer {
        let unasked = Slot::WRITE.bit() | Slot::READ.bit();
        if self.answered.get() & !unasked != 0 || self.aborting.get() {
            return Offer::None;
        }
        match &*self.output.borrow() {
            Output::Stream(stream) => stream.offer(),
            Output::Script if self.is_ready_to_write() => landing::offer(rest),
            _ => Offer::None,
        }
    }

    /// The next piece of the body goes to WRITEFUNCTION and nowhere else.
    fn is_ready_to_write(&self) -> bool {
        let flow = &self.flow;
        let holds = flow.writing.get() || flow.alone.get() || self.has_paused(CURLPAUSE_RECV);
        self.answers(Slot::WRITE) && !holds && self.backlog.borrow().is_none()
    }

    /// WRITEFUNCTION, about what has landed with JavaScript already.
    pub(super) fn ask_about_landed(&self, length: usize) -> Reply {
        if locks::holds_any() {
            return Reply::Abort;
        }
        self.unless_aborting(|| suspend_about_landed(self.id, Slot::WRITE, length))
    }

    /// For questions without bytes of their own.
    pub(super) fn ask(&self, slot: Slot, numbers: [f64; 6], body: &[u8]) -> Reply {
        self.ask_into(slot, numbers, body, &mut [])
    }

    /// For the functions of a multi handle, which are on no list.
    pub(super) fn consult(&self, slot: Slot, numbers: [f64; 6]) -> Reply {
        if locks::holds_any() {
            return Reply::Abort;
        }
        self.suspend(slot, numbers, &[], &mut [])
    }

    /// Suspends the call until JavaScript has answered. Answer bytes are
    /// written to `room`, or kept for `take_reply` if it is empty.
    pub(super) fn ask_into(
        &self,
        slot: Slot,
        numbers: [f64; 6],
        body: &[u8],
        room: &mut [u8],
    ) -> Reply {
        if locks::holds_any() {
            return Reply::Abort;
        }
        self.tell_deferred();
        if !self.answers(slot) {
            return Reply::Default;
        }
        self.suspend(slot, numbers, body, room)
    }

    /// For what libcurl tells rather than asks, maybe under a share's lock.
    pub(super) fn tell(&self, event: Deferred) {
        self.tell_later(event);
        self.catch_up();
    }

    /// For what libcurl tells in the middle of something.
    pub(super) fn tell_later(&self, event: Deferred) {
        let mut backlog = self.backlog.borrow_mut();
        backlog.get_or_insert_default().events.push_back(event);
    }

    /// Tells what has been put off, unless a share's lock is held.
    pub(super) fn catch_up(&self) {
        if !locks::holds_any() {
            self.tell_deferred();
        }
    }

    pub(super) fn take_reply(&self) -> Vec<u8> {
        let mut backlog = self.backlog.borrow_mut();
        backlog
            .as_mut()
            .map(|it| std::mem::take(&mut it.reply))
            .unwrap_or_default()
    }

    pub fn aborting(&self) -> bool {
        self.aborting.get()
    }

    /// What was to be sent next is not: the upload goes on elsewhere.
    pub(super) fn rewind(&self) {
        self.flow.arrived.take();
        self.flow.emptied.set(false);
        self.flow.stale.set(self.flow.reading.get());
    }

    /// Also while nothing comes.
    pub fn hears_progress(&self) -> bool {
        self.answers(Slot::XFERINFO) || self.answers(Slot::PROGRESS)
    }

    /// On the stack of the call.
    pub fn tell_deferred(&self) {
        loop {
            // The borrow ends before the suspension.
            let mut backlog = self.backlog.borrow_mut();
            let event = backlog.as_mut().and_then(|it| it.events.pop_front());
            drop(backlog);
            let Some(event) = event else {
                return;
            };
            match event {
                Deferred::Debug { kind, data } => {
                    let numbers = [kind.into(), 0.0, 0.0, 0.0, 0.0, 0.0];
                    self.suspend(Slot::DEBUG, numbers, &data, &mut []);
                }
                Deferred::CloseSocket { socket } => {
                    let numbers = [number(socket).into(), 0.0, 0.0, 0.0, 0.0, 0.0];
                    let reply = self.suspend(Slot::CLOSESOCKET, numbers, &[], &mut []);
                    if !matches!(reply, Reply::Number(_)) {
                        close_socket(socket);
                    }
                }
            }
        }
    }

    /// The program has, maybe before there was a connection to pause.
    pub(super) fn has_paused(&self, direction: i32) -> bool {
        let flow = &self.flow;
        flow.paused.get() & direction != 0 && (!flow.alone.get() || flow.talks.get())
    }

    /// This callback has put its answer off, which is still wanted.
    pub fn has_promise(&self, slot: Slot) -> bool {
        let promised = match slot.reads() {
            true => &self.flow.reading,
            false => &self.flow.writing,
        };
        promised.get() && !self.aborting.get()
    }

    /// In a callback that can't go on now. `true`: it may look again; `false`:
    /// it pauses this direction, or the transfer is over.
    pub(super) fn wait(&self, direction: i32) -> bool {
        if self.aborting.get() {
            return false;
        }
        let sends = direction == CURLPAUSE_SEND;
        if self.flow.alone.get() && !(sends && self.flow.talks.get()) {
            self.suspend(Slot::WAIT, [0.0; 6], &[], &mut []);
            return !self.aborting.get();
        }
        self.flow.held.set(self.flow.held.get() | direction);
        false
    }

    /// A file has as many pieces as libcurl finds: the others on the thread have
    /// their turn in between.
    pub(super) fn let_others(&self) {
        let flow = &self.flow;
        let pieces = flow.pieces.get() + 1;
        flow.pieces.set(pieces % PIECES);
        if flow.alone.get() && pieces == PIECES {
            flow.resting.set(true);
            self.suspend(Slot::WAIT, [0.0; 6], &[], &mut []);
        }
    }

    /// In place of libcurl's `poll()`, which is what `look` does at once.
    #[cfg(unix)]
    pub(crate) fn nap(
        &self,
        sockets: &[pollfd],
        timeout: c_int,
        look: impl Fn() -> c_int,
    ) -> c_int {
        let nap = Nap::new(sockets, timeout);
        self.let_others();
        loop {
            if self.aborting.get() {
                return nap::failed();
            }
            let found = look();
            let has_more = !nap.sends() && self.flow.arrived.borrow().is_some();
            if found != 0 || nap.is_late() || has_more {
                return found;
            }
            self.flow.nap.set(Some(Box::new(nap.clone())));
            self.suspend(Slot::WAIT, [0.0; 6], &[], &mut []);
        }
    }

    /// Nobody is asked any more, and whatever libcurl does next fails.
    pub fn abort(&self) {
        self.aborting.set(true);
    }

    /// Bytes that go with the next answer, where libcurl has no room for them.
    pub(super) fn keep_reply(&self, bytes: Vec<u8>) {
        self.backlog.borrow_mut().get_or_insert_default().reply = bytes;
    }

    fn suspend(&self, slot: Slot, numbers: [f64; 6], body: &[u8], room: &mut [u8]) -> Reply {
        self.unless_aborting(|| suspend(self.id, slot, numbers, body, room))
    }

    /// Nobody is asked from then on, and no answer counts.
    fn unless_aborting(&self, ask: impl FnOnce() -> Reply) -> Reply {
        if self.aborting.get() {
            return Reply::Abort;
        }
        let reply = ask();
        if self.aborting.get() {
            return Reply::Abort;
        }
        reply
    }
}
