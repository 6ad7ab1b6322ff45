//! Many transfers at once: a multi handle, and what is known of each transfer
//! on it. Stays on the thread that made it.
//!
//! A turn runs in a coroutine, as the callbacks of every transfer ask in the
//! middle of it. Nothing but a turn touches the multi handle: whatever else is
//! wanted of it waits in line as an order.

mod held_up;
pub mod here;
pub mod mailbox;
mod remote;
pub mod there;
mod untold;

use crate::error::{Error, Result};
use crate::ids::IdMap;
use crate::sys::bindings::*;
use crate::sys::coroutine::{Desks, Step, Suspendable};
use crate::sys::desk::{Arrived, Desk, Output, Query, Reply, Scripts};
use crate::sys::easy::OwnedEasy;
use crate::sys::multi::OwnedMulti;
use crate::sys::nap::Nap;
use crate::sys::poller::{Poller, Ready};
use crate::sys::stream::Stream;
use crate::sys::trampolines::Slot;
use crate::transfer::{Alone, Over, Transfer};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ffi::c_long;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub struct Engine {
    inner: Rc<Inner>,
    /// What waits for an answer.
    asking: RefCell<Option<Task>>,
    /// What this turn has still to do.
    tasks: RefCell<VecDeque<Task>>,
    /// What the next turn has to do besides.
    later: RefCell<VecDeque<Task>>,
    /// Transfers that have a stack for themselves, while they wait.
    alone: RefCell<IdMap<Suspendable>>,
    /// Those of them in which libcurl itself waits.
    naps: RefCell<IdMap<Nap>>,
}

enum Task {
    /// All that the multi handle has to do.
    Multi(Suspendable),
    Alone(u64, Suspendable),
}

impl Task {
    fn call(&mut self) -> &mut Suspendable {
        match self {
            Self::Multi(call) | Self::Alone(_, call) => call,
        }
    }
}

struct Inner {
    multi: OwnedMulti,
    poller: Arc<Poller>,
    desks: Rc<RefCell<IdMap<Rc<Desk>>>>,
    transfers: RefCell<IdMap<Entry>>,
    orders: RefCell<VecDeque<Order>>,
    /// Removed from the multi handle, and not concluded yet.
    over: RefCell<VecDeque<(u64, CURLcode)>>,
    ready: RefCell<Vec<Ready>>,
    /// Whose reader waits for this turn.
    awaited: RefCell<Option<Arc<Stream>>>,
    /// libcurl has failed as a whole.
    broken: Cell<bool>,
    /// A callback of `keep_up` is being answered.
    keeping_up: Cell<bool>,
}

struct Entry {
    transfer: Transfer,
    /// It is on the list of those that are over.
    is_over: bool,
    /// Why it was cancelled: what libcurl fails with for that sake may come
    /// first.
    cancelled: Option<CURLcode>,
}

enum Order {
    Start(u64),
    /// If the transfer was cancelled: another may have its handle by now.
    Cancel(u64),
    /// Whichever it is.
    End(u64, CURLcode),
    /// What holds it up has changed.
    Reconsider(u64),
    Upkeep(c_long),
}

/// So often a turn looks again for what libcurl wants to do at once.
const PASSES: usize = 4;

/// So many transfers begin at once: the next ones find free what libcurl needed to
/// connect these, and others have their turn in between.
const STARTS: usize = 64;

/// Room for more orders than most turns bring is given back.
const ORDERS_KEPT: usize = 1024;

/// After so long it leaves that to the next one: the program has its own to do.
const MOMENT: Duration = Duration::from_micros(250);

impl Engine {
    pub fn new(poller: Arc<Poller>) -> Result<Self> {
        let multi =
            OwnedMulti::new(poller.clone()).ok_or_else(|| Error::easy(CURLE_OUT_OF_MEMORY, ""))?;
        Ok(Self {
            inner: Rc::new(Inner {
                multi,
                poller,
                desks: Rc::default(),
                transfers: RefCell::default(),
                orders: RefCell::default(),
                over: RefCell::default(),
                ready: RefCell::default(),
                awaited: RefCell::default(),
                broken: Cell::new(false),
                keeping_up: Cell::new(false),
            }),
            asking: RefCell::new(None),
            tasks: RefCell::default(),
            later: RefCell::default(),
            alone: RefCell::default(),
            naps: RefCell::default(),
        })
    }

    /// How many transfers are not concluded.
    pub fn count(&self) -> usize {
        self.inner.transfers.borrow().len()
    }

    /// The same, or something else that the next turn is for.
    pub fn pending(&self) -> usize {
        self.count().max(self.inner.orders.borrow().len())
    }

    pub fn has(&self, id: u64) -> bool {
        self.inner.transfers.borrow().contains_key(&id)
    }

    /// It can't go on: all its transfers end in the next turn.
    pub fn is_broken(&self) -> bool {
        self.inner.broken.get()
    }

    pub fn start(&self, transfer: Transfer, scripts: Scripts) {
        let inner = &self.inner;
        let id = transfer.id();
        let desk = Desk::of_transfer(transfer.handle(), id, scripts);
        let desk = Rc::new(desk.with_sources(transfer.sources()));
        if desk.hears_progress() {
            inner.poller.tick();
        }
        let alone = transfer.alone().map(|why| {
            desk.flow.alone.set(true);
            desk.flow.talks.set(why == Alone::Telnet);
            let handle = transfer.handle().clone();
            Suspendable::new(Desks::One(desk.clone()), move || handle.perform())
        });
        for source in desk.sources() {
            inner.desks.borrow_mut().insert(*source, desk.clone());
        }
        inner.desks.borrow_mut().insert(id, desk);
        let entry = Entry {
            transfer,
            is_over: false,
            cancelled: None,
        };
        inner.transfers.borrow_mut().insert(id, entry);
        match alone {
            None => inner.order(Order::Start(id)),
            Some(None) => inner.put_on_list(id, CURLE_OUT_OF_MEMORY),
            Some(Some(call)) => self.tasks.borrow_mut().push_back(Task::Alone(id, call)),
        }
    }

    pub fn cancel(&self, id: u64, code: CURLcode) {
        let Some(desk) = self.desk(id) else {
            return;
        };
        desk.abort();
        if let Some(entry) = self.inner.transfers.borrow_mut().get_mut(&id) {
            entry.cancelled.get_or_insert(code);
        }
        if desk.flow.alone.get() {
            self.wake_alone(id);
        } else {
            self.inner.order(Order::Cancel(id));
        }
    }

    /// Goes on with a transfer that waits on its own stack.
    fn wake_alone(&self, id: u64) {
        self.end_nap(id);
        let call = self.alone.borrow_mut().remove(&id);
        if let Some(call) = call {
            self.tasks.borrow_mut().push_back(Task::Alone(id, call));
        }
    }

    fn end_nap(&self, id: u64) {
        let mut naps = self.naps.borrow_mut();
        if let Some(nap) = naps.remove(&id) {
            nap.end(&self.inner.poller);
            if naps.is_empty() {
                self.inner.poller.clear_alarm();
            }
        }
    }

    /// Goes on with those whose wait in libcurl is over.
    fn end_naps(&self) {
        if self.naps.borrow().is_empty() {
            return;
        }
        self.inner.poller.clear_alarm();
        let mut over = Vec::new();
        for (id, nap) in self.naps.borrow_mut().iter_mut() {
            if nap.is_over() {
                over.push(*id);
            } else {
                nap.remind(&self.inner.poller);
            }
        }
        for id in over {
            self.wake_alone(id);
        }
    }

    /// The program pauses these directions, and no others.
    pub fn pause(&self, id: u64, directions: i32) {
        if let Some(desk) = self.desk(id) {
            desk.flow.paused.set(directions);
            if desk.flow.alone.get() {
                self.wake_alone(id);
            } else {
                self.inner.order(Order::Reconsider(id));
            }
        }
    }

    /// Whether this callback of the handle has put its answer off.
    pub fn has_promise(&self, id: u64, slot: Slot) -> bool {
        self.desk(id).is_some_and(|desk| desk.has_promise(slot))
    }

    /// The piece of the body that was put off has been dealt with.
    pub fn written(&self, id: u64) {
        if let Some(desk) = self.desk(id) {
            desk.flow.writing.set(false);
            self.reconsider(id);
        }
    }

    /// The bytes to send that were put off are here.
    pub fn read(&self, id: u64, arrived: Arrived) {
        if let Some(desk) = self.desk(id) {
            desk.flow.reading.set(false);
            let is_wanted = !desk.flow.stale.take() || !matches!(arrived, Arrived::Bytes { .. });
            if is_wanted {
                desk.flow.arrived.replace(Some(Box::new(arrived)));
            }
            self.reconsider(id);
        }
    }

    /// There are no bytes to send for now: the program says when.
    pub fn read_later(&self, id: u64) {
        if let Some(desk) = self.desk(id) {
            desk.flow.reading.set(false);
            let paused = desk.flow.paused.get() | CURLPAUSE_SEND;
            desk.flow.paused.set(paused);
            self.wake_alone(id);
        }
    }

    /// What held it up may do so no longer.
    pub fn reconsider(&self, id: u64) {
        match self.desk(id) {
            Some(desk) if desk.flow.alone.get() => self.wake_alone(id),
            Some(desk) if desk.flow.held.get() != 0 => self.inner.order(Order::Reconsider(id)),
            _ => {}
        }
    }

    /// Keeps connections alive that have been idle for so many milliseconds: now,
    /// or in the next turn where one waits for an answer.
    pub fn keep_up(&self, interval: c_long) -> CURLcode {
        let inner = &self.inner;
        if self.asking.borrow().is_some() || inner.keeping_up.get() {
            self.keep_up_soon(interval);
            return CURLE_OK;
        }
        inner.keep_up(interval)
    }

    /// The same, in the next turn.
    pub fn keep_up_soon(&self, interval: c_long) {
        self.inner.order(Order::Upkeep(interval));
        self.inner.poller.wake();
    }

    pub fn desk(&self, id: u64) -> Option<Rc<Desk>> {
        self.inner.desks.borrow().get(&id).cloned()
    }

    /// The question that the turn waits with.
    pub fn with_question<R>(&self, read: impl FnOnce(Query<'_>) -> R) -> Option<R> {
        let mut asking = self.asking.borrow_mut();
        Some(read(asking.as_mut()?.call().question()?))
    }

    /// The handle whose callback is being answered.
    pub fn asks_about(&self) -> Option<u64> {
        self.with_question(|query| query.id)
    }

    pub fn answer_bytes(&self, bytes: &[u8]) -> bool {
        let mut asking = self.asking.borrow_mut();
        asking
            .as_mut()
            .is_some_and(|task| task.call().answer_bytes(bytes))
    }

    /// What this turn brings of it is to be read at once.
    pub fn await_stream(&self, stream: Option<Arc<Stream>>) {
        self.inner.awaited.replace(stream);
    }

    /// Begins a turn, or goes on with the one that waits for `reply`. `true`:
    /// it asks; `false`: it is over.
    pub fn turn(&self, reply: Reply) -> Result<bool> {
        let asking = self.asking.borrow_mut().take();
        let mut next = match asking {
            Some(mut task) => {
                let about = task.call().question();
                let about = about.map(|query| (query.id, query.slot));
                if let (Reply::Abort, Some((id, Slot::DEBUG | Slot::CLOSESOCKET))) = (reply, about)
                {
                    // libcurl goes on after these; the others have it fail.
                    self.cancel(id, CURLE_ABORTED_BY_CALLBACK);
                }
                Some((task, reply))
            }
            None => {
                self.end_naps();
                let inner = self.inner.clone();
                let desks = Desks::Many(inner.desks.clone());
                let call = Suspendable::new(desks, move || inner.turn())
                    .ok_or_else(|| Error::easy(CURLE_OUT_OF_MEMORY, ""))?;
                Some((Task::Multi(call), Reply::Default))
            }
        };
        while let Some((task, reply)) = next {
            if let Some(asking) = self.resume(task, reply) {
                self.asking.replace(Some(asking));
                return Ok(true);
            }
            let task = self.tasks.borrow_mut().pop_front();
            next = task.map(|task| (task, Reply::Default));
        }
        let mut later = self.later.borrow_mut();
        if !later.is_empty() {
            self.tasks.borrow_mut().append(&mut later);
            self.inner.poller.wake();
        }
        Ok(false)
    }

    /// Gives the task back if it asks.
    fn resume(&self, mut task: Task, reply: Reply) -> Option<Task> {
        match (task.call().resume(reply), task) {
            (Step::Asks, Task::Alone(id, call))
                if call
                    .question()
                    .is_some_and(|query| query.slot == Slot::WAIT) =>
            {
                let desk = self.desk(id);
                if desk.as_ref().is_some_and(|desk| desk.flow.resting.take()) {
                    self.later.borrow_mut().push_back(Task::Alone(id, call));
                    return None;
                }
                if let Some(nap) = desk.and_then(|desk| desk.flow.nap.take()) {
                    nap.begin(&self.inner.poller);
                    self.naps.borrow_mut().insert(id, *nap);
                }
                self.alone.borrow_mut().insert(id, call);
                None
            }
            (Step::Asks, task) => Some(task),
            (Step::Done(code), Task::Alone(id, _)) => {
                self.inner.put_on_list(id, code);
                None
            }
            (Step::Done(_), Task::Multi(_)) => None,
        }
    }

    /// A transfer that libcurl has done with.
    pub fn next_over(&self) -> Option<Over> {
        let (id, code) = self.inner.over.borrow_mut().pop_front()?;
        let entry = self.inner.transfers.borrow_mut().remove(&id)?;
        let desk = self.inner.remove_desk(id);
        let body = desk.and_then(|desk| match desk.output.replace(Output::Stdout) {
            Output::Collect(body) => Some(body),
            _ => None,
        });
        Some(Over {
            transfer: entry.transfer,
            code,
            body,
            failure: None,
        })
    }

    /// Ends everything: nobody answers any more, and all is over.
    pub fn end(&self) {
        let asking = self.asking.borrow_mut().take();
        let tasks = self.tasks.take().into_iter().chain(self.later.take());
        let napping: Vec<u64> = self.naps.borrow().keys().copied().collect();
        for id in napping {
            self.end_nap(id);
        }
        let alone = self.alone.take();
        let waiting = alone.into_iter().map(|(id, call)| Task::Alone(id, call));
        for mut task in asking.into_iter().chain(tasks).chain(waiting) {
            let code = task.call().abort();
            if let Task::Alone(id, _) = task {
                self.inner.put_on_list(id, code);
            }
        }
        let inner = self.inner.clone();
        let ids: Vec<u64> = inner.transfers.borrow().keys().copied().collect();
        for id in ids {
            inner.order(Order::End(id, CURLE_ABORTED_BY_CALLBACK));
        }
        let desks = Desks::Many(inner.desks.clone());
        let last = Suspendable::new(desks, move || {
            while !inner.orders.borrow().is_empty() {
                inner.obey();
            }
            0
        });
        if let Some(mut last) = last {
            last.abort();
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.end();
        while self.next_over().is_some() {}
    }
}

impl Inner {
    fn order(&self, order: Order) {
        self.orders.borrow_mut().push_back(order);
    }

    /// On the coroutine's stack.
    fn turn(&self) -> u32 {
        let mut ready = self.ready.take();
        let mut looks = true;
        let start = Instant::now();
        for pass in 0..PASSES {
            if pass > 0 && (start.elapsed() > MOMENT || self.has_plenty()) {
                break;
            }
            self.obey();
            let tick = self.poller.take(&mut ready, looks);
            if ready.is_empty() && !tick && !self.is_due() {
                break;
            }
            // libcurl sends one buffer at a time.
            looks = ready.iter().any(|ready| ready.is_writable());
            for ready in ready.drain(..) {
                self.multi.mark_ready(ready);
            }
            self.check(self.multi.act());
            if tick
                && self
                    .desks
                    .borrow()
                    .values()
                    .any(|desk| desk.hears_progress())
            {
                self.poller.tick();
                self.check(self.multi.look_at_all());
            }
            while let Some((id, code)) = self.multi.next_done() {
                self.remove(id, code);
            }
        }
        self.ready.replace(ready);
        self.poller.set_deadline(self.multi.due());
        if !self.orders.borrow().is_empty() {
            // Those that came after the last look.
            self.poller.wake();
        }
        CURLE_OK
    }

    /// Of what a reader waits for.
    fn has_plenty(&self) -> bool {
        let awaited = self.awaited.borrow();
        awaited.as_ref().is_some_and(|stream| stream.has_plenty())
    }

    fn is_due(&self) -> bool {
        self.multi.due().is_some_and(|after| after.is_zero())
    }

    fn obey(&self) {
        let mut starts = 0;
        while starts < STARTS {
            // The borrow ends before libcurl calls back.
            let Some(order) = self.orders.borrow_mut().pop_front() else {
                self.orders.borrow_mut().shrink_to(ORDERS_KEPT);
                return;
            };
            match order {
                Order::Start(id) => {
                    self.add(id);
                    starts += 1;
                }
                Order::Cancel(id) => {
                    if let Some(code) = self.cancelled(id) {
                        self.remove(id, code);
                    }
                }
                Order::End(id, code) => self.remove(id, code),
                Order::Reconsider(id) => self.reconsider(id),
                Order::Upkeep(interval) => {
                    // Nobody waits for what came of it.
                    let _ = self.keep_up(interval);
                }
            }
        }
    }

    fn add(&self, id: u64) {
        let Some(handle) = self.handle(id) else {
            return;
        };
        match self.multi.add(&handle, id) {
            CURLM_OK => {}
            CURLM_OUT_OF_MEMORY => self.put_on_list(id, CURLE_OUT_OF_MEMORY),
            _ => self.put_on_list(id, CURLE_FAILED_INIT),
        }
    }

    /// That of a transfer that is not over.
    fn handle(&self, id: u64) -> Option<Arc<OwnedEasy>> {
        let transfers = self.transfers.borrow();
        let entry = transfers.get(&id).filter(|entry| !entry.is_over)?;
        Some(entry.transfer.handle().clone())
    }

    fn cancelled(&self, id: u64) -> Option<CURLcode> {
        self.transfers.borrow().get(&id)?.cancelled
    }

    fn remove(&self, id: u64, code: CURLcode) {
        let Some(handle) = self.handle(id) else {
            return;
        };
        self.check(self.multi.remove(&handle));
        let desk = self.desks.borrow().get(&id).cloned();
        if let Some(desk) = desk {
            desk.tell_deferred();
        }
        self.put_on_list(id, code);
    }

    fn remove_desk(&self, id: u64) -> Option<Rc<Desk>> {
        let mut desks = self.desks.borrow_mut();
        let desk = desks.remove(&id)?;
        for source in desk.sources() {
            desks.remove(source);
        }
        Some(desk)
    }

    fn put_on_list(&self, id: u64, code: CURLcode) {
        if let Some(entry) = self.transfers.borrow_mut().get_mut(&id) {
            if entry.cancelled.is_some_and(|cancelled| cancelled != code) {
                entry.transfer.handle().clear_error();
            }
            entry.is_over = true;
            let code = entry.cancelled.unwrap_or(code);
            self.over.borrow_mut().push_back((id, code));
        }
    }

    /// Lets libcurl go on where nothing holds it up any more.
    fn reconsider(&self, id: u64) {
        let (Some(handle), Some(desk)) = (self.handle(id), self.desks.borrow().get(&id).cloned())
        else {
            return;
        };
        let flow = &desk.flow;
        let mut held = flow.held.get();
        let is_full = match &*desk.output.borrow() {
            Output::Stream(stream) => stream.is_full(),
            Output::Socket(socket) => socket.is_full(),
            _ => false,
        };
        if !flow.writing.get() && !is_full {
            held &= !CURLPAUSE_RECV;
        }
        if !flow.reading.get() {
            held &= !CURLPAUSE_SEND;
        }
        flow.held.set(held);
        match handle.pause(held | flow.paused.get()) {
            // The latter has no connection yet: nothing can come or go.
            CURLE_OK | CURLE_BAD_FUNCTION_ARGUMENT => {}
            code => self.remove(id, code),
        }
    }

    /// libcurl wants a handle for it, and closes the connections that one of the
    /// program's has besides when it is added here. On the stack of a call.
    fn keep_up(&self, interval: c_long) -> CURLcode {
        let Some(spare) = OwnedEasy::new() else {
            return CURLE_OUT_OF_MEMORY;
        };
        let set = [
            spare.set_long(CURLOPT_NOSIGNAL, 1),
            spare.set_long(CURLOPT_UPKEEP_INTERVAL_MS, interval),
        ];
        if let Some(code) = set.into_iter().find(|code| *code != CURLE_OK) {
            return code;
        }
        if self.multi.add(&spare, 0) != CURLM_OK {
            return CURLE_OUT_OF_MEMORY;
        }
        self.keeping_up.set(true);
        let code = spare.upkeep();
        self.keeping_up.set(false);
        self.check(self.multi.remove(&spare));
        self.poller.set_deadline(self.multi.due());
        code
    }

    fn check(&self, code: CURLMcode) {
        if code != CURLM_OK && !self.broken.replace(true) {
            let ids: Vec<u64> = self.transfers.borrow().keys().copied().collect();
            for id in ids {
                self.order(Order::End(id, CURLE_FAILED_INIT));
            }
        }
    }
}
