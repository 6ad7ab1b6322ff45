//! `thread_local!` for loom's threads, which all run on one of the system's.
//! As with the standard library's, a value without a destructor is there to
//! the thread's end, and one that has a destructor is gone when that begins.

use crate::model::execution;
use loom::thread::{ThreadId, current};
use real::cell::{Cell, RefCell};
use real::mem;
use real::rc::Rc;

macro_rules! thread_local {
    () => {};
    ($(#[$meta:meta])* static $name:ident: $type:ty = const { $init:expr }; $($rest:tt)*) => {
        thread_local! { static $name: $type = $init; $($rest)* }
    };
    ($(#[$meta:meta])* static $name:ident: $type:ty = $init:expr; $($rest:tt)*) => {
        static $name: crate::local::LocalKey<$type> = crate::local::LocalKey::new(|| $init);
        thread_local! { $($rest)* }
    };
}

pub struct LocalKey<T: 'static> {
    init: fn() -> T,
    values: RefCell<Values<T>>,
}

struct Values<T> {
    /// Those of an earlier execution mean nothing.
    execution: u64,
    /// `None`: gone.
    threads: Vec<(ThreadId, Option<Rc<T>>)>,
}

// SAFETY: loom's threads take turns on one thread of the system, and one model
// runs at a time.
unsafe impl<T> Sync for LocalKey<T> {}

#[derive(Debug)]
pub struct AccessError;

type Destructor = Box<dyn FnOnce()>;

static DESTRUCTORS: LocalKey<RefCell<Vec<Destructor>>> = LocalKey::new(RefCell::default);

/// The last thing that a thread does: what came to be last goes first.
pub(crate) fn end_thread() {
    while let Some(destroy) = DESTRUCTORS.with_borrow_mut(Vec::pop) {
        destroy();
    }
    DESTRUCTORS.destroy();
}

impl<T: 'static> LocalKey<T> {
    pub const fn new(init: fn() -> T) -> Self {
        Self {
            init,
            values: RefCell::new(Values {
                execution: 0,
                threads: Vec::new(),
            }),
        }
    }

    pub fn with<R>(&'static self, act: impl FnOnce(&T) -> R) -> R {
        self.try_with(act)
            .expect("a thread's value is used after its end")
    }

    pub fn try_with<R>(&'static self, act: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
        let value = match self.find() {
            Some(found) => found.ok_or(AccessError)?,
            None => self.init(),
        };
        Ok(act(&value))
    }

    fn find(&self) -> Option<Option<Rc<T>>> {
        let mut values = self.values.borrow_mut();
        if mem::replace(&mut values.execution, execution()) != execution() {
            values.threads.clear();
        }
        let me = current().id();
        let found = values.threads.iter().find(|(thread, _)| *thread == me);
        found.map(|(_, value)| value.clone())
    }

    fn init(&'static self) -> Rc<T> {
        let value = Rc::new((self.init)());
        let mut values = self.values.borrow_mut();
        values.threads.push((current().id(), Some(value.clone())));
        drop(values);
        if mem::needs_drop::<T>() && !self.is_the_list_of_destructors() {
            DESTRUCTORS.with_borrow_mut(|list| list.push(Box::new(|| self.destroy())));
        }
        value
    }

    fn destroy(&self) {
        let me = current().id();
        let mut values = self.values.borrow_mut();
        let found = values.threads.iter_mut().find(|(thread, _)| *thread == me);
        let value = found.and_then(|(_, value)| value.take());
        // Its destructor may look for other values of this key's type.
        drop(values);
        drop(value);
    }

    fn is_the_list_of_destructors(&self) -> bool {
        real::ptr::addr_eq(self, &raw const DESTRUCTORS)
    }
}

impl<T: Copy> LocalKey<Cell<T>> {
    pub fn get(&'static self) -> T {
        self.with(Cell::get)
    }

    pub fn set(&'static self, value: T) {
        self.with(|cell| cell.set(value));
    }

    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T> LocalKey<RefCell<T>> {
    pub fn with_borrow<R>(&'static self, act: impl FnOnce(&T) -> R) -> R {
        self.with(|cell| act(&cell.borrow()))
    }

    pub fn with_borrow_mut<R>(&'static self, act: impl FnOnce(&mut T) -> R) -> R {
        self.with(|cell| act(&mut cell.borrow_mut()))
    }
}
