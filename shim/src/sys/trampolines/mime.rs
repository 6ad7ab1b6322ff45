//! The content of mime parts that JavaScript gives.

use super::super::bindings::*;
use super::super::coroutine::current;
use super::super::desk::{Desk, Reply};
use super::transfer::{given_up, hand_over};
use super::{Slot, guarded};
use std::ffi::{c_char, c_int, c_void};
use std::slice;

/// libcurl's own word, in lib/mime.c, for "send what you have, then come again".
const STOP_FILLING: usize = usize::MAX - 1;

pub(in super::super) unsafe extern "C" fn mime_read(
    buffer: *mut c_char,
    size: usize,
    count: usize,
    source: *mut c_void,
) -> usize {
    guarded(CURL_READFUNC_ABORT, || {
        let Some(desk) = current(source) else {
            return CURL_READFUNC_ABORT;
        };
        if desk.aborting() {
            return CURL_READFUNC_ABORT;
        }
        let size = size * count;
        // SAFETY: libcurl gives a buffer of that size, which nobody else uses
        // while the callback runs.
        let room = unsafe { slice::from_raw_parts_mut(buffer.cast::<u8>(), size) };
        if desk.has_paused(CURLPAUSE_SEND) || desk.flow.reading.get() {
            return pause(&desk);
        }
        desk.flow.emptied.set(false);
        if let Some(count) = hand_over(&desk, room) {
            return count;
        }
        let numbers = [size as f64, 0.0, 0.0, 0.0, 0.0, number(source)];
        match desk.ask_into(Slot::MIME_READ, numbers, &[], room) {
            Reply::Number(number) if number == CURL_READFUNC_PAUSE as f64 => {
                let paused = desk.flow.paused.get() | CURLPAUSE_SEND;
                desk.flow.paused.set(paused);
                pause(&desk)
            }
            Reply::Number(number) if number >= 0.0 => number as usize,
            Reply::Later => {
                desk.flow.reading.set(true);
                pause(&desk)
            }
            _ => CURL_READFUNC_ABORT,
        }
    })
}

/// Behind bytes that are in its buffer already, such as a boundary, libcurl keeps
/// a pause to itself, and would not hear of its end. So it sends those first.
fn pause(desk: &Desk) -> usize {
    if !desk.flow.emptied.replace(true) {
        return STOP_FILLING;
    }
    desk.flow.emptied.set(false);
    if !desk.has_paused(CURLPAUSE_SEND) {
        desk.wait(CURLPAUSE_SEND);
    }
    given_up(desk, CURL_READFUNC_PAUSE, CURL_READFUNC_ABORT)
}

pub(in super::super) unsafe extern "C" fn mime_seek(
    source: *mut c_void,
    offset: curl_off_t,
    origin: c_int,
) -> c_int {
    guarded(CURL_SEEKFUNC_FAIL, || {
        let Some(desk) = current(source) else {
            return CURL_SEEKFUNC_FAIL;
        };
        desk.rewind();
        let numbers = [offset as f64, origin.into(), 0.0, 0.0, 0.0, number(source)];
        match desk.ask(Slot::MIME_SEEK, numbers, &[]) {
            Reply::Default => CURL_SEEKFUNC_OK,
            Reply::Number(number) => number as c_int,
            Reply::Abort | Reply::Later => CURL_SEEKFUNC_FAIL,
        }
    })
}

/// libcurl is told a source's number in place of an address.
fn number(source: *mut c_void) -> f64 {
    source as usize as f64
}
