//! A program's own multi handle (PycURL: a multi-stack) and the typed doors to
//! its variadic calls. What libcurl calls for it puts its question to the call
//! that is running, as the callbacks of handles do.

use super::bindings::*;
use super::coroutine::current;
use super::desk::Reply;
use super::easy::OwnedEasy;
use super::socket::{number, numbered};
use super::trampolines::Slot;
#[cfg(unix)]
use crate::libcurl::poll;
use std::ffi::{CStr, c_char, c_int, c_long, c_uint, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};

pub struct OwnedStack {
    handle: NonNull<CURLM>,
}

// SAFETY: libcurl ties no thread to a multi handle; the claim in front of it
// lets one thread in at a time.
unsafe impl Send for OwnedStack {}
// SAFETY: as above: a shared reference is used under the claim, or by the thread
// that made it `Running`.
unsafe impl Sync for OwnedStack {}

/// A transfer that is over.
pub struct Done {
    pub id: u64,
    pub code: CURLcode,
    /// How many more can be told at once.
    pub left: i32,
}

/// A socket that libcurl waits for.
#[derive(Clone, Copy)]
pub struct Watched {
    pub(super) socket: curl_socket_t,
    pub readable: bool,
    pub writable: bool,
}

/// libcurl's answer to a failing socket or timer function.
const FAILED: c_int = -1;

impl OwnedStack {
    pub fn new() -> Option<Self> {
        // SAFETY: global initialisation is done before.
        let handle = NonNull::new(unsafe { curl_multi_init() })?;
        Some(Self { handle })
    }

    fn raw(&self) -> *mut CURLM {
        self.handle.as_ptr()
    }

    /// `next_done` and the notifications tell the number.
    pub fn add(&self, easy: &OwnedEasy, id: u64) -> CURLMcode {
        if easy.set_private(id) != CURLE_OK {
            return CURLM_INTERNAL_ERROR;
        }
        // SAFETY: two live handles, which their claims keep to this thread.
        unsafe { curl_multi_add_handle(self.raw(), easy.raw_for_multi()) }
    }

    pub fn remove(&self, easy: &OwnedEasy) -> CURLMcode {
        // SAFETY: as above; libcurl refuses one that was not added.
        unsafe { curl_multi_remove_handle(self.raw(), easy.raw_for_multi()) }
    }

    /// With the number of transfers that are not over.
    pub fn perform(&self) -> (CURLMcode, c_int) {
        let mut running = 0;
        // SAFETY: a live handle; inside one of its callbacks libcurl refuses.
        let code = unsafe { curl_multi_perform(self.raw(), &raw mut running) };
        (code, running)
    }

    pub fn socket_action(&self, socket: i32, how: c_int) -> (CURLMcode, c_int) {
        let socket = numbered(socket);
        let mut running = 0;
        // SAFETY: as above; any number may be a socket's.
        let code = unsafe { curl_multi_socket_action(self.raw(), socket, how, &raw mut running) };
        (code, running)
    }

    pub fn next_done(&self) -> Option<Done> {
        let mut left = 0;
        // SAFETY: the message lives until the next call; it is read before.
        let message = unsafe { curl_multi_info_read(self.raw(), &raw mut left).as_ref() }?;
        Some(Done {
            // SAFETY: a handle that was added, and is live until it is removed.
            id: unsafe { private(message.easy_handle) },
            // SAFETY: every message is about a transfer that is over.
            code: unsafe { message.data.result },
            left,
        })
    }

    pub fn set_long(&self, option: CURLMoption, value: c_long) -> CURLMcode {
        debug_assert!(option < 10_000);
        // SAFETY: options below 10000 take a long.
        unsafe { curl_multi_setopt(self.raw(), option, value) }
    }

    pub fn set_off_t(&self, option: CURLMoption, value: curl_off_t) -> CURLMcode {
        debug_assert!(option >= 30_000);
        // SAFETY: options from 30000 on take a curl_off_t.
        unsafe { curl_multi_setopt(self.raw(), option, value) }
    }

    /// `None` takes it back.
    pub fn set_list(&self, option: CURLMoption, items: Option<&[&CStr]>) -> CURLMcode {
        debug_assert!(
            [CURLMOPT_PIPELINING_SITE_BL, CURLMOPT_PIPELINING_SERVER_BL].contains(&option)
        );
        let list: Option<Vec<*const c_char>> = items.map(|items| {
            let pointers = items.iter().map(|item| item.as_ptr());
            pointers.chain([ptr::null()]).collect()
        });
        let pointer = list.as_ref().map_or(ptr::null(), Vec::as_ptr);
        // SAFETY: these two take an array of strings with null at its end, which
        // is not kept.
        unsafe { curl_multi_setopt(self.raw(), option, pointer) }
    }

    /// Has libcurl call one of the functions below for SOCKETFUNCTION,
    /// TIMERFUNCTION or NOTIFYFUNCTION; `None` takes it back. `id` is what it
    /// is told; no pointer.
    pub fn set_function(&self, option: CURLMoption, id: Option<u64>) -> CURLMcode {
        let (function, data_option) = match option {
            CURLMOPT_SOCKETFUNCTION => (watch as *const (), CURLMOPT_SOCKETDATA),
            CURLMOPT_TIMERFUNCTION => (set_timer as *const (), CURLMOPT_TIMERDATA),
            CURLMOPT_NOTIFYFUNCTION => (notify as *const (), CURLMOPT_NOTIFYDATA),
            _ => return CURLM_UNKNOWN_OPTION,
        };
        let (function, data) = match id {
            Some(id) => (function, id as usize as *mut c_void),
            None => (ptr::null(), ptr::null_mut()),
        };
        // SAFETY: a number that only our functions read.
        let code = unsafe { curl_multi_setopt(self.raw(), data_option, data) };
        if code != CURLM_OK {
            return code;
        }
        // SAFETY: the match pairs each option with a function of its type.
        unsafe { curl_multi_setopt(self.raw(), option, function) }
    }

    /// Whether SOCKETFUNCTION is to be told that something is assigned.
    pub fn assign(&self, socket: i32, assigned: bool) -> CURLMcode {
        let socket = numbered(socket);
        let mark = usize::from(assigned) as *mut c_void;
        // SAFETY: a number that only `watch` reads.
        unsafe { curl_multi_assign(self.raw(), socket, mark) }
    }

    /// Milliseconds until libcurl wants to be called, or less than 0.
    pub fn timeout(&self) -> (CURLMcode, c_long) {
        let mut timeout = -1;
        // SAFETY: a live handle, and a place for the answer.
        let code = unsafe { curl_multi_timeout(self.raw(), &raw mut timeout) };
        (code, timeout)
    }

    pub fn enable(&self, notification: c_uint, on: bool) -> CURLMcode {
        // SAFETY: a live handle; libcurl refuses what it does not know.
        unsafe {
            match on {
                true => curl_multi_notify_enable(self.raw(), notification),
                false => curl_multi_notify_disable(self.raw(), notification),
            }
        }
    }

    /// How many transfers are not over.
    pub fn unfinished(&self) -> i64 {
        let count = |info| {
            let mut value = 0;
            // SAFETY: a live handle, and a place for the answer.
            let code = unsafe { curl_multi_get_offt(self.raw(), info, &raw mut value) };
            debug_assert_eq!(code, CURLM_OK);
            value
        };
        count(CURLMINFO_XFERS_RUNNING) + count(CURLMINFO_XFERS_PENDING)
    }

    /// `expected`: so many there may well be.
    pub fn sockets(&self, expected: usize) -> Result<Vec<Watched>, CURLMcode> {
        let nothing = curl_waitfd {
            fd: CURL_SOCKET_BAD,
            events: 0,
            revents: 0,
        };
        let mut found = vec![nothing; expected + 1];
        loop {
            let mut count = 0;
            let (place, room) = (found.as_mut_ptr(), found.len() as c_uint);
            // SAFETY: room for so many.
            let code = unsafe { curl_multi_waitfds(self.raw(), place, room, &raw mut count) };
            match code {
                CURLM_OK => {
                    found.truncate(count as usize);
                    return Ok(found.iter().map(Watched::from).collect());
                }
                CURLM_OUT_OF_MEMORY if count > room => found.resize(count as usize, nothing),
                code => return Err(code),
            }
        }
    }

    /// Waits on this thread: how many sockets are ready.
    pub fn poll(&self, milliseconds: c_int) -> (CURLMcode, c_int) {
        #[cfg(unix)]
        poll::begin();
        let mut ready = 0;
        let none = ptr::null_mut();
        // SAFETY: no sockets but libcurl's own, and a place for the answer.
        let code = unsafe { curl_multi_poll(self.raw(), none, 0, milliseconds, &raw mut ready) };
        (code, ready)
    }
}

impl Watched {
    pub fn number(&self) -> i32 {
        number(self.socket)
    }
}

impl From<&curl_waitfd> for Watched {
    fn from(wanted: &curl_waitfd) -> Self {
        let events = c_int::from(wanted.events);
        Self {
            socket: wanted.fd,
            readable: events & CURL_WAIT_POLLIN != 0,
            writable: events & CURL_WAIT_POLLOUT != 0,
        }
    }
}

impl Drop for OwnedStack {
    fn drop(&mut self) {
        // SAFETY: all handles were removed, and nobody else knows this one.
        let code = unsafe { curl_multi_cleanup(self.raw()) };
        debug_assert_eq!(code, CURLM_OK);
    }
}

/// The number that `add` has set; 0 for a handle of libcurl's own.
///
/// # Safety
/// A live handle.
unsafe fn private(easy: *mut CURL) -> u64 {
    let mut id: *mut c_void = ptr::null_mut();
    // SAFETY: the caller vouches.
    let code = unsafe { curl_easy_getinfo(easy, CURLINFO_PRIVATE, &raw mut id) };
    if code == CURLE_OK {
        id as usize as u64
    } else {
        0
    }
}

/// What JavaScript's function answers: nothing is 0. Nobody is asked while all
/// is being aborted, which is to go on.
fn ask(id: *mut c_void, slot: Slot, numbers: [f64; 6]) -> c_int {
    let asked = AssertUnwindSafe(|| match current(id)?.consult(slot, numbers) {
        Reply::Number(number) => Some(number as c_int),
        _ => None,
    });
    catch_unwind(asked).map_or(FAILED, Option::unwrap_or_default)
}

unsafe extern "C" fn watch(
    _easy: *mut CURL,
    socket: curl_socket_t,
    what: c_int,
    id: *mut c_void,
    assigned: *mut c_void,
) -> c_int {
    let is_assigned = f64::from(u8::from(!assigned.is_null()));
    let socket = number(socket).into();
    let numbers = [what.into(), socket, is_assigned, 0.0, 0.0, 0.0];
    ask(id, Slot::MULTI_SOCKET, numbers)
}

unsafe extern "C" fn set_timer(_multi: *mut CURLM, after: c_long, id: *mut c_void) -> c_int {
    ask(
        id,
        Slot::MULTI_TIMER,
        [after as f64, 0.0, 0.0, 0.0, 0.0, 0.0],
    )
}

unsafe extern "C" fn notify(
    _multi: *mut CURLM,
    notification: c_uint,
    easy: *mut CURL,
    id: *mut c_void,
) {
    // SAFETY: libcurl passes a live handle, if maybe one of its own.
    let about = unsafe { private(easy) };
    let numbers = [notification.into(), about as f64, 0.0, 0.0, 0.0, 0.0];
    ask(id, Slot::MULTI_NOTIFY, numbers);
}

const _: curl_socket_callback = Some(watch);
const _: curl_multi_timer_callback = Some(set_timer);
const _: curl_notify_callback = Some(notify);
