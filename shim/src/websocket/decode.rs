//! Frames of a server (RFC 6455), put together to messages.

use super::spare;
use super::{BINARY, CLOSE, CONTINUATION, Item, PING, PONG, TEXT};
use std::str;

/// What a frame's first two bytes say.
const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7f;

const CONTROL: u8 = 0x08;
const LONGEST_CONTROL: u64 = 125;
const LONGEST_HEAD: usize = 10;
/// Memory for what a frame has only announced.
const RESERVE: u64 = 16 << 20;

/// Close codes, for what a server may not do.
const PROTOCOL_ERROR: u16 = 1002;
const INVALID_PAYLOAD: u16 = 1007;
const TOO_BIG: u16 = 1009;

/// What a server may not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    pub code: u16,
    pub text: &'static str,
}

#[derive(Default)]
pub struct Decoder {
    /// Those of a frame's first bytes that have come.
    head: [u8; LONGEST_HEAD],
    headed: usize,
    /// The frame whose payload is coming.
    frame: Option<Frame>,
    /// The opcode of the message whose frames are coming.
    kind: Option<u8>,
    message: Vec<u8>,
    /// So much of the message is known to be UTF-8.
    checked: usize,
    /// The payload of a control frame, which may come amid a message's.
    control: Vec<u8>,
}

#[derive(Clone, Copy)]
struct Frame {
    opcode: u8,
    is_last: bool,
    left: u64,
}

impl Decoder {
    /// Takes of `data` what the next item needs; `None`: it needs more.
    pub fn next(&mut self, data: &mut &[u8]) -> Result<Option<Item>, Violation> {
        let mut frame = match self.frame.take() {
            Some(frame) => frame,
            None => match self.start(data)? {
                Some(frame) => frame,
                None => return Ok(None),
            },
        };
        loop {
            self.fill(&mut frame, data)?;
            if frame.left > 0 {
                self.frame = Some(frame);
                return Ok(None);
            }
            if frame.opcode & CONTROL != 0 {
                return self.end_control(frame.opcode).map(Some);
            }
            if frame.is_last {
                return self.end_message().map(Some);
            }
            match self.start(data)? {
                Some(next) => frame = next,
                None => return Ok(None),
            }
        }
    }

    /// Reads a frame's first bytes.
    fn start(&mut self, data: &mut &[u8]) -> Result<Option<Frame>, Violation> {
        loop {
            // As soon as it is known, nothing else need come.
            if self.headed >= 1 {
                self.check_first()?;
            }
            let wanted = match self.headed {
                0 | 1 => 2,
                _ => {
                    self.check_second()?;
                    match self.head[1] & LENGTH {
                        126 => 4,
                        127 => 10,
                        _ => 2,
                    }
                }
            };
            if self.headed == wanted {
                break;
            }
            let Some((byte, rest)) = data.split_first() else {
                return Ok(None);
            };
            self.head[self.headed] = *byte;
            self.headed += 1;
            *data = rest;
        }
        let head = &self.head;
        let left = match self.headed {
            2 => u64::from(head[1] & LENGTH),
            4 => u64::from(u16::from_be_bytes([head[2], head[3]])),
            _ => head[2..10]
                .iter()
                .fold(0, |length, byte| length << 8 | u64::from(*byte)),
        };
        if left > i64::MAX as u64 {
            return Err(wrong("a frame is longer than 63 bits can say"));
        }
        self.headed = 0;
        let opcode = self.head[0] & OPCODE;
        if opcode == TEXT || opcode == BINARY {
            self.kind = Some(opcode);
        }
        if opcode & CONTROL == 0 {
            let reserve = usize::try_from(left.min(RESERVE)).unwrap_or(usize::MAX);
            self.reserve(reserve)?;
        }
        Ok(Some(Frame {
            opcode,
            is_last: self.head[0] & FIN != 0,
            left,
        }))
    }

    fn check_first(&self) -> Result<(), Violation> {
        let first = self.head[0];
        if first & RESERVED != 0 {
            return Err(wrong("a frame has reserved bits set"));
        }
        match (first & OPCODE, self.kind) {
            (CONTINUATION, None) => Err(wrong("a frame continues a message, but there is none")),
            (TEXT | BINARY, Some(_)) => {
                Err(wrong("a message begins before the one before it has ended"))
            }
            (CONTINUATION | TEXT | BINARY, _) => Ok(()),
            (CLOSE | PING | PONG, _) if first & FIN == 0 => {
                Err(wrong("a control frame is fragmented"))
            }
            (CLOSE | PING | PONG, _) => Ok(()),
            _ => Err(wrong("a frame has a reserved opcode")),
        }
    }

    fn check_second(&self) -> Result<(), Violation> {
        let [first, second, ..] = self.head;
        if second & MASKED != 0 {
            return Err(wrong("a frame of the server is masked"));
        }
        if first & CONTROL != 0 && u64::from(second & LENGTH) > LONGEST_CONTROL {
            return Err(wrong("a control frame has more than 125 bytes"));
        }
        Ok(())
    }

    fn reserve(&mut self, length: usize) -> Result<(), Violation> {
        match spare::reserve(&mut self.message, length) {
            true => Ok(()),
            false => Err(Violation {
                code: TOO_BIG,
                text: "there is no memory for a message",
            }),
        }
    }

    fn fill(&mut self, frame: &mut Frame, data: &mut &[u8]) -> Result<(), Violation> {
        let count = usize::try_from(frame.left).map_or(data.len(), |left| left.min(data.len()));
        let (payload, rest) = data.split_at(count);
        *data = rest;
        frame.left -= count as u64;
        if frame.opcode & CONTROL != 0 {
            self.control.extend_from_slice(payload);
            return Ok(());
        }
        self.reserve(count)?;
        self.message.extend_from_slice(payload);
        if self.kind == Some(TEXT) {
            self.check_text(frame.is_last && frame.left == 0)?;
        }
        Ok(())
    }

    /// Fails at the first byte that no text can have, not at the message's end.
    fn check_text(&mut self, is_whole: bool) -> Result<(), Violation> {
        match str::from_utf8(&self.message[self.checked..]) {
            Ok(_) => self.checked = self.message.len(),
            Err(error) if error.error_len().is_none() && !is_whole => {
                self.checked += error.valid_up_to();
            }
            Err(_) => {
                return Err(Violation {
                    code: INVALID_PAYLOAD,
                    text: "a text is not UTF-8",
                });
            }
        }
        Ok(())
    }

    fn end_message(&mut self) -> Result<Item, Violation> {
        self.checked = 0;
        let bytes = std::mem::take(&mut self.message);
        match self.kind.take() {
            Some(TEXT) => Ok(Item::Text(bytes)),
            _ => Ok(Item::Binary(bytes)),
        }
    }

    fn end_control(&mut self, opcode: u8) -> Result<Item, Violation> {
        let payload = std::mem::take(&mut self.control);
        match opcode {
            PING => Ok(Item::Ping(payload)),
            PONG => Ok(Item::Pong),
            _ => {
                check_close(&payload)?;
                Ok(Item::Close(payload))
            }
        }
    }
}

/// A code and a reason, both of which may be missing.
fn check_close(payload: &[u8]) -> Result<(), Violation> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return match payload {
            [] => Ok(()),
            _ => Err(wrong("a Close frame has half a code")),
        };
    };
    let code = u16::from_be_bytes(*code);
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(wrong("a Close frame has a code that may not be sent"));
    }
    match str::from_utf8(reason) {
        Ok(_) => Ok(()),
        Err(_) => Err(Violation {
            code: INVALID_PAYLOAD,
            text: "the reason of a Close frame is not UTF-8",
        }),
    }
}

fn wrong(text: &'static str) -> Violation {
    Violation {
        code: PROTOCOL_ERROR,
        text,
    }
}
