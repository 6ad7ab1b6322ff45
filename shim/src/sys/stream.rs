//! The part of a body that has come and was not read yet.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

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
            inner.pieces.extend(data);
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

    /// As much as fits; and whether the piece that was refused may come now.
    pub fn read(&self, room: &mut [u8]) -> (usize, bool) {
        let mut inner = self.lock();
        let count = room.len().min(inner.pieces.len());
        let (front, back) = inner.pieces.as_slices();
        let first = count.min(front.len());
        room[..first].copy_from_slice(&front[..first]);
        room[first..count].copy_from_slice(&back[..count - first]);
        inner.pieces.drain(..count);
        inner.wanted |= count == 0;
        let has_room = inner.refused && inner.pieces.len() < HIGH_WATER / 2;
        if has_room {
            inner.refused = false;
        }
        (count, has_room)
    }

    fn tell_news(&self, mut inner: MutexGuard<'_, Inner>) {
        let news = inner.started && (!inner.told || inner.wanted && !inner.pieces.is_empty());
        if news {
            inner.told = true;
            inner.wanted = false;
            drop(inner);
            (self.tell)();
        }
    }
}
