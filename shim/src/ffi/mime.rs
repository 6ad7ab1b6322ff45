//! What JavaScript can call for mime trees. A mime is named by its handle's
//! number and its own, a part by its place in the mime.
//!
//! # Safety
//! As in mod.rs.
#![allow(clippy::missing_safety_doc, reason = "said in mod.rs")]

use super::perform::{report_progress, started};
use super::{entry, entry_id, entry_value, id, input, numbers};
use crate::error::{Error, Result};
use crate::mime::{Filling, Told};
use crate::sys::mime::Text;
use crate::{isolate, mime};
use std::ffi::CStr;

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

/// Adds a part with all of this, or nothing; gives its place, or less than 0.
/// `content`: 0 none, or that of a file, 1 `data`, 2 a source, 3 a new mime; the
/// number of the last two comes first in `values`. `texts`: as `told` has them.
/// `size`: of the data or the source.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_mime_add(
    curl: f64,
    mime: f64,
    content: u32,
    texts: *const u8,
    length: u32,
    data: *const u8,
    size: f64,
    values: *mut f64,
) -> f64 {
    entry_value(
        || {
            // SAFETY: see mod.rs.
            let texts = unsafe { input(texts, length) };
            let filling = match content {
                0 => Filling::None,
                // SAFETY: see mod.rs.
                1 => Filling::Data(unsafe { input(data, size as u32) }),
                2 => Filling::Source(size as i64),
                3 => Filling::Mime,
                _ => return Err(Error::panic("no content of a mime part has this number")),
            };
            isolate::with_easy(id(curl), "addpart", |easy| {
                let (part, number) = mime::add_part(easy, id(mime), told(texts)?, filling)?;
                // SAFETY: see mod.rs.
                let values = unsafe { numbers::<8>(values) };
                values[0] = number as f64;
                Ok(part as f64)
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

/// Header lines, as `told` has them; none takes them back.
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
        let lines = told(unsafe { input(lines, length) })?.headers;
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

/// Texts, each behind a byte that says what it is, and before a NUL: as in
/// `shim_mime_text`, or a header line.
fn told(mut packed: &[u8]) -> Result<Told<'_>> {
    const HEADER: u8 = 5;
    let mut told = Told::default();
    while let Some((&what, rest)) = packed.split_first() {
        let text = CStr::from_bytes_until_nul(rest)
            .map_err(|_| Error::panic("a text of a mime part has no end"))?;
        match what {
            HEADER => told.headers.push(text),
            _ => told.texts.push((text_of(what.into())?, text)),
        }
        packed = &rest[text.to_bytes_with_nul().len()..];
    }
    Ok(told)
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
