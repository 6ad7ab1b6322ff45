//! Frames for a server (RFC 6455): masked, and each message in one.

use super::spare;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;
/// Longer lengths have a field of their own, of two bytes or eight.
const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;

/// What has to be sent, as it goes over the wire.
pub struct Encoder {
    bytes: Vec<u8>,
    /// How much of it has gone.
    sent: usize,
    /// Masks are its hashes of a count: a server can't foresee them.
    masks: RandomState,
    count: u64,
}

/// So much is copied and then masked while it is in the processor's cache; a
/// multiple of the mask's length.
const BLOCK: usize = 8 * 1024;

impl Encoder {
    pub fn new() -> Self {
        Self {
            bytes: Vec::new(),
            sent: 0,
            masks: RandomState::new(),
            count: 0,
        }
    }

    /// `false`: there is no memory for it.
    pub fn add(&mut self, opcode: u8, payload: &[u8]) -> bool {
        if self.sent > self.bytes.len() / 2 {
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
        if !spare::reserve(&mut self.bytes, payload.len() + 14) {
            return false;
        }
        self.bytes.push(FIN | opcode);
        match payload.len() {
            length @ 0..126 => self.bytes.push(MASKED | length as u8),
            length @ 126..0x1_0000 => {
                self.bytes.push(MASKED | LENGTH_16);
                self.bytes.extend((length as u16).to_be_bytes());
            }
            length => {
                self.bytes.push(MASKED | LENGTH_64);
                self.bytes.extend((length as u64).to_be_bytes());
            }
        }
        self.count += 1;
        let mask = (self.masks.hash_one(self.count) as u32).to_ne_bytes();
        self.bytes.extend(mask);
        for block in payload.chunks(BLOCK) {
            let start = self.bytes.len();
            self.bytes.extend_from_slice(block);
            apply(mask, &mut self.bytes[start..]);
        }
        true
    }

    /// How much has not gone yet.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.sent
    }

    /// As much as fits.
    pub fn take(&mut self, room: &mut [u8]) -> usize {
        let rest = &self.bytes[self.sent..];
        let count = rest.len().min(room.len());
        room[..count].copy_from_slice(&rest[..count]);
        self.sent += count;
        if self.sent == self.bytes.len() {
            self.bytes.clear();
            spare::keep(&mut self.bytes);
            self.sent = 0;
        }
        count
    }
}

/// Eight bytes at a time, which the compiler makes more of.
fn apply(mask: [u8; 4], payload: &mut [u8]) {
    let [a, b, c, d] = mask;
    let twice = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ twice).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}
