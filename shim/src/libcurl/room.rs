//! Where libcurl puts what it receives: build/patches.rs has it ask before each
//! piece of a body that it passes on as it is.

use crate::sys::bindings::curl_off_t;
use crate::sys::coroutine;
use crate::sys::stream::{self, Offer};
use std::ffi::{c_char, c_void};

/// The size of libcurl's buffer where BUFFERSIZE was not set: CURL_MAX_WRITE_SIZE.
const USUAL: usize = 64 * 1024;

/// Into memory of whoever wants it, if that is there. `rest`: so much of the body
/// is still to come, and nothing else before; 0 if that is not known. `false`: the
/// reader has as much as it can do with, and the rest can come later.
#[unsafe(no_mangle)]
unsafe extern "C" fn denocurl_room(
    id: *mut c_void,
    rest: curl_off_t,
    buffer: *mut *mut c_char,
    length: *mut usize,
) -> bool {
    // SAFETY: libcurl passes live variables.
    let (buffer, length) = unsafe { (&mut *buffer, &mut *length) };
    let rest = usize::try_from(rest).unwrap_or_default();
    let rest = if *length == USUAL {
        rest
    } else {
        rest.min(*length)
    };
    match coroutine::room(id, rest) {
        Offer::None => {}
        Offer::Enough => return false,
        Offer::Room(start, size) => {
            *buffer = start.as_ptr().cast();
            // What comes with headers, say, has to be copied after all.
            *length = if rest == 0 { size.min(*length) } else { size };
        }
    }
    true
}

/// Whether what is passed on is there, and so can be passed on whole.
#[unsafe(no_mangle)]
extern "C" fn denocurl_is_in_room() -> bool {
    stream::is_in_room()
}

/// What was received has been passed on.
#[unsafe(no_mangle)]
extern "C" fn denocurl_leave_room() {
    stream::leave_room();
}
