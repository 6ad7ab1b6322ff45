//! What the system is asked for: sockets, and the standard streams.

use super::bindings::*;
use std::ffi::c_int;
use std::io::{Error, ErrorKind};

pub const INET: c_int = libc::AF_INET;
pub const INET6: c_int = libc::AF_INET6;

/// Not inherited by child processes. libcurl asks for that in the type where the
/// system knows it there, and sets it itself elsewhere.
pub fn open_socket(address: &curl_sockaddr) -> curl_socket_t {
    // SAFETY: plain numbers.
    unsafe { libc::socket(address.family, address.socktype, address.protocol) }
}

/// # Safety
/// Whoever has had the socket has handed it over for closing.
pub unsafe fn close_socket(socket: curl_socket_t) -> c_int {
    // SAFETY: the caller vouches.
    unsafe { libc::close(socket) }
}

/// How many bytes were written; `None`: that failed.
pub fn write_stdout(data: &[u8]) -> Option<usize> {
    loop {
        // SAFETY: the slice is alive, and the length its own.
        let written = unsafe { libc::write(1, data.as_ptr().cast(), data.len()) };
        match usize::try_from(written) {
            Ok(written) => return Some(written),
            Err(_) if again(1, libc::POLLOUT) => {}
            Err(_) => return None,
        }
    }
}

/// How many bytes were read, 0 at the end; `None`: that failed.
pub fn read_stdin(room: &mut [u8]) -> Option<usize> {
    loop {
        // SAFETY: the slice is alive, and the length its own.
        let got = unsafe { libc::read(0, room.as_mut_ptr().cast(), room.len()) };
        match usize::try_from(got) {
            Ok(got) => return Some(got),
            Err(_) if again(0, libc::POLLIN) => {}
            Err(_) => return None,
        }
    }
}

/// Whether a failed call on a standard stream is worth another try: it may be
/// a non-blocking pipe.
fn again(fd: c_int, events: i16) -> bool {
    match Error::last_os_error().kind() {
        ErrorKind::Interrupted => true,
        ErrorKind::WouldBlock => {
            let mut poll = libc::pollfd {
                fd,
                events,
                revents: 0,
            };
            // SAFETY: one live entry.
            unsafe { libc::poll(&raw mut poll, 1, -1) };
            true
        }
        _ => false,
    }
}
