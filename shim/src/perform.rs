//! A call of libcurl that may ask JavaScript in between: perform, pause, upkeep,
//! and the end of a handle.

use crate::claim::Held;
use crate::easy::{Core, Easy, Remains};
use crate::engine::here::Here;
use crate::engine::mailbox::{Asked, Letter};
use crate::error::{Error, Result};
use crate::isolate;
use crate::mime::{self, Change, Pending};
use crate::multi::turns::{Holding, Taking};
use crate::share::Share;
use crate::share::turn::{self, Relying, Turn};
use crate::sys::bindings::*;
use crate::sys::coroutine::{Desks, Step, Suspendable};
use crate::sys::desk::{Desk, Output, Query, Reply, Scripts};
use crate::sys::easy::OwnedEasy;
use crate::sys::trampolines::Slot;
use crate::transfer::{Runner, Transfer, Wish, outcome};
use std::rc::Rc;
use std::sync::Arc;

pub struct Operation {
    /// That of the handle, or of the multi handle.
    id: u64,
    way: Way,
    /// It has not begun: a multi handle's waits for turns.
    taking: Option<Box<Taking>>,
    end: End,
    /// Given back last.
    _turn: Option<Turn>,
}

enum Way {
    Here {
        desk: Rc<Desk>,
        call: Suspendable,
    },
    /// A multi handle's.
    Many(Suspendable),
    /// On the engine of a share.
    There {
        here: Rc<Here>,
        share: u64,
        /// Of its first wait.
        relying: Option<Relying>,
        asked: Option<Asked>,
        /// They belong to the next answer.
        bytes: Vec<u8>,
    },
}

/// What is left to do when libcurl's call has returned.
enum End {
    Transfer {
        transfer: Transfer,
        collects: bool,
    },
    Pause {
        easy: Arc<Easy>,
        handle: Arc<OwnedEasy>,
        /// The transfer it is part of ends on its own.
        inside: bool,
        /// The number of the multi handle that it is in, or 0.
        multi: u64,
        _holding: Option<Holding>,
    },
    Upkeep(Upkeep),
    /// Of a multi handle's call.
    Many(Conclude),
    Mime {
        easy: Arc<Easy>,
        change: Change,
    },
    /// Nothing.
    Concluded,
}

/// Its handle is `Running` until this is dropped.
struct Upkeep {
    easy: Arc<Easy>,
    handle: Arc<OwnedEasy>,
    share: Option<Arc<Share>>,
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        self.easy.finish();
        if let Some(share) = &self.share {
            share.tell_idle();
        }
    }
}
/// Gets what libcurl's call has returned.
pub type Conclude = Box<dyn FnOnce(u32) -> Result<()>>;

/// Where an operation stands.
#[expect(
    clippy::large_enum_variant,
    reason = "it is moved a few times in each call; a box would be made in each"
)]
pub enum Progress {
    Asks(Operation),
    Done(Result<()>),
}

pub fn perform(easy: &Arc<Easy>, collects: bool) -> Result<Progress> {
    let wish = match collects {
        true => Wish::Collect,
        false => Wish::Write,
    };
    let (transfer, scripts) = Transfer::begin(easy, wish, Runner::Call)?;
    if transfer.engine_share().is_some() {
        return perform_there(transfer, scripts);
    }
    let turn = take_turn(transfer.share(), "perform")?;
    let handle = transfer.handle().clone();
    let desk = Desk::of_transfer(&handle, easy.id(), scripts);
    let desk = Rc::new(desk.with_sources(transfer.sources()));
    let Some(call) = Suspendable::new(Desks::One(desk.clone()), move || handle.perform()) else {
        return Err(Error::easy(CURLE_OUT_OF_MEMORY, ""));
    };
    let operation = Operation {
        id: easy.id(),
        way: Way::Here { desk, call },
        taking: None,
        end: End::Transfer { transfer, collects },
        _turn: turn,
    };
    Ok(operation.advance(Reply::Default))
}

/// On the engine of its share.
fn perform_there(transfer: Transfer, scripts: Scripts) -> Result<Progress> {
    let here = isolate::here()?;
    let share = transfer.engine_share().map_or(0, |share| share.id());
    let relying = turn::rely(share, isolate::id()).map_err(|_| Error::own_turn("perform"))?;
    let id = transfer.id();
    here.remotes.start(transfer, scripts)?;
    let operation = Operation {
        id,
        way: Way::There {
            here,
            share,
            relying: Some(relying),
            asked: None,
            bytes: Vec::new(),
        },
        taking: None,
        end: End::Concluded,
        _turn: None,
    };
    Ok(operation.advance(Reply::Default))
}

fn take_turn(share: Option<&Arc<Share>>, method: &str) -> Result<Option<Turn>> {
    match share {
        Some(share) if share.has_engine() => turn::take(share.id(), isolate::id())
            .map(Some)
            .map_err(|_| Error::own_turn(method)),
        _ => Ok(None),
    }
}

/// libcurl may hand over data that it has kept back, so this asks, too.
pub fn pause(easy: &Arc<Easy>, method: &'static str, mask: i32) -> Result<Progress> {
    let me = isolate::id();
    if isolate::here_if_any().is_some_and(|here| here.pause(easy.id(), mask)) {
        return Ok(Progress::Done(Ok(())));
    }
    let mut held = easy.enter_to_pause(method)?;
    let handle = held.handle()?.clone();
    let inside = held.state() != crate::claim::State::Idle;
    // What the transfer has kept back goes where the rest of it goes.
    let desk = isolate::desk(easy.id()).unwrap_or_else(|| {
        let output = match held.answered(Slot::WRITE) {
            true => Output::Script,
            false => Output::Stdout,
        };
        let scripts = Scripts {
            output,
            answered: held.answered_by(me),
            watched: false,
        };
        Rc::new(Desk::new(easy.id(), scripts))
    });
    let (native, paused) = (handle.clone(), desk.clone());
    // The functions of its multi handle may have to be asked, too.
    let members = isolate::members_of(easy.id());
    let (multi, desks) = match &members {
        Some(members) => (members.multi().id(), members.desks()),
        None => (0, Desks::One(desk.clone())),
    };
    let (taking, holding) = match &members {
        Some(members) => members.take_turns(method, isolate::asked_by(multi).is_none()),
        None => (None, None),
    };
    let act = move || {
        paused.flow.paused.set(mask);
        native.pause(mask)
    };
    let call = Suspendable::new(desks, act).ok_or_else(|| Error::easy(CURLE_OUT_OF_MEMORY, ""))?;
    if !inside {
        held.run(me);
    }
    drop(held);
    let operation = Operation {
        id: easy.id(),
        way: Way::Here { desk, call },
        taking,
        end: End::Pause {
            easy: easy.clone(),
            handle,
            inside,
            multi,
            _holding: holding,
        },
        _turn: None,
    };
    Ok(operation.advance(Reply::Default))
}

/// Of the handle's connections, and of those that its asynchronous transfers
/// have left to an engine. Closes the dead ones, which is told to JavaScript.
pub fn upkeep(easy: &Arc<Easy>) -> Result<Progress> {
    let me = isolate::id();
    let mut held = easy.enter_idle("upkeep")?;
    let handle = held.handle()?.clone();
    let scripts = Scripts {
        output: Output::Stdout,
        answered: held.answered_by(me),
        watched: false,
    };
    let interval = held.upkeep_interval;
    held.run(me);
    let upkeep = Upkeep {
        easy: easy.clone(),
        handle: handle.clone(),
        share: held.share.clone(),
    };
    drop(held);
    let turn = take_turn(upkeep.share.as_ref(), "upkeep")?;
    handle.clear_error();
    let engine = match &upkeep.share {
        Some(share) if share.has_engine() => {
            share.keep_up(interval);
            None
        }
        _ => isolate::here_if_any().and_then(|here| here.engine()),
    };
    let desk = Rc::new(Desk::new(easy.id(), scripts));
    let call = Suspendable::new(Desks::One(desk.clone()), move || match handle.upkeep() {
        CURLE_OK => engine.map_or(CURLE_OK, |engine| engine.keep_up(interval)),
        code => code,
    })
    .ok_or_else(|| Error::easy(CURLE_OUT_OF_MEMORY, ""))?;
    let operation = Operation {
        id: easy.id(),
        way: Way::Here { desk, call },
        taking: None,
        end: End::Upkeep(upkeep),
        _turn: turn,
    };
    Ok(operation.advance(Reply::Default))
}

/// What has libcurl rewind a mime, and so asks for what JavaScript gives of it.
pub fn change_mime(
    easy: &Arc<Easy>,
    mut held: Held<'_, Core>,
    pending: Pending,
) -> Result<Progress> {
    let Pending {
        change,
        sources,
        act,
    } = pending;
    if sources.is_empty() {
        return Ok(Progress::Done(held.mimes().settle(change, act())));
    }
    let scripts = Scripts {
        output: Output::Stdout,
        answered: mime::SLOTS,
        watched: false,
    };
    let desk = Rc::new(Desk::new(easy.id(), scripts).with_sources(sources));
    let Some(call) = Suspendable::new(Desks::One(desk.clone()), act) else {
        held.mimes().settle(change, CURLE_OUT_OF_MEMORY)?;
        return Err(Error::easy(CURLE_OUT_OF_MEMORY, ""));
    };
    held.run(isolate::id());
    drop(held);
    let operation = Operation {
        id: easy.id(),
        way: Way::Here { desk, call },
        taking: None,
        end: End::Mime {
            easy: easy.clone(),
            change,
        },
        _turn: None,
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
    let scripts = Scripts {
        output: Output::Script,
        answered: remains.answered(),
        watched: false,
    };
    let id = remains.id();
    let desk = Rc::new(Desk::new(id, scripts));
    let call = Suspendable::new(Desks::One(desk.clone()), move || {
        remains.free();
        CURLE_OK
    });
    match call {
        Some(call) => Operation {
            id,
            way: Way::Here { desk, call },
            taking: None,
            end: End::Concluded,
            _turn: None,
        }
        .advance(Reply::Default),
        // Without a stack there was no call: the handle was freed with it.
        None => Progress::Done(Ok(())),
    }
}

impl Operation {
    /// A call on a multi handle that has not begun.
    pub fn many(
        multi: u64,
        taking: Option<Box<Taking>>,
        call: Suspendable,
        conclude: Conclude,
    ) -> Self {
        Self {
            id: multi,
            way: Way::Many(call),
            taking,
            end: End::Many(conclude),
            _turn: None,
        }
    }

    pub fn id(&self) -> u64 {
        self.id
    }

    /// The number of the multi handle that is at work, or 0.
    pub fn multi(&self) -> u64 {
        match (&self.way, &self.end) {
            (Way::Many(_), _) => self.id,
            (_, End::Pause { multi, .. }) => *multi,
            _ => 0,
        }
    }

    /// What it has on hand, if it runs on this thread.
    pub fn desk(&self) -> Option<&Rc<Desk>> {
        match &self.way {
            Way::Here { desk, .. } => Some(desk),
            Way::Many(_) | Way::There { .. } => None,
        }
    }

    /// The question that it waits with.
    pub fn question(&self) -> Option<Query<'_>> {
        if let Some(taking) = &self.taking {
            return taking.question();
        }
        match &self.way {
            Way::Here { call, .. } | Way::Many(call) => call.question(),
            Way::There { asked, .. } => asked.as_ref().map(Asked::query),
        }
    }

    /// A transfer, whose call asks nothing about any other.
    pub fn performs_alone(&self) -> bool {
        match &self.way {
            Way::There { here, .. } => here.remotes.count() == 1,
            Way::Here { .. } => matches!(self.end, End::Transfer { .. }),
            Way::Many(_) => false,
        }
    }

    pub fn asks_about(&self, id: u64) -> bool {
        self.question().is_some_and(|query| query.id == id)
    }

    pub fn answer_bytes(&mut self, given: &[u8]) -> bool {
        if let Some(taking) = &mut self.taking {
            taking.answer_bytes(given);
            return true;
        }
        match &mut self.way {
            Way::Here { call, .. } | Way::Many(call) => call.answer_bytes(given),
            Way::There { bytes, .. } => {
                bytes.extend_from_slice(given);
                true
            }
        }
    }

    /// Begins.
    pub fn advance_first(self) -> Progress {
        self.advance(Reply::Default)
    }

    pub fn advance(mut self, mut reply: Reply) -> Progress {
        if let Some(here) = isolate::here_if_any() {
            // It may take long, and need what was started meanwhile.
            here.remotes.tell();
        }
        if let Some(taking) = &mut self.taking {
            match taking.go_on(reply) {
                Ok(true) => self.taking = None,
                Ok(false) => return Progress::Asks(self),
                Err(error) => return Progress::Done(Err(error)),
            }
            reply = Reply::Default;
        }
        match &mut self.way {
            Way::Here { call, .. } | Way::Many(call) => match call.resume(reply) {
                Step::Asks => Progress::Asks(self),
                Step::Done(code) => Progress::Done(self.finish(code)),
            },
            Way::There {
                here,
                share,
                relying,
                asked,
                bytes,
            } => {
                if let Some(asked) = asked.take() {
                    here.remotes.reply(asked, reply, std::mem::take(bytes));
                }
                let first = relying.take();
                let _relying = first.unwrap_or_else(|| turn::rely_again(*share, isolate::id()));
                match here.remotes.wait_for(self.id) {
                    Some(Letter::Asked(question)) => {
                        *asked = Some(question);
                        Progress::Asks(self)
                    }
                    Some(Letter::Over(over)) => {
                        let finished = over.conclude();
                        isolate::keep_body(finished.body.unwrap_or_default());
                        Progress::Done(finished.result)
                    }
                    Some(Letter::News(_) | Letter::Closable(_)) | None => {
                        Progress::Done(Err(Error::panic("its end was told elsewhere")))
                    }
                }
            }
        }
    }

    /// Nobody answers any more: to the end, at once.
    pub fn abort(mut self) {
        if let Some(taking) = &mut self.taking {
            taking.answer(Reply::Abort);
            return;
        }
        match &mut self.way {
            Way::Here { call, .. } | Way::Many(call) => {
                let code = call.abort();
                // The outcome is nobody's business, the state is.
                let _ = self.conclude(code);
            }
            Way::There { here, asked, .. } => {
                here.remotes.cancel(self.id, CURLE_ABORTED_BY_CALLBACK);
                here.remotes.abort_until_end(self.id, asked.take());
            }
        }
    }

    fn finish(self, code: u32) -> Result<()> {
        if let End::Transfer { collects: true, .. } = self.end
            && let Some(desk) = self.desk()
            && let Output::Collect(body) = desk.output.replace(Output::Stdout)
        {
            isolate::keep_body(body);
        }
        self.conclude(code)
    }

    fn conclude(self, code: u32) -> Result<()> {
        match self.end {
            End::Transfer { transfer, .. } => transfer.conclude(code),
            End::Pause {
                easy,
                handle,
                inside,
                ..
            } => {
                let outcome = match code {
                    // libcurl tells nothing then: what stands there is older.
                    CURLE_BAD_FUNCTION_ARGUMENT => {
                        Err(Error::easy(code, "nothing is there to pause"))
                    }
                    code => outcome(&handle, code),
                };
                if !inside {
                    easy.finish();
                }
                outcome
            }
            End::Upkeep(upkeep) => outcome(&upkeep.handle, code),
            End::Many(conclude) => conclude(code),
            End::Mime { easy, change } => {
                let outcome = easy.held().mimes().settle(change, code);
                easy.finish();
                if let Some(share) = easy.share() {
                    share.tell_idle();
                }
                outcome
            }
            End::Concluded => Ok(()),
        }
    }
}
