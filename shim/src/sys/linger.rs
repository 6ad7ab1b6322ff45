//! Looking again and again for a moment before a wait. To sleep and to be woken
//! takes longer than a server nearby takes to answer.

use std::time::{Duration, Instant};

/// Whether it is worth it, as far as one can tell by what came of it before.
pub struct Linger {
    /// How long at most.
    moment: Duration,
    /// So many waits do without.
    skip: u32,
    /// How many will after the next time that it was in vain.
    penalty: u32,
}

/// A server far away costs a moment once in so many waits.
const MOST: u32 = 255;

impl Linger {
    pub const fn new(moment: Duration) -> Self {
        Self {
            moment,
            skip: 0,
            penalty: 0,
        }
    }

    /// Until `look` finds something, or the moment is over: whether it has.
    pub fn until(&mut self, mut look: impl FnMut() -> bool) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        let start = Instant::now();
        while start.elapsed() < self.moment {
            if look() {
                self.penalty = 0;
                return true;
            }
            // The server may want this very core.
            std::thread::yield_now();
        }
        self.penalty = (2 * self.penalty + 1).min(MOST);
        self.skip = self.penalty;
        false
    }
}
