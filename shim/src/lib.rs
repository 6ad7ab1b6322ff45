//! libcurl's handles for Deno: who owns them, who may touch them, and how a
//! transfer asks JavaScript. ARCHITECTURE.md tells how the parts fit.

#![deny(unsafe_code)]

mod authorities;
pub mod claim;
mod connection;
mod easy;
mod engine;
mod error;
#[expect(unsafe_code, reason = "the door JavaScript comes in by")]
pub mod ffi;
mod headers;
mod ids;
mod info;
mod isolate;
mod kinds;
#[expect(unsafe_code, reason = "libcurl calls these in place of libraries")]
mod libcurl;
mod mime;
mod multi;
mod options;
mod perform;
mod registry;
mod report;
mod sessions;
mod share;
mod sync;
#[expect(unsafe_code, reason = "the only room that calls libcurl")]
pub mod sys;
mod transfer;
mod url;
mod version;
mod websocket;
