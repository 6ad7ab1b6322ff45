//! Who is attached to a share, and the close that is all or nothing.
//!
//! Order of locks: a handle's claim, then the list. Closing needs them the
//! other way round, so it only peeks at claims, and starts again when one is
//! busy.

use crate::claim::{Claim, Held, Peek};
use crate::sync::{Arc, Mutex, MutexGuard, Weak, yield_now};
use std::collections::BTreeMap;

/// Something that can be attached: a handle behind its claim.
pub trait Member {
    type Value;
    fn claim(&self) -> &Claim<Self::Value>;
}

pub struct Attached<M> {
    list: Mutex<List<M>>,
}

pub struct List<M> {
    closed: bool,
    members: BTreeMap<u64, Weak<M>>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Close<E> {
    /// Everybody is detached, the share's own part has been cleaned up.
    Done,
    AlreadyClosed,
    /// This many are in the way; nothing has changed.
    InUse(usize),
    /// A detach or the clean-up failed; nothing has changed.
    Failed(E),
}

impl<M: Member> Attached<M> {
    pub fn new() -> Self {
        Self {
            list: Mutex::new(List {
                closed: false,
                members: BTreeMap::new(),
            }),
        }
    }

    /// The caller holds the member's claim. `link` runs under the list's lock,
    /// so that no close can come between. `None`: the share is closed.
    pub fn attach<E>(
        &self,
        id: u64,
        member: &Arc<M>,
        link: impl FnOnce() -> Result<(), E>,
    ) -> Option<Result<(), E>> {
        let mut list = self.lock();
        if list.closed {
            return None;
        }
        let linked = link();
        if linked.is_ok() {
            list.members.insert(id, Arc::downgrade(member));
        }
        Some(linked)
    }

    /// The caller holds the member's claim, or its last reference.
    pub fn detach<E>(&self, id: u64, unlink: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        let mut list = self.lock();
        unlink()?;
        list.members.remove(&id);
        Ok(())
    }

    pub fn count(&self) -> usize {
        self.lock().members.len()
    }

    pub fn closed(&self) -> bool {
        self.lock().closed
    }

    /// Runs `act` unless the share is closed.
    pub fn open<R>(&self, act: impl FnOnce() -> R) -> Option<R> {
        let list = self.lock();
        (!list.closed).then(act)
    }

    /// `unlink` detaches one member, `relink` undoes it, `clean_up` ends the
    /// share itself. Without `detach`, any member is in the way.
    pub fn close<E>(
        &self,
        detach: bool,
        mut unlink: impl FnMut(&mut M::Value) -> Result<(), E>,
        mut relink: impl FnMut(&mut M::Value),
        mut clean_up: impl FnMut() -> Result<(), E>,
    ) -> Close<E> {
        loop {
            // Outlives the list's lock: dropping a member's last reference
            // takes that lock.
            let members;
            let mut list = self.lock();
            if list.closed {
                return Close::AlreadyClosed;
            }
            if !detach && !list.members.is_empty() {
                return Close::InUse(list.members.len());
            }
            members = list.members.values().map(Weak::upgrade).collect::<Vec<_>>();
            let mut taken = match take_all(&members) {
                Take::All(taken) => taken,
                Take::Running(count) => return Close::InUse(count),
                Take::Busy => {
                    drop(list);
                    yield_now();
                    continue;
                }
            };
            let mut failure = None;
            let mut unlinked = 0;
            for value in &mut taken {
                match unlink(value) {
                    Ok(()) => unlinked += 1,
                    Err(error) => {
                        failure = Some(error);
                        break;
                    }
                }
            }
            let failure = failure.or_else(|| clean_up().err());
            if let Some(error) = failure {
                taken[..unlinked].iter_mut().for_each(|value| relink(value));
                return Close::Failed(error);
            }
            list.members.clear();
            list.closed = true;
            return Close::Done;
        }
    }

    fn lock(&self) -> MutexGuard<'_, List<M>> {
        self.list
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

enum Take<'a, T> {
    All(Vec<Held<'a, T>>),
    Running(usize),
    Busy,
}

/// One that runs has the last word: the others may be waiting for its turn.
fn take_all<M: Member>(members: &[Option<Arc<M>>]) -> Take<'_, M::Value> {
    let mut taken = Vec::with_capacity(members.len());
    let mut running = 0;
    let mut busy = false;
    for member in members {
        match member.as_ref().map(|member| member.claim().peek()) {
            Some(Peek::Idle(held)) => taken.push(held),
            Some(Peek::Running) => running += 1,
            // One that is closed, or whose last reference is being dropped,
            // takes itself off the list when libcurl has let go of it.
            Some(Peek::Busy | Peek::Closed) | None => busy = true,
        }
    }
    if running > 0 {
        Take::Running(running)
    } else if busy {
        Take::Busy
    } else {
        Take::All(taken)
    }
}
