//! Waits for a socket: of a synchronous transfer, of one that has a stack for
//! itself, or of a multi handle whose thread waits for it. build/patches.rs has
//! libcurl call this one in place of poll().

use crate::sys::clock;
use crate::sys::coroutine::alone;
use crate::sys::linger::Linger;
use crate::sys::locks;
use libc::{nfds_t, pollfd};
use std::cell::RefCell;
use std::ffi::c_int;
use std::slice;
use std::time::Duration;

/// The thread has nothing else to do.
const MOMENT: Duration = Duration::from_micros(200);

thread_local! {
    /// That of a thread that performs.
    static LINGER: RefCell<Option<Linger>> = const { RefCell::new(None) };
}

/// This thread is about to perform.
pub fn begin() {
    // Never in a wait: nothing calls back there.
    let _ = LINGER.try_with(|linger| {
        linger
            .borrow_mut()
            .get_or_insert(const { Linger::new(MOMENT) });
    });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn denocurl_poll(sockets: *mut pollfd, count: nfds_t, timeout: c_int) -> c_int {
    let mut found = 0;
    // SAFETY: libcurl vouches for them, as it would to poll().
    let look = |timeout| unsafe { libc::poll(sockets, count, timeout) };
    if timeout != 0
        && !locks::holds_any()
        && let Some(desk) = alone()
    {
        // SAFETY: as above: there are so many. A copy, as looking writes there.
        let asked = unsafe { slice::from_raw_parts(sockets, count as usize) }.to_vec();
        return desk.nap(&asked, timeout, || look(0));
    }
    if timeout != 0 {
        let _ = LINGER.try_with(|linger| {
            if let Some(linger) = &mut *linger.borrow_mut() {
                linger.until(|| {
                    found = look(0);
                    found != 0
                });
            }
        });
    }
    if found == 0 {
        found = look(timeout);
    }
    clock::pass();
    found
}
