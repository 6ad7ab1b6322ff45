//! libcurl, pretended: what the shim's `sys` hands out, which here only looks
//! after the rules that libcurl's manual gives for threads. Callbacks, their
//! suspension and the wait for something to do are the shim's.

#[path = "../../../src/sys/bindings.rs"]
#[allow(dead_code, non_camel_case_types, reason = "complete and generated")]
pub mod bindings;
#[path = "../../../src/sys/coroutine.rs"]
#[allow(dead_code, reason = "some of it is for libcurl's own waits")]
pub mod coroutine;
#[path = "../../../src/sys/desk.rs"]
#[allow(dead_code, reason = "some of it is for the real multi handle")]
pub mod desk;
pub mod easy;
mod epoll;
pub mod getinfo;
#[path = "../../../src/sys/landing.rs"]
pub mod landing;
#[path = "../../../src/sys/linger.rs"]
pub mod linger;
pub mod lists;
pub mod mime;
pub mod multi;
#[path = "../../../src/sys/nap.rs"]
#[allow(dead_code, reason = "nothing waits in libcurl")]
pub mod nap;
#[path = "../../../src/sys/poller.rs"]
#[allow(dead_code, reason = "there is no socket to watch")]
pub mod poller;
pub mod share;
#[path = "../../../src/sys/socket.rs"]
mod socket;
#[allow(dead_code, reason = "some of it is for the real handle")]
pub mod stack;
#[path = "../../../src/sys/stream.rs"]
pub mod stream;
#[path = "../../../src/sys/trampolines/mod.rs"]
#[allow(dead_code, reason = "some of it is for the real handle")]
pub mod trampolines;
#[path = "../../../src/sys/unix.rs"]
#[allow(dead_code, reason = "there is no socket to close")]
mod unix;
pub mod url;

use unix as os;

#[cfg(not(target_os = "linux"))]
use epoll as portable;

pub fn init() {}

pub mod locks {
    //! What a kind's lock has seen: nothing, as no data is shared.

    #[derive(Clone, Copy, Default)]
    pub struct Figures;

    pub fn holds_any() -> bool {
        false
    }
}

pub mod clock {
    //! Nobody looks at it.

    pub fn keep(_keeps: bool) {}
}

pub mod waiting {
    //! Nothing ever comes.

    use super::stack::Watched;
    use real::io;
    use real::time::Duration;

    pub struct Sockets;

    impl Sockets {
        pub fn new(_: &[Watched], _: Duration) -> Self {
            Self
        }

        pub fn look(&mut self) -> usize {
            0
        }

        pub fn wait(&mut self) -> usize {
            0
        }
    }

    pub struct Wait;

    impl Wait {
        pub fn new(_: Sockets) -> io::Result<Self> {
            Ok(Self)
        }

        pub fn wake(&self) {}
    }
}

pub mod strerror {
    //! Codes, for want of libcurl's words.

    pub fn easy(code: u32) -> String {
        format!("easy {code}")
    }

    pub fn multi(code: i32) -> String {
        format!("multi {code}")
    }

    pub fn share(code: u32) -> String {
        format!("share {code}")
    }

    pub fn url(code: u32) -> String {
        format!("url {code}")
    }

    pub fn version() -> String {
        "libcurl/0".to_owned()
    }
}
