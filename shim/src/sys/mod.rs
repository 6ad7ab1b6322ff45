//! The only room that calls libcurl.
//!
//! Contract: a raw handle never leaves this room, and everything it hands out
//! frees itself. A method that takes `&OwnedEasy` may be called by one thread at
//! a time, and by any; the claim in front of each handle upholds that. Nothing
//! here takes a claim, so a function that libcurl calls can't wait for one.

pub mod bindings;
pub(crate) mod clock;
pub mod connection;
pub mod coroutine;
pub mod desk;
pub mod easy;
#[cfg(target_os = "linux")]
mod epoll;
mod error_text;
pub mod getinfo;
pub mod headers;
pub mod landing;
pub mod linger;
pub mod lists;
pub mod locks;
#[cfg(all(target_os = "linux", not(asan), not(tsan)))]
mod memory;
pub mod mime;
pub mod multi;
#[cfg(unix)]
pub mod nap;
#[cfg(windows)]
#[path = "portable_nap.rs"]
pub mod nap;
pub mod poller;
#[cfg(not(target_os = "linux"))]
mod portable;
pub mod sessions;
pub mod share;
mod socket;
pub mod stack;
pub mod stream;
pub mod strerror;
pub mod trampolines;
#[cfg(unix)]
mod unix;
pub mod url;
pub mod version;
#[cfg(unix)]
pub mod waiting;
#[cfg(windows)]
#[path = "portable_waiting.rs"]
pub mod waiting;
#[cfg(windows)]
pub mod windows;

#[cfg(unix)]
use unix as os;
#[cfg(windows)]
use windows as os;

// A sanitizer has its own, and wants to see all of it.
#[cfg(any(not(target_os = "linux"), asan, tsan))]
use bindings::curl_global_init as set_up;
#[cfg(all(target_os = "linux", not(asan), not(tsan)))]
use memory::init as set_up;
use std::sync::Once;

/// libcurl's own set-up, once per process. It is never undone: other isolates
/// may still be at work when one ends.
pub fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: `Once` lets one thread in, before any other call of libcurl.
        let code = unsafe { set_up(bindings::CURL_GLOBAL_DEFAULT as _) };
        assert_eq!(code, bindings::CURLE_OK, "curl_global_init failed");
    });
}
