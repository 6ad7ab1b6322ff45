//! What JavaScript can call for a transfer that blocks, and to answer callbacks.
//!
//! # Safety
//! As in mod.rs.
#![allow(clippy::missing_safety_doc, reason = "said in mod.rs")]

use super::{answer, entry, entry_value, give, id, input, numbers, output, tell_question};
use crate::error::{self, Error, Result};
use crate::isolate;
use crate::perform::{self, Progress};
use crate::sys::desk::Query;
use crate::sys::landing;

/// Answers with the slot of the callback that is asked, or 0 when all is done:
/// `values[0]` is then the status. A call that could not start is below 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_perform(
    curl: f64,
    collect: u32,
    values: *mut f64,
    room: *mut u8,
    length: u32,
) -> i32 {
    started(|| {
        let easy = isolate::easy(id(curl), "perform")?;
        // SAFETY: see mod.rs.
        unsafe {
            let perform = || perform::perform(&easy, collect != 0);
            let progress = landing::lend(room, length, perform)?;
            report_progress(progress, values, room, length)
        }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_pause(
    curl: f64,
    mask: i32,
    unpause: u32,
    values: *mut f64,
    room: *mut u8,
    length: u32,
) -> i32 {
    let method = if unpause == 0 { "pause" } else { "unpause" };
    started(|| {
        let progress =
            isolate::with_easy(id(curl), method, |easy| perform::pause(easy, method, mask))?;
        // SAFETY: see mod.rs.
        unsafe { report_progress(progress, values, room, length) }
    })
}

/// The answer to the callback that was asked: a number, infinity for a
/// function that returned nothing, NaN for one that threw.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_resume(
    curl: f64,
    reply: f64,
    values: *mut f64,
    room: *mut u8,
    length: u32,
) -> i32 {
    started(|| {
        let Some(operation) = isolate::pop_operation(id(curl)) else {
            return Err(Error::panic("nothing waits for this answer"));
        };
        // SAFETY: see mod.rs.
        unsafe {
            let progress = landing::lend(room, length, || operation.advance(answer(reply)));
            report_progress(progress, values, room, length)
        }
    })
}

/// 1: a call would never end if the WRITEFUNCTION that it asks paused it.
#[unsafe(no_mangle)]
pub extern "C" fn shim_pauses_for_good(curl: f64) -> i32 {
    entry(|| {
        let id = id(curl);
        let is_alone = isolate::with_operation(id, |it| it.performs_alone()) == Some(true);
        let goes_on = || isolate::with_easy(id, "perform", |it| Ok(it.goes_on_when_paused()));
        Ok((is_alone && !goes_on()?).into())
    })
}

/// How many transfers of this isolate wait for an answer.
#[unsafe(no_mangle)]
pub extern "C" fn shim_waiting() -> u32 {
    isolate::waiting() as u32
}

/// Ends all of them but the first `count`.
#[unsafe(no_mangle)]
pub extern "C" fn shim_abandon(count: u32) -> i32 {
    entry(|| {
        isolate::abandon(count as usize);
        Ok(0)
    })
}

/// Bytes that belong to the next answer; 1 if they are more than was asked for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_answer(curl: f64, bytes: *const u8, length: u32) -> i32 {
    entry(|| {
        // SAFETY: see mod.rs.
        let bytes = unsafe { input(bytes, length) };
        let id = id(curl);
        let fits = isolate::with_operation(id, |operation| operation.answer_bytes(bytes))
            .or_else(|| Some(isolate::here_if_any()?.answer_bytes(id, bytes)));
        Ok((fits != Some(true)).into())
    })
}

/// The whole piece that a callback is about, where the room was too small.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_question(curl: f64, room: *mut u8, length: u32) -> i32 {
    entry(|| {
        // SAFETY: see mod.rs.
        let room = unsafe { output(room, length) };
        let mut give = |query: Query<'_>| give(query.body, room);
        let given =
            isolate::with_operation(id(curl), |operation| operation.question().map(&mut give));
        let given = match given {
            Some(given) => given,
            None => isolate::here()?.with_question(give),
        };
        Ok(given.unwrap_or(0))
    })
}

/// The length of the body that the last transfer collected.
#[unsafe(no_mangle)]
pub extern "C" fn shim_body_length() -> f64 {
    isolate::body_length() as f64
}

/// Hands that body over, and forgets it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_body(room: *mut u8, length: u32) -> i32 {
    entry(|| {
        // SAFETY: see mod.rs.
        let room = unsafe { output(room, length) };
        give(&isolate::take_body(), room);
        Ok(0)
    })
}

/// Tells JavaScript what is asked, or that all is done, with the status in
/// `values[0]` and what was counted in `values[1]`. What it is about goes to
/// `room` if it fits; `values[6]` is its length.
///
/// # Safety
/// As in mod.rs.
pub(super) unsafe fn report_progress(
    progress: Progress,
    values: *mut f64,
    room: *mut u8,
    length: u32,
) -> Result<i32> {
    // SAFETY: the caller vouches.
    let values = unsafe { numbers::<8>(values) };
    match progress {
        Progress::Asks(operation) => {
            // SAFETY: as above.
            let room = unsafe { output(room, length) };
            let slot = operation
                .question()
                .map(|query| tell_question(query, values, room));
            isolate::push_operation(operation);
            slot.ok_or_else(|| Error::panic("a transfer waits without a question"))
        }
        Progress::Done(result) => {
            values[0] = match result {
                Ok(()) => 0.0,
                Err(error) => error::keep(error).into(),
            };
            values[1] = isolate::kept_count().into();
            Ok(0)
        }
    }
}

pub(super) fn started(act: impl FnOnce() -> Result<i32>) -> i32 {
    entry_value(act, |status| status)
}
