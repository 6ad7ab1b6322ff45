//! Asynchronous transfers as one isolate sees them: its own engine, which turns
//! on the isolate's thread, those of shares that it uses, and the events that
//! all of them bring, one after another.

use super::Engine;
use super::mailbox::{Asked, Letter, Mailbox};
use super::remote::Remotes;
use crate::easy::Easy;
use crate::error::{Error, Result};
use crate::ids::IdMap;
use crate::registry::{self, POLLERS};
use crate::share::Share;
use crate::sys::bindings::*;
use crate::sys::desk::{Arrived, Desk, Query, Reply};
use crate::sys::poller::Poller;
use crate::sys::stream::Stream;
use crate::sys::trampolines::Slot;
use crate::transfer::{Finished, Runner, Transfer, Wish};
use crate::websocket::Socket;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub struct Here {
    number: u64,
    poller: Arc<Poller>,
    mailbox: Arc<Mailbox>,
    engine: RefCell<Option<Rc<Engine>>>,
    pub remotes: Remotes,
    /// The question of a share's engine that the last event was.
    asked: RefCell<Option<Asked>>,
    /// Those that are read, until the next transfer on the same handle.
    streams: RefCell<IdMap<Arc<Stream>>>,
    /// Those of WebSockets, as long.
    sockets: RefCell<IdMap<Arc<Socket>>>,
    /// Bytes for the answer that is about to be given.
    bytes: RefCell<Vec<u8>>,
    closings: RefCell<Vec<Arc<Share>>>,
    /// Events are being told: the next call goes on with them.
    telling: Cell<bool>,
    /// How many letters were read in this turn.
    told: Cell<usize>,
    /// This turn has brought something, which may lead to more.
    eventful: Cell<bool>,
}

/// Engines that always have something to tell leave time for the rest of the
/// program.
const TOLD_AT_MOST: usize = 256;

/// A turn without anything to tell leaves time for the rest as well.
const STREAK: Duration = Duration::from_millis(1);

/// What JavaScript is told.
pub enum Event {
    Asks,
    Finished(Finished),
    /// A stream has something new; the status of its response.
    News(u64, u32),
    Closable(u64),
    /// So much is not over, and whether there is something for the next turn
    /// already.
    Nothing(usize, bool),
}

impl Here {
    pub fn new() -> Result<Rc<Self>> {
        let failed = |error| Error::state(format!("no transfer can be waited for: {error}"));
        let poller = Arc::new(Poller::new().map_err(failed)?);
        let number = registry::new_id();
        POLLERS.add(number, &poller);
        let mailbox = Arc::new(Mailbox::new(poller.clone()));
        Ok(Rc::new(Self {
            number,
            poller,
            remotes: Remotes::new(mailbox.clone()),
            mailbox,
            engine: RefCell::new(None),
            asked: RefCell::new(None),
            streams: RefCell::default(),
            sockets: RefCell::default(),
            bytes: RefCell::default(),
            closings: RefCell::default(),
            telling: Cell::new(false),
            told: Cell::new(0),
            eventful: Cell::new(false),
        }))
    }

    pub fn number(&self) -> u64 {
        self.number
    }

    /// That of the isolate's own transfers, if there were any.
    pub fn engine(&self) -> Option<Rc<Engine>> {
        self.engine.borrow().clone()
    }

    fn engine_to_use(&self) -> Result<Rc<Engine>> {
        if let Some(engine) = self.engine() {
            if !engine.is_broken() {
                return Ok(engine);
            }
            if engine.count() > 0 {
                return Err(Error::easy(CURLE_FAILED_INIT, ""));
            }
        }
        let engine = Rc::new(Engine::new(self.poller.clone())?);
        let before = self.engine.replace(Some(engine.clone()));
        drop(before);
        Ok(engine)
    }

    pub fn start(&self, easy: &Arc<Easy>, wish: Wish) -> Result<()> {
        let (stream, socket) = match &wish {
            Wish::Stream(stream) => (Some(stream.clone()), None),
            Wish::Socket(socket) => (None, Some(socket.clone())),
            _ => (None, None),
        };
        let (transfer, scripts) = Transfer::begin(easy, wish, Runner::Engine)?;
        if transfer.keeps_connection() {
            return Err(Error::keeps_connection());
        }
        if transfer.engine_share().is_some() {
            self.remotes.start(transfer, scripts)?;
        } else {
            self.engine_to_use()?.start(transfer, scripts);
        }
        let before = (
            replace(&self.streams, easy.id(), stream),
            replace(&self.sockets, easy.id(), socket),
        );
        drop(before);
        Ok(())
    }

    /// For the body of this handle's next transfer.
    pub fn stream(&self, id: u64) -> Arc<Stream> {
        let mailbox = self.mailbox.clone();
        Arc::new(Stream::new(move || mailbox.post_news(id)))
    }

    /// For the frames of this handle's next transfer.
    pub fn socket(&self, id: u64) -> Arc<Socket> {
        let mailbox = self.mailbox.clone();
        Arc::new(Socket::new(move || mailbox.post_news(id)))
    }

    /// The handle is gone from this isolate.
    pub fn forget(&self, id: u64) {
        let stream = self.streams.borrow_mut().remove(&id);
        let socket = self.sockets.borrow_mut().remove(&id);
        drop((stream, socket));
    }

    /// That of a transfer on this thread.
    pub fn desk(&self, id: u64) -> Option<Rc<Desk>> {
        self.engine()?.desk(id)
    }

    /// Whether JavaScript is inside a callback of this handle.
    pub fn answers(&self, id: u64) -> bool {
        let own = |engine: Rc<Engine>| {
            engine.asks_about() == Some(id)
                || engine.has_promise(id, Slot::WRITE)
                || engine.has_promise(id, Slot::READ)
        };
        self.remotes.answers(id) || self.engine().is_some_and(own)
    }

    /// Whether JavaScript is inside its WRITEFUNCTION, or in what that has put
    /// off.
    pub fn writes(&self, id: u64) -> bool {
        let asks = |query: Query<'_>| query.id == id && query.slot == Slot::WRITE;
        self.remotes.writes(id)
            || self.with_question(asks) == Some(true)
            || self
                .engine()
                .is_some_and(|engine| engine.has_promise(id, Slot::WRITE))
    }

    /// `false`: no asynchronous transfer runs on this handle.
    pub fn pause(&self, id: u64, directions: i32) -> bool {
        match self.engine().filter(|engine| engine.has(id)) {
            Some(engine) => {
                engine.pause(id, directions);
                true
            }
            None => self.remotes.pause(id, directions),
        }
    }

    pub fn cancel(&self, id: u64) {
        if let Some(engine) = self.engine() {
            engine.cancel(id, CURLE_ABORTED_BY_CALLBACK);
        }
        self.remotes.cancel(id, CURLE_ABORTED_BY_CALLBACK);
    }

    /// Answers the question that the last call has brought, if it was one, and
    /// goes on to the next event. Where there is none, one may be on its way.
    pub fn turn(&self, reply: Reply) -> Result<Event> {
        let mut event = self.next_event(reply)?;
        let mut start = None;
        while let Event::Nothing(pending, _) = event
            && pending > 0
            && !self.eventful.get()
            && self.poller.linger()
        {
            if start.get_or_insert_with(Instant::now).elapsed() >= STREAK {
                event = Event::Nothing(pending, true);
                break;
            }
            event = self.next_event(Reply::Default)?;
        }
        self.eventful.set(!matches!(event, Event::Nothing(..)));
        Ok(event)
    }

    /// The same for the reader of a stream, which waits with this room.
    pub fn turn_for(&self, id: u64, room: &mut [u8], reply: Reply) -> Result<Event> {
        let Some(stream) = self.find_stream(id) else {
            return self.turn(reply);
        };
        let engine = self.engine();
        if let Some(engine) = &engine {
            engine.await_stream(Some(stream.clone()));
        }
        let event = stream.lend(room, || self.turn(reply));
        if let Some(engine) = engine {
            engine.await_stream(None);
        }
        event
    }

    fn next_event(&self, reply: Reply) -> Result<Event> {
        self.remotes.tell();
        if !self.telling.get() {
            self.poller.hear();
            self.remotes.remind();
        }
        if let Some(asked) = self.asked.take() {
            self.remotes.reply(asked, reply, self.bytes.take());
        }
        if let Some(engine) = self.engine() {
            if engine.asks_about().is_some() || !self.telling.get() {
                let asks = engine.turn(reply)?;
                self.telling.set(true);
                if asks {
                    return Ok(Event::Asks);
                }
            }
            if let Some(over) = engine.next_over() {
                return Ok(Event::Finished(over.conclude()));
            }
        }
        while self.told.get() < TOLD_AT_MOST
            && let Some(letter) = self.mailbox.next()
        {
            self.told.set(self.told.get() + 1);
            match self.remotes.read(letter) {
                None => {}
                Some(Letter::Asked(asked)) => {
                    self.asked.replace(Some(asked));
                    return Ok(Event::Asks);
                }
                Some(Letter::Over(over)) => return Ok(Event::Finished(over.conclude())),
                Some(Letter::News(id)) => {
                    if self.find_socket(id).is_some_and(|it| it.sends_again()) {
                        // It has answered a ping.
                        self.reconsider(id);
                    }
                    let status = self.find_stream(id).map(|stream| stream.status());
                    return Ok(Event::News(id, status.unwrap_or_default()));
                }
                Some(Letter::Closable(id)) if self.close_if_free(id) => {
                    return Ok(Event::Closable(id));
                }
                Some(Letter::Closable(_)) => {}
            }
        }
        self.telling.set(false);
        self.poller.remind_at(self.remotes.next_reminder());
        let pending = self.pending();
        if self.told.replace(0) == TOLD_AT_MOST || pending == 0 {
            self.poller.wake();
        }
        Ok(Event::Nothing(pending, false))
    }

    fn pending(&self) -> usize {
        let own = self.engine().map_or(0, |engine| engine.pending());
        own + self.remotes.count() + self.closings.borrow().len()
    }

    /// The question that the last event was.
    pub fn with_question<R>(&self, read: impl FnOnce(Query<'_>) -> R) -> Option<R> {
        match &*self.asked.borrow() {
            Some(asked) => Some(read(asked.query())),
            None => self.engine()?.with_question(read),
        }
    }

    /// For the question that waits, or for the promise that is to be settled;
    /// behind those before.
    pub fn answer_bytes(&self, id: u64, bytes: &[u8]) -> bool {
        if let Some(engine) = self.engine()
            && engine.asks_about() == Some(id)
        {
            return engine.answer_bytes(bytes);
        }
        self.bytes.borrow_mut().extend_from_slice(bytes);
        true
    }

    /// The promise of a callback has brought its answer.
    pub fn settle(&self, id: u64, slot: Slot, reply: Reply) {
        let bytes = self.bytes.take();
        if self.remotes.settle(id, slot, reply, &bytes) {
            return;
        }
        // One whose transfer is over, or another since, is nobody's any more.
        let Some(engine) = self.engine().filter(|engine| engine.has_promise(id, slot)) else {
            return;
        };
        match (slot, reply) {
            (slot, Reply::Number(_)) if slot.reads() => {
                engine.read(id, Arrived::Bytes { bytes, sent: 0 });
            }
            (Slot::READ, Reply::Later) => engine.read(id, Arrived::Elsewhere),
            (slot, _) if slot.reads() => engine.read(id, Arrived::Abort),
            (_, Reply::Abort) => engine.cancel(id, CURLE_WRITE_ERROR),
            _ => engine.written(id),
        }
    }

    fn find_stream(&self, id: u64) -> Option<Arc<Stream>> {
        self.streams.borrow().get(&id).cloned()
    }

    /// Bytes of a stream that were not read yet: how many, and whether a turn
    /// has to follow that makes use of the room.
    pub fn read_stream(&self, id: u64, room: &mut [u8]) -> (usize, bool) {
        let Some(stream) = self.find_stream(id) else {
            return (0, false);
        };
        let (count, has_room) = stream.read(room);
        if has_room {
            self.reconsider(id);
        }
        (count, has_room)
    }

    fn find_socket(&self, id: u64) -> Option<Arc<Socket>> {
        self.sockets.borrow().get(&id).cloned()
    }

    /// What has come of a WebSocket first, as `Socket::next` gives it, and
    /// whether a turn has to follow that makes use of the room.
    pub fn read_socket(&self, id: u64, room: &mut [u8]) -> (Option<(u8, u32, usize)>, bool) {
        let Some(socket) = self.find_socket(id) else {
            return (None, false);
        };
        let found = socket.next(room);
        let has_room = socket.takes_again();
        if has_room {
            self.reconsider(id);
        }
        (found, has_room)
    }

    /// A frame to send. `true`: there is room for more.
    pub fn send_frame(&self, id: u64, opcode: u8, payload: &[u8]) -> Result<bool> {
        let Some(socket) = self.find_socket(id) else {
            return Ok(true);
        };
        let sent = socket.send(opcode, payload);
        if socket.sends_again() {
            self.reconsider(id);
        }
        sent.ok_or_else(|| Error::easy(CURLE_OUT_OF_MEMORY, ""))
    }

    /// As `Socket::state`.
    pub fn socket_state(&self, id: u64) -> (bool, bool) {
        let socket = self.find_socket(id);
        socket.map_or((true, true), |socket| socket.state())
    }

    fn reconsider(&self, id: u64) {
        match self.engine().filter(|engine| engine.has(id)) {
            Some(engine) => {
                engine.reconsider(id);
                // Nobody waits before a turn has heeded it.
                self.poller.wake();
            }
            None => self.remotes.reconsider(id),
        }
    }

    /// Tells when a share is free to be closed, as often as this is called.
    pub fn begin_closing(&self, share: &Arc<Share>) {
        share.begin_closing(&self.mailbox);
        self.mailbox.post(Letter::Closable(share.id()));
        self.closings.borrow_mut().push(share.clone());
    }

    /// `false`: it is still in use.
    fn close_if_free(&self, id: u64) -> bool {
        let closings = self.closings.borrow();
        let share = closings.iter().find(|share| share.id() == id).cloned();
        drop(closings);
        share.is_some_and(|share| share.close_if_free())
    }

    /// Undoes one `begin_closing`.
    pub fn end_closing(&self, id: u64) {
        let mut closings = self.closings.borrow_mut();
        let place = closings.iter().position(|share| share.id() == id);
        let share = place.map(|place| closings.swap_remove(place));
        drop(closings);
        if let Some(share) = share {
            share.end_closing(&self.mailbox);
        }
    }
}

fn replace<T>(map: &RefCell<IdMap<T>>, id: u64, value: Option<T>) -> Option<T> {
    match value {
        Some(value) => map.borrow_mut().insert(id, value),
        None => map.borrow_mut().remove(&id),
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        POLLERS.remove(self.number);
        for share in self.closings.take() {
            share.end_closing(&self.mailbox);
        }
        self.mailbox.close();
        self.remotes.abandon();
        self.poller.end();
    }
}
