//! What a share's lock and unlock callbacks cost when nobody else wants the
//! lock: `deno task bench --only locks`.

use denocurl::sys::locks::Locks;
use std::hint::black_box;
use std::time::Instant;

/// CURL_LOCK_DATA_DNS
const KIND: u32 = 3;

fn main() {
    let times: u32 = std::env::args()
        .nth(1)
        .and_then(|times| times.parse().ok())
        .expect("usage: bench_lock TIMES");
    let locks = Locks::default();
    let mut took = 0.0;
    // The first pass warms up.
    for _ in 0..2 {
        let start = Instant::now();
        for _ in 0..times {
            black_box(&locks).lock_and_unlock(KIND);
        }
        took = start.elapsed().as_secs_f64() / f64::from(times);
    }
    println!("{{\"lock\":{:.3}}}", took * 1e9);
}
