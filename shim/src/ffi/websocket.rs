//! What JavaScript can call for WebSockets that run as transfers.
//!
//! # Safety
//! As in mod.rs.
#![allow(clippy::missing_safety_doc, reason = "said in mod.rs")]

use super::{LENGTH, entry, entry_value, id, input, numbers, output};
use crate::{isolate, options};

/// Puts lines behind those of HTTPHEADER, each with a NUL behind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_websocket_headers(curl: f64, lines: *const u8, length: u32) -> i32 {
    entry(|| {
        // SAFETY: see mod.rs.
        let lines = unsafe { input(lines, length) };
        isolate::with_easy(id(curl), "setopt", |easy| {
            options::add_headers(easy, lines).map(|()| 0)
        })
    })
}

/// What has come first: 0 for nothing, an opcode, or one of websocket/mod.rs.
/// `values[0]` is its number, `values[1]` whether a turn has to follow, and
/// `values[6]` how long its bytes are. They go to `room` if they fit; else it
/// is told again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_websocket_read(
    curl: f64,
    values: *mut f64,
    room: *mut u8,
    length: u32,
) -> i32 {
    entry(|| {
        // SAFETY: see mod.rs.
        let (values, room) = unsafe { (numbers::<8>(values), output(room, length)) };
        let here = isolate::here_if_any();
        let (found, turns) = here.map_or((None, false), |here| here.read_socket(id(curl), room));
        let (what, number, length) = found.unwrap_or_default();
        values[0] = number.into();
        values[1] = turns.into();
        values[LENGTH] = length as f64;
        Ok(what.into())
    })
}

/// A frame to send, with the next turn: 0 if there is room for more, 1 if not,
/// of which the news tell.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_websocket_send(
    curl: f64,
    opcode: u32,
    payload: *const u8,
    length: u32,
) -> i32 {
    entry_value(
        || {
            // SAFETY: see mod.rs.
            let payload = unsafe { input(payload, length) };
            let has_room = isolate::here()?.send_frame(id(curl), opcode as u8, payload)?;
            Ok((!has_room).into())
        },
        |status| status,
    )
}

/// 1 if there is room for more frames to send, and 2 more if the last that
/// counts has come.
#[unsafe(no_mangle)]
pub extern "C" fn shim_websocket_state(curl: f64) -> i32 {
    entry(|| {
        let here = isolate::here_if_any();
        let (has_room, is_over) = here.map_or((true, true), |here| here.socket_state(id(curl)));
        Ok(i32::from(has_room) | i32::from(is_over) << 1)
    })
}
