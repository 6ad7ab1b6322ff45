//! The shim's own files above `sys`, over loom and a pretended libcurl, so that
//! every interleaving of their threads can be tried.
//!
//! The files are the shim's, unchanged. They say `std`, which is this crate
//! here: `std::sync` is loom's, and most else is the standard library's.

// The shim has methods that take `self: &Arc<Self>`, and here `Arc` is ours.
#![feature(arbitrary_self_types)]

extern crate self as std;
extern crate std as real;

pub use real::*;

#[macro_use]
mod local;
mod arc;
pub mod model;
pub mod panic;
pub mod sync;
pub mod sys;
pub mod thread;
pub mod time;

pub mod authorities {
    //! No place of certificates, which nothing here reads.

    pub fn bundle() -> Option<&'static real::ffi::CStr> {
        None
    }
}

#[path = "../../src/claim.rs"]
pub mod claim;
#[path = "../../src/easy/mod.rs"]
pub mod easy;
#[path = "../../src/engine/mod.rs"]
pub mod engine;
#[path = "../../src/error.rs"]
pub mod error;
#[path = "../../src/ids.rs"]
pub mod ids;
#[path = "../../src/isolate.rs"]
pub mod isolate;
#[path = "../../src/kinds.rs"]
pub mod kinds;
#[path = "../../src/mime.rs"]
pub mod mime;
#[path = "../../src/multi/mod.rs"]
pub mod multi;
#[path = "../../src/options.rs"]
pub mod options;
#[path = "../../src/perform.rs"]
pub mod perform;
#[path = "../../src/registry.rs"]
pub mod registry;
#[path = "../../src/report.rs"]
pub mod report;
#[path = "../../src/share/mod.rs"]
pub mod share;
#[path = "../../src/transfer.rs"]
pub mod transfer;
#[path = "../../src/url.rs"]
pub mod url;
#[path = "../../src/websocket/mod.rs"]
pub mod websocket;
