//! The end of a handle: what is left of it when nobody may use it any more.

use super::{Core, Easy, Kept, Rest};
use crate::claim::State;
use crate::error::{Error, Result};
use crate::isolate;
use crate::registry::EASIES;
use crate::share::Share;
use crate::sys::easy::OwnedEasy;
use crate::sys::trampolines::Slot;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A closed handle that libcurl has not freed yet.
pub struct Remains {
    id: u64,
    handle: Arc<OwnedEasy>,
    /// libcurl would not detach it: it holds a connection, which goes first.
    share: Option<Arc<Share>>,
    /// Let go of when no claim is held: the share may end with it.
    left: Option<Arc<Share>>,
    /// The callbacks that this isolate answers, a bit for each slot's index.
    answered: u32,
    owned: BTreeMap<u32, Kept>,
    rest: Option<Box<Rest>>,
}

impl Remains {
    /// Whether to free it where callbacks can be answered. Not while it is
    /// attached: whoever closes the share waits for it.
    pub fn asks(&self) -> bool {
        let last = Slot::CLOSESOCKET.bit() | Slot::HSTSWRITE.bit() | Slot::DEBUG.bit();
        self.answered & last != 0 && self.share.is_none()
    }

    pub fn answered(&self) -> u32 {
        self.answered
    }

    pub fn id(&self) -> u64 {
        self.id
    }

    pub fn free(self) {
        let Self {
            id,
            handle,
            share,
            left,
            owned,
            rest,
            ..
        } = self;
        let turn = share.as_ref().and_then(|share| share.quiet(isolate::id()));
        drop(handle);
        drop(owned);
        drop(rest);
        drop(turn);
        if let Some(share) = share {
            share.forget(id);
        }
        drop(left);
    }
}

impl Easy {
    /// `None`: it was closed before. Otherwise it is closed now, and what is
    /// left is to free libcurl's handle, outside every lock.
    pub fn close(&self) -> Result<Option<Remains>> {
        let mut held = self.claim.lock();
        match held.state() {
            State::Closed => return Ok(None),
            State::Running(_) => return Err(Error::running("close")),
            State::Idle => {}
        }
        let remains = held.dismantle(self.id);
        held.close();
        EASIES.remove(self.id);
        Ok(remains)
    }
}

impl Drop for Easy {
    fn drop(&mut self) {
        EASIES.remove(self.id);
        let remains = self.claim.lock().dismantle(self.id);
        if let Some(remains) = remains {
            remains.free();
        }
    }
}

impl Core {
    fn dismantle(&mut self, id: u64) -> Option<Remains> {
        let handle = self.handle.take()?;
        if let Some(rest) = &mut self.rest {
            rest.url = None;
        }
        let mut share = self.share.take();
        let mut left = None;
        if let Some(attached) = &share
            && attached.detach(id, &handle).is_ok()
        {
            left = share.take();
        }
        Some(Remains {
            id,
            handle,
            share,
            left,
            answered: self.answered_by(isolate::id()),
            owned: std::mem::take(&mut self.owned),
            rest: self.rest.take(),
        })
    }
}
