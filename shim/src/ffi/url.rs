//! What JavaScript can call for a CurlUrl.
//!
//! # Safety
//! As in mod.rs.
#![allow(clippy::missing_safety_doc, reason = "said in mod.rs")]

use super::{entry, entry_id, give, id, input, numbers, output};
use crate::isolate;
use crate::url::Url;

const USE: &str = "cannot use a CurlUrl without a handle";
const COPY: &str = "cannot copy a CurlUrl without a handle";
const SET: &str = "setopt(option=CURLU) received a CurlUrl without a handle";

#[unsafe(no_mangle)]
pub extern "C" fn shim_url_new() -> f64 {
    entry_id(|| Ok(isolate::hold_url(Url::new()?)))
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_url_duplicate(url: f64) -> f64 {
    entry_id(|| {
        let copy = isolate::url(id(url), COPY)?.duplicate()?;
        Ok(isolate::hold_url(copy))
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_url_release(url: f64) {
    entry(|| {
        isolate::release_url(id(url));
        Ok(0)
    });
}

/// `value[0]` is the length in all, or -1 for a part that is not there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_url_get(
    url: f64,
    part: u32,
    flags: u32,
    value: *mut f64,
    room: *mut u8,
    length: u32,
) -> i32 {
    entry(|| {
        let text = isolate::url(id(url), USE)?.get(part, flags)?;
        // SAFETY: see mod.rs.
        let (value, room) = unsafe { (numbers::<8>(value), output(room, length)) };
        value[0] = text.map_or(-1.0, |text| give(&text, room).into());
        Ok(0)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_url_set(
    url: f64,
    part: u32,
    flags: u32,
    value: *const u8,
    length: u32,
) -> i32 {
    entry(|| {
        // SAFETY: see mod.rs.
        let value = unsafe { input(value, length) };
        isolate::url(id(url), USE)?.set(part, Some(value), flags)?;
        Ok(0)
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_url_remove(url: f64, part: u32) -> i32 {
    entry(|| isolate::url(id(url), USE)?.set(part, None, 0).map(|()| 0))
}

/// CURLU of a Curl.
#[unsafe(no_mangle)]
pub extern "C" fn shim_setopt_url(curl: f64, url: f64) -> i32 {
    entry(|| {
        let url = isolate::url(id(url), SET)?;
        isolate::with_easy(id(curl), "setopt", |easy| {
            easy.set_url("setopt", Some(url)).map(|()| 0)
        })
    })
}
