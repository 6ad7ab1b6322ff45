//! What JavaScript can call for raw bytes and frames on a handle's connection.
//! Counts are 0 or more; a failure is below, with libcurl's codes as -1000 less
//! the code.
//!
//! # Safety
//! As in mod.rs.
#![allow(clippy::missing_safety_doc, reason = "said in mod.rs")]

use super::{entry_value, id, input, numbers, output};
use crate::error::Result;
use crate::{connection, isolate};

fn counted(act: impl FnOnce() -> Result<usize>) -> i32 {
    entry_value(
        || Ok(i32::try_from(act()?).unwrap_or(i32::MAX)),
        |status| status,
    )
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_send(curl: f64, data: *const u8, length: u32) -> i32 {
    counted(|| {
        // SAFETY: see mod.rs.
        let data = unsafe { input(data, length) };
        isolate::with_easy(id(curl), "send", |easy| connection::send(easy, data))
    })
}

/// `into`: its name is recvInto.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_recv(curl: f64, into: u32, room: *mut u8, length: u32) -> i32 {
    let method = ["recv", "recvInto"][into.min(1) as usize];
    counted(|| {
        // SAFETY: see mod.rs.
        let room = unsafe { output(room, length) };
        isolate::with_easy(id(curl), method, |easy| {
            connection::receive(easy, method, room)
        })
    })
}

/// `close`: its name is wsClose. `size` is the frame's, for parts of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_ws_send(
    curl: f64,
    close: u32,
    data: *const u8,
    length: u32,
    flags: u32,
    size: f64,
) -> i32 {
    let method = ["wsSend", "wsClose"][close.min(1) as usize];
    counted(|| {
        // SAFETY: see mod.rs.
        let data = unsafe { input(data, length) };
        isolate::with_easy(id(curl), method, |easy| {
            connection::send_frame(easy, method, data, flags, size as i64)
        })
    })
}

/// `into`: its name is wsRecvInto. `values` are the frame's, and `values[5]` is
/// whether there is one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_ws_recv(
    curl: f64,
    into: u32,
    values: *mut f64,
    room: *mut u8,
    length: u32,
) -> i32 {
    let method = ["wsRecv", "wsRecvInto"][into.min(1) as usize];
    counted(|| {
        // SAFETY: see mod.rs.
        let (values, room) = unsafe { (numbers::<8>(values), output(room, length)) };
        isolate::with_easy(id(curl), method, |easy| {
            let (count, frame) = connection::receive_frame(easy, method, room)?;
            values[5] = f64::from(frame.is_some());
            values[..5].copy_from_slice(&frame.unwrap_or_default());
            Ok(count)
        })
    })
}
