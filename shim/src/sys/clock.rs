//! How often libcurl looks at the clock: native/include/denocurl_clock.h.

#[cfg(unix)]
unsafe extern "C" {
    fn denocurl_keep_time(keeps: bool);
    fn denocurl_pass_time();
}

/// From now on, on this thread, one look of libcurl's counts for several.
#[cfg(unix)]
pub fn keep(keeps: bool) {
    // SAFETY: it concerns nothing but this thread's clock.
    unsafe { denocurl_keep_time(keeps) }
}

/// On Windows libcurl waits without telling anybody, and would believe that no
/// time has passed.
#[cfg(windows)]
pub fn keep(_keeps: bool) {}

/// The next look counts.
#[cfg(unix)]
pub fn pass() {
    // SAFETY: as above.
    unsafe { denocurl_pass_time() }
}
