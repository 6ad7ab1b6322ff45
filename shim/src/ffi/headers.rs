//! What JavaScript can call for the headers of a response.
//!
//! # Safety
//! As in mod.rs.
#![allow(clippy::missing_safety_doc, reason = "said in mod.rs")]

use super::perform::started;
use super::{give, id, input, output};
use crate::{headers, isolate};

/// The length of all headers together, packed as headers.rs says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_headers(
    curl: f64,
    origin: u32,
    request: i32,
    room: *mut u8,
    length: u32,
) -> i32 {
    started(|| {
        isolate::with_easy(id(curl), "headers", |easy| {
            let packed = headers::all(easy, origin, request)?;
            // SAFETY: see mod.rs.
            Ok(give(&packed, unsafe { output(room, length) }))
        })
    })
}

/// The same of the `index`th header of a name, if there is one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_header(
    curl: f64,
    name: *const u8,
    name_length: u32,
    index: u32,
    origin: u32,
    request: i32,
    room: *mut u8,
    length: u32,
) -> i32 {
    started(|| {
        isolate::with_easy(id(curl), "header", |easy| {
            // SAFETY: see mod.rs.
            let name = unsafe { input(name, name_length) };
            let packed = headers::one(easy, name, index, origin, request)?;
            // SAFETY: as above.
            Ok(give(&packed, unsafe { output(room, length) }))
        })
    })
}
