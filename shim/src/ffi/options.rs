//! What JavaScript can call for the options of a Curl.
//!
//! # Safety
//! As in mod.rs.
#![allow(clippy::missing_safety_doc, reason = "said in mod.rs")]

use super::{entry, id, input};
use crate::{isolate, options};

#[unsafe(no_mangle)]
pub extern "C" fn shim_setopt_number(curl: f64, option: u32, value: f64) -> i32 {
    shim_setopt_bigint(curl, option, value as i64)
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_setopt_bigint(curl: f64, option: u32, value: i64) -> i32 {
    entry(|| {
        isolate::with_easy(id(curl), "setopt", |easy| {
            options::set_number(easy, option, value).map(|()| 0)
        })
    })
}

/// A string, bytes, a blob, or a list whose items each end with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_setopt_bytes(
    curl: f64,
    option: u32,
    value: *const u8,
    length: u32,
) -> i32 {
    entry(|| {
        // SAFETY: see mod.rs.
        let value = unsafe { input(value, length) };
        isolate::with_easy(id(curl), "setopt", |easy| {
            options::set_bytes(easy, option, value).map(|()| 0)
        })
    })
}

/// A callback: whether it is set; its function stays in JavaScript.
#[unsafe(no_mangle)]
pub extern "C" fn shim_setopt_callback(curl: f64, option: u32, set: u32) -> i32 {
    entry(|| {
        isolate::with_easy(id(curl), "setopt", |easy| {
            options::set_callback(easy, option, set != 0).map(|()| 0)
        })
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_setopt_share(curl: f64, share: f64) -> i32 {
    entry(|| {
        isolate::with_easy(id(curl), "setopt", |easy| {
            isolate::with_share(id(share), "setopt", |share| {
                easy.set_share(Some(share)).map(|()| 0)
            })
        })
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_unsetopt(curl: f64, option: u32) -> i32 {
    entry(|| {
        isolate::with_easy(id(curl), "unsetopt", |easy| {
            options::unset(easy, option).map(|()| 0)
        })
    })
}
