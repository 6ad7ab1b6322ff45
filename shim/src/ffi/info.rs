//! What JavaScript can call for what a transfer tells.
//!
//! # Safety
//! As in mod.rs.
#![allow(clippy::missing_safety_doc, reason = "said in mod.rs")]

use super::{entry, give, id, numbers, output};
use crate::{info, isolate};

/// `numbers[0]` is the value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_getinfo_number(curl: f64, info: u32, value: *mut f64) -> i32 {
    entry(|| {
        isolate::with_easy(id(curl), "getinfo", |easy| {
            // SAFETY: see mod.rs.
            let value = unsafe { numbers::<8>(value) };
            value[0] = info::number(easy, info)?;
            Ok(0)
        })
    })
}

/// `value[0]` is the length in all, or -1 for nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_getinfo_bytes(
    curl: f64,
    info: u32,
    value: *mut f64,
    room: *mut u8,
    length: u32,
) -> i32 {
    entry(|| {
        isolate::with_easy(id(curl), "getinfo", |easy| {
            let bytes = info::bytes(easy, info)?;
            // SAFETY: see mod.rs.
            let (value, room) = unsafe { (numbers::<8>(value), output(room, length)) };
            value[0] = bytes.map_or(-1.0, |bytes| give(&bytes, room).into());
            Ok(0)
        })
    })
}
