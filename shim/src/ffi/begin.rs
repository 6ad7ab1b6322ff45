//! What JavaScript can call from the first moment on: the beginning, and why
//! something has failed.
//!
//! # Safety
//! As in mod.rs.
#![allow(clippy::missing_safety_doc, reason = "said in mod.rs")]

use super::{entry, give, output};
use crate::sys::strerror;
use crate::{error, isolate};

/// Once in each isolate, before anything else.
#[unsafe(no_mangle)]
pub extern "C" fn shim_begin() -> i32 {
    entry(|| {
        #[cfg(windows)]
        crate::sys::windows::stay();
        isolate::begin();
        Ok(0)
    })
}

/// The text of this isolate's last failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_error(room: *mut u8, length: u32) -> i32 {
    // SAFETY: see mod.rs.
    error::with_last(|text| give(text.as_bytes(), unsafe { output(room, length) }))
}

/// libcurl's words for a code: 0 easy, 1 multi, 2 share, 3 url.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_strerror(family: u32, code: i32, room: *mut u8, length: u32) -> i32 {
    entry(|| {
        let text = match family {
            0 => strerror::easy(code as u32),
            1 => strerror::multi(code),
            2 => strerror::share(code as u32),
            _ => strerror::url(code as u32),
        };
        // SAFETY: see mod.rs.
        Ok(give(text.as_bytes(), unsafe { output(room, length) }))
    })
}
