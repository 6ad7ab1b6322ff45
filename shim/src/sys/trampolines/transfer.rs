//! Bytes, headers, progress: what every transfer calls.

use super::super::bindings::*;
use super::super::coroutine::current;
use super::super::desk::{Arrived, Deferred, Desk, Output, Reply};
use super::super::{landing, os, stream};
use super::{Slot, guarded};
use std::ffi::{c_char, c_double, c_int, c_void};
use std::slice;

const NO_NUMBERS: [f64; 6] = [0.0; 6];

/// # Safety
/// `data` has `size` bytes, which live while the callback runs.
unsafe fn bytes<'a>(data: *const c_char, size: usize) -> &'a [u8] {
    if data.is_null() || size == 0 {
        return &[];
    }
    // SAFETY: the caller vouches for the length.
    unsafe { slice::from_raw_parts(data.cast(), size) }
}

/// What a body's or header's receiver has taken. Not `size` means abort, but
/// for an empty piece only CURL_WRITEFUNC_ERROR does.
fn taken(reply: Reply, size: usize) -> usize {
    match reply {
        Reply::Default | Reply::Later => size,
        Reply::Number(number) if number >= 0.0 => number as usize,
        Reply::Number(_) | Reply::Abort => CURL_WRITEFUNC_ERROR,
    }
}

pub(super) unsafe extern "C" fn write(
    data: *mut c_char,
    size: usize,
    count: usize,
    id: *mut c_void,
) -> usize {
    guarded(CURL_WRITEFUNC_ERROR, || {
        let Some(desk) = current(id) else {
            return CURL_WRITEFUNC_ERROR;
        };
        if desk.aborting() {
            return CURL_WRITEFUNC_ERROR;
        }
        if landing::holds(data) {
            return write_landed(&desk, data, size * count);
        }
        // SAFETY: libcurl's contract for write callbacks.
        let data = unsafe { bytes(data, size * count) };
        desk.let_others();
        if let Err(given_up) = wait_while_paused(&desk) {
            return given_up;
        }
        let mut output = desk.output.borrow_mut();
        match &mut *output {
            Output::Collect(body) => {
                if body.try_reserve(data.len()).is_err() {
                    return CURL_WRITEFUNC_ERROR;
                }
                body.extend_from_slice(data);
                return data.len();
            }
            Output::Stdout => {
                return match write_stdout(data) {
                    true => data.len(),
                    false => CURL_WRITEFUNC_ERROR,
                };
            }
            Output::Stream(stream) => {
                let stream = stream.clone();
                drop(output);
                while !stream.write(data) {
                    if !desk.wait(CURLPAUSE_RECV) {
                        return given_up(&desk, CURL_WRITEFUNC_PAUSE, CURL_WRITEFUNC_ERROR);
                    }
                }
                return data.len();
            }
            Output::Socket(socket) => {
                let socket = socket.clone();
                drop(output);
                if socket.write(data) {
                    return data.len();
                }
                desk.wait(CURLPAUSE_RECV);
                return given_up(&desk, CURL_WRITEFUNC_PAUSE, CURL_WRITEFUNC_ERROR);
            }
            Output::Script => {}
        }
        drop(output);
        while desk.flow.writing.get() {
            if !desk.wait(CURLPAUSE_RECV) {
                return given_up(&desk, CURL_WRITEFUNC_PAUSE, CURL_WRITEFUNC_ERROR);
            }
        }
        loop {
            let reply = desk.ask(Slot::WRITE, desk.frame(), data);
            let taken = written(&desk, reply, data.len());
            if taken != CURL_WRITEFUNC_PAUSE || !desk.flow.talks.get() {
                return taken;
            }
            if let Err(given_up) = wait_while_paused(&desk) {
                return given_up;
            }
        }
    })
}

/// What WRITEFUNCTION has answered, for libcurl.
fn written(desk: &Desk, reply: Reply, size: usize) -> usize {
    if reply == Reply::Later {
        desk.flow.writing.set(true);
    }
    let taken = taken(reply, size);
    if taken == CURL_WRITEFUNC_PAUSE {
        let paused = desk.flow.paused.get() | CURLPAUSE_RECV;
        desk.flow.paused.set(paused);
    }
    taken
}

/// libcurl does not look at the bytes afterwards, unless it keeps them for
/// later: that needs the same memory in the call that answers.
fn write_landed(desk: &Desk, data: *const c_char, size: usize) -> usize {
    stream::leave_room();
    match written(desk, desk.ask_about_landed(size), size) {
        CURL_WRITEFUNC_PAUSE if !landing::holds(data) => CURL_WRITEFUNC_ERROR,
        taken => taken,
    }
}

/// The program has paused the body. `Err`: what libcurl is to be told, which
/// pauses as well where it can.
fn wait_while_paused(desk: &Desk) -> Result<(), usize> {
    while desk.has_paused(CURLPAUSE_RECV) {
        if !desk.flow.talks.get() {
            return Err(CURL_WRITEFUNC_PAUSE);
        }
        if !desk.wait(CURLPAUSE_RECV) {
            return Err(CURL_WRITEFUNC_ERROR);
        }
    }
    Ok(())
}

/// For a callback that can't go on now: libcurl comes again, unless all is over.
pub(super) fn given_up(desk: &Desk, pause: usize, abort: usize) -> usize {
    if desk.aborting() { abort } else { pause }
}

/// Not through stdio: its buffer would hold the body back.
pub fn write_stdout(mut data: &[u8]) -> bool {
    while !data.is_empty() {
        match os::write_stdout(data) {
            None | Some(0) => return false,
            Some(written) => data = &data[written..],
        }
    }
    true
}

pub(super) unsafe extern "C" fn header(
    data: *mut c_char,
    size: usize,
    count: usize,
    id: *mut c_void,
) -> usize {
    // SAFETY: libcurl's contract for header callbacks.
    unsafe { receive(Slot::HEADER, data, size * count, id) }
}

pub(super) unsafe extern "C" fn interleave(
    data: *mut c_char,
    size: usize,
    count: usize,
    id: *mut c_void,
) -> usize {
    // SAFETY: as above.
    unsafe { receive(Slot::INTERLEAVE, data, size * count, id) }
}

/// # Safety
/// As for `bytes`.
unsafe fn receive(slot: Slot, data: *const c_char, size: usize, id: *mut c_void) -> usize {
    guarded(CURL_WRITEFUNC_ERROR, || {
        // SAFETY: the caller vouches.
        let data = unsafe { bytes(data, size) };
        let Some(desk) = current(id) else {
            return CURL_WRITEFUNC_ERROR;
        };
        if slot == Slot::HEADER {
            match &*desk.output.borrow() {
                Output::Stream(stream) => stream.header(data),
                Output::Socket(socket) => socket.header(data),
                _ => {}
            }
        }
        taken(desk.ask(slot, NO_NUMBERS, data), size)
    })
}

pub(super) unsafe extern "C" fn read(
    buffer: *mut c_char,
    size: usize,
    count: usize,
    id: *mut c_void,
) -> usize {
    guarded(CURL_READFUNC_ABORT, || {
        let Some(desk) = current(id) else {
            return CURL_READFUNC_ABORT;
        };
        if desk.aborting() {
            return CURL_READFUNC_ABORT;
        }
        let size = size * count;
        // SAFETY: libcurl gives a buffer of that size, which nobody else uses
        // while the callback runs.
        let room = unsafe { slice::from_raw_parts_mut(buffer.cast::<u8>(), size) };
        if let Output::Socket(socket) = &*desk.output.borrow() {
            let count = socket.read(room);
            if count == 0 {
                desk.wait(CURLPAUSE_SEND);
                return CURL_READFUNC_PAUSE;
            }
            return count;
        }
        if !desk.answers(Slot::READ) {
            return os::read_stdin(room).unwrap_or(CURL_READFUNC_ABORT);
        }
        if desk.has_paused(CURLPAUSE_SEND) {
            return CURL_READFUNC_PAUSE;
        }
        loop {
            if let Err(given_up) = wait_for_bytes(&desk) {
                return given_up;
            }
            if let Some(count) = hand_over(&desk, room) {
                return count;
            }
            let numbers = [size as f64, 0.0, 0.0, 0.0, 0.0, 0.0];
            match desk.ask_into(Slot::READ, numbers, &[], room) {
                Reply::Number(number) if number >= 0.0 => {
                    let count = number as usize;
                    if count == CURL_READFUNC_PAUSE {
                        let paused = desk.flow.paused.get() | CURLPAUSE_SEND;
                        desk.flow.paused.set(paused);
                    }
                    return count;
                }
                Reply::Later => {
                    desk.flow.reading.set(true);
                    if let Err(given_up) = wait_for_bytes(&desk) {
                        return given_up;
                    }
                    if desk.flow.arrived.borrow().is_none() {
                        return CURL_READFUNC_PAUSE;
                    }
                }
                _ => return CURL_READFUNC_ABORT,
            }
        }
    })
}

/// Bytes to send were asked for, and have not come. `Err`: what libcurl is to be
/// told, as for `wait_while_paused`.
fn wait_for_bytes(desk: &Desk) -> Result<(), usize> {
    while desk.flow.reading.get() {
        if !desk.wait(CURLPAUSE_SEND) {
            return Err(given_up(desk, CURL_READFUNC_PAUSE, CURL_READFUNC_ABORT));
        }
    }
    Ok(())
}

/// What was asked for earlier and has come meanwhile.
pub(super) fn hand_over(desk: &Desk, room: &mut [u8]) -> Option<usize> {
    let mut arrived = desk.flow.arrived.borrow_mut();
    match &mut **arrived.as_mut()? {
        Arrived::Abort => Some(CURL_READFUNC_ABORT),
        Arrived::Elsewhere => {
            *arrived = None;
            None
        }
        Arrived::Bytes { bytes, sent } => {
            let rest = &bytes[*sent..];
            let count = rest.len().min(room.len());
            room[..count].copy_from_slice(&rest[..count]);
            *sent += count;
            if *sent == bytes.len() {
                *arrived = None;
            }
            Some(count)
        }
    }
}

pub(super) unsafe extern "C" fn seek(id: *mut c_void, offset: curl_off_t, origin: c_int) -> c_int {
    guarded(CURL_SEEKFUNC_FAIL, || {
        let Some(desk) = current(id) else {
            return CURL_SEEKFUNC_FAIL;
        };
        desk.rewind();
        let numbers = [offset as f64, origin.into(), 0.0, 0.0, 0.0, 0.0];
        match desk.ask(Slot::SEEK, numbers, &[]) {
            Reply::Default => CURL_SEEKFUNC_OK,
            Reply::Number(number) => number as c_int,
            Reply::Abort | Reply::Later => CURL_SEEKFUNC_FAIL,
        }
    })
}

/// Anything but 0 aborts, as does a transfer that is being given up.
fn progressed(desk: &Desk, slot: Slot, figures: [f64; 4]) -> c_int {
    let [download, downloaded, upload, uploaded] = figures;
    let numbers = [download, downloaded, upload, uploaded, 0.0, 0.0];
    match desk.ask(slot, numbers, &[]) {
        Reply::Default => 0,
        Reply::Number(0.0) => 0,
        Reply::Number(_) | Reply::Abort | Reply::Later => 1,
    }
}

pub(super) unsafe extern "C" fn xferinfo(
    id: *mut c_void,
    download: curl_off_t,
    downloaded: curl_off_t,
    upload: curl_off_t,
    uploaded: curl_off_t,
) -> c_int {
    guarded(1, || {
        let Some(desk) = current(id) else { return 0 };
        desk.catch_up();
        if desk.watched.get() || !desk.answers(Slot::XFERINFO) {
            return desk.aborting().into();
        }
        let figures = [
            download as f64,
            downloaded as f64,
            upload as f64,
            uploaded as f64,
        ];
        progressed(&desk, Slot::XFERINFO, figures)
    })
}

pub(super) unsafe extern "C" fn progress(
    id: *mut c_void,
    download: c_double,
    downloaded: c_double,
    upload: c_double,
    uploaded: c_double,
) -> c_int {
    guarded(1, || {
        let Some(desk) = current(id) else { return 0 };
        progressed(
            &desk,
            Slot::PROGRESS,
            [download, downloaded, upload, uploaded],
        )
    })
}

/// Its answer means nothing to libcurl, so it is told as soon as no share lock
/// is held. libcurl says its own words while it works on what a callback may
/// free, the cookies for one: these are told before its next call of any sort,
/// and of progress it calls all the time.
pub(super) unsafe extern "C" fn debug(
    _handle: *mut CURL,
    kind: curl_infotype,
    data: *mut c_char,
    size: usize,
    id: *mut c_void,
) -> c_int {
    guarded(0, || {
        if let Some(desk) = current(id)
            && desk.answers(Slot::DEBUG)
        {
            // SAFETY: libcurl's contract for debug callbacks.
            let data = unsafe { bytes(data, size) }.to_vec();
            let event = Deferred::Debug { kind, data };
            match kind {
                CURLINFO_TEXT => desk.tell_later(event),
                _ => desk.tell(event),
            }
        }
        0
    })
}

pub(super) unsafe extern "C" fn ioctl(
    _handle: *mut CURL,
    command: c_int,
    id: *mut c_void,
) -> curlioerr {
    guarded(CURLIOE_FAILRESTART, || {
        let Some(desk) = current(id) else {
            return CURLIOE_FAILRESTART;
        };
        desk.rewind();
        let numbers = [command.into(), 0.0, 0.0, 0.0, 0.0, 0.0];
        match desk.ask(Slot::IOCTL, numbers, &[]) {
            Reply::Default => CURLIOE_OK,
            Reply::Number(number) => number as curlioerr,
            Reply::Abort | Reply::Later => CURLIOE_FAILRESTART,
        }
    })
}
