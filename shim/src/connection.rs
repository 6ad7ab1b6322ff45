//! Short calls on a connection that a handle keeps for the program, and the
//! frames that its WRITEFUNCTION sends.

use crate::easy::{Core, Easy};
use crate::error::{Error, Result};
use crate::isolate;
use crate::sys::bindings::CURLcode;
use crate::sys::connection::Frame;
use crate::sys::easy::OwnedEasy;

pub fn send(easy: &Easy, data: &[u8]) -> Result<usize> {
    easy.enter_connection("send", |core| attempt(core, |handle| handle.send(data)))
}

/// Where there is no room, libcurl is not asked.
pub fn receive(easy: &Easy, method: &str, room: &mut [u8]) -> Result<usize> {
    easy.enter_connection(method, |core| match room.is_empty() {
        true => core.handle().map(|_| 0),
        false => attempt(core, |handle| handle.receive(room)),
    })
}

/// Also inside the handle's own WRITEFUNCTION, where libcurl sends all of it
/// before it returns.
pub fn send_frame(easy: &Easy, method: &str, data: &[u8], flags: u32, size: i64) -> Result<usize> {
    let act = |core: &mut Core| attempt(core, |handle| handle.send_frame(data, flags, size));
    if isolate::writes(easy.id()) {
        return act(&mut *easy.enter(method)?);
    }
    easy.enter_connection(method, act)
        .map_err(|error| match error {
            error if error == Error::running(method) => Error::running_outside_write(method),
            error => error,
        })
}

pub fn receive_frame(easy: &Easy, method: &str, room: &mut [u8]) -> Result<(usize, Option<Frame>)> {
    easy.enter_connection(method, |core| {
        attempt(core, |handle| handle.receive_frame(room))
    })
}

/// libcurl has no words of its own for some failures: those of the last one
/// must not stand in.
fn attempt<R>(
    core: &Core,
    act: impl FnOnce(&OwnedEasy) -> std::result::Result<R, CURLcode>,
) -> Result<R> {
    let handle = core.handle()?;
    handle.clear_error();
    act(handle).map_err(|code| Error::easy(code, &handle.error_text()))
}
