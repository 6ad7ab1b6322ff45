//! The calls on a program's own multi handles, and on what handles are given.

use super::calls::*;
use denocurl::ffi::connection::*;
use denocurl::ffi::headers::*;
use denocurl::ffi::mime::*;
use denocurl::ffi::multi::*;
use denocurl::ffi::sessions::*;
use denocurl::ffi::upkeep::*;
use denocurl::ffi::url::*;

const ROOM: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Multi(pub f64);

impl Multi {
    pub fn new(close_handles: bool) -> Self {
        let multi = shim_multi_new(close_handles.into());
        assert!(multi > 0.0, "{multi}");
        Self(multi)
    }

    pub fn open(self) -> bool {
        shim_multi_open(self.0) == 0
    }

    pub fn release(self) {
        shim_multi_release(self.0);
    }

    pub fn add(self, curl: Curl) -> Outcome<Step> {
        // SAFETY: `step` gives room as it says.
        Curl(self.0).step(|values, room, length| unsafe {
            shim_multi_add(self.0, curl.0, values, room, length)
        })
    }

    pub fn remove(self, curl: Curl) -> Outcome<Step> {
        // SAFETY: as above.
        Curl(self.0).step(|values, room, length| unsafe {
            shim_multi_remove(self.0, curl.0, values, room, length)
        })
    }

    pub fn perform(self) -> Outcome<Step> {
        // SAFETY: as above.
        Curl(self.0).step(|values, room, length| unsafe {
            shim_multi_perform(self.0, values, room, length)
        })
    }

    pub fn socket_action(self) -> Outcome<Step> {
        // SAFETY: as above.
        Curl(self.0).step(|values, room, length| unsafe {
            shim_multi_socket_action(self.0, CURL_SOCKET_BAD, 0, values, room, length)
        })
    }

    pub fn set_number(self, option: u32, value: f64) -> Outcome<Step> {
        // SAFETY: as above.
        Curl(self.0).step(|values, room, length| unsafe {
            shim_multi_setopt_number(self.0, option, value, values, room, length)
        })
    }

    pub fn close(self) -> Outcome<Step> {
        // SAFETY: as above.
        Curl(self.0)
            .step(|values, room, length| unsafe { shim_multi_close(self.0, values, room, length) })
    }

    /// Goes on with the answer to a question, which was about `asked`.
    pub fn resume(self, asked: Curl, answer: &Answer) -> Outcome<Step> {
        Curl(self.0).resume_with(asked.reply(answer))
    }

    pub fn set_function(self, option: u32, set: bool) {
        shim_multi_setopt_function(self.0, option, set.into());
    }

    pub fn notify(self, on: bool) {
        shim_multi_notify(self.0, CURLMNOTIFY_EASY_DONE, on.into());
    }

    /// All that is over, and whatever else can be asked.
    pub fn ask(self) {
        let mut values = [0.0; 8];
        let mut room = [0; ROOM];
        let (numbers, bytes) = (values.as_mut_ptr(), room.as_mut_ptr());
        let mut well = [0.0; 8];
        loop {
            // SAFETY: room for eight numbers, for eight handles, and for so many
            // bytes.
            let count = unsafe {
                shim_multi_done(self.0, well.as_mut_ptr(), 8, numbers, bytes, ROOM as u32)
            };
            // SAFETY: the call is over.
            let failed = unsafe { *numbers.add(1) } != 0.0;
            if count < 0 || count == 0 && !failed {
                break;
            }
        }
        // SAFETY: as above.
        unsafe {
            shim_multi_timeout(self.0, numbers);
            shim_multi_fdset(self.0, bytes, ROOM as u32);
        }
        shim_multi_closed(self.0);
        shim_multi_size(self.0);
        shim_multi_assign(self.0, 5, 1);
    }

    /// On this thread.
    pub fn select(self) {
        shim_multi_select(self.0, 0.001);
    }

    /// A wait for another thread, or 0.
    pub fn prepare(self) -> f64 {
        let mut values = [0.0; 8];
        // SAFETY: room for eight numbers.
        unsafe { shim_multi_prepare(self.0, 0.01, 1, values.as_mut_ptr()) }.max(0.0)
    }

    pub fn forget(self, wait: f64) {
        shim_multi_forget(self.0, wait);
    }
}

pub fn wait_for_multi(wait: f64) {
    assert!(shim_multi_wait(wait) >= 0);
}

/// A mime of a handle's with two parts, one of which is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Form(pub Curl, f64);

impl Form {
    pub fn new(curl: Curl, size: i64) -> Option<Self> {
        let mime = shim_mime_new(curl.0);
        if mime <= 0.0 {
            return None;
        }
        for source in [true, false] {
            let (content, size) = if source { (2, size as f64) } else { (1, 4.0) };
            let nothing = std::ptr::null();
            let data = b"data".as_ptr();
            let mut values = [0.0; 8];
            let numbers = values.as_mut_ptr();
            // SAFETY: no texts, four bytes of data, and room for eight numbers.
            unsafe { shim_mime_add(curl.0, mime, content, nothing, 0, data, size, numbers) };
        }
        Some(Self(curl, mime))
    }

    pub fn send(self) -> Outcome<Step> {
        // SAFETY: `step` gives room as it says.
        self.0.step(|values, room, length| unsafe {
            shim_setopt_mime(self.0.0, self.1, values, room, length)
        })
    }

    pub fn attach(self, child: Self) -> Outcome<Step> {
        // SAFETY: as above.
        self.0.step(|values, room, length| unsafe {
            shim_mime_subparts(self.0.0, self.1, 1, child.1, values, room, length)
        })
    }

    pub fn close(self) {
        shim_mime_close(self.0.0, self.1);
    }

    pub fn release(self) {
        shim_mime_release(self.0.0, self.1);
    }
}

impl Curl {
    pub fn upkeep(self) -> Outcome<Step> {
        // SAFETY: `step` gives room as it says.
        self.step(|values, room, length| unsafe { shim_upkeep(self.0, values, room, length) })
    }

    /// Bytes and frames, there and back, and what came before.
    pub fn use_connection(self) {
        let mut values = [0.0; 8];
        let mut room = [0; ROOM];
        let (numbers, bytes) = (values.as_mut_ptr(), room.as_mut_ptr());
        // SAFETY: the bytes have these lengths, and there is room for eight numbers.
        unsafe {
            shim_send(self.0, b"GET".as_ptr(), 3);
            shim_recv(self.0, 0, bytes, ROOM as u32);
            shim_ws_send(self.0, 0, b"frame".as_ptr(), 5, CURLWS_TEXT, 0.0);
            shim_ws_recv(self.0, 0, numbers, bytes, ROOM as u32);
            shim_headers(self.0, CURLH_HEADER, -1, bytes, ROOM as u32);
            shim_sessions_import(
                self.0,
                b"key".as_ptr(),
                3,
                b"".as_ptr(),
                0,
                b"no".as_ptr(),
                2,
            );
        }
        shim_sessions_export(self.0);
    }

    /// A URL that is changed and let go behind its back.
    pub fn set_url(self, text: &str) {
        let url = shim_url_new();
        assert!(url > 0.0, "{url}");
        let length = text.len() as u32;
        // SAFETY: the text has that length.
        unsafe { shim_url_set(url, CURLUPART_URL, 0, text.as_ptr(), length) };
        shim_setopt_url(self.0, url);
        // SAFETY: as above.
        unsafe { shim_url_set(url, CURLUPART_QUERY, 0, b"a=b".as_ptr(), 3) };
        shim_url_release(url);
    }
}
