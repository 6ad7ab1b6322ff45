//! Who is let into a handle, and when: one call at a time, and whoever has its
//! share's turn where that matters.

use super::{Core, Easy, Place};
use crate::claim::{Held, State};
use crate::error::{Error, Result};
use crate::isolate;
use crate::share::turn::Turn;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// Exclusive use of a handle, and of its share's data where its transfer runs
/// on the share's engine.
pub struct Entered<'a> {
    held: Held<'a, Core>,
    /// Given back last.
    _turn: Option<Turn>,
}

impl Entered<'_> {
    pub fn state(&self) -> State {
        self.held.state()
    }
}

impl Deref for Entered<'_> {
    type Target = Core;
    fn deref(&self) -> &Core {
        &self.held
    }
}

impl DerefMut for Entered<'_> {
    fn deref_mut(&mut self) -> &mut Core {
        &mut self.held
    }
}

impl Easy {
    /// For calls that libcurl allows inside the handle's own callbacks.
    pub fn enter(&self, method: &str) -> Result<Entered<'_>> {
        let held = self.claim(method)?;
        if held.state() == State::Idle {
            return Ok(Entered { held, _turn: None });
        }
        // An asynchronous transfer is this isolate's outside callbacks, too.
        if !isolate::may_touch(self.id) {
            return Err(Error::running(method));
        }
        if !held.takes_turns() {
            return Ok(Entered { held, _turn: None });
        }
        // The share's engine may be at it. Its turn comes before the claim, as always.
        let share = held.share.clone();
        drop(held);
        let turn = share.and_then(|share| share.quiet(isolate::id()));
        Ok(Entered {
            held: self.claim(method)?,
            _turn: turn,
        })
    }

    fn claim(&self, method: &str) -> Result<Held<'_, Core>> {
        self.claim
            .enter(isolate::id())
            .map_err(|refusal| Error::refused(method, refusal))
    }

    /// For pause and unpause, which may come from anywhere in the isolate.
    pub fn enter_to_pause(&self, method: &str) -> Result<Held<'_, Core>> {
        let me = isolate::id();
        let held = self
            .claim
            .enter(me)
            .map_err(|refusal| Error::refused_outside(method, refusal, me))?;
        match held.multi != 0 && !isolate::may_touch(self.id) {
            true => Err(Error::running(method)),
            false => Ok(held),
        }
    }

    /// Whatever its state is: for whoever runs its transfer.
    pub fn held(&self) -> Held<'_, Core> {
        self.claim.lock()
    }

    pub fn enter_idle(&self, method: &str) -> Result<Held<'_, Core>> {
        self.claim
            .enter_idle()
            .map_err(|refusal| match self.place() {
                Place::Multi(multi) => busy_in(multi, method),
                _ => Error::refused(method, refusal),
            })
    }

    /// For a multi handle, which has this number.
    pub fn enter_to_join(&self, multi: u64) -> Result<Held<'_, Core>> {
        self.claim.enter_idle().map_err(|_| match self.place() {
            Place::Closed => Error::adding_closed(),
            Place::Multi(other) if other == multi => Error::on_multi(),
            Place::Multi(_) => Error::adding_from_another(),
            Place::Running | Place::Idle => Error::adding_performing(),
        })
    }

    /// As `enter`, with nobody else inside the share's data meanwhile.
    pub fn enter_quietly<R>(
        &self,
        method: &str,
        act: impl FnOnce(&mut Core) -> Result<R>,
    ) -> Result<R> {
        let (_turn, mut held) = self.enter_in_turn(|| self.enter(method), |_| true)?;
        act(&mut held)
    }

    /// For calls on a connection that the program keeps, which may be in a
    /// share's pool. None of them may meet a transfer.
    pub fn enter_connection<R>(
        &self,
        method: &str,
        act: impl FnOnce(&mut Core) -> Result<R>,
    ) -> Result<R> {
        let keeps = |core: &Core| core.connect_only;
        let (_turn, mut held) = self.enter_in_turn(|| self.enter_idle(method), keeps)?;
        act(&mut held)
    }

    /// The turn of the share it is attached to, if `wanted`, and the claim. The
    /// turn is taken first, since whoever has it may want the claim; the handle
    /// may have moved to another share meanwhile.
    pub(super) fn enter_in_turn<H: Deref<Target = Core>>(
        &self,
        enter: impl Fn() -> Result<H>,
        wanted: impl Fn(&Core) -> bool,
    ) -> Result<(Option<Turn>, H)> {
        let of = |core: &Core| core.share.clone().filter(|_| wanted(core));
        loop {
            let share = of(&*enter()?);
            let turn = share.as_ref().and_then(|share| share.quiet(isolate::id()));
            let held = enter()?;
            let same = match (&of(&held), &share) {
                (Some(now), Some(then)) => Arc::ptr_eq(now, then),
                (None, None) => true,
                _ => false,
            };
            if same {
                return Ok((turn, held));
            }
        }
    }
}

/// A handle in a multi handle is busy even between the calls on that one.
fn busy_in(multi: u64, method: &str) -> Error {
    match isolate::asked_by(multi) {
        Some(_) => Error::running(method),
        None => Error::in_multi(method),
    }
}
