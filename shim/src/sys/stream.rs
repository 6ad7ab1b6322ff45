//! The part of a body that has come and was not read yet.

use std::cell::Cell;
use std::collections::VecDeque;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard};
use std::thread::{self, ThreadId};

/// What is kept at most, but for the last piece: enough for the reader and the
/// network to take turns, and little for ten thousand transfers.
const HIGH_WATER: usize = 256 * 1024;

/// Written by the thread of the transfer, read by the isolate that reads it.
pub struct Stream {
    inner: Mutex<Inner>,
    /// Told that the headers are in, and later that there are bytes for a
    /// reader that had found none.
    tell: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct Inner {
    /// Where the reader wants the bytes, while a call lends it.
    room: Option<Room>,
    /// So many are there already, or were in the call before.
    filled: usize,
    /// What came after them.
    pieces: VecDeque<u8>,
    /// The status of the response whose headers are coming.
    status: u32,
    /// The headers of the final response are in.
    started: bool,
    /// The reader knows that.
    told: bool,
    /// The reader found nothing since.
    wanted: bool,
    /// A piece was refused since.
    refused: bool,
}

/// So little is not worth receiving into.
const SCRAP: usize = 4096;

thread_local! {
    /// libcurl has an address in a reader's memory.
    static IN_ROOM: Cell<bool> = const { Cell::new(false) };
}

pub fn is_in_room() -> bool {
    IN_ROOM.get()
}

pub(super) fn enter_room() {
    IN_ROOM.set(true);
}

pub fn leave_room() {
    IN_ROOM.set(false);
}

/// Where libcurl may receive.
pub enum Offer {
    /// Into its own buffer.
    None,
    /// Nothing for now.
    Enough,
    /// So many bytes there, until `leave_room`; nothing suspends the call before.
    Room(NonNull<u8>, usize),
}

/// Memory of the reader's.
struct Room {
    start: NonNull<u8>,
    length: usize,
    /// Whose call lends it.
    lender: ThreadId,
}

// SAFETY: others than the lender use it under the lock alone, and `lend` takes it
// back before its borrow ends.
unsafe impl Send for Room {}

/// Takes the room back.
struct Loan<'a>(&'a Stream);

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        self.0.lock().room = None;
    }
}

impl Stream {
    pub fn new(tell: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            inner: Mutex::default(),
            tell: Box::new(tell),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// `false`: it is full, and this piece has to come again.
    pub(super) fn write(&self, data: &[u8]) -> bool {
        let mut inner = self.lock();
        inner.started = true;
        let is_full = inner.pieces.len() >= HIGH_WATER;
        if is_full {
            inner.refused = true;
        } else {
            let count = inner.fill(data);
            inner.pieces.extend(&data[count..]);
        }
        self.tell_news(inner);
        !is_full
    }

    /// A line of the headers: the empty one ends them. Responses that libcurl
    /// may follow by a request of its own are not what the reader waits for,
    /// unless a body comes with them.
    pub(super) fn header(&self, line: &[u8]) {
        let mut inner = self.lock();
        if line.starts_with(b"HTTP/") {
            let code = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
            inner.status = std::str::from_utf8(code)
                .ok()
                .and_then(|code| code.trim().parse().ok())
                .unwrap_or_default();
        } else if line == b"\r\n" || line == b"\n" {
            let status = inner.status;
            let may_follow = status < 200 || (300..400).contains(&status);
            let may_authenticate = status == 401 || status == 407;
            inner.started |= !may_follow && !may_authenticate;
            self.tell_news(inner);
        }
    }

    /// That of the response whose headers came last; 0 where there is no such
    /// thing.
    pub fn status(&self) -> u32 {
        self.lock().status
    }

    pub fn is_full(&self) -> bool {
        self.lock().pieces.len() >= HIGH_WATER / 2
    }

    /// Does something during which the bytes may come straight to `room`: the
    /// reader reads to it afterwards, and lends it until then.
    pub fn lend<R>(&self, room: &mut [u8], act: impl FnOnce() -> R) -> R {
        let mut inner = self.lock();
        inner.filled = inner.filled.min(room.len());
        inner.room = Some(Room {
            start: NonNull::from(&mut *room).cast(),
            length: room.len(),
            lender: thread::current().id(),
        });
        drop(inner);
        let _loan = Loan(self);
        act()
    }

    /// There is as much as a reader can do with at once.
    pub fn has_plenty(&self) -> bool {
        self.lock().has_plenty()
    }

    pub fn offer(&self) -> Offer {
        let inner = self.lock();
        // Another thread's call may end before it is filled.
        let own = |room: &&Room| room.lender == thread::current().id();
        let Some(room) = inner.room.as_ref().filter(own) else {
            return Offer::None;
        };
        if inner.has_plenty() {
            return Offer::Enough;
        }
        let rest = room.length.saturating_sub(inner.filled);
        if rest < SCRAP || !inner.pieces.is_empty() {
            return Offer::None;
        }
        enter_room();
        // SAFETY: within the room, which has so many bytes more.
        Offer::Room(unsafe { room.start.add(inner.filled) }, rest)
    }

    /// As much as fits, with what is in `room` if that was lent; and whether the
    /// piece that was refused may come now.
    pub fn read(&self, room: &mut [u8]) -> (usize, bool) {
        let mut inner = self.lock();
        let filled = std::mem::take(&mut inner.filled).min(room.len());
        let room = &mut room[filled..];
        let count = room.len().min(inner.pieces.len());
        let (front, back) = inner.pieces.as_slices();
        let first = count.min(front.len());
        room[..first].copy_from_slice(&front[..first]);
        room[first..count].copy_from_slice(&back[..count - first]);
        inner.pieces.drain(..count);
        let count = filled + count;
        inner.wanted |= count == 0;
        let has_room = inner.refused && inner.pieces.len() < HIGH_WATER / 2;
        if has_room {
            inner.refused = false;
        }
        (count, has_room)
    }

    fn tell_news(&self, mut inner: MutexGuard<'_, Inner>) {
        let news = inner.started && (!inner.told || inner.wanted && inner.count() > 0);
        if news {
            inner.told = true;
            inner.wanted = false;
            drop(inner);
            (self.tell)();
        }
    }
}

impl Inner {
    fn count(&self) -> usize {
        self.filled + self.pieces.len()
    }

    fn has_plenty(&self) -> bool {
        let room = self.room.as_ref();
        room.is_some_and(|room| self.count() > 0 && self.count() + SCRAP > room.length)
    }

    /// Puts as much as comes next into the reader's room.
    fn fill(&mut self, data: &[u8]) -> usize {
        let Some(room) = self.room.as_ref().filter(|_| self.pieces.is_empty()) else {
            return 0;
        };
        let count = data.len().min(room.length.saturating_sub(self.filled));
        // SAFETY: within the room or just behind it.
        let end = unsafe { room.start.as_ptr().add(self.filled) };
        if !is_in_room() {
            // SAFETY: it is lent for as long as it is here, and nobody else uses
            // it meanwhile.
            unsafe { end.copy_from_nonoverlapping(data.as_ptr(), count) };
        } else if !std::ptr::eq(end, data.as_ptr()) {
            // It comes behind headers, or was made of what is there.
            return 0;
        }
        self.filled += count;
        count
    }
}
