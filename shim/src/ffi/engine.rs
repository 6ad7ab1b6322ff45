//! What JavaScript can call for asynchronous transfers.
//!
//! # Safety
//! As in mod.rs.
#![allow(clippy::missing_safety_doc, reason = "said in mod.rs")]

use super::{
    ABOUT, answer, entry, entry_id, entry_value, id, numbers, output, tell_bytes, tell_question,
};
use crate::engine::here::{Event, Here};
use crate::error::{self, Error, Result};
use crate::isolate;
use crate::registry::POLLERS;
use crate::sys::landing;
use crate::sys::trampolines::Slot;
use crate::transfer::Wish;

/// What `shim_turn` tells besides the slots of callbacks.
const FINISHED: i32 = 64;
const NEWS: i32 = 65;
const CLOSABLE: i32 = 66;

/// Starts a transfer, which goes on with the next turn. `wish`: 0 the body goes
/// to WRITEFUNCTION, 1 it is collected, 2 it is read as a stream, 3 it is the
/// frames of a WebSocket.
#[unsafe(no_mangle)]
pub extern "C" fn shim_start(curl: f64, wish: u32) -> i32 {
    entry_value(
        || {
            let easy = isolate::easy(id(curl), "perform")?;
            let here = isolate::here()?;
            let wish = match wish {
                0 => Wish::Write,
                1 => Wish::Collect,
                2 => Wish::Stream(here.stream(easy.id())),
                _ => Wish::Socket(here.socket(easy.id())),
            };
            here.start(&easy, wish)?;
            Ok(0)
        },
        |status| status,
    )
}

/// Answers what the call before has asked, if it has, and goes on to the next
/// event: the slot of a callback that is asked, or one of those above with the
/// handle's number in `values[7]`, or 0 when there is none, with the number of
/// pending transfers in `values[0]`, and in `values[1]` whether there is something
/// for the next turn already. News of a stream come with the response's
/// status there.
///
/// A transfer that is over has its status in `values[0]`, and its body, like a
/// question's, in `room` if it fits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_turn(
    reply: f64,
    values: *mut f64,
    room: *mut u8,
    length: u32,
) -> i32 {
    // SAFETY: see mod.rs.
    unsafe { turn(values, room, length, |here| here.turn(answer(reply))) }
}

/// The same for a reader that waits for a stream: what comes of it goes straight
/// to `into`, to which `shim_stream_read` reads it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_turn_for(
    curl: f64,
    into: *mut u8,
    into_length: u32,
    reply: f64,
    values: *mut f64,
    room: *mut u8,
    length: u32,
) -> i32 {
    // SAFETY: see mod.rs.
    unsafe {
        let into = output(into, into_length);
        turn(values, room, length, |here| {
            here.turn_for(id(curl), into, answer(reply))
        })
    }
}

/// # Safety
/// As in mod.rs.
unsafe fn turn(
    values: *mut f64,
    room: *mut u8,
    length: u32,
    act: impl FnOnce(&Here) -> Result<Event>,
) -> i32 {
    entry_value(
        || {
            let here = isolate::here()?;
            // SAFETY: the caller vouches; no other reference to the room is made
            // before libcurl has put into it what it wants.
            let (event, values, room) = unsafe {
                let event = landing::lend(room, length, || act(&here))?;
                (event, numbers::<8>(values), output(room, length))
            };
            match event {
                Event::Asks => here
                    .with_question(|query| tell_question(query, values, room))
                    .ok_or_else(|| Error::panic("a turn waits without a question")),
                Event::Finished(finished) => {
                    values[ABOUT] = finished.id as f64;
                    values[0] = match finished.result {
                        Ok(()) => 0.0,
                        Err(error) => error::keep(error).into(),
                    };
                    let body = finished.body.unwrap_or_default();
                    tell_bytes(&body, values, room);
                    if body.len() > room.len() {
                        isolate::keep_body(body);
                    }
                    Ok(FINISHED)
                }
                Event::News(id, status) => {
                    values[ABOUT] = id as f64;
                    values[0] = status.into();
                    Ok(NEWS)
                }
                Event::Closable(id) => {
                    values[ABOUT] = id as f64;
                    Ok(CLOSABLE)
                }
                Event::Nothing(pending, goes_on) => {
                    values[0] = pending as f64;
                    values[1] = goes_on.into();
                    Ok(0)
                }
            }
        },
        |status| status,
    )
}

/// The number for `shim_wait`.
#[unsafe(no_mangle)]
pub extern "C" fn shim_engine() -> f64 {
    entry_id(|| Ok(isolate::here()?.number()))
}

/// Called off the isolate's thread: returns when the next turn has something to
/// do, or when the isolate is gone.
#[unsafe(no_mangle)]
pub extern "C" fn shim_wait(engine: f64) -> i32 {
    entry(|| {
        if let Some(poller) = POLLERS.find(id(engine)) {
            poller.wait();
        }
        Ok(0)
    })
}

/// What the promise of WRITEFUNCTION or READFUNCTION has become.
#[unsafe(no_mangle)]
pub extern "C" fn shim_settle(curl: f64, slot: u32, reply: f64) -> i32 {
    entry(|| {
        if let Some(here) = isolate::here_if_any()
            && let Some(slot) = u8::try_from(slot).ok().and_then(Slot::of_promise)
        {
            here.settle(id(curl), slot, answer(reply));
        }
        Ok(0)
    })
}

/// Ends a transfer in the next turn, if it is not over.
#[unsafe(no_mangle)]
pub extern "C" fn shim_cancel(curl: f64) -> i32 {
    entry(|| {
        if let Some(here) = isolate::here_if_any() {
            here.cancel(id(curl));
        }
        Ok(0)
    })
}

/// Bytes of a stream: how many; 0 if there are none now. Less than 0, as many
/// but for the sign, if a turn has to follow.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_stream_read(curl: f64, room: *mut u8, length: u32) -> i32 {
    entry(|| {
        // SAFETY: see mod.rs.
        let room = unsafe { output(room, length) };
        let here = isolate::here_if_any();
        let (count, turns) = here.map_or((0, false), |here| here.read_stream(id(curl), room));
        let count = i32::try_from(count).unwrap_or(i32::MAX);
        Ok(if turns { -count } else { count })
    })
}

/// From now on (`on`) nothing new begins on the share, and the turns tell when it
/// is free; or no longer.
#[unsafe(no_mangle)]
pub extern "C" fn shim_share_closing(share: f64, on: u32) -> i32 {
    entry(|| {
        let here = isolate::here()?;
        match on {
            0 => here.end_closing(id(share)),
            _ => isolate::with_share(id(share), "closeAsync", |share| {
                here.begin_closing(share);
                Ok(())
            })?,
        }
        Ok(0)
    })
}
