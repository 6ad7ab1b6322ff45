//! The calls on a multi handle in which libcurl may call back. Each runs as a
//! synchronous transfer does: to the next callback, and on with its answer.

use super::members::{Members, is_removed};
use super::{Calling, From, Refused, check};
use crate::easy::{Easy, Place};
use crate::error::{Error, Result};
use crate::isolate;
use crate::perform::{Operation, Progress};
use crate::sys::bindings::*;
use crate::sys::coroutine::Suspendable;
use crate::transfer::{Transfer, Wish};
use std::ffi::{c_int, c_long};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

pub fn add(members: &Rc<Members>, easy: &Arc<Easy>) -> Result<Progress> {
    let calling = begin(members, "addHandle", From::Notification, Error::adding)?;
    let held = easy.enter_to_join(members.multi.id())?;
    if held.share.as_ref().is_some_and(|share| share.has_engine()) {
        return Err(Error::adding_engine_share());
    }
    let (transfer, scripts) = Transfer::begin_held(easy, held, "addHandle", Wish::Write, true)?;
    let id = easy.id();
    let handle = transfer.handle().clone();
    members.take_in(transfer, scripts);
    let native = calling.native.clone();
    let added = members.clone();
    run(
        members,
        calling,
        move || native.add(&handle, id),
        move |code| {
            if code != CURLM_OK {
                added.let_go(id);
            }
            check(code, "curl_multi_add_handle() failed")
        },
    )
    .inspect_err(|_| members.let_go(id))
}

pub fn remove(members: &Rc<Members>, easy: &Arc<Easy>) -> Result<Progress> {
    let calling = begin(members, "removeHandle", From::Notification, Error::adding)?;
    let multi = members.multi.id();
    match easy.place() {
        Place::Closed => return Ok(Progress::Done(Ok(()))),
        Place::Multi(other) if other == multi => {}
        Place::Multi(_) => return Err(Error::adding_from_another()),
        Place::Running => return Err(Error::adding_performing()),
        Place::Idle => return Err(Error::not_on_multi()),
    }
    take_out(members, calling, easy)
}

/// For a handle that is in, and about to be closed.
pub fn leave(members: &Rc<Members>, easy: &Arc<Easy>) -> Result<Progress> {
    let refuse = |_| Error::running("close");
    let calling = begin(members, "close", From::Outside, refuse)?;
    take_out(members, calling, easy)
}

fn take_out(members: &Rc<Members>, calling: Calling, easy: &Arc<Easy>) -> Result<Progress> {
    let id = easy.id();
    let Some(desk) = members.desk(id) else {
        return Err(Error::not_on_multi());
    };
    let handle = easy.held().handle()?.clone();
    let native = calling.native.clone();
    let removed = members.clone();
    run(
        members,
        calling,
        move || {
            let code = native.remove(&handle);
            desk.tell_deferred();
            code
        },
        move |code| {
            if is_removed(code) {
                removed.let_go(id);
            }
            check(code, "curl_multi_remove_handle() failed")
        },
    )
}

/// The number of transfers that are not over is kept for JavaScript.
pub fn perform(members: &Rc<Members>) -> Result<Progress> {
    let calling = begin(members, "perform", From::Outside, refuse("perform"))?;
    let native = calling.native.clone();
    act(members, calling, "perform failed", move || native.perform())
}

/// As `perform`.
pub fn socket_action(members: &Rc<Members>, socket: c_int, how: c_int) -> Result<Progress> {
    let method = "socketAction";
    let calling = begin(members, method, From::Outside, refuse(method))?;
    let native = calling.native.clone();
    act(members, calling, "socketAction failed", move || {
        native.socket_action(socket, how)
    })
}

fn act(
    members: &Rc<Members>,
    calling: Calling,
    failed: &'static str,
    act: impl FnOnce() -> (CURLMcode, c_int) + 'static,
) -> Result<Progress> {
    members.set_off();
    let all = members.clone();
    run(
        members,
        calling,
        move || {
            let (code, running) = act();
            all.tell_deferred();
            isolate::keep_count(running);
            code
        },
        move |code| check(code, failed),
    )
}

/// Waits on this thread: how many sockets are ready. Nothing is asked in it.
pub fn select(members: &Members, most: Duration) -> Result<i32> {
    let calling = begin(members, "select", From::Notification, refuse("select"))?;
    if calling.native.unfinished() == 0 {
        return Ok(0);
    }
    // Rounded up: too early would mean to wait again.
    let milliseconds = most.as_nanos().div_ceil(1_000_000);
    let milliseconds = c_int::try_from(milliseconds).unwrap_or(c_int::MAX);
    let (code, ready) = calling.native.poll(milliseconds);
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
    let calling = begin(members, "setopt", From::Notification, refuse("setopt"))?;
    let native = calling.native.clone();
    let all = members.clone();
    run(
        members,
        calling,
        move || {
            let code = match option {
                30_000.. => native.set_off_t(option, value),
                _ => native.set_long(option, value as c_long),
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
    let closing = begin(members, "close", From::Outside, refuse("close"))?.into_closing();
    let handles: Vec<_> = {
        let transfers = members.transfers.borrow();
        let handles = transfers.values().map(|transfer| transfer.handle().clone());
        handles.collect()
    };
    let native = members.multi.claim.lock().native.take();
    let ids: Vec<u64> = members.transfers.borrow().keys().copied().collect();
    let (all, closed) = (members.clone(), members.clone());
    let call = Suspendable::new(members.desks(), move || {
        if let Some(native) = native {
            for handle in handles {
                let code = native.remove(&handle);
                debug_assert!(is_removed(code));
            }
            drop(native);
        }
        all.tell_deferred();
        CURLM_OK as u32
    });
    let conclude = move |_: u32| {
        for id in ids {
            closed.let_go(id);
        }
        drop(closing);
        Ok(())
    };
    match call {
        Some(call) => {
            let id = members.multi.id();
            Ok(Operation::many(id, call, Box::new(conclude)).advance_first())
        }
        // Without a stack there was no call: the handle was freed with it.
        None => Ok(Progress::Done(conclude(0))),
    }
}

fn refuse(method: &str) -> impl FnOnce(Refused) -> Error {
    move |refused| Error::multi_refused(method, refused)
}

fn begin(
    members: &Members,
    method: &str,
    from: From,
    refuse: impl FnOnce(Refused) -> Error,
) -> Result<Calling> {
    let calling = members.multi.begin(method, from, refuse)?;
    if calling.outermost {
        members.renew_own_desk();
    }
    Ok(calling)
}

fn run(
    members: &Rc<Members>,
    calling: Calling,
    act: impl FnOnce() -> CURLMcode + 'static,
    conclude: impl FnOnce(CURLMcode) -> Result<()> + 'static,
) -> Result<Progress> {
    let call = Suspendable::new(members.desks(), move || act() as u32)
        .ok_or_else(|| Error::easy(CURLE_OUT_OF_MEMORY, ""))?;
    let conclude = move |code: u32| {
        let outcome = conclude(code as CURLMcode);
        drop(calling);
        outcome
    };
    let id = members.multi.id();
    Ok(Operation::many(id, call, Box::new(conclude)).advance_first())
}
