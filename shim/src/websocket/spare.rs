//! The memory of long messages, for the next one: for fresh memory the system
//! takes longer than the message takes to be copied.

use std::mem;
use std::sync::{Mutex, MutexGuard};

/// Less need not be kept.
const LEAST: usize = 256 * 1024;
/// More is given back.
const MOST: usize = 4 << 20;

/// Of the whole process: one for either direction.
static SPARES: Mutex<[Vec<u8>; 2]> = Mutex::new([Vec::new(), Vec::new()]);

fn lock() -> MutexGuard<'static, [Vec<u8>; 2]> {
    SPARES
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Room for so many bytes more; `false`: there is no memory for them.
pub fn reserve(bytes: &mut Vec<u8>, more: usize) -> bool {
    if bytes.capacity() - bytes.len() >= more {
        return true;
    }
    let wanted = bytes.len().saturating_add(more);
    if wanted > LEAST {
        let mut spares = lock();
        if let Some(spare) = spares.iter_mut().find(|it| it.capacity() >= wanted) {
            spare.extend_from_slice(bytes);
            mem::swap(bytes, spare);
            let less = mem::take(spare);
            drop(spares);
            drop(less);
            return true;
        }
    }
    bytes.try_reserve(more).is_ok()
}

/// Takes memory that is needed no more, if it is long enough.
pub fn keep(bytes: &mut Vec<u8>) {
    if bytes.capacity() <= LEAST {
        return;
    }
    let mut bytes = mem::take(bytes);
    bytes.clear();
    if bytes.capacity() <= MOST {
        let mut spares = lock();
        let [a, b] = &mut *spares;
        let least = if a.capacity() < b.capacity() { a } else { b };
        if least.capacity() < bytes.capacity() {
            mem::swap(least, &mut bytes);
        }
    }
}
