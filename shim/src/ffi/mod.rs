//! The door JavaScript comes in by: numbers and buffers in, a status out. Each
//! function looks up, calls and returns; a status is 0, libcurl's code, or one
//! of error.rs.
//!
//! # Safety
//! For all that JavaScript can call: a pointer is a typed array of its, as long
//! as the number beside it says and untouched during the call, or null if that
//! is 0; `numbers` is a Float64Array of eight.

pub mod begin;
pub mod connection;
pub mod curl;
pub mod engine;
pub mod headers;
pub mod info;
pub mod mime;
pub mod multi;
pub mod options;
pub mod perform;
pub mod release;
pub mod sessions;
pub mod share;
pub mod texts;
pub mod upkeep;
pub mod url;
pub mod websocket;

use crate::error::{self, Error, Result};
use crate::sys::desk::{Query, Reply};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;

/// Runs one call. Nothing unwinds into JavaScript's frames; what went wrong is
/// kept for `shim_error`.
fn entry(act: impl FnOnce() -> Result<i32>) -> i32 {
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok(Ok(value)) => value,
        Ok(Err(error)) => error::keep(error),
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("unknown reason");
            error::keep(Error::panic(format!("the native library panicked: {text}")))
        }
    }
}

/// The same for calls whose answers are 0 or more: libcurl's codes come as
/// -1000 less the code, to be told from them.
fn entry_value<T>(act: impl FnOnce() -> Result<T>, failed: impl FnOnce(i32) -> T) -> T {
    let mut value = None;
    let status = entry(|| {
        value = Some(act()?);
        Ok(0)
    });
    match value {
        Some(value) => value,
        None if status > 0 => failed(-1000 - status),
        None => failed(status),
    }
}

fn entry_id(act: impl FnOnce() -> Result<u64>) -> f64 {
    entry_value(|| Ok(act()? as f64), f64::from)
}

/// JavaScript's numbers hold ids exactly; anything else is no id of ours.
fn id(number: f64) -> u64 {
    if number >= 1.0 && number.fract() == 0.0 && number <= 9_007_199_254_740_991.0 {
        number as u64
    } else {
        0
    }
}

/// # Safety
/// `data` has `length` bytes for the length of the call, or `length` is 0: an
/// empty buffer arrives as null.
unsafe fn input<'a>(data: *const u8, length: u32) -> &'a [u8] {
    if length == 0 || data.is_null() {
        return &[];
    }
    // SAFETY: the caller vouches.
    unsafe { slice::from_raw_parts(data, length as usize) }
}

/// # Safety
/// As for `input`; nobody else reads or writes the buffer during the call.
unsafe fn output<'a>(data: *mut u8, length: u32) -> &'a mut [u8] {
    if length == 0 || data.is_null() {
        return &mut [];
    }
    // SAFETY: the caller vouches.
    unsafe { slice::from_raw_parts_mut(data, length as usize) }
}

/// # Safety
/// `data` has room for `COUNT` numbers.
unsafe fn numbers<'a, const COUNT: usize>(data: *mut f64) -> &'a mut [f64; COUNT] {
    // SAFETY: the caller vouches; a Float64Array is aligned.
    unsafe { &mut *data.cast() }
}

/// # Safety
/// As for `output`, with room for `count` numbers.
unsafe fn list<'a>(data: *mut f64, count: u32) -> &'a mut [f64] {
    if count == 0 || data.is_null() {
        return &mut [];
    }
    // SAFETY: the caller vouches; a Float64Array is aligned.
    unsafe { slice::from_raw_parts_mut(data, count as usize) }
}

/// Copies as much as fits and tells how long it is in all.
fn give(bytes: &[u8], room: &mut [u8]) -> i32 {
    let length = bytes.len().min(room.len());
    room[..length].copy_from_slice(&bytes[..length]);
    i32::try_from(bytes.len()).unwrap_or(i32::MAX)
}

/// JavaScript's word for an answer: a number, infinity for a function that
/// returned nothing, less than that for one that returned a promise, NaN for
/// one that threw.
fn answer(number: f64) -> Reply {
    if number.is_nan() {
        Reply::Abort
    } else if number == f64::NEG_INFINITY {
        Reply::Later
    } else if number.is_infinite() {
        Reply::Default
    } else {
        Reply::Number(number)
    }
}

/// Where in the numbers the length of a question's bytes is, and the handle it
/// is about.
const LENGTH: usize = 6;
const ABOUT: usize = 7;

/// Tells the slot; its bytes go to `room` if they fit.
fn tell_question(query: Query<'_>, values: &mut [f64; 8], room: &mut [u8]) -> i32 {
    values[..6].copy_from_slice(&query.numbers);
    values[ABOUT] = query.id as f64;
    match query.landed {
        0 => tell_bytes(query.body, values, room),
        landed => values[LENGTH] = landed as f64,
    }
    query.slot.number().into()
}

fn tell_bytes(bytes: &[u8], values: &mut [f64; 8], room: &mut [u8]) {
    values[LENGTH] = bytes.len() as f64;
    if let Some(room) = room.get_mut(..bytes.len()) {
        room.copy_from_slice(bytes);
    }
}
