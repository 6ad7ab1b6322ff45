//! What JavaScript can call of a program's own multi handles.
//!
//! # Safety
//! As in mod.rs.
#![allow(clippy::missing_safety_doc, reason = "said in mod.rs")]

use super::perform::{report_progress, started};
use super::{ABOUT, entry, entry_id, give, id, input, list, numbers, output, tell_bytes};
use crate::error::{Error, Result};
use crate::isolate;
use crate::multi::members::{Members, Prepared};
use crate::multi::{Multi, calls};
use crate::perform::Progress;
use crate::registry::WAITS;
use std::ffi::CStr;
use std::rc::Rc;
use std::time::Duration;

fn with<R>(multi: f64, method: &str, act: impl FnOnce(&Rc<Members>) -> Result<R>) -> Result<R> {
    act(&isolate::multi(id(multi), |refused| {
        Error::multi_refused(method, refused)
    })?)
}

/// The end of a call in which libcurl may call back: see `shim_perform`.
///
/// # Safety
/// See the head of this file.
unsafe fn go(
    act: impl FnOnce() -> Result<Progress>,
    values: *mut f64,
    room: *mut u8,
    length: u32,
) -> i32 {
    // SAFETY: the caller vouches.
    started(|| unsafe { report_progress(act()?, values, room, length) })
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_multi_new(close_handles: u32) -> f64 {
    entry_id(|| Ok(isolate::hold_multi(Multi::new(close_handles != 0)?)))
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_multi_open(multi: f64) -> i32 {
    entry(|| isolate::open_multi(id(multi)).map(|()| 0))
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_multi_release(multi: f64) {
    entry(|| {
        isolate::release_multi(id(multi));
        Ok(0)
    });
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_multi_closed(multi: f64) -> i32 {
    entry(|| {
        with(multi, "closed", |members| {
            Ok(members.multi().closed().into())
        })
    })
}

/// 1 if its handles are to be closed with it.
#[unsafe(no_mangle)]
pub extern "C" fn shim_multi_close_handles(multi: f64) -> i32 {
    entry(|| {
        with(multi, "closeHandles", |members| {
            Ok(members.multi().close_handles().into())
        })
    })
}

/// How many handles are in it.
#[unsafe(no_mangle)]
pub extern "C" fn shim_multi_size(multi: f64) -> f64 {
    entry_id(|| with(multi, "size", |members| Ok(members.multi().count() as u64)))
}

/// The id of the multi handle that a handle is in, or 0.
#[unsafe(no_mangle)]
pub extern "C" fn shim_curl_multi(curl: f64) -> f64 {
    entry_id(|| isolate::with_easy(id(curl), "multi", |easy| Ok(easy.multi())))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_multi_add(
    multi: f64,
    curl: f64,
    values: *mut f64,
    room: *mut u8,
    length: u32,
) -> i32 {
    let act = || {
        let members = isolate::multi(id(multi), Error::adding)?;
        let easy = isolate::easy(id(curl), "addHandle").map_err(|_| Error::adding_closed())?;
        calls::add(&members, &easy)
    };
    // SAFETY: see mod.rs.
    unsafe { go(act, values, room, length) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_multi_remove(
    multi: f64,
    curl: f64,
    values: *mut f64,
    room: *mut u8,
    length: u32,
) -> i32 {
    let act = || {
        let members = isolate::multi(id(multi), Error::adding)?;
        // One that is closed is in none.
        match isolate::easy(id(curl), "removeHandle") {
            Ok(easy) => calls::remove(&members, &easy),
            Err(_) => members.check_idle().map(|()| Progress::Done(Ok(()))),
        }
    };
    // SAFETY: see mod.rs.
    unsafe { go(act, values, room, length) }
}

/// `shim_multi_add` where nothing can be asked: 1, or 0 if that has to be called.
#[unsafe(no_mangle)]
pub extern "C" fn shim_multi_add_now(multi: f64, curl: f64) -> i32 {
    started(|| {
        let members = isolate::multi(id(multi), Error::adding)?;
        let easy = isolate::easy(id(curl), "addHandle").map_err(|_| Error::adding_closed())?;
        calls::add_now(&members, &easy).map(i32::from)
    })
}

/// `shim_multi_remove` where nothing can be asked, likewise.
#[unsafe(no_mangle)]
pub extern "C" fn shim_multi_remove_now(multi: f64, curl: f64) -> i32 {
    started(|| {
        let members = isolate::multi(id(multi), Error::adding)?;
        match isolate::easy(id(curl), "removeHandle") {
            Ok(easy) => calls::remove_now(&members, &easy).map(i32::from),
            Err(_) => Ok(0),
        }
    })
}

/// Takes a handle that is to be closed out of the multi handle of this isolate's
/// that it is in, if it is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_multi_leave(
    curl: f64,
    values: *mut f64,
    room: *mut u8,
    length: u32,
) -> i32 {
    let act = || match isolate::members_of(id(curl)) {
        Some(members) => calls::leave(&members, &isolate::easy(id(curl), "close")?),
        None => Ok(Progress::Done(Ok(()))),
    };
    // SAFETY: see mod.rs.
    unsafe { go(act, values, room, length) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_multi_perform(
    multi: f64,
    values: *mut f64,
    room: *mut u8,
    length: u32,
) -> i32 {
    let act = || with(multi, "perform", calls::perform);
    // SAFETY: see mod.rs.
    unsafe { go(act, values, room, length) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_multi_socket_action(
    multi: f64,
    socket: i32,
    how: i32,
    values: *mut f64,
    room: *mut u8,
    length: u32,
) -> i32 {
    let act = || {
        with(multi, "socketAction", |members| {
            calls::socket_action(members, socket, how)
        })
    };
    // SAFETY: see mod.rs.
    unsafe { go(act, values, room, length) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_multi_close(
    multi: f64,
    values: *mut f64,
    room: *mut u8,
    length: u32,
) -> i32 {
    let act = || with(multi, "close", calls::close);
    // SAFETY: see mod.rs.
    unsafe { go(act, values, room, length) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_multi_setopt_number(
    multi: f64,
    option: u32,
    value: f64,
    values: *mut f64,
    room: *mut u8,
    length: u32,
) -> i32 {
    let act = || {
        with(multi, "setopt", |members| {
            calls::set_number(members, option, value as i64)
        })
    };
    // SAFETY: see mod.rs.
    unsafe { go(act, values, room, length) }
}

/// A function: whether it is set; it stays in JavaScript.
#[unsafe(no_mangle)]
pub extern "C" fn shim_multi_setopt_function(multi: f64, option: u32, set: u32) -> i32 {
    entry(|| {
        with(multi, "setopt", |members| {
            members.multi().set_function(option, set != 0).map(|()| 0)
        })
    })
}

/// A list whose items each end with a NUL; `set`: it is not taken back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_multi_setopt_list(
    multi: f64,
    option: u32,
    set: u32,
    items: *const u8,
    length: u32,
) -> i32 {
    entry(|| {
        // SAFETY: see mod.rs.
        let bytes = unsafe { input(items, length) };
        let items: Vec<&CStr> = bytes
            .split_inclusive(|byte| *byte == 0)
            .map(CStr::from_bytes_with_nul)
            .collect::<std::result::Result<_, _>>()
            .map_err(|_| Error::argument("setopt: an item without an end"))?;
        with(multi, "setopt", |members| {
            let items = (set != 0).then_some(items.as_slice());
            members.multi().set_list(option, items).map(|()| 0)
        })
    })
}

/// How many transfers are over that went well, their handles in `well`; at most
/// `most`, for which there is room. `values` has how many more can be told, and
/// the result of the next if that has failed, or 0, with its handle's number in
/// `values[7]`; its text, like a question's bytes, goes to `room`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_multi_done(
    multi: f64,
    well: *mut f64,
    most: u32,
    values: *mut f64,
    room: *mut u8,
    length: u32,
) -> i32 {
    started(|| {
        // SAFETY: see mod.rs.
        let (well, values, room) =
            unsafe { (list(well, most), numbers::<8>(values), output(room, length)) };
        with(multi, "infoRead", |members| {
            let told = members.tell_done(well)?;
            values[0] = told.left.into();
            values[1] = 0.0;
            if let Some(failed) = told.failed {
                values[1] = failed.code.into();
                values[ABOUT] = failed.id as f64;
                tell_bytes(failed.text.as_bytes(), values, room);
            }
            Ok(told.well as i32)
        })
    })
}

/// `values[0]`: milliseconds until libcurl wants to be called, or less than 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_multi_timeout(multi: f64, values: *mut f64) -> i32 {
    entry(|| {
        with(multi, "timeout", |members| {
            // SAFETY: see mod.rs.
            let values = unsafe { numbers::<8>(values) };
            values[0] = members.multi().timeout()? as f64;
            Ok(0)
        })
    })
}

/// The sockets that libcurl waits for, each followed by 1 to read, 2 to write or
/// 3 for both, as numbers of 32 bits: how many bytes these are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_multi_fdset(multi: f64, room: *mut u8, length: u32) -> i32 {
    started(|| {
        // SAFETY: see mod.rs.
        let room = unsafe { output(room, length) };
        with(multi, "fdset", |members| {
            let sockets = members.sockets()?;
            let bytes: Vec<u8> = sockets
                .iter()
                .flat_map(|watched| {
                    let how = i32::from(watched.readable) + 2 * i32::from(watched.writable);
                    [watched.number(), how]
                })
                .flat_map(i32::to_le_bytes)
                .collect();
            Ok(give(&bytes, room))
        })
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_multi_assign(multi: f64, socket: i32, assigned: u32) -> i32 {
    let method = if assigned == 0 { "unassign" } else { "assign" };
    entry(|| {
        with(multi, method, |members| {
            members.multi().assign(socket, assigned != 0).map(|()| 0)
        })
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_multi_notify(multi: f64, notification: u32, on: u32) -> i32 {
    let method = if on == 0 {
        "notifyDisable"
    } else {
        "notifyEnable"
    };
    entry(|| {
        with(multi, method, |members| {
            let multi = members.multi();
            multi.enable(method, notification, on != 0).map(|()| 0)
        })
    })
}

fn seconds(timeout: f64) -> Duration {
    Duration::try_from_secs_f64(timeout).unwrap_or_default()
}

/// How many sockets are ready, after at most so many seconds.
#[unsafe(no_mangle)]
pub extern "C" fn shim_multi_select(multi: f64, timeout: f64) -> i32 {
    started(|| {
        with(multi, "select", |members| {
            calls::select(members, seconds(timeout))
        })
    })
}

/// The number for `shim_multi_wait`, or 0 if there is nothing to wait for:
/// `values[0]` sockets are ready then. `looks`: it may look for a moment.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_multi_prepare(
    multi: f64,
    timeout: f64,
    looks: u32,
    values: *mut f64,
) -> f64 {
    entry_id(|| {
        with(multi, "select", |members| {
            // SAFETY: see mod.rs.
            let values = unsafe { numbers::<8>(values) };
            match members.prepare_wait(seconds(timeout), looks != 0)? {
                Prepared::Waits(wait) => Ok(wait),
                Prepared::Ready(count) => {
                    values[0] = count as f64;
                    Ok(0)
                }
            }
        })
    })
}

/// Called off the isolate's thread: how many sockets are ready. Returns at once
/// when the multi handle is used otherwise, or the isolate is gone.
#[unsafe(no_mangle)]
pub extern "C" fn shim_multi_wait(wait: f64) -> i32 {
    entry(|| Ok(WAITS.find(id(wait)).map_or(0, |wait| wait.wait()) as i32))
}

/// That wait is over.
#[unsafe(no_mangle)]
pub extern "C" fn shim_multi_forget(multi: f64, wait: f64) -> i32 {
    entry(|| {
        with(multi, "select", |members| {
            members.multi().forget_wait(id(wait));
            Ok(0)
        })
    })
}
