//! What JavaScript can call for a CurlShare.
//!
//! # Safety
//! As in mod.rs.
#![allow(clippy::missing_safety_doc, reason = "said in mod.rs")]

use super::{entry, entry_id, id, numbers};
use crate::isolate;
use crate::share::{KINDS, Share};

#[unsafe(no_mangle)]
pub extern "C" fn shim_share_new(detach_on_close: u32) -> f64 {
    entry_id(|| Ok(isolate::hold_share(Share::new(detach_on_close != 0)?)))
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_share_open(share: f64) -> i32 {
    entry(|| isolate::open_share(id(share)).map(|()| 0))
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_share_release(share: f64) {
    entry(|| {
        isolate::release_share(id(share));
        Ok(0)
    });
}

/// Bit n of `kinds` stands for the kind n.
#[unsafe(no_mangle)]
pub extern "C" fn shim_share_setopt(share: f64, option: u32, kinds: u32) -> i32 {
    entry(|| {
        isolate::with_share(id(share), "setopt", |share| {
            share.setopt(option, kinds).map(|()| 0)
        })
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_share_close(share: f64) -> i32 {
    entry(|| isolate::with_share(id(share), "close", |share| share.close().map(|()| 0)))
}

/// `values`: closed, detachOnClose, attached.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_share_state(share: f64, values: *mut f64) -> i32 {
    entry(|| {
        isolate::with_share(id(share), "state", |share| {
            // SAFETY: see mod.rs.
            let values = unsafe { numbers::<8>(values) };
            values[0] = share.closed().into();
            values[1] = share.detach_on_close().into();
            values[2] = share.attached() as f64;
            Ok(0)
        })
    })
}

/// `values`, of 24: transfers, connections made and reused, then for each kind
/// in the order of share/mod.rs the locks taken, contended, and ns waited.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shim_share_stats(share: f64, values: *mut f64) -> i32 {
    entry(|| {
        isolate::with_share(id(share), "stats", |share| {
            // SAFETY: see mod.rs.
            let values = unsafe { numbers::<{ 3 + 3 * KINDS.len() }>(values) };
            let stats = share.stats();
            values[0] = stats.transfers as f64;
            values[1] = stats.connections_made as f64;
            values[2] = stats.connections_reused as f64;
            for (place, figures) in values[3..].chunks_exact_mut(3).zip(stats.figures) {
                place[0] = figures.taken as f64;
                place[1] = figures.contended as f64;
                place[2] = figures.waited_ns as f64;
            }
            Ok(0)
        })
    })
}
