//! What JavaScript can call to keep idle connections alive.
//!
//! # Safety
//! As in mod.rs.
#![allow(clippy::missing_safety_doc, reason = "said in mod.rs")]

use super::id;
use super::perform::{report_progress, started};
use crate::{isolate, perform};

/// Answers as `shim_perform` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_upkeep(
    curl: f64,
    values: *mut f64,
    room: *mut u8,
    length: u32,
) -> i32 {
    started(|| {
        let progress = perform::upkeep(&isolate::easy(id(curl), "upkeep")?)?;
        // SAFETY: see mod.rs.
        unsafe { report_progress(progress, values, room, length) }
    })
}
