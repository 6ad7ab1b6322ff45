//! Which release this library is of.

use super::{entry, give, output};

/// In one piece, so that it can be read off the file as well.
const RELEASE: &str = concat!("@denocurl/curl ", env!("CARGO_PKG_VERSION"));

/// The package's name and version. A module asks for this before anything else,
/// and of any release's library: the signature never changes.
///
/// # Safety
/// `room` has `length` bytes that nobody else touches during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_release(room: *mut u8, length: u32) -> i32 {
    // SAFETY: see above.
    entry(|| Ok(give(RELEASE.as_bytes(), unsafe { output(room, length) })))
}
