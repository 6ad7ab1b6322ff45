//! The functions that libcurl calls, one for each callback option.
//!
//! Each is told the number of its handle, never a pointer, and puts its
//! question to the call that is running for that handle on this thread. Where
//! there is none (another handle's transfer prunes a shared connection, a
//! handle is freed by its last owner) it does what libcurl would do by itself.
//! Each names the value that aborts the transfer.

mod mime;
mod protocols;
mod sockets;
mod transfer;

use super::bindings::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

pub(super) use mime::{mime_read, mime_seek};
pub(super) use sockets::close_socket;
pub use transfer::write_stdout;

/// A callback option. Its number is what JavaScript is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(u8);

struct Row {
    function_option: CURLoption,
    data_option: CURLoption,
    function: *const (),
}

const SLOTS: usize = 22;

/// In the order of the slots' numbers, from 1.
fn row(slot: Slot) -> Row {
    let (function_option, data_option, function) = match slot.0 {
        1 => (
            CURLOPT_WRITEFUNCTION,
            CURLOPT_WRITEDATA,
            transfer::write as *const (),
        ),
        2 => (
            CURLOPT_HEADERFUNCTION,
            CURLOPT_HEADERDATA,
            transfer::header as *const (),
        ),
        3 => (
            CURLOPT_READFUNCTION,
            CURLOPT_READDATA,
            transfer::read as *const (),
        ),
        4 => (
            CURLOPT_SEEKFUNCTION,
            CURLOPT_SEEKDATA,
            transfer::seek as *const (),
        ),
        5 => (
            CURLOPT_XFERINFOFUNCTION,
            CURLOPT_XFERINFODATA,
            transfer::xferinfo as *const (),
        ),
        6 => (
            CURLOPT_PROGRESSFUNCTION,
            CURLOPT_XFERINFODATA,
            transfer::progress as *const (),
        ),
        7 => (
            CURLOPT_DEBUGFUNCTION,
            CURLOPT_DEBUGDATA,
            transfer::debug as *const (),
        ),
        8 => (
            CURLOPT_OPENSOCKETFUNCTION,
            CURLOPT_OPENSOCKETDATA,
            sockets::open as *const (),
        ),
        9 => (
            CURLOPT_SOCKOPTFUNCTION,
            CURLOPT_SOCKOPTDATA,
            sockets::sockopt as *const (),
        ),
        10 => (
            CURLOPT_CLOSESOCKETFUNCTION,
            CURLOPT_CLOSESOCKETDATA,
            sockets::close as *const (),
        ),
        11 => (
            CURLOPT_SSH_KEYFUNCTION,
            CURLOPT_SSH_KEYDATA,
            protocols::ssh_key as *const (),
        ),
        12 => (
            CURLOPT_SSH_HOSTKEYFUNCTION,
            CURLOPT_SSH_HOSTKEYDATA,
            protocols::ssh_hostkey as *const (),
        ),
        13 => (
            CURLOPT_PREREQFUNCTION,
            CURLOPT_PREREQDATA,
            sockets::prereq as *const (),
        ),
        14 => (
            CURLOPT_TRAILERFUNCTION,
            CURLOPT_TRAILERDATA,
            protocols::trailer as *const (),
        ),
        15 => (
            CURLOPT_RESOLVER_START_FUNCTION,
            CURLOPT_RESOLVER_START_DATA,
            sockets::resolver_start as *const (),
        ),
        16 => (
            CURLOPT_FNMATCH_FUNCTION,
            CURLOPT_FNMATCH_DATA,
            protocols::fnmatch as *const (),
        ),
        17 => (
            CURLOPT_CHUNK_BGN_FUNCTION,
            CURLOPT_CHUNK_DATA,
            protocols::chunk_begin as *const (),
        ),
        18 => (
            CURLOPT_CHUNK_END_FUNCTION,
            CURLOPT_CHUNK_DATA,
            protocols::chunk_end as *const (),
        ),
        19 => (
            CURLOPT_HSTSREADFUNCTION,
            CURLOPT_HSTSREADDATA,
            protocols::hsts_read as *const (),
        ),
        20 => (
            CURLOPT_HSTSWRITEFUNCTION,
            CURLOPT_HSTSWRITEDATA,
            protocols::hsts_write as *const (),
        ),
        21 => (
            CURLOPT_IOCTLFUNCTION,
            CURLOPT_IOCTLDATA,
            transfer::ioctl as *const (),
        ),
        22 => (
            CURLOPT_INTERLEAVEFUNCTION,
            CURLOPT_INTERLEAVEDATA,
            transfer::interleave as *const (),
        ),
        _ => unreachable!("a slot is made from the table's numbers"),
    };
    Row {
        function_option,
        data_option,
        function,
    }
}

impl Slot {
    pub const WRITE: Self = Self(1);
    pub const HEADER: Self = Self(2);
    pub const READ: Self = Self(3);
    pub const SEEK: Self = Self(4);
    pub const XFERINFO: Self = Self(5);
    pub const PROGRESS: Self = Self(6);
    pub const DEBUG: Self = Self(7);
    pub const OPENSOCKET: Self = Self(8);
    pub const SOCKOPT: Self = Self(9);
    pub const CLOSESOCKET: Self = Self(10);
    pub const SSH_KEY: Self = Self(11);
    pub const SSH_HOSTKEY: Self = Self(12);
    pub const PREREQ: Self = Self(13);
    pub const TRAILER: Self = Self(14);
    pub const RESOLVER_START: Self = Self(15);
    pub const FNMATCH: Self = Self(16);
    pub const CHUNK_BGN: Self = Self(17);
    pub const CHUNK_END: Self = Self(18);
    pub const HSTSREAD: Self = Self(19);
    pub const HSTSWRITE: Self = Self(20);
    pub const IOCTL: Self = Self(21);
    pub const INTERLEAVE: Self = Self(22);

    /// The functions of a program's own multi handle: no callback options.
    pub const MULTI_SOCKET: Self = Self(48);
    pub const MULTI_TIMER: Self = Self(49);
    pub const MULTI_NOTIFY: Self = Self(50);

    /// No callback's: its call waits until something has changed.
    pub const WAIT: Self = Self(0);

    /// Those of mime parts, which are no options: numbers far behind the table.
    pub const MIME_READ: Self = Self(31);
    pub const MIME_SEEK: Self = Self(32);

    pub fn all() -> impl Iterator<Item = Self> {
        (1..=SLOTS as u8).map(Self)
    }

    /// `None`: no callback option has this number.
    pub fn new(number: u8) -> Option<Self> {
        (1..=SLOTS as u8).contains(&number).then_some(Self(number))
    }

    /// The same for what a promise was given for.
    pub fn of_promise(number: u8) -> Option<Self> {
        if number == Self::MIME_READ.0 {
            return Some(Self::MIME_READ);
        }
        Self::new(number)
    }

    /// It gives bytes to send.
    pub fn reads(self) -> bool {
        self == Self::READ || self == Self::MIME_READ
    }

    pub fn number(self) -> u8 {
        self.0
    }

    pub const fn index(self) -> usize {
        self.0 as usize - 1
    }

    pub const fn bit(self) -> u32 {
        1 << self.index()
    }

    pub fn function_option(self) -> CURLoption {
        row(self).function_option
    }

    pub(super) fn data_option(self) -> CURLoption {
        row(self).data_option
    }

    /// Another callback is told the same number, and may still be set. For the
    /// rest it must go: libcurl writes headers to whatever HEADERDATA says.
    pub(super) fn shares_data(self) -> bool {
        [
            Self::XFERINFO,
            Self::PROGRESS,
            Self::CHUNK_BGN,
            Self::CHUNK_END,
        ]
        .contains(&self)
    }
}

/// What to give libcurl for a callback that is set or not. The body and the
/// upload stay ours in either case, as standard output and input.
pub(super) fn function(slot: Slot, set: bool) -> *const () {
    if set || slot == Slot::WRITE || slot == Slot::READ {
        row(slot).function
    } else {
        ptr::null()
    }
}

/// A panic must not reach libcurl's frames.
fn guarded<R>(abort: R, act: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or(abort)
}

// The compiler holds each function against the header's type.
const _: curl_write_callback = Some(transfer::write);
const _: curl_write_callback = Some(transfer::header);
const _: curl_write_callback = Some(transfer::interleave);
const _: curl_read_callback = Some(transfer::read);
const _: curl_seek_callback = Some(transfer::seek);
const _: curl_read_callback = Some(mime_read);
const _: curl_seek_callback = Some(mime_seek);
const _: curl_xferinfo_callback = Some(transfer::xferinfo);
const _: curl_progress_callback = Some(transfer::progress);
const _: curl_debug_callback = Some(transfer::debug);
const _: curl_ioctl_callback = Some(transfer::ioctl);
const _: curl_opensocket_callback = Some(sockets::open);
const _: curl_sockopt_callback = Some(sockets::sockopt);
const _: curl_closesocket_callback = Some(sockets::close);
const _: curl_prereq_callback = Some(sockets::prereq);
const _: curl_resolver_start_callback = Some(sockets::resolver_start);
const _: curl_sshkeycallback = Some(protocols::ssh_key);
const _: curl_sshhostkeycallback = Some(protocols::ssh_hostkey);
const _: curl_trailer_callback = Some(protocols::trailer);
const _: curl_fnmatch_callback = Some(protocols::fnmatch);
const _: curl_chunk_bgn_callback = Some(protocols::chunk_begin);
const _: curl_chunk_end_callback = Some(protocols::chunk_end);
const _: curl_hstsread_callback = Some(protocols::hsts_read);
const _: curl_hstswrite_callback = Some(protocols::hsts_write);
