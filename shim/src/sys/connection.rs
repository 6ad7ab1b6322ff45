//! What a handle does with its connection by itself: raw bytes, and frames.

use super::bindings::*;
use super::easy::OwnedEasy;
use std::ptr;

/// What libcurl tells of a WebSocket frame, in the order of its struct.
pub type Frame = [f64; 5];

impl OwnedEasy {
    /// How many were sent; none of them may have been.
    pub fn send(&self, data: &[u8]) -> Result<usize, CURLcode> {
        let mut sent = 0;
        // SAFETY: a live handle, that the claim keeps to this thread, and as
        // many bytes as said.
        let code = unsafe {
            curl_easy_send(
                self.raw_for_connection(),
                data.as_ptr().cast(),
                data.len(),
                &raw mut sent,
            )
        };
        done(code, sent)
    }

    /// How many have come; 0 when the peer has closed the connection.
    pub fn receive(&self, room: &mut [u8]) -> Result<usize, CURLcode> {
        let mut received = 0;
        // SAFETY: as in `send`; the room is not used by anybody else.
        let code = unsafe {
            curl_easy_recv(
                self.raw_for_connection(),
                room.as_mut_ptr().cast(),
                room.len(),
                &raw mut received,
            )
        };
        done(code, received)
    }

    pub fn send_frame(&self, data: &[u8], flags: u32, size: i64) -> Result<usize, CURLcode> {
        let mut sent = 0;
        // SAFETY: as in `send`; allowed inside callbacks.
        let code = unsafe {
            curl_ws_send(
                self.raw_for_connection(),
                data.as_ptr().cast(),
                data.len(),
                &raw mut sent,
                size,
                flags,
            )
        };
        done(code, sent)
    }

    /// A part of a frame; with no room, only what frame it is.
    pub fn receive_frame(&self, room: &mut [u8]) -> Result<(usize, Option<Frame>), CURLcode> {
        let mut received = 0;
        let mut meta = ptr::null();
        // SAFETY: as in `receive`; no room is no address.
        let code = unsafe {
            curl_ws_recv(
                self.raw_for_connection(),
                match room.is_empty() {
                    true => ptr::null_mut(),
                    false => room.as_mut_ptr().cast(),
                },
                room.len(),
                &raw mut received,
                &raw mut meta,
            )
        };
        // SAFETY: null, or libcurl's until the next call on the handle.
        let frame = unsafe { frame(meta) };
        Ok((done(code, received)?, frame))
    }

    /// Of the piece that WRITEFUNCTION is called for.
    pub(super) fn frame(&self) -> Option<Frame> {
        // SAFETY: a live handle, whose callback is running on this thread; the
        // frame is libcurl's until that returns.
        unsafe { frame(curl_ws_meta(self.raw_for_connection())) }
    }
}

fn done<T>(code: CURLcode, value: T) -> Result<T, CURLcode> {
    match code {
        CURLE_OK => Ok(value),
        code => Err(code),
    }
}

/// # Safety
/// `frame` is null or alive.
unsafe fn frame(frame: *const curl_ws_frame) -> Option<Frame> {
    // SAFETY: the caller vouches.
    let frame = unsafe { frame.as_ref()? };
    Some([
        frame.age.into(),
        frame.flags.into(),
        frame.offset as f64,
        frame.bytesleft as f64,
        frame.len as f64,
    ])
}
