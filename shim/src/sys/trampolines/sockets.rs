//! Sockets, names and connections.

use super::super::bindings::*;
use super::super::coroutine::current;
use super::super::desk::{Deferred, Reply};
use super::super::os;
use super::super::socket::{number, numbered};
use super::{Slot, guarded};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::slice;

pub(in super::super) fn close_socket(socket: curl_socket_t) -> c_int {
    // SAFETY: libcurl has handed it over for closing.
    unsafe { os::close_socket(socket) }
}

pub(super) unsafe extern "C" fn open(
    id: *mut c_void,
    purpose: curlsocktype,
    address: *mut curl_sockaddr,
) -> curl_socket_t {
    guarded(CURL_SOCKET_BAD, || {
        // SAFETY: libcurl passes a live address.
        let address = unsafe { &*address };
        let Some(desk) = current(id) else {
            return os::open_socket(address);
        };
        // SAFETY: `addrlen` bytes are valid, more than the field's own size
        // where the address needs them.
        let (text, port) = unsafe { spell(address) };
        let numbers = [
            purpose.into(),
            address.family.into(),
            address.socktype.into(),
            address.protocol.into(),
            port.into(),
            0.0,
        ];
        match desk.ask(Slot::OPENSOCKET, numbers, &text) {
            Reply::Default => os::open_socket(address),
            Reply::Number(number) => numbered(number as i32),
            Reply::Abort | Reply::Later => CURL_SOCKET_BAD,
        }
    })
}

/// The address as text, and its port.
///
/// # Safety
/// `address.addr` is followed by `address.addrlen` valid bytes in all.
unsafe fn spell(address: &curl_sockaddr) -> (Vec<u8>, u16) {
    let start = (&raw const address.addr).cast::<u8>();
    // SAFETY: the caller vouches for the length.
    let bytes = unsafe { slice::from_raw_parts(start, address.addrlen as usize) };
    let port = |at: usize| match bytes.get(at..at + 2) {
        Some(&[high, low]) => u16::from_be_bytes([high, low]),
        _ => 0,
    };
    match address.family {
        os::INET => match bytes.get(4..8) {
            Some(&[a, b, c, d]) => (Ipv4Addr::new(a, b, c, d).to_string().into_bytes(), port(2)),
            _ => (Vec::new(), 0),
        },
        os::INET6 => match bytes
            .get(8..24)
            .and_then(|raw| <[u8; 16]>::try_from(raw).ok())
        {
            Some(raw) => (Ipv6Addr::from(raw).to_string().into_bytes(), port(2)),
            None => (Vec::new(), 0),
        },
        _ => {
            // A path, which may or may not be terminated.
            let path = bytes.get(2..).unwrap_or_default();
            let end = path.iter().position(|byte| *byte == 0);
            (path[..end.unwrap_or(path.len())].to_vec(), 0)
        }
    }
}

pub(super) unsafe extern "C" fn sockopt(
    id: *mut c_void,
    socket: curl_socket_t,
    purpose: curlsocktype,
) -> c_int {
    guarded(CURL_SOCKOPT_ERROR, || {
        let Some(desk) = current(id) else {
            return CURL_SOCKOPT_OK;
        };
        let numbers = [number(socket).into(), purpose.into(), 0.0, 0.0, 0.0, 0.0];
        match desk.ask(Slot::SOCKOPT, numbers, &[]) {
            Reply::Default => CURL_SOCKOPT_OK,
            Reply::Number(number) => number as c_int,
            Reply::Abort | Reply::Later => CURL_SOCKOPT_ERROR,
        }
    })
}

/// Told, not asked: libcurl may close a connection under a share's lock.
/// Whoever is told leaves the socket to us or says that it is closed.
pub(super) unsafe extern "C" fn close(id: *mut c_void, socket: curl_socket_t) -> c_int {
    guarded(0, || match current(id) {
        Some(desk) if desk.answers(Slot::CLOSESOCKET) => {
            desk.tell(Deferred::CloseSocket { socket });
            0
        }
        _ => close_socket(socket),
    })
}

pub(super) unsafe extern "C" fn resolver_start(
    _state: *mut c_void,
    _reserved: *mut c_void,
    id: *mut c_void,
) -> c_int {
    guarded(1, || {
        let Some(desk) = current(id) else { return 0 };
        match desk.ask(Slot::RESOLVER_START, [0.0; 6], &[]) {
            Reply::Default => 0,
            Reply::Number(number) => number as c_int,
            Reply::Abort | Reply::Later => 1,
        }
    })
}

pub(super) unsafe extern "C" fn prereq(
    id: *mut c_void,
    peer: *mut c_char,
    local: *mut c_char,
    peer_port: c_int,
    local_port: c_int,
) -> c_int {
    guarded(CURL_PREREQFUNC_ABORT, || {
        let Some(desk) = current(id) else {
            return CURL_PREREQFUNC_OK;
        };
        // SAFETY: libcurl passes two terminated strings.
        let (peer, local) = unsafe { (CStr::from_ptr(peer), CStr::from_ptr(local)) };
        let body = [peer.to_bytes(), local.to_bytes()].join(&0);
        let numbers = [peer_port.into(), local_port.into(), 0.0, 0.0, 0.0, 0.0];
        match desk.ask(Slot::PREREQ, numbers, &body) {
            Reply::Default => CURL_PREREQFUNC_OK,
            Reply::Number(number) => number as c_int,
            Reply::Abort | Reply::Later => CURL_PREREQFUNC_ABORT,
        }
    })
}
