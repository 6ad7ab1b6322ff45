//! The calls on a multi handle in which libcurl may call back. Each runs as a
//! synchronous transfer does: to the next callback, and on with its answer.

use super::members::{Members, is_removed};
use super::{Calling, From, Refused, check};
use crate::claim::Held;
use crate::easy::{Core, Easy, Place};
use crate::error::{Error, Result};
use crate::isolate;
use crate::perform::{Operation, Progress};
use crate::sys::bindings::*;
use crate::sys::coroutine::Suspendable;
use crate::sys::easy::OwnedEasy;
use crate::sys::stack::OwnedStack;
use crate::sys::trampolines::Slot;
use crate::transfer::{Runner, Transfer, Wish};
use std::ffi::{c_int, c_long};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

pub fn add(members: &Rc<Members>, easy: &Arc<Easy>) -> Result<Progress> {
    let (calling, native) = begin(members, "addHandle", From::Notification, Error::adding)?;
    let held = easy.enter_to_join(members.multi.id())?;
    let joining = join(members, easy, held)?;
    let (id, handle) = (joining.id, joining.handle.clone());
    run(
        members,
        calling,
        "addHandle",
        move || native.add(&handle, id),
        move |code| joining.conclude(code),
    )
}

/// The same where nothing can be asked. `false`: nothing was done.
pub fn add_now(members: &Rc<Members>, easy: &Arc<Easy>) -> Result<bool> {
    let (calling, native) = begin(members, "addHandle", From::Notification, Error::adding)?;
    if calling.has_functions || !members.is_quiet() {
        return Ok(false);
    }
    let held = easy.enter_to_join(members.multi.id())?;
    let has_engine = held.share.as_ref().is_some_and(|share| share.has_engine());
    if has_engine || held.answered(Slot::DEBUG) || held.answered(Slot::CLOSESOCKET) {
        return Ok(false);
    }
    let joining = join(members, easy, held)?;
    let code = native.add(&joining.handle, joining.id);
    joining.conclude(code).map(|()| true)
}

fn join(members: &Rc<Members>, easy: &Arc<Easy>, held: Held<'_, Core>) -> Result<Joining> {
    let runner = Runner::Multi(members.multi.id());
    let (transfer, scripts) = Transfer::begin_held(easy, held, "addHandle", Wish::Write, runner)?;
    let handle = transfer.handle().clone();
    members.take_in(transfer, scripts);
    Ok(Joining {
        members: members.clone(),
        id: easy.id(),
        handle,
        is_in: false,
    })
}

/// A handle that is not in yet, as far as libcurl knows.
struct Joining {
    members: Rc<Members>,
    id: u64,
    handle: Arc<OwnedEasy>,
    is_in: bool,
}

impl Joining {
    fn conclude(mut self, code: CURLMcode) -> Result<()> {
        self.is_in = code == CURLM_OK;
        check(code, "curl_multi_add_handle() failed")
    }
}

impl Drop for Joining {
    fn drop(&mut self) {
        if !self.is_in {
            self.members.let_go(self.id);
        }
    }
}

pub fn remove(members: &Rc<Members>, easy: &Arc<Easy>) -> Result<Progress> {
    let begun = begin(members, "removeHandle", From::Notification, Error::adding)?;
    match is_in(members, easy)? {
        true => take_out(members, begun, "removeHandle", easy),
        false => Ok(Progress::Done(Ok(()))),
    }
}

/// The same for one that was told to be over, where nothing can be asked.
/// `false`: nothing was done.
pub fn remove_now(members: &Rc<Members>, easy: &Arc<Easy>) -> Result<bool> {
    let id = easy.id();
    let (calling, native) = begin(members, "removeHandle", From::Notification, Error::adding)?;
    if calling.has_functions || !members.is_quiet() || !members.is_told(id) {
        return Ok(false);
    }
    let handle = easy.held().handle()?.clone();
    let code = native.remove(&handle);
    let_go(members, id, code).map(|()| true)
}

/// `false`: it is closed, and so in none.
fn is_in(members: &Members, easy: &Easy) -> Result<bool> {
    match easy.place() {
        Place::Closed => Ok(false),
        Place::Multi(other) if other == members.multi.id() => Ok(true),
        Place::Multi(_) => Err(Error::adding_from_another()),
        Place::Running => Err(Error::adding_performing()),
        Place::Idle => Err(Error::not_on_multi()),
    }
}

/// For a handle that is in, and about to be closed.
pub fn leave(members: &Rc<Members>, easy: &Arc<Easy>) -> Result<Progress> {
    let refuse = |_| Error::running("close");
    let begun = begin(members, "close", From::Outside, refuse)?;
    take_out(members, begun, "close", easy)
}

fn take_out(
    members: &Rc<Members>,
    (calling, native): (Calling, Arc<OwnedStack>),
    method: &'static str,
    easy: &Arc<Easy>,
) -> Result<Progress> {
    let id = easy.id();
    let Some(desk) = members.desk(id) else {
        return Err(Error::not_on_multi());
    };
    let handle = easy.held().handle()?.clone();
    let removed = members.clone();
    run(
        members,
        calling,
        method,
        move || {
            let code = native.remove(&handle);
            desk.tell_deferred();
            code
        },
        move |code| let_go(&removed, id, code),
    )
}

fn let_go(members: &Members, id: u64, code: CURLMcode) -> Result<()> {
    if is_removed(code) {
        members.let_go(id);
    }
    check(code, "curl_multi_remove_handle() failed")
}

/// The number of transfers that are not over is kept for JavaScript.
pub fn perform(members: &Rc<Members>) -> Result<Progress> {
    let (calling, native) = begin(members, "perform", From::Outside, refuse("perform"))?;
    act(members, calling, "perform", move || native.perform())
}

/// As `perform`.
pub fn socket_action(members: &Rc<Members>, socket: c_int, how: c_int) -> Result<Progress> {
    let method = "socketAction";
    let (calling, native) = begin(members, method, From::Outside, refuse(method))?;
    act(members, calling, method, move || {
        native.socket_action(socket, how)
    })
}

fn act(
    members: &Rc<Members>,
    calling: Calling,
    method: &'static str,
    act: impl FnOnce() -> (CURLMcode, c_int) + 'static,
) -> Result<Progress> {
    let all = members.clone();
    run(
        members,
        calling,
        method,
        move || {
            all.set_off();
            let (code, running) = act();
            all.tell_deferred();
            isolate::keep_count(running);
            code
        },
        move |code| check(code, &format!("{method} failed")),
    )
}

/// Waits on this thread: how many sockets are ready. Nothing is asked in it.
pub fn select(members: &Members, most: Duration) -> Result<i32> {
    if !members.turns.is_empty() {
        // Others have their turns meanwhile, as libcurl's own wait would not let
        // them.
        let sockets = members.awaited(most)?;
        return Ok(sockets.map_or(0, |mut sockets| sockets.wait()) as i32);
    }
    let (_calling, native) = begin(members, "select", From::Notification, refuse("select"))?;
    if native.unfinished() == 0 {
        return Ok(0);
    }
    // Rounded up: too early would mean to wait again.
    let milliseconds = most.as_nanos().div_ceil(1_000_000);
    let milliseconds = c_int::try_from(milliseconds).unwrap_or(c_int::MAX);
    let (code, ready) = native.poll(milliseconds);
    check(code, "select failed")?;
    Ok(ready)
}

/// An option that takes a number: libcurl may close connections for it.
pub fn set_number(members: &Rc<Members>, option: CURLMoption, value: i64) -> Result<Progress> {
    if option == CURLMOPT_MAXCONNECTS && u32::try_from(value).is_err() {
        return Err(Error::range(format!(
            "setopt(M_MAXCONNECTS): {value} is no number of connections"
        )));
    }
    let (calling, native) = begin(members, "setopt", From::Notification, refuse("setopt"))?;
    let all = members.clone();
    run(
        members,
        calling,
        "setopt",
        move || {
            let code = match option {
                30_000.. => native.set_off_t(option, value),
                // On Windows a C long has 32 bits.
                _ => c_long::try_from(value).map_or(CURLM_BAD_FUNCTION_ARGUMENT, |long| {
                    native.set_long(option, long)
                }),
            };
            all.tell_deferred();
            code
        },
        |code| check(code, "setopt failed"),
    )
}

/// Removes all handles, closes the connections and frees it. The callbacks of
/// the handles are still asked then.
pub fn close(members: &Rc<Members>) -> Result<Progress> {
    if members.multi.closed() {
        return Ok(Progress::Done(Ok(())));
    }
    let (calling, _) = begin(members, "close", From::Outside, refuse("close"))?;
    let (all, closed) = (members.clone(), members.clone());
    run(
        members,
        calling,
        "close",
        move || {
            let native = all.multi.claim.lock().native.take();
            if let Some(native) = native {
                for handle in all.handles() {
                    let code = native.remove(&handle);
                    debug_assert!(is_removed(code));
                }
            }
            all.tell_deferred();
            CURLM_OK
        },
        move |_| {
            for id in closed.ids() {
                closed.let_go(id);
            }
            closed.multi.end();
            Ok(())
        },
    )
}

fn refuse(method: &str) -> impl FnOnce(Refused) -> Error {
    move |refused| Error::multi_refused(method, refused)
}

fn begin(
    members: &Members,
    method: &str,
    from: From,
    refuse: impl FnOnce(Refused) -> Error,
) -> Result<(Calling, Arc<OwnedStack>)> {
    let begun = members.multi.begin(method, from, refuse)?;
    if begun.0.outermost {
        members.renew_own_desk();
    }
    Ok(begun)
}

fn run(
    members: &Rc<Members>,
    calling: Calling,
    method: &'static str,
    act: impl FnOnce() -> CURLMcode + 'static,
    conclude: impl FnOnce(CURLMcode) -> Result<()> + 'static,
) -> Result<Progress> {
    let (taking, holding) = members.take_turns(method, calling.outermost);
    let call = Suspendable::new(members.desks(), move || act() as u32)
        .ok_or_else(|| Error::easy(CURLE_OUT_OF_MEMORY, ""))?;
    let conclude = move |code: u32| {
        let outcome = conclude(code as CURLMcode);
        drop(calling);
        drop(holding);
        outcome
    };
    let id = members.multi.id();
    Ok(Operation::many(id, taking, call, Box::new(conclude)).advance_first())
}
