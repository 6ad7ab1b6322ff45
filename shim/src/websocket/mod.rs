//! What is between a WebSocket's transfer, which hands over and asks for bytes
//! as they go over the wire, and the isolate, which has whole messages.
//!
//! libcurl makes the connection, and is told to leave the frames alone: it would
//! mask a byte at a time, let no pong through while nothing else is sent, and
//! let text pass that is none.

mod decode;
mod encode;
mod spare;

use decode::{Decoder, Violation};
use encode::Encoder;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

/// Opcodes; also what JavaScript is told an item is.
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// What JavaScript is told besides.
const OPENED: u8 = 16;
const VIOLATION: u8 = 17;

/// What is kept of each direction at most, but for the last message.
const HIGH_WATER: usize = 256 * 1024;
/// What an item counts beside its bytes: there may be many without any.
const OVERHEAD: usize = 64;

/// What has come, whole.
#[derive(Debug, PartialEq, Eq)]
enum Item {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong,
    /// A code and a reason, if there are any.
    Close(Vec<u8>),
}

/// What is told to JavaScript, in order.
struct News {
    what: u8,
    /// The status of the response, or the code to close with.
    number: u32,
    bytes: Vec<u8>,
}

/// Used by the thread of the transfer, and by the isolate whose socket it is.
pub struct Socket {
    inner: Mutex<Inner>,
    /// Told that there are news, or room.
    tell: Box<dyn Fn() + Send + Sync>,
}

struct Inner {
    /// The last response's header, until it has come as a whole.
    response: Vec<u8>,
    decoder: Decoder,
    encoder: Encoder,
    news: VecDeque<News>,
    /// The bytes in there.
    queued: usize,
    /// The reader found nothing since.
    is_awaited: bool,
    /// A piece was refused, for want of room.
    refused: bool,
    /// The sender waits until there is room.
    is_full: bool,
    /// The transfer waits until there is something to send.
    is_drained: bool,
    /// Nothing counts that comes after a Close frame, or what may not come.
    is_over: bool,
    /// A Close frame is the last to be sent.
    is_closed: bool,
}

impl Socket {
    pub fn new(tell: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            inner: Mutex::new(Inner {
                response: Vec::new(),
                decoder: Decoder::default(),
                encoder: Encoder::new(),
                news: VecDeque::new(),
                queued: 0,
                is_awaited: true,
                refused: false,
                is_full: false,
                is_drained: false,
                is_over: false,
                is_closed: false,
            }),
            tell: Box::new(tell),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// A line of a response. Those that libcurl follows or answers by itself are
    /// forgotten when the next one comes.
    pub fn header(&self, line: &[u8]) {
        let mut inner = self.lock();
        if line.starts_with(b"HTTP/") {
            inner.response.clear();
        }
        inner.response.extend_from_slice(line);
        let ends = line == b"\r\n" || line == b"\n";
        if ends && status(&inner.response) == 101 {
            let bytes = std::mem::take(&mut inner.response);
            inner.add(OPENED, 101, bytes);
            self.tell_news(inner);
        }
    }

    /// `false`: there is no room, and this piece has to come again.
    pub fn write(&self, mut data: &[u8]) -> bool {
        let mut inner = self.lock();
        if inner.is_over {
            return true;
        }
        if inner.queued >= HIGH_WATER {
            inner.refused = true;
            return false;
        }
        let had_answers = inner.encoder.len();
        while !inner.is_over {
            match inner.decoder.next(&mut data) {
                Ok(None) => break,
                Ok(Some(item)) => inner.take(item),
                Err(Violation { code, text }) => {
                    inner.is_over = true;
                    inner.add(VIOLATION, code.into(), text.into());
                }
            }
        }
        let answers = inner.is_drained && inner.encoder.len() > had_answers;
        // The last is for the isolate to know of, whether it reads or not.
        if answers || inner.is_over {
            inner.is_awaited = false;
            drop(inner);
            (self.tell)();
        } else {
            self.tell_news(inner);
        }
        true
    }

    /// Bytes to send; 0 if there are none now.
    pub fn read(&self, room: &mut [u8]) -> usize {
        let mut inner = self.lock();
        let count = inner.encoder.take(room);
        inner.is_drained = count == 0;
        if inner.is_full && inner.encoder.len() < HIGH_WATER {
            inner.is_full = false;
            drop(inner);
            (self.tell)();
        }
        count
    }

    /// What has come first: what it is, its number, and how long its bytes are.
    /// If they are more than fit it stays.
    pub fn next(&self, room: &mut [u8]) -> Option<(u8, u32, usize)> {
        let mut inner = self.lock();
        let Some(News {
            what,
            number,
            bytes,
        }) = inner.news.front()
        else {
            inner.is_awaited = true;
            return None;
        };
        let found = (*what, *number, bytes.len());
        if let Some(room) = room.get_mut(..bytes.len()) {
            room.copy_from_slice(bytes);
            inner.queued -= bytes.len() + OVERHEAD;
            if let Some(mut read) = inner.news.pop_front() {
                spare::keep(&mut read.bytes);
            }
        }
        Some(found)
    }

    /// Whether the piece that was refused may come now; told once.
    pub fn takes_again(&self) -> bool {
        let mut inner = self.lock();
        let takes = inner.refused && inner.queued < HIGH_WATER / 2;
        inner.refused &= !takes;
        takes
    }

    /// Whether there is no room for more.
    pub fn is_full(&self) -> bool {
        let inner = self.lock();
        inner.queued >= HIGH_WATER && !inner.is_over
    }

    /// A frame to send: `None`, there is no memory for it; else whether there
    /// is room for more, which is told later if there is none.
    pub fn send(&self, opcode: u8, payload: &[u8]) -> Option<bool> {
        let mut inner = self.lock();
        if !inner.is_closed && !inner.encoder.add(opcode, payload) {
            return None;
        }
        inner.is_closed |= opcode == CLOSE;
        inner.is_full = inner.encoder.len() >= HIGH_WATER;
        Some(!inner.is_full)
    }

    /// Whether there is room for more to send, and whether the last that counts
    /// has come.
    pub fn state(&self) -> (bool, bool) {
        let inner = self.lock();
        (!inner.is_full, inner.is_over)
    }

    /// Whether the transfer waits for what has come meanwhile; told once.
    pub fn sends_again(&self) -> bool {
        let mut inner = self.lock();
        let sends = inner.is_drained && inner.encoder.len() > 0;
        inner.is_drained &= !sends;
        sends
    }

    fn tell_news(&self, mut inner: MutexGuard<'_, Inner>) {
        if inner.is_awaited && !inner.news.is_empty() {
            inner.is_awaited = false;
            drop(inner);
            (self.tell)();
        }
    }
}

impl Inner {
    fn take(&mut self, item: Item) {
        match item {
            Item::Text(bytes) => self.add(TEXT, 0, bytes),
            Item::Binary(bytes) => self.add(BINARY, 0, bytes),
            Item::Close(bytes) => {
                self.is_over = true;
                self.add(CLOSE, 0, bytes);
            }
            Item::Ping(bytes) => {
                // A server that sends pings and reads nothing gets no more.
                if self.encoder.len() < HIGH_WATER && !self.is_closed {
                    self.encoder.add(PONG, &bytes);
                }
            }
            Item::Pong => {}
        }
    }

    fn add(&mut self, what: u8, number: u32, bytes: Vec<u8>) {
        self.queued += bytes.len() + OVERHEAD;
        self.news.push_back(News {
            what,
            number,
            bytes,
        });
    }
}

/// That of a response's first line.
fn status(response: &[u8]) -> u32 {
    let code = response.split(|byte| *byte == b' ').nth(1);
    let code = code.and_then(|code| str::from_utf8(code).ok());
    let code = code.and_then(|code| code.trim().parse().ok());
    code.unwrap_or_default()
}
