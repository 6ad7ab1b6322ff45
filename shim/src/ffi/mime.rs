//! What JavaScript can call for mime trees. A mime is named by its handle's
//! number and its own, a part by its place in the mime.
//!
//! # Safety
//! As in mod.rs.
#![allow(clippy::missing_safety_doc, reason = "said in mod.rs")]

use super::perform::{report_progress, started};
use super::{entry, entry_id, entry_value, id, input};
use crate::error::{Error, Result};
use crate::sys::mime::Text;
use crate::{isolate, mime};

#[unsafe(no_mangle)]
pub extern "C" fn shim_mime_new(curl: f64) -> f64 {
    entry_id(|| isolate::with_easy(id(curl), "CurlMime", |easy| mime::new(easy)))
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_mime_release(curl: f64, mime: f64) {
    entry(|| {
        if let Ok(easy) = isolate::easy(id(curl), "CurlMime") {
            mime::release(&easy, id(mime));
        }
        Ok(0)
    });
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_mime_close(curl: f64, mime: f64) -> i32 {
    entry(|| {
        isolate::with_easy(id(curl), "close", |easy| {
            mime::close(easy, id(mime)).map(|()| 0)
        })
    })
}

/// The new part's place, or less than 0.
#[unsafe(no_mangle)]
pub extern "C" fn shim_mime_part(curl: f64, mime: f64) -> f64 {
    entry_value(
        || {
            isolate::with_easy(id(curl), "addpart", |easy| {
                Ok(mime::add_part(easy, id(mime))? as f64)
            })
        },
        f64::from,
    )
}

/// `what`: 0 the name, 1 the filename, 2 the type, 3 the encoder, 4 the path of
/// the file that it has. Without `set` it is taken back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_mime_text(
    curl: f64,
    mime: f64,
    part: u32,
    what: u32,
    set: u32,
    text: *const u8,
    length: u32,
) -> i32 {
    entry(|| {
        let what = text_of(what)?;
        // SAFETY: see mod.rs.
        let text = unsafe { input(text, length) };
        isolate::with_easy(id(curl), what.method(), |easy| {
            let text = (set != 0).then_some(text);
            mime::set_text(easy, (id(mime), part as usize), what, text).map(|()| 0)
        })
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_mime_data(
    curl: f64,
    mime: f64,
    part: u32,
    data: *const u8,
    length: u32,
) -> i32 {
    entry(|| {
        // SAFETY: see mod.rs.
        let data = unsafe { input(data, length) };
        isolate::with_easy(id(curl), "data", |easy| {
            mime::set_data(easy, (id(mime), part as usize), data).map(|()| 0)
        })
    })
}

/// Lines that each end with a NUL; none takes them back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_mime_headers(
    curl: f64,
    mime: f64,
    part: u32,
    lines: *const u8,
    length: u32,
) -> i32 {
    entry(|| {
        // SAFETY: see mod.rs.
        let lines = unsafe { input(lines, length) };
        isolate::with_easy(id(curl), "headers", |easy| {
            mime::set_headers(easy, (id(mime), part as usize), lines).map(|()| 0)
        })
    })
}

/// The number that the part's content is asked for by. `size` is -1 if it is not
/// known; `seeks`: whether it can be moved in; `blob`: data() was given it.
#[unsafe(no_mangle)]
pub extern "C" fn shim_mime_source(
    curl: f64,
    mime: f64,
    part: u32,
    size: f64,
    seeks: u32,
    blob: u32,
) -> f64 {
    let method = if blob == 0 { "dataCb" } else { "data" };
    entry_id(|| {
        isolate::with_easy(id(curl), method, |easy| {
            let place = (id(mime), part as usize);
            mime::set_source(easy, place, method, size as i64, seeks != 0)
        })
    })
}

/// As `shim_perform`: what is in `child` may have to be rewound.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_mime_subparts(
    curl: f64,
    mime: f64,
    part: u32,
    child: f64,
    values: *mut f64,
    room: *mut u8,
    length: u32,
) -> i32 {
    started(|| {
        let easy = isolate::easy(id(curl), "subparts")?;
        let progress = mime::attach(&easy, (id(mime), part as usize), id(child))?;
        // SAFETY: see mod.rs.
        unsafe { report_progress(progress, values, room, length) }
    })
}

/// Sets MIMEPOST; as `shim_perform`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_setopt_mime(
    curl: f64,
    mime: f64,
    values: *mut f64,
    room: *mut u8,
    length: u32,
) -> i32 {
    started(|| {
        let progress = mime::send(&isolate::easy(id(curl), "setopt")?, id(mime))?;
        // SAFETY: see mod.rs.
        unsafe { report_progress(progress, values, room, length) }
    })
}

/// Whether a part could be told this, before there is one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_mime_check(what: u32, text: *const u8, length: u32) -> i32 {
    entry(|| {
        // SAFETY: see mod.rs.
        let text = unsafe { input(text, length) };
        mime::check(text_of(what)?, text).map(|_| 0)
    })
}

fn text_of(what: u32) -> Result<Text> {
    match what {
        0 => Ok(Text::Name),
        1 => Ok(Text::Filename),
        2 => Ok(Text::Type),
        3 => Ok(Text::Encoder),
        4 => Ok(Text::File),
        _ => Err(Error::panic("no text of a mime part has this number")),
    }
}
