//! Everything that JavaScript can call. Each function looks up, calls and
//! returns; a status is 0, libcurl's code, or one of error.rs.
//!
//! # Safety
//! For all of them: a pointer is a typed array of JavaScript's, as long as the
//! number beside it says and untouched during the call, or null if that is 0;
//! `numbers` is a Float64Array of eight.
#![allow(clippy::missing_safety_doc, reason = "said once, above")]

use super::{
    answer, entry, entry_id, entry_value, give, id, input, numbers, output, tell_question,
};
use crate::easy::Easy;
use crate::error::{self, Error, Result};
use crate::perform::{self, Progress};
use crate::share::{KINDS, Share};
use crate::sys::desk::Query;
use crate::sys::strerror;
use crate::{info, isolate, options, report, version};

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

/// The shim's version and libcurl's, as JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_version(room: *mut u8, length: u32) -> i32 {
    // SAFETY: see the head of this file.
    entry(|| {
        Ok(give(version::json().as_bytes(), unsafe {
            output(room, length)
        }))
    })
}

/// The text of this isolate's last failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_error(room: *mut u8, length: u32) -> i32 {
    // SAFETY: see the head of this file.
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
        // SAFETY: see the head of this file.
        Ok(give(text.as_bytes(), unsafe { output(room, length) }))
    })
}

/// Every live handle and who has it, for a watchdog.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_report(room: *mut u8, length: u32) -> i32 {
    // SAFETY: see the head of this file.
    entry(|| {
        Ok(give(report::text().as_bytes(), unsafe {
            output(room, length)
        }))
    })
}

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
            // SAFETY: see the head of this file.
            Ok(give(text.as_bytes(), unsafe { output(room, length) }))
        })
    })
}

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
        // SAFETY: see the head of this file.
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

/// `numbers[0]` is the value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_getinfo_number(curl: f64, info: u32, value: *mut f64) -> i32 {
    entry(|| {
        isolate::with_easy(id(curl), "getinfo", |easy| {
            // SAFETY: see the head of this file.
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
            // SAFETY: see the head of this file.
            let (value, room) = unsafe { (numbers::<8>(value), output(room, length)) };
            value[0] = bytes.map_or(-1.0, |bytes| give(&bytes, room).into());
            Ok(0)
        })
    })
}

/// Tells JavaScript what is asked, or that all is done, with the status in
/// `values[0]` and what was counted in `values[1]`. What it is about goes to
/// `room` if it fits; `values[6]` is its length.
///
/// # Safety
/// See the head of this file.
pub(super) unsafe fn report_progress(
    progress: Progress,
    values: *mut f64,
    room: *mut u8,
    length: u32,
) -> Result<i32> {
    // SAFETY: the caller vouches.
    let values = unsafe { numbers::<8>(values) };
    match progress {
        Progress::Asks(operation) => {
            // SAFETY: as above.
            let room = unsafe { output(room, length) };
            let slot = operation
                .question()
                .map(|query| tell_question(query, values, room));
            isolate::push_operation(operation);
            slot.ok_or_else(|| Error::panic("a transfer waits without a question"))
        }
        Progress::Done(result) => {
            values[0] = match result {
                Ok(()) => 0.0,
                Err(error) => error::keep(error).into(),
            };
            values[1] = isolate::kept_count().into();
            Ok(0)
        }
    }
}

/// Answers with the slot of the callback that is asked, or 0 when all is done:
/// `values[0]` is then the status. A call that could not start is below 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_perform(
    curl: f64,
    collect: u32,
    values: *mut f64,
    room: *mut u8,
    length: u32,
) -> i32 {
    started(|| {
        let progress = perform::perform(&isolate::easy(id(curl), "perform")?, collect != 0)?;
        // SAFETY: see the head of this file.
        unsafe { report_progress(progress, values, room, length) }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_pause(
    curl: f64,
    mask: i32,
    unpause: u32,
    values: *mut f64,
    room: *mut u8,
    length: u32,
) -> i32 {
    let method = if unpause == 0 { "pause" } else { "unpause" };
    started(|| {
        let progress =
            isolate::with_easy(id(curl), method, |easy| perform::pause(easy, method, mask))?;
        // SAFETY: see the head of this file.
        unsafe { report_progress(progress, values, room, length) }
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
        // SAFETY: see the head of this file.
        unsafe { report_progress(progress, values, room, length) }
    })
}

/// The answer to the callback that was asked: a number, infinity for a
/// function that returned nothing, NaN for one that threw.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_resume(
    curl: f64,
    reply: f64,
    values: *mut f64,
    room: *mut u8,
    length: u32,
) -> i32 {
    started(|| {
        let Some(operation) = isolate::pop_operation(id(curl)) else {
            return Err(Error::panic("nothing waits for this answer"));
        };
        // SAFETY: see the head of this file.
        unsafe { report_progress(operation.advance(answer(reply)), values, room, length) }
    })
}

pub(super) fn started(act: impl FnOnce() -> Result<i32>) -> i32 {
    entry_value(act, |status| status)
}

/// How many transfers of this isolate wait for an answer.
#[unsafe(no_mangle)]
pub extern "C" fn shim_waiting() -> u32 {
    isolate::waiting() as u32
}

/// Ends all of them but the first `count`.
#[unsafe(no_mangle)]
pub extern "C" fn shim_abandon(count: u32) -> i32 {
    entry(|| {
        isolate::abandon(count as usize);
        Ok(0)
    })
}

/// Bytes that belong to the next answer; 1 if they are more than was asked for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_answer(curl: f64, bytes: *const u8, length: u32) -> i32 {
    entry(|| {
        // SAFETY: see the head of this file.
        let bytes = unsafe { input(bytes, length) };
        let id = id(curl);
        let fits = isolate::with_operation(id, |operation| operation.answer_bytes(bytes))
            .or_else(|| Some(isolate::here_if_any()?.answer_bytes(id, bytes)));
        Ok((fits != Some(true)).into())
    })
}

/// The whole piece that a callback is about, where the room was too small.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_question(curl: f64, room: *mut u8, length: u32) -> i32 {
    entry(|| {
        // SAFETY: see the head of this file.
        let room = unsafe { output(room, length) };
        let mut give = |query: Query<'_>| give(query.body, room);
        let given =
            isolate::with_operation(id(curl), |operation| operation.question().map(&mut give));
        let given = match given {
            Some(given) => given,
            None => isolate::here()?.with_question(give),
        };
        Ok(given.unwrap_or(0))
    })
}

/// The length of the body that the last transfer collected.
#[unsafe(no_mangle)]
pub extern "C" fn shim_body_length() -> f64 {
    isolate::body_length() as f64
}

/// Hands that body over, and forgets it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_body(room: *mut u8, length: u32) -> i32 {
    entry(|| {
        // SAFETY: see the head of this file.
        let room = unsafe { output(room, length) };
        give(&isolate::take_body(), room);
        Ok(0)
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_share_new(detach_on_close: u32) -> f64 {
    entry_id(|| Ok(isolate::hold_share(Share::new(detach_on_close != 0)?)))
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_share_open(share: f64) -> i32 {
    entry(|| isolate::open_share(id(share)).map(|()| 0))
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_share_release(share: f64) {
    entry(|| {
        isolate::release_share(id(share));
        Ok(0)
    });
}

/// Bit n of `kinds` stands for the kind n.
#[unsafe(no_mangle)]
pub extern "C" fn shim_share_setopt(share: f64, option: u32, kinds: u32) -> i32 {
    entry(|| {
        isolate::with_share(id(share), "setopt", |share| {
            share.setopt(option, kinds).map(|()| 0)
        })
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_share_close(share: f64) -> i32 {
    entry(|| isolate::with_share(id(share), "close", |share| share.close().map(|()| 0)))
}

/// `values`: closed, detachOnClose, attached.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_share_state(share: f64, values: *mut f64) -> i32 {
    entry(|| {
        isolate::with_share(id(share), "state", |share| {
            // SAFETY: see the head of this file.
            let values = unsafe { numbers::<8>(values) };
            values[0] = share.closed().into();
            values[1] = share.detach_on_close().into();
            values[2] = share.attached() as f64;
            Ok(0)
        })
    })
}

/// `values`, of 24: transfers, connections made and reused, then for each kind
/// in the order of share/mod.rs the locks taken, contended, and ns waited.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_share_stats(share: f64, values: *mut f64) -> i32 {
    entry(|| {
        isolate::with_share(id(share), "stats", |share| {
            // SAFETY: see the head of this file.
            let values = unsafe { numbers::<{ 3 + 3 * KINDS.len() }>(values) };
            let stats = share.stats();
            values[0] = stats.transfers as f64;
            values[1] = stats.connections_made as f64;
            values[2] = stats.connections_reused as f64;
            for (place, figures) in values[3..].chunks_exact_mut(3).zip(stats.figures) {
                place[0] = figures.taken as f64;
                place[1] = figures.contended as f64;
                place[2] = figures.waited_ns as f64;
            }
            Ok(0)
        })
    })
}
