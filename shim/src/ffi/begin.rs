//! What JavaScript calls first.

use super::entry;
use crate::isolate;

/// Once in each isolate, before anything else.
#[unsafe(no_mangle)]
pub extern "C" fn shim_begin() -> i32 {
    entry(|| {
        isolate::begin();
        Ok(0)
    })
}
