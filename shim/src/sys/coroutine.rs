//! Runs a call of libcurl on a stack of its own, so that a callback in the
//! middle of it can return to JavaScript and be answered later.
//!
//! A suspended call must never be thrown away, as nothing may unwind through
//! libcurl's frames: dropping it answers everything with "abort" until it ends.

use super::locks;
use super::trampolines::{Slot, close_socket};
use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ffi::c_void;
use std::ptr;

/// What JavaScript answers to a question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reply {
    /// The callback threw, or nobody is left to answer.
    Abort,
    /// The callback returned nothing.
    Default,
    Number(f64),
}

/// A callback of libcurl on its way to JavaScript.
pub struct Question {
    pub slot: Slot,
    pub numbers: [f64; 6],
    body: *const [u8],
    room: *mut [u8],
}

/// What a callback may do besides asking; shared by the two sides, which are
/// never at work at the same time.
pub struct Desk {
    id: u64,
    yielder: Cell<*const Yielder<Reply, Question>>,
    pub output: RefCell<Output>,
    /// The callbacks that JavaScript answers, a bit for each slot's index.
    answered: Cell<u32>,
    /// XFERINFOFUNCTION is there only to end what is aborting, as NOPROGRESS
    /// says or because none is set.
    pub watched: Cell<bool>,
    /// From here on every callback answers "abort".
    aborting: Cell<bool>,
    reply: RefCell<Vec<u8>>,
    deferred: RefCell<VecDeque<Deferred>>,
}

/// Where a body goes.
pub enum Output {
    Script,
    Collect(Vec<u8>),
    Stdout,
}

/// What JavaScript has to do with a call.
pub struct Scripts {
    pub output: Output,
    /// The callbacks it answers, a bit for each slot's index.
    pub answered: u32,
    pub watched: bool,
}

/// Told to JavaScript as soon as no share lock is held.
pub enum Deferred {
    Debug { kind: u32, data: Vec<u8> },
    CloseSocket { socket: i32 },
}

pub struct Suspendable {
    coroutine: Option<Coroutine<Reply, Question, u32, DefaultStack>>,
    question: Option<Question>,
    desk: Box<Desk>,
    #[cfg(tsan)]
    fiber: tsan::Fiber,
}

pub enum Step {
    Asks,
    Done(u32),
}

const STACK_SIZE: usize = 1 << 20;
/// More stacks than transfers that are usually nested in one another.
const STACKS_KEPT: usize = 8;

thread_local! {
    static STACKS: RefCell<Vec<DefaultStack>> = const { RefCell::new(Vec::new()) };
    /// The innermost call that is running on this thread, not suspended.
    static CURRENT: Cell<*const Desk> = const { Cell::new(ptr::null()) };
    static RESUMES: Cell<u64> = const { Cell::new(0) };
}

/// How often a call was resumed on this thread: as long as it stays the same,
/// JavaScript is at work, and libcurl has looked at nothing.
pub fn resumes() -> u64 {
    RESUMES.get()
}

/// The desk of the call that is running, if it is for this handle: a
/// connection in a shared pool can outlive the handle that made it.
pub(super) fn current<'a>(id: *mut c_void) -> Option<&'a Desk> {
    let desk = CURRENT.get();
    // SAFETY: set by `resume` for just as long as the call runs, and its box
    // is not dropped meanwhile.
    let desk = unsafe { desk.as_ref() }?;
    (desk.id == id as usize as u64).then_some(desk)
}

impl Suspendable {
    /// `None`: no memory for a stack. Nothing runs before the first `resume`.
    pub fn new(id: u64, scripts: Scripts, call: impl FnOnce() -> u32 + 'static) -> Option<Self> {
        let stack = STACKS
            .try_with(|stacks| stacks.borrow_mut().pop())
            .ok()
            .flatten()
            .or_else(|| DefaultStack::new(STACK_SIZE).ok())?;
        let desk = Box::new(Desk {
            id,
            yielder: Cell::new(ptr::null()),
            output: RefCell::new(scripts.output),
            answered: Cell::new(scripts.answered),
            watched: Cell::new(scripts.watched),
            aborting: Cell::new(false),
            reply: RefCell::default(),
            deferred: RefCell::default(),
        });
        let shared: *const Desk = &raw const *desk;
        let coroutine = Coroutine::with_stack(stack, move |yielder, _start: Reply| {
            // SAFETY: the desk is boxed beside the coroutine, which is run to
            // its end before either is dropped.
            let desk = unsafe { &*shared };
            desk.yielder.set(yielder);
            let code = call();
            desk.tell_deferred();
            #[cfg(tsan)]
            tsan::leave();
            code
        });
        Some(Self {
            coroutine: Some(coroutine),
            question: None,
            desk,
            #[cfg(tsan)]
            fiber: tsan::Fiber::new(),
        })
    }

    pub fn resume(&mut self, reply: Reply) -> Step {
        let Some(coroutine) = &mut self.coroutine else {
            unreachable!("a call is not resumed after its end");
        };
        if reply == Reply::Abort && self.question.is_some() {
            // libcurl ignores what some callbacks answer, and goes on after
            // others; none is asked again, and the next that is heard ends it.
            self.desk.aborting.set(true);
        }
        self.question = None;
        RESUMES.set(RESUMES.get() + 1);
        let outer = CURRENT.replace(&raw const *self.desk);
        #[cfg(tsan)]
        self.fiber.enter();
        let result = coroutine.resume(reply);
        CURRENT.set(outer);
        match result {
            CoroutineResult::Yield(question) => {
                self.question = Some(question);
                Step::Asks
            }
            CoroutineResult::Return(code) => {
                self.give_stack_back();
                Step::Done(code)
            }
        }
    }

    /// From here on nobody is asked: the call ends as soon as libcurl looks.
    pub fn abort(&mut self) -> u32 {
        self.desk.aborting.set(true);
        loop {
            if let Step::Done(code) = self.resume(Reply::Abort) {
                return code;
            }
        }
    }

    fn give_stack_back(&mut self) {
        if let Some(coroutine) = self.coroutine.take() {
            let stack = coroutine.into_stack();
            // While the thread ends, the stack is simply freed.
            let _ = STACKS.try_with(|stacks| {
                let mut stacks = stacks.borrow_mut();
                if stacks.len() < STACKS_KEPT {
                    stacks.push(stack);
                }
            });
        }
    }

    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    pub fn question(&self) -> Option<&Question> {
        self.question.as_ref()
    }

    /// What the callback is about, as long as it waits for its answer.
    pub fn body(&self) -> &[u8] {
        let Some(question) = &self.question else {
            return &[];
        };
        // SAFETY: the callback that put the question is suspended, and what it
        // points to lives in its frame or its caller's; `&self` keeps it so.
        unsafe { &*question.body }
    }

    /// Bytes that belong to the answer: straight into libcurl's own buffer
    /// where it has one. `false`: they do not fit.
    pub fn answer_bytes(&mut self, bytes: &[u8]) -> bool {
        let Some(question) = &mut self.question else {
            return false;
        };
        // SAFETY: as in `body`; nobody else refers to the room meanwhile.
        let room = unsafe { &mut *question.room };
        if room.is_empty() {
            *self.desk.reply.borrow_mut() = bytes.to_vec();
            return true;
        }
        if bytes.len() > room.len() {
            return false;
        }
        room[..bytes.len()].copy_from_slice(bytes);
        true
    }
}

impl Drop for Suspendable {
    fn drop(&mut self) {
        // One that has not started has nothing of libcurl on its stack yet.
        if self.coroutine.as_ref().is_some_and(Coroutine::started) {
            self.abort();
        }
    }
}

impl Desk {
    /// A connection keeps the callbacks that its handle had when it was made,
    /// so libcurl may call one that is set no longer.
    pub(super) fn answers(&self, slot: Slot) -> bool {
        self.answered.get() & slot.bit() != 0
    }

    pub fn set_answers(&self, slot: Slot, answers: bool) {
        let others = self.answered.get() & !slot.bit();
        let own = if answers { slot.bit() } else { 0 };
        self.answered.set(others | own);
    }

    /// For questions without bytes of their own.
    pub(super) fn ask(&self, slot: Slot, numbers: [f64; 6], body: &[u8]) -> Reply {
        self.ask_into(slot, numbers, body, &mut [])
    }

    /// Suspends the call until JavaScript has answered. Answer bytes are
    /// written to `room`, or kept for `take_reply` if it is empty.
    pub(super) fn ask_into(
        &self,
        slot: Slot,
        numbers: [f64; 6],
        body: &[u8],
        room: &mut [u8],
    ) -> Reply {
        if locks::holds_any() {
            return Reply::Abort;
        }
        self.tell_deferred();
        if !self.answers(slot) {
            return Reply::Default;
        }
        self.suspend(slot, numbers, body, room)
    }

    /// For what libcurl tells rather than asks, maybe under a share's lock.
    pub(super) fn tell(&self, event: Deferred) {
        self.deferred.borrow_mut().push_back(event);
        if !locks::holds_any() {
            self.tell_deferred();
        }
    }

    pub(super) fn take_reply(&self) -> Vec<u8> {
        self.reply.take()
    }

    pub(super) fn aborting(&self) -> bool {
        self.aborting.get()
    }

    fn tell_deferred(&self) {
        loop {
            // The borrow ends before the suspension.
            let Some(event) = self.deferred.borrow_mut().pop_front() else {
                return;
            };
            match event {
                Deferred::Debug { kind, data } => {
                    let numbers = [kind.into(), 0.0, 0.0, 0.0, 0.0, 0.0];
                    self.suspend(Slot::DEBUG, numbers, &data, &mut []);
                }
                Deferred::CloseSocket { socket } => {
                    let numbers = [socket.into(), 0.0, 0.0, 0.0, 0.0, 0.0];
                    let reply = self.suspend(Slot::CLOSESOCKET, numbers, &[], &mut []);
                    if !matches!(reply, Reply::Number(_)) {
                        close_socket(socket);
                    }
                }
            }
        }
    }

    fn suspend(&self, slot: Slot, numbers: [f64; 6], body: &[u8], room: &mut [u8]) -> Reply {
        if self.aborting.get() {
            return Reply::Abort;
        }
        // SAFETY: set when the coroutine started, and valid until it ends; only
        // code on its stack gets here.
        let yielder = unsafe { &*self.yielder.get() };
        #[cfg(tsan)]
        tsan::leave();
        let reply = yielder.suspend(Question {
            slot,
            numbers,
            body,
            room,
        });
        if self.aborting.get() {
            return Reply::Abort;
        }
        reply
    }
}

/// Tells ThreadSanitizer which stack the thread is on.
#[cfg(tsan)]
mod tsan {
    use std::cell::Cell;
    use std::ffi::c_void;

    unsafe extern "C" {
        fn __tsan_get_current_fiber() -> *mut c_void;
        fn __tsan_create_fiber(flags: u32) -> *mut c_void;
        fn __tsan_destroy_fiber(fiber: *mut c_void);
        fn __tsan_switch_to_fiber(fiber: *mut c_void, flags: u32);
    }

    thread_local! {
        static CALLERS: Cell<Vec<*mut c_void>> = const { Cell::new(Vec::new()) };
    }

    pub struct Fiber(*mut c_void);

    impl Fiber {
        pub fn new() -> Self {
            // SAFETY: freed once, by Drop, when nothing runs on it.
            Self(unsafe { __tsan_create_fiber(0) })
        }

        pub fn enter(&self) {
            let mut callers = CALLERS.take();
            // SAFETY: the switch of stacks follows at once.
            unsafe {
                callers.push(__tsan_get_current_fiber());
                CALLERS.set(callers);
                __tsan_switch_to_fiber(self.0, 0);
            }
        }
    }

    pub fn leave() {
        let mut callers = CALLERS.take();
        let caller = callers.pop();
        CALLERS.set(callers);
        if let Some(caller) = caller {
            // SAFETY: as above.
            unsafe { __tsan_switch_to_fiber(caller, 0) };
        }
    }

    impl Drop for Fiber {
        fn drop(&mut self) {
            // SAFETY: made by `new`.
            unsafe { __tsan_destroy_fiber(self.0) }
        }
    }
}
