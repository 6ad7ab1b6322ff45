//! `Arc` and `Weak`: loom's own `Arc` has no `Weak`.
//!
//! As with the standard library's, the value is dropped with the last strong
//! reference, and the memory lives as long as any. The count itself is a plain
//! number: every step that another thread could tell apart is one of loom's
//! operations on `order` first.

use crate::engine::mailbox::Mailbox;
use crate::engine::there::There;
use crate::sync::Order;
use crate::sys::poller::Poller;
use real::any::type_name;
use real::cell::{Cell, UnsafeCell};
use real::mem::ManuallyDrop;
use real::ops::Deref;
use real::rc::Rc;

pub struct Arc<T>(Rc<Shared<T>>);

pub struct Weak<T>(Rc<Shared<T>>);

struct Shared<T> {
    order: Order,
    counts: bool,
    strong: Cell<usize>,
    value: UnsafeCell<ManuallyDrop<T>>,
}

// SAFETY: loom's threads take turns on one thread of the system, so `Rc` and
// `Cell` do; what crosses between its threads is what would with the real ones.
unsafe impl<T: Send + Sync> Send for Arc<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Arc<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Send for Weak<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Weak<T> {}

impl<T> Arc<T> {
    pub fn new(value: T) -> Self {
        Self(Rc::new(Shared {
            order: Order::new(),
            counts: counts::<T>(),
            strong: Cell::new(1),
            value: UnsafeCell::new(ManuallyDrop::new(value)),
        }))
    }

    pub fn downgrade(this: &Self) -> Weak<T> {
        Weak(this.0.clone())
    }

    pub fn ptr_eq(this: &Self, other: &Self) -> bool {
        Rc::ptr_eq(&this.0, &other.0)
    }
}

impl<T> Deref for Arc<T> {
    type Target = T;
    fn deref(&self) -> &T {
        assert!(self.0.strong.get() > 0, "used after its end");
        // SAFETY: dropped with the last strong reference only.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> AsRef<T> for Arc<T> {
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T> Clone for Arc<T> {
    /// No step of its own: nobody can tell when one more joins those that are.
    fn clone(&self) -> Self {
        self.0.strong.set(self.0.strong.get() + 1);
        Self(self.0.clone())
    }
}

/// Whether it matters who is the last to let go of one. These are freed without
/// a trace: as many interleavings less.
fn counts<T>() -> bool {
    let traceless = [
        type_name::<Poller>(),
        type_name::<Mailbox>(),
        type_name::<There>(),
    ];
    !traceless.contains(&type_name::<T>())
}

impl<T> Drop for Arc<T> {
    fn drop(&mut self) {
        if self.0.counts {
            self.0.order.release();
        }
        self.0.strong.set(self.0.strong.get() - 1);
        if self.0.strong.get() == 0 {
            if self.0.counts {
                self.0.order.acquire();
            }
            // SAFETY: the last reference, so this is done once, and nobody
            // looks any more.
            unsafe { ManuallyDrop::drop(&mut *self.0.value.get()) }
        }
    }
}

impl<T> Weak<T> {
    pub fn upgrade(&self) -> Option<Arc<T>> {
        self.0.order.look();
        if self.0.strong.get() == 0 {
            return None;
        }
        self.0.strong.set(self.0.strong.get() + 1);
        self.0.order.acquire();
        Some(Arc(self.0.clone()))
    }
}

impl<T> Clone for Weak<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
