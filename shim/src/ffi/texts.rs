//! What JavaScript can call for texts about the process.
//!
//! # Safety
//! As in mod.rs.
#![allow(clippy::missing_safety_doc, reason = "said in mod.rs")]

use super::{entry, give, output};
use crate::{report, version};

/// The shim's version and libcurl's, as JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_version(room: *mut u8, length: u32) -> i32 {
    // SAFETY: see mod.rs.
    entry(|| {
        Ok(give(version::json().as_bytes(), unsafe {
            output(room, length)
        }))
    })
}

/// Every live handle and who has it, for a watchdog.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_report(room: *mut u8, length: u32) -> i32 {
    // SAFETY: see mod.rs.
    entry(|| {
        Ok(give(report::text().as_bytes(), unsafe {
            output(room, length)
        }))
    })
}
