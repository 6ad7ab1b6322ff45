//! What JavaScript can call for TLS sessions.
//!
//! # Safety
//! As in mod.rs.
#![allow(clippy::missing_safety_doc, reason = "said in mod.rs")]

use super::{entry, id, input};
use crate::{isolate, sessions};

/// They are fetched like a body, packed as sessions.rs says.
#[unsafe(no_mangle)]
pub extern "C" fn shim_sessions_export(curl: f64) -> i32 {
    entry(|| {
        let packed = isolate::with_easy(id(curl), "sslsExport", |easy| sessions::export(easy))?;
        isolate::keep_body(packed);
        Ok(0)
    })
}

/// An empty `key` stands for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_sessions_import(
    curl: f64,
    key: *const u8,
    key_length: u32,
    shmac: *const u8,
    shmac_length: u32,
    data: *const u8,
    data_length: u32,
) -> i32 {
    entry(|| {
        // SAFETY: see mod.rs.
        let (key, shmac, data) = unsafe {
            (
                input(key, key_length),
                input(shmac, shmac_length),
                input(data, data_length),
            )
        };
        isolate::with_easy(id(curl), "sslsImport", |easy| {
            sessions::import(easy, key, shmac, data).map(|()| 0)
        })
    })
}
