//! What JavaScript can call for the life of a Curl.
//!
//! # Safety
//! As in mod.rs.
#![allow(clippy::missing_safety_doc, reason = "said in mod.rs")]

use super::perform::{report_progress, started};
use super::{entry, entry_id, give, id, output};
use crate::easy::Easy;
use crate::{isolate, perform};

#[unsafe(no_mangle)]
pub extern "C" fn shim_curl_new() -> f64 {
    entry_id(|| Ok(isolate::hold_easy(Easy::new()?)))
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_curl_open(curl: f64) -> i32 {
    entry(|| isolate::open_easy(id(curl)).map(|()| 0))
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_curl_release(curl: f64) {
    entry(|| {
        isolate::release_easy(id(curl));
        Ok(0)
    });
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_curl_closed(curl: f64) -> i32 {
    entry(|| isolate::with_easy(id(curl), "closed", |easy| Ok(easy.closed().into())))
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_curl_duphandle(curl: f64) -> f64 {
    entry_id(|| {
        let copy = isolate::easy(id(curl), "duphandle")?.duplicate()?;
        Ok(isolate::hold_easy(copy))
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_curl_reset(curl: f64) -> i32 {
    entry(|| isolate::with_easy(id(curl), "reset", |easy| easy.reset().map(|()| 0)))
}

/// Whether setopt (0), unsetopt (1) or getinfo (2) may be called, for what is
/// kept in JavaScript alone.
#[unsafe(no_mangle)]
pub extern "C" fn shim_curl_check(curl: f64, method: u32) -> i32 {
    let method = ["setopt", "unsetopt", "getinfo"][method.min(2) as usize];
    entry(|| isolate::with_easy(id(curl), method, |easy| easy.enter(method).map(|_| 0)))
}

/// The id of the share it is attached to, or 0.
#[unsafe(no_mangle)]
pub extern "C" fn shim_curl_share(curl: f64) -> f64 {
    entry_id(|| {
        isolate::with_easy(id(curl), "share", |easy| {
            Ok(easy.share().map_or(0, |share| share.id()))
        })
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_curl_errstr(curl: f64, room: *mut u8, length: u32) -> i32 {
    entry(|| {
        isolate::with_easy(id(curl), "errstr", |easy| {
            let text = easy.enter("errstr")?.handle()?.error_text();
            // SAFETY: see mod.rs.
            Ok(give(text.as_bytes(), unsafe { output(room, length) }))
        })
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_curl_close(
    curl: f64,
    values: *mut f64,
    room: *mut u8,
    length: u32,
) -> i32 {
    started(|| {
        let progress = perform::close(&isolate::easy(id(curl), "close")?)?;
        // SAFETY: see mod.rs.
        unsafe { report_progress(progress, values, room, length) }
    })
}
