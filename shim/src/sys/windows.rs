//! What the system is asked for: sockets, the standard streams, and what only
//! Windows wants of a library.

use super::bindings::*;
use std::ffi::c_int;
use std::fs::File;
use std::io::{self, Read, Write};
use std::mem::ManuallyDrop;
use std::os::windows::io::{AsHandle, BorrowedHandle};
use std::ptr;
use std::thread;
use windows_sys::Win32::Networking::WinSock;
use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
};

pub const INET: c_int = WinSock::AF_INET as c_int;
pub const INET6: c_int = WinSock::AF_INET6 as c_int;

/// Not inherited by child processes.
pub fn open_socket(address: &curl_sockaddr) -> curl_socket_t {
    let flags = WinSock::WSA_FLAG_OVERLAPPED | WinSock::WSA_FLAG_NO_HANDLE_INHERIT;
    let (family, kind, protocol) = (address.family, address.socktype, address.protocol);
    // SAFETY: plain numbers, and no description of a protocol.
    unsafe { WinSock::WSASocketW(family, kind, protocol, ptr::null(), 0, flags) }
}

/// # Safety
/// Whoever has had the socket has handed it over for closing.
pub unsafe fn close_socket(socket: curl_socket_t) -> c_int {
    // SAFETY: the caller vouches.
    unsafe { WinSock::closesocket(socket) }
}

/// How many bytes were written; `None`: that failed.
pub fn write_stdout(data: &[u8]) -> Option<usize> {
    file(io::stdout().as_handle()).ok()?.write(data).ok()
}

/// How many bytes were read, 0 at the end; `None`: that failed.
pub fn read_stdin(room: &mut [u8]) -> Option<usize> {
    file(io::stdin().as_handle()).ok()?.read(room).ok()
}

/// The stream as it is: the standard library's own would hold bytes back, and
/// wants texts for a console.
fn file(stream: BorrowedHandle<'_>) -> io::Result<File> {
    stream.try_clone_to_owned().map(File::from)
}

/// Deno closes the library when an isolate ends, while threads of it may still
/// run in here. From now on it stays.
pub fn stay() {
    static HERE: u8 = 0;
    let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
    let mut module = ptr::null_mut();
    // SAFETY: an address inside of this library, and room for the answer.
    let found = unsafe { GetModuleHandleExW(flags, (&raw const HERE).cast(), &raw mut module) };
    debug_assert_ne!(found, 0);
}

/// Hands over what a thread has that is about to end. The loader calls the
/// destructors of thread-local variables with its lock in hand, which every
/// thread needs to begin or end: nothing may wait for another one there, and
/// libcurl waits for those that resolve names.
///
/// While the process ends there is no other thread, whatever lock one of them
/// had is never given back, and none begins: all is left as it is.
///
/// Nothing that `value` shares without locks may be left on this thread.
pub fn leave_to_another<T: 'static>(value: T, act: fn(T)) {
    // Not dropped where no thread begins.
    let left = Left(ManuallyDrop::new(value));
    let _ = thread::Builder::new()
        .name("curl end".to_owned())
        .spawn(move || act(left.take()));
}

struct Left<T>(ManuallyDrop<T>);

// SAFETY: the thread that had it has nothing of it any more; whoever calls
// `leave_to_another` vouches.
unsafe impl<T> Send for Left<T> {}

impl<T> Left<T> {
    fn take(self) -> T {
        ManuallyDrop::into_inner(self.0)
    }
}
