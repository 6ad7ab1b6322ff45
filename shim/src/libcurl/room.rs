//! Where libcurl puts what it receives: build/patches.rs has it ask before each
//! piece of a body that it passes on as it is.

use crate::sys::coroutine;
use crate::sys::stream::{self, Offer};
use std::ffi::{c_char, c_void};

/// Into memory of the reader's, if that waits. `false`: it has as much as it can
/// do with, and the rest can come later.
#[unsafe(no_mangle)]
unsafe extern "C" fn denocurl_room(
    id: *mut c_void,
    buffer: *mut *mut c_char,
    length: *mut usize,
) -> bool {
    match coroutine::room(id) {
        Offer::None => {}
        Offer::Enough => return false,
        Offer::Room(start, rest) => {
            // SAFETY: libcurl passes live variables.
            unsafe {
                *buffer = start.as_ptr().cast();
                *length = rest;
            }
        }
    }
    true
}

/// What was received has been passed on.
#[unsafe(no_mangle)]
extern "C" fn denocurl_leave_room() {
    stream::leave_room();
}
