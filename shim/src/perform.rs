//! A call of libcurl that may ask JavaScript in between: perform, pause, and
//! the end of a handle.

use crate::easy::{Easy, Remains};
use crate::error::{Error, Result};
use crate::isolate;
use crate::kinds::{SLOT_OPTIONS, option_name};
use crate::share::Share;
use crate::share::turn::{self, Turn};
use crate::sys::bindings::*;
use crate::sys::coroutine::{Output, Reply, Scripts, Step, Suspendable};
use crate::sys::getinfo;
use crate::sys::trampolines::Slot;
use std::sync::Arc;

pub struct Operation {
    id: u64,
    call: Suspendable,
    end: End,
    /// Given back last.
    turn: Option<Turn>,
}

/// What is left to do when libcurl's call has returned.
enum End {
    Transfer {
        easy: Arc<Easy>,
        /// Installed for this transfer only, to end it after a callback whose
        /// answer libcurl ignores.
        watched: bool,
        collects: bool,
    },
    Pause {
        easy: Arc<Easy>,
        /// The transfer it is part of ends on its own.
        inside: bool,
    },
    Freed,
}

/// Where an operation stands.
pub enum Progress {
    Asks(Operation),
    Done(Result<()>),
}

pub fn perform(easy: &Arc<Easy>, collects: bool) -> Result<Progress> {
    let me = isolate::id();
    let mut held = easy.enter_idle("perform")?;
    if let Some(slot) = held.foreign_answer(me) {
        let option = option_name(SLOT_OPTIONS[slot.index()]).unwrap_or_default();
        return Err(Error::foreign_callback("perform", option));
    }
    let handle = held.handle()?.clone();
    let output = if collects {
        Output::Collect(Vec::new())
    } else if held.answered(Slot::WRITE) {
        Output::Script
    } else {
        Output::Stdout
    };
    let asked = held.answered(Slot::XFERINFO);
    let unheard = held.answered(Slot::DEBUG) || held.answered(Slot::CLOSESOCKET);
    let heard = !held.noprogress && (asked || held.answered(Slot::PROGRESS));
    let watched = unheard && !heard;
    let scripts = Scripts {
        output,
        answered: held.answered_by(me),
        watched,
    };
    let native = handle.clone();
    let Some(call) = Suspendable::new(easy.id(), scripts, move || native.perform()) else {
        return Err(Error::easy(CURLE_OUT_OF_MEMORY, ""));
    };
    if watched {
        let codes = [
            handle.set_callback(Slot::XFERINFO, Some(easy.id())),
            handle.set_long(CURLOPT_NOPROGRESS, 0),
        ];
        if let Some(code) = codes.into_iter().find(|code| *code != CURLE_OK) {
            return Err(Error::easy(code, ""));
        }
    }
    handle.clear_error();
    held.watched = watched;
    held.run(me);
    let share = held.share.clone();
    drop(held);
    let mut operation = Operation {
        id: easy.id(),
        call,
        end: End::Transfer {
            easy: easy.clone(),
            watched,
            collects,
        },
        turn: None,
    };
    match take_turn(share.as_deref()) {
        Ok(turn) => operation.turn = turn,
        Err(error) => {
            unwatch(easy, watched);
            easy.finish();
            return Err(error);
        }
    }
    Ok(operation.advance(Reply::Default))
}

fn take_turn(share: Option<&Share>) -> Result<Option<Turn>> {
    match share {
        Some(share) if share.one_at_a_time() => turn::take(share.id(), isolate::id())
            .map(Some)
            .map_err(|_| Error::own_turn("perform")),
        _ => Ok(None),
    }
}

/// libcurl may hand over data that it has kept back, so this asks, too.
pub fn pause(easy: &Arc<Easy>, method: &str, mask: i32) -> Result<Progress> {
    let me = isolate::id();
    let mut held = easy.enter_to_pause(method)?;
    let handle = held.handle()?.clone();
    let inside = held.state() != crate::claim::State::Idle;
    let scripts = Scripts {
        output: if held.answered(Slot::WRITE) {
            Output::Script
        } else {
            Output::Stdout
        },
        answered: held.answered_by(me),
        watched: false,
    };
    let call = Suspendable::new(easy.id(), scripts, move || handle.pause(mask))
        .ok_or_else(|| Error::easy(CURLE_OUT_OF_MEMORY, ""))?;
    // What the transfer has kept back goes where the rest of it goes.
    if let Some(output) = isolate::swap_output(easy.id(), Output::Stdout) {
        call.desk().output.replace(output);
    }
    if !inside {
        held.run(me);
    }
    drop(held);
    let operation = Operation {
        id: easy.id(),
        call,
        end: End::Pause {
            easy: easy.clone(),
            inside,
        },
        turn: None,
    };
    Ok(operation.advance(Reply::Default))
}

/// Ends a handle. Connections that close with it, and HSTS entries to be
/// saved, are told to JavaScript.
pub fn close(easy: &Arc<Easy>) -> Result<Progress> {
    let Some(remains) = easy.close()? else {
        return Ok(Progress::Done(Ok(())));
    };
    if !remains.asks() {
        remains.free();
        return Ok(Progress::Done(Ok(())));
    }
    Ok(free_and_ask(remains))
}

fn free_and_ask(remains: Remains) -> Progress {
    let id = remains.id();
    let scripts = Scripts {
        output: Output::Script,
        answered: remains.answered(),
        watched: false,
    };
    let call = Suspendable::new(id, scripts, move || {
        remains.free();
        CURLE_OK
    });
    match call {
        Some(call) => Operation {
            id,
            call,
            end: End::Freed,
            turn: None,
        }
        .advance(Reply::Default),
        // Without a stack there was no call: the handle was freed with it.
        None => Progress::Done(Ok(())),
    }
}

impl Operation {
    pub fn id(&self) -> u64 {
        self.id
    }

    pub fn call(&self) -> &Suspendable {
        &self.call
    }

    pub fn answer_bytes(&mut self, bytes: &[u8]) -> bool {
        self.call.answer_bytes(bytes)
    }

    pub fn callback_changed(&self, slot: Slot, set: bool) {
        let desk = self.call.desk();
        desk.set_answers(slot, set);
        if slot == Slot::WRITE {
            let mut output = desk.output.borrow_mut();
            if !matches!(*output, Output::Collect(_)) {
                *output = if set { Output::Script } else { Output::Stdout };
            }
        }
    }

    pub fn progress_changed(&self, noprogress: bool) {
        self.call.desk().watched.set(noprogress);
    }

    pub fn advance(mut self, reply: Reply) -> Progress {
        match self.call.resume(reply) {
            Step::Asks => Progress::Asks(self),
            Step::Done(code) => Progress::Done(self.finish(code)),
        }
    }

    /// Nobody answers any more: to the end, at once.
    pub fn abort(&mut self) {
        let code = self.call.abort();
        // The outcome is nobody's business, the state is.
        let _ = self.conclude(code);
    }

    fn finish(mut self, code: u32) -> Result<()> {
        if let End::Transfer { collects: true, .. } = self.end
            && let Output::Collect(body) = self.call.desk().output.replace(Output::Stdout)
        {
            isolate::keep_body(body);
        }
        self.conclude(code)
    }

    fn conclude(&mut self, code: u32) -> Result<()> {
        let result = match &self.end {
            End::Transfer { easy, watched, .. } => {
                unwatch(easy, *watched);
                let outcome = outcome(easy, code);
                count(easy);
                easy.finish();
                outcome
            }
            End::Pause { easy, inside } => {
                let outcome = outcome(easy, code);
                if *inside {
                    let output = self.call.desk().output.replace(Output::Stdout);
                    isolate::swap_output(self.id, output);
                } else {
                    easy.finish();
                }
                outcome
            }
            End::Freed => Ok(()),
        };
        self.turn = None;
        result
    }
}

fn outcome(easy: &Arc<Easy>, code: u32) -> Result<()> {
    if code == CURLE_OK {
        return Ok(());
    }
    let detail = easy
        .enter("perform")
        .and_then(|held| Ok(held.handle()?.error_text()))
        .unwrap_or_default();
    Err(Error::easy(code, &detail))
}

fn unwatch(easy: &Arc<Easy>, watched: bool) {
    if !watched {
        return;
    }
    if let Ok(mut held) = easy.enter("perform")
        && let Ok(handle) = held.handle().cloned()
    {
        held.watched = false;
        let set = held.answered(Slot::XFERINFO).then_some(easy.id());
        let codes = [
            handle.set_callback(Slot::XFERINFO, set),
            handle.set_long(CURLOPT_NOPROGRESS, held.noprogress.into()),
        ];
        debug_assert!(codes.iter().all(|code| *code == CURLE_OK));
    }
}

fn count(easy: &Arc<Easy>) {
    if let Ok(held) = easy.enter("perform")
        && let (Ok(handle), Some(share)) = (held.handle(), &held.share)
        && let Ok(connections) = getinfo::long(handle, CURLINFO_NUM_CONNECTS)
    {
        share.count_transfer(connections);
    }
}
