//! The headers of a response, in one piece for JavaScript.

use crate::easy::Easy;
use crate::error::{Error, Result};
use crate::sys::bindings::*;
use crate::sys::headers::{self, Header};
use std::ffi::{CString, c_int};

/// How many numbers JavaScript is told of each header.
const FIGURES: usize = 5;

/// How many headers are read without the list of their numbers growing.
const USUAL: usize = 32;

/// For each header the lengths of name and value in characters, amount, index
/// and origin; then all their text.
struct Packed {
    figures: Vec<u32>,
    text: Vec<u8>,
}

impl Packed {
    fn new() -> Self {
        Self {
            figures: Vec::with_capacity(FIGURES * USUAL),
            text: Vec::with_capacity(64 * USUAL),
        }
    }

    fn push(&mut self, header: &Header<'_>) {
        let lengths = [header.name.len(), header.value.len()];
        let places = [header.amount, header.index];
        // libcurl takes neither as many headers nor as long ones.
        let figures = lengths
            .into_iter()
            .chain(places)
            .map(|figure| figure as u32);
        self.figures.extend(figures.chain([header.origin]));
        for bytes in [header.name, header.value] {
            self.push_text(bytes);
        }
    }

    /// Each byte is the character of its number, written as UTF-8.
    fn push_text(&mut self, bytes: &[u8]) {
        if bytes.is_ascii() {
            self.text.extend_from_slice(bytes);
            return;
        }
        for byte in bytes {
            let mut room = [0; 2];
            let character = char::from(*byte).encode_utf8(&mut room);
            self.text.extend_from_slice(character.as_bytes());
        }
    }

    /// How many there are, their figures, and the text.
    fn joined(&self) -> Vec<u8> {
        let count = (self.figures.len() / FIGURES) as u32;
        let words = 1 + self.figures.len();
        let mut joined = Vec::with_capacity(words * size_of::<u32>() + self.text.len());
        joined.extend_from_slice(&count.to_ne_bytes());
        for figure in &self.figures {
            joined.extend_from_slice(&figure.to_ne_bytes());
        }
        joined.extend_from_slice(&self.text);
        joined
    }
}

/// All headers of a request.
pub fn all(easy: &Easy, origin: u32, request: c_int) -> Result<Vec<u8>> {
    let mut packed = Packed::new();
    let held = easy.enter("headers")?;
    headers::each(held.handle()?, origin, request, |header| {
        packed.push(&header);
    });
    Ok(packed.joined())
}

/// One of the headers of this name, or none.
pub fn one(easy: &Easy, name: &[u8], index: u32, origin: u32, request: c_int) -> Result<Vec<u8>> {
    let name = CString::new(name)
        .map_err(|_| Error::argument("header(): the name holds a NUL character"))?;
    let mut packed = Packed::new();
    let held = easy.enter("header")?;
    let handle = held.handle()?;
    match headers::one(handle, &name, index as usize, origin, request, |header| {
        packed.push(&header);
    }) {
        Ok(()) | Err(CURLHE_BADINDEX | CURLHE_MISSING | CURLHE_NOHEADERS | CURLHE_NOREQUEST) => {
            Ok(packed.joined())
        }
        Err(code) => Err(Error::header(code)),
    }
}
