//! What the tests and the stress share: the library's calls as JavaScript makes
//! them, and a server to call.

#![allow(dead_code, reason = "no test uses all of it")]

pub mod calls;
pub mod files;
pub mod multis;
pub mod server;
pub mod tls;
