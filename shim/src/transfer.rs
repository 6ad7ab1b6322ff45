//! How a transfer begins and ends, whoever runs it.

use crate::claim::{Held, IsolateId};
use crate::easy::{Core, Easy, Owned};
use crate::error::{Error, Result};
use crate::isolate;
use crate::kinds::{SLOT_OPTIONS, option_name};
use crate::mime::{InUse, Mimes};
use crate::share::Share;
use crate::sys::bindings::*;
use crate::sys::desk::{Output, Scripts};
use crate::sys::easy::OwnedEasy;
use crate::sys::getinfo;
use crate::sys::stream::Stream;
use crate::sys::trampolines::Slot;
use crate::websocket::Socket;
use std::sync::Arc;
use std::time::Duration;

/// What the caller wants done with the body.
pub enum Wish {
    /// What WRITEFUNCTION does with it, or to standard output.
    Write,
    Collect,
    Stream(Arc<Stream>),
    Socket(Arc<Socket>),
}

/// Who runs a transfer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Runner {
    /// A call that does nothing else.
    Call,
    /// This isolate's engine.
    Engine,
    /// The program's own multi handle of this number.
    Multi(u64),
}

/// Its handle is `Running` until `conclude`, or until this is dropped.
pub struct Transfer {
    easy: Arc<Easy>,
    handle: Arc<OwnedEasy>,
    share: Option<Arc<Share>>,
    connect_only: bool,
    alone: Option<Alone>,
    /// On its share's engine.
    elsewhere: bool,
    /// Callbacks that are installed for this transfer only.
    borrowed: Borrowed,
}

/// Why a transfer can't be one of many on a multi handle.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Alone {
    /// libcurl can't pause a file.
    File,
    /// libcurl waits for its sockets in the middle of its work.
    Telnet,
}

impl Alone {
    pub fn by_scheme(scheme: &[u8]) -> Option<Self> {
        if scheme.eq_ignore_ascii_case(b"file") {
            Some(Self::File)
        } else if scheme.eq_ignore_ascii_case(b"telnet") {
            Some(Self::Telnet)
        } else {
            None
        }
    }
}

/// What decides whose cache of names a transfer uses: its share's, that of an
/// isolate's engine or a multi handle, or the one that the handle has for itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NameCache {
    share: Option<u64>,
    engine: Option<IsolateId>,
    multi: Option<u64>,
}

#[derive(Clone, Copy)]
struct Borrowed {
    /// XFERINFOFUNCTION, to end it after a callback whose answer libcurl
    /// ignores.
    progress: bool,
    /// HEADERFUNCTION, to see when the headers are in.
    header: bool,
    /// PIPEWAIT: many transfers on a share's engine are to use few connections.
    pipewait: bool,
}

impl Transfer {
    /// Takes the handle's claim.
    pub fn begin(easy: &Arc<Easy>, wish: Wish, runner: Runner) -> Result<(Self, Scripts)> {
        let held = easy.enter_idle("perform")?;
        Self::begin_held(easy, held, "perform", wish, runner)
    }

    /// The same for `method`, with the idle handle in hand.
    pub fn begin_held(
        easy: &Arc<Easy>,
        mut held: Held<'_, Core>,
        method: &str,
        wish: Wish,
        runner: Runner,
    ) -> Result<(Self, Scripts)> {
        let me = isolate::id();
        if let Some(slot) = held.foreign_answer(me) {
            let option = option_name(SLOT_OPTIONS[slot.index()]).unwrap_or_default();
            return Err(Error::foreign_callback(method, option));
        }
        let sources = held.known_mimes().map(Mimes::sources);
        let sources = InUse::take(&sources.unwrap_or_default(), me)?;
        if let Some(share) = &held.share {
            share.check_open()?;
        }
        held.read_url()?;
        let handle = held.handle()?.clone();
        let streams = matches!(wish, Wish::Stream(_) | Wish::Socket(_));
        let output = match wish {
            Wish::Stream(stream) => Output::Stream(stream),
            Wish::Socket(socket) => Output::Socket(socket),
            Wish::Collect => Output::Collect(Vec::new()),
            Wish::Write if held.answered(Slot::WRITE) => Output::Script,
            Wish::Write => Output::Stdout,
        };
        let asked = held.answered(Slot::XFERINFO);
        let unheard = held.answered(Slot::DEBUG) || held.answered(Slot::CLOSESOCKET);
        let heard = !held.noprogress && (asked || held.answered(Slot::PROGRESS));
        let shares = held.share.as_ref();
        let has_engine = shares.is_some_and(|share| share.has_engine());
        let elsewhere = has_engine && !held.connect_only && !matches!(runner, Runner::Multi(_));
        // Nobody but libcurl can end it.
        let watch = runner != Runner::Engine && !elsewhere;
        let borrowed = Borrowed {
            progress: watch && unheard && !heard,
            header: streams && !held.answered(Slot::HEADER),
            pipewait: elsewhere && !held.pipewait,
        };
        let scripts = Scripts {
            output,
            answered: held.answered_by(me) | sources.slots(),
            watched: borrowed.progress,
        };
        let cache = NameCache {
            share: held.share.as_ref().map(|share| share.id()),
            engine: (runner == Runner::Engine && held.alone.is_none()).then_some(me),
            multi: match runner {
                Runner::Multi(multi) => Some(multi),
                Runner::Call | Runner::Engine => None,
            },
        };
        resolve_in(&mut held, &handle, cache)?;
        borrowed.install(&handle, easy.id())?;
        handle.clear_error();
        held.watched = borrowed.progress;
        held.elsewhere = elsewhere;
        if !sources.is_empty() {
            held.mimes().in_use = sources;
        }
        held.run(me);
        let transfer = Self {
            easy: easy.clone(),
            handle,
            share: held.share.clone(),
            connect_only: held.connect_only,
            alone: held.alone,
            elsewhere,
            borrowed,
        };
        Ok((transfer, scripts))
    }

    pub fn id(&self) -> u64 {
        self.easy.id()
    }

    pub fn handle(&self) -> &Arc<OwnedEasy> {
        &self.handle
    }

    /// The parts of its mime whose content JavaScript gives.
    pub fn sources(&self) -> Vec<u64> {
        let held = self.easy.held();
        let in_use = held.known_mimes().map(|mimes| mimes.in_use.sources());
        in_use.unwrap_or_default()
    }

    pub fn share(&self) -> Option<&Arc<Share>> {
        self.share.as_ref()
    }

    /// How long it may take in all.
    pub fn timeout(&self) -> Option<Duration> {
        let milliseconds = u64::try_from(self.easy.held().timeout).ok()?;
        (milliseconds > 0).then(|| Duration::from_millis(milliseconds))
    }

    /// The callback that is told of its progress.
    pub fn progress(&self) -> Option<Slot> {
        self.easy.held().progress()
    }

    /// The share whose turn each call takes that may go on with it: one with an
    /// engine, on which it does not run.
    pub fn turns(&self) -> Option<u64> {
        let share = self.share.as_ref().filter(|_| !self.elsewhere)?;
        share.has_engine().then(|| share.id())
    }

    /// Its connection is for the program itself, and stays with the handle.
    pub fn keeps_connection(&self) -> bool {
        self.connect_only
    }

    /// It has to have a stack for itself on an engine.
    pub fn alone(&self) -> Option<Alone> {
        self.alone
    }

    /// That of cookies, connections or HSTS, whose transfers run on its engine.
    pub fn engine_share(&self) -> Option<&Arc<Share>> {
        self.share.as_ref().filter(|_| self.elsewhere)
    }

    /// It is one of a multi handle's until it is dropped.
    pub fn join(&self, multi: u64) {
        self.easy.join(multi);
    }

    /// The handle is idle from here on.
    pub fn conclude(self, code: CURLcode) -> Result<()> {
        self.tell(code)
    }

    /// What the result means, of which the share hears.
    pub fn tell(&self, code: CURLcode) -> Result<()> {
        let outcome = outcome(&self.handle, code);
        if let Some(share) = &self.share
            && let Ok(connections) = getinfo::long(&self.handle, CURLINFO_NUM_CONNECTS)
        {
            share.count_transfer(connections);
        }
        outcome
    }

    fn give_back(&self) {
        let id = self.easy.id();
        let mut held = self.easy.held();
        if self.borrowed.progress {
            held.watched = false;
            let set = held.answered(Slot::XFERINFO).then_some(id);
            let codes = [
                self.handle.set_callback(Slot::XFERINFO, set),
                self.handle
                    .set_long(CURLOPT_NOPROGRESS, held.noprogress.into()),
            ];
            debug_assert!(codes.iter().all(|code| *code == CURLE_OK));
        }
        if self.borrowed.header {
            let set = held.answered(Slot::HEADER).then_some(id);
            let code = self.handle.set_callback(Slot::HEADER, set);
            debug_assert_eq!(code, CURLE_OK);
        }
        if self.borrowed.pipewait && !held.pipewait {
            let code = self.handle.set_long(CURLOPT_PIPEWAIT, 0);
            debug_assert_eq!(code, CURLE_OK);
        }
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        self.give_back();
        self.easy.finish();
        if let Some(share) = &self.share {
            share.tell_idle();
        }
    }
}

/// One that libcurl has done with.
pub struct Over {
    pub transfer: Transfer,
    pub code: CURLcode,
    /// What it has collected.
    pub body: Option<Vec<u8>>,
    /// Why it could not go on, other than by libcurl's word.
    pub failure: Option<Error>,
}

/// One whose handle is idle.
pub struct Finished {
    pub id: u64,
    pub result: Result<()>,
    pub body: Option<Vec<u8>>,
}

impl Over {
    pub fn conclude(self) -> Finished {
        let Self {
            transfer,
            code,
            body,
            failure,
        } = self;
        Finished {
            id: transfer.id(),
            result: match (transfer.conclude(code), failure) {
                (_, Some(failure)) => Err(failure),
                (result, None) => result,
            },
            body,
        }
    }
}

/// libcurl puts RESOLVE's entries into the cache of the next transfer only, and
/// is told them again for one with another cache.
fn resolve_in(held: &mut Core, handle: &OwnedEasy, cache: NameCache) -> Result<()> {
    let Some(kept) = held.owned.get(&CURLOPT_RESOLVE).cloned() else {
        return Ok(());
    };
    if held.resolves_in(cache)
        && let Owned::List(list) = &*kept.owned
    {
        outcome(handle, handle.set_list(CURLOPT_RESOLVE, Some(list)))?;
    }
    Ok(())
}

impl Borrowed {
    fn install(self, handle: &OwnedEasy, id: u64) -> Result<()> {
        let mut codes = Vec::new();
        if self.progress {
            codes.push(handle.set_callback(Slot::XFERINFO, Some(id)));
            codes.push(handle.set_long(CURLOPT_NOPROGRESS, 0));
        }
        if self.header {
            codes.push(handle.set_callback(Slot::HEADER, Some(id)));
        }
        if self.pipewait {
            codes.push(handle.set_long(CURLOPT_PIPEWAIT, 1));
        }
        match codes.into_iter().find(|code| *code != CURLE_OK) {
            Some(code) => Err(Error::easy(code, "")),
            None => Ok(()),
        }
    }
}

/// libcurl's result, with its own words for what went wrong.
pub fn outcome(handle: &OwnedEasy, code: CURLcode) -> Result<()> {
    match code {
        CURLE_OK => Ok(()),
        code => Err(Error::easy(code, &handle.error_text())),
    }
}
