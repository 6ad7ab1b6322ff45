//! Where the bytes that JavaScript is asked about land in its memory: a piece of
//! a body that needs no decoding is received right there.

use super::stream::{self, Offer};
use std::cell::Cell;
use std::ffi::c_char;
use std::ptr::NonNull;

thread_local! {
    static PLACE: Cell<Option<Place>> = const { Cell::new(None) };
}

#[derive(Clone, Copy)]
struct Place {
    start: NonNull<u8>,
    length: usize,
}

/// Takes the place back.
struct Loan;

impl Drop for Loan {
    fn drop(&mut self) {
        PLACE.set(None);
    }
}

/// Does something during which libcurl may receive there.
///
/// # Safety
/// Nobody else uses the memory meanwhile, which has so many bytes.
pub unsafe fn lend<R>(start: *mut u8, length: u32, act: impl FnOnce() -> R) -> R {
    PLACE.set(NonNull::new(start).map(|start| Place {
        start,
        length: length as usize,
    }));
    let _loan = Loan;
    act()
}

/// For a piece of this many bytes at most.
pub(super) fn offer(most: usize) -> Offer {
    match PLACE.get() {
        Some(Place { start, length }) if most > 0 => {
            stream::enter_room();
            Offer::Room(start, length.min(most))
        }
        _ => Offer::None,
    }
}

/// Whether what libcurl has is there, and so with JavaScript already.
pub(super) fn holds(data: *const c_char) -> bool {
    let start = PLACE.get().map(|place| place.start.as_ptr());
    start.is_some_and(|start| start.cast_const() == data.cast())
}
