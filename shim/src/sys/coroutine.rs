//! Runs calls of libcurl on a stack of their own, so that a callback in the
//! middle can return to JavaScript and be answered later.
//!
//! A suspended call must never be thrown away, as nothing may unwind through
//! libcurl's frames: dropping it answers everything with "abort" until it ends.

use super::clock;
use super::desk::{Desk, Query, Reply};
use super::stream::{self, Offer};
use super::trampolines::Slot;
use crate::ids::IdMap;
use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};
use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::ptr;
use std::rc::Rc;

/// A callback of libcurl on its way to JavaScript.
struct Question {
    /// The handle it is about.
    id: u64,
    slot: Slot,
    numbers: [f64; 6],
    body: *const [u8],
    landed: usize,
    room: *mut [u8],
    /// How much of the room is filled.
    given: usize,
}

/// The handles that a call may be about.
pub enum Desks {
    One(Rc<Desk>),
    /// Those of a multi handle, by the numbers of the handles and of their
    /// sources: they come and go.
    Many(Rc<RefCell<IdMap<Rc<Desk>>>>),
}

/// What a running call knows of itself.
struct Call {
    yielder: Cell<*const Yielder<Reply, Question>>,
    desks: Desks,
}

pub struct Suspendable {
    coroutine: Option<Coroutine<Reply, Question, u32, DefaultStack>>,
    question: Option<Question>,
    call: Box<Call>,
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
    static CURRENT: Cell<*const Call> = const { Cell::new(ptr::null()) };
    static RESUMES: Cell<u64> = const { Cell::new(0) };
}

/// How often a call was resumed on this thread: as long as it stays the same,
/// JavaScript is at work, and libcurl has looked at nothing.
pub fn resumes() -> u64 {
    RESUMES.get()
}

fn running<'a>() -> Option<&'a Call> {
    // SAFETY: set by `resume` for just as long as the call runs, and its box
    // is not dropped meanwhile.
    unsafe { CURRENT.get().as_ref() }
}

/// What the running call has for this handle, or for the handle whose mime has
/// this source, if it is about it: a connection in a shared pool can outlive the
/// handle that made it.
pub(super) fn current(id: *mut c_void) -> Option<Rc<Desk>> {
    running()?.desks.find(id as usize as u64)
}

/// Where the running call may receive the body of this handle, whose next bytes
/// are so many of it if that is known.
pub(crate) fn room(id: *mut c_void, rest: usize) -> Offer {
    current(id).map_or(Offer::None, |desk| desk.room(rest))
}

/// That of the running call, if it has a stack for itself.
#[cfg(unix)]
pub(crate) fn alone() -> Option<Rc<Desk>> {
    match &running()?.desks {
        Desks::One(desk) if desk.flow.alone.get() => Some(desk.clone()),
        _ => None,
    }
}

/// Returns to whoever resumed the running call, until it is resumed again.
pub(super) fn suspend(
    id: u64,
    slot: Slot,
    numbers: [f64; 6],
    body: &[u8],
    room: &mut [u8],
) -> Reply {
    put(Question {
        id,
        slot,
        numbers,
        body,
        landed: 0,
        room,
        given: 0,
    })
}

/// The same about so many bytes that have landed with JavaScript already.
pub(super) fn suspend_about_landed(id: u64, slot: Slot, landed: usize) -> Reply {
    put(Question {
        id,
        slot,
        numbers: [0.0; 6],
        body: &[],
        landed,
        room: &mut [],
        given: 0,
    })
}

fn put(question: Question) -> Reply {
    let Some(call) = running() else {
        return Reply::Abort;
    };
    if stream::is_in_room() {
        // JavaScript might take the memory away that libcurl is about to use.
        return Reply::Abort;
    }
    // SAFETY: set when the coroutine started, and valid until it ends; only
    // code on its stack gets here.
    let yielder = unsafe { &*call.yielder.get() };
    yielder.suspend(question)
}

impl Desks {
    fn find(&self, id: u64) -> Option<Rc<Desk>> {
        match self {
            Self::One(desk) => (desk.id() == id || desk.has_source(id)).then(|| desk.clone()),
            Self::Many(desks) => desks.borrow().get(&id).cloned(),
        }
    }

    fn all(&self) -> Vec<Rc<Desk>> {
        match self {
            Self::One(desk) => vec![desk.clone()],
            Self::Many(desks) => desks.borrow().values().cloned().collect(),
        }
    }
}

impl Suspendable {
    /// `None`: no memory for a stack. Nothing runs before the first `resume`.
    pub fn new(desks: Desks, act: impl FnOnce() -> u32 + 'static) -> Option<Self> {
        let stack = STACKS
            .try_with(|stacks| stacks.borrow_mut().pop())
            .ok()
            .flatten()
            .or_else(|| DefaultStack::new(STACK_SIZE).ok())?;
        let call = Box::new(Call {
            yielder: Cell::new(ptr::null()),
            desks,
        });
        let shared: *const Call = &raw const *call;
        let coroutine = Coroutine::with_stack(stack, move |yielder, _start: Reply| {
            // SAFETY: the call is boxed beside the coroutine, which is run to
            // its end before either is dropped.
            let call = unsafe { &*shared };
            call.yielder.set(yielder);
            let code = act();
            if let Desks::One(desk) = &call.desks {
                desk.tell_deferred();
            }
            code
        });
        Some(Self {
            coroutine: Some(coroutine),
            question: None,
            call,
            #[cfg(tsan)]
            fiber: tsan::Fiber::new(),
        })
    }

    pub fn resume(&mut self, reply: Reply) -> Step {
        let Some(coroutine) = &mut self.coroutine else {
            unreachable!("a call is not resumed after its end");
        };
        if reply == Reply::Abort
            && let Some(question) = &self.question
            && let Some(desk) = self.call.desks.find(question.id)
        {
            // libcurl ignores what some callbacks answer, and goes on after
            // others; none is asked again, and the next that is heard ends it.
            desk.abort();
        }
        self.question = None;
        RESUMES.set(RESUMES.get() + 1);
        let outer = CURRENT.replace(&raw const *self.call);
        clock::keep(true);
        #[cfg(not(tsan))]
        let result = coroutine.resume(reply);
        #[cfg(tsan)]
        let result = self.fiber.run(|| coroutine.resume(reply));
        CURRENT.set(outer);
        clock::keep(!outer.is_null());
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
        for desk in self.call.desks.all() {
            desk.abort();
        }
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

    /// What it waits with.
    pub fn question(&self) -> Option<Query<'_>> {
        let question = self.question.as_ref()?;
        Some(Query {
            id: question.id,
            slot: question.slot,
            numbers: question.numbers,
            // SAFETY: the callback that put the question is suspended, and what
            // it points to lives in its frame or its caller's; `&self` keeps it
            // so.
            body: unsafe { &*question.body },
            landed: question.landed,
        })
    }

    /// Bytes that belong to the answer, behind those before: straight into
    /// libcurl's own buffer where it has one. `false`: they do not fit.
    pub fn answer_bytes(&mut self, bytes: &[u8]) -> bool {
        let Some(question) = &mut self.question else {
            return false;
        };
        // SAFETY: as in `question`; nobody else refers to the room meanwhile.
        let room = unsafe { &mut *question.room };
        if room.is_empty() {
            if let Some(desk) = self.call.desks.find(question.id) {
                desk.keep_reply(bytes.to_vec());
            }
            return true;
        }
        let Some(rest) = room.get_mut(question.given..question.given + bytes.len()) else {
            return false;
        };
        rest.copy_from_slice(bytes);
        question.given += bytes.len();
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

/// Tells ThreadSanitizer which stack the thread is on.
#[cfg(tsan)]
mod tsan {
    use std::ffi::c_void;

    unsafe extern "C" {
        fn __tsan_get_current_fiber() -> *mut c_void;
        fn __tsan_create_fiber(flags: u32) -> *mut c_void;
        fn __tsan_destroy_fiber(fiber: *mut c_void);
        fn __tsan_switch_to_fiber(fiber: *mut c_void, flags: u32);
    }

    pub struct Fiber(*mut c_void);

    impl Fiber {
        pub fn new() -> Self {
            // SAFETY: freed once, by Drop, when nothing runs on it.
            Self(unsafe { __tsan_create_fiber(0) })
        }

        /// Calls and returns are counted for each stack, so both switches are
        /// made in one place: the function around it begins and ends on the
        /// same one.
        #[inline(always)]
        pub fn run<R>(&self, act: impl FnOnce() -> R) -> R {
            // SAFETY: the switch of stacks follows at once, there and back.
            unsafe {
                let caller = __tsan_get_current_fiber();
                __tsan_switch_to_fiber(self.0, 0);
                let result = act();
                __tsan_switch_to_fiber(caller, 0);
                result
            }
        }
    }

    impl Drop for Fiber {
        fn drop(&mut self) {
            // SAFETY: made by `new`.
            unsafe { __tsan_destroy_fiber(self.0) }
        }
    }
}
