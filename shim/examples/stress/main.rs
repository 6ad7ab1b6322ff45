//! Threads that play Workers, in random walks over handles and shares that all
//! of them use: what `deno task stress` does, for sanitizers, which can't be
//! loaded into Deno.
//!
//! `cargo run --release --example stress -- [--seconds N] [--threads T] [--seed S]`

#[path = "../../tests/support/mod.rs"]
mod support;
mod walk;

use std::env;
use std::process;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use support::calls::{Curl, Share, begin, report};
use support::files::{File, bytes};
use support::multis::Multi;
use walk::{Common, Random, SIZES, Slot, Walk};

/// Longer than any transfer may take.
const PATIENCE: Duration = Duration::from_secs(60);

struct Arguments {
    seconds: u64,
    threads: u64,
    seed: u64,
}

fn arguments() -> Result<Arguments, String> {
    let mut found = Arguments {
        seconds: 20,
        threads: 4,
        seed: u64::from(process::id()),
    };
    let mut words = env::args().skip(1);
    while let Some(name) = words.next() {
        let value = words.next().and_then(|value| value.parse().ok());
        let value = value.ok_or_else(|| format!("{name} wants a number"))?;
        match name.as_str() {
            "--seconds" => found.seconds = value,
            "--threads" => found.threads = value,
            "--seed" => found.seed = value,
            _ => return Err(format!("{name} is not known")),
        }
    }
    Ok(found)
}

/// Bodies without a callback go to standard output, and uploads come from
/// standard input.
fn close_standard_streams() {
    // SAFETY: plain numbers and a terminated string.
    unsafe {
        let nothing = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
        assert!(nothing >= 0 && libc::dup2(nothing, 0) == 0 && libc::dup2(nothing, 1) == 1);
    }
}

/// Workers that follow one another, until the time is over.
fn keep_walking(common: &Arc<Common>, slot: usize, mut random: Random) {
    while !common.stop.load(Ordering::Relaxed) {
        let mine = common.clone();
        let own = random.fork();
        let worker = thread::spawn(move || {
            begin();
            Walk::new(&mine, slot, own).run();
        });
        if worker.join().is_err() {
            fail("a Worker panicked");
        }
        common.slots[slot].workers.fetch_add(1, Ordering::Relaxed);
    }
}

fn watch(common: &Common) {
    let mut seen = vec![(0, Instant::now()); common.slots.len()];
    while !common.stop.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(200));
        for (slot, (calls, since)) in common.slots.iter().zip(&mut seen) {
            let now = slot.calls.load(Ordering::Relaxed);
            if now != *calls {
                (*calls, *since) = (now, Instant::now());
            } else if since.elapsed() > PATIENCE {
                fail("a Worker hangs");
            }
        }
    }
}

fn fail(text: &str) -> ! {
    eprintln!("{text}; every handle:\n{}", report());
    process::abort();
}

fn main() {
    let Arguments {
        seconds,
        threads,
        seed,
    } = arguments().unwrap_or_else(|text| {
        eprintln!("{text}\nUsage: stress [--seconds N] [--threads T] [--seed S]");
        process::exit(2);
    });
    close_standard_streams();
    support::server::keep_threads();
    eprintln!("stress: {seconds} s, {threads} threads, seed {seed}");
    let mut random = Random::new(seed);
    let common = Arc::new(Common {
        stop: false.into(),
        curls: Mutex::new(vec![Curl(0.0)]),
        shares: Mutex::new(vec![Share(0.0)]),
        multis: Mutex::new(vec![Multi(0.0)]),
        files: SIZES.map(|size| File::new(&bytes(size))),
        scratch: File::new(&bytes(5_000)),
        slots: (0..threads).map(|_| Slot::default()).collect(),
    });
    let watchdog = {
        let common = common.clone();
        thread::spawn(move || watch(&common))
    };
    let walkers: Vec<_> = (0..common.slots.len())
        .map(|slot| {
            let (common, random) = (common.clone(), random.fork());
            thread::spawn(move || keep_walking(&common, slot, random))
        })
        .collect();
    thread::sleep(Duration::from_secs(seconds));
    common.stop.store(true, Ordering::Relaxed);
    for thread in walkers {
        if thread.join().is_err() {
            fail("a thread panicked");
        }
    }
    watchdog.join().expect("the watchdog has seen nothing");
    if !report().is_empty() {
        fail("something is left over");
    }
    support::server::wait_for_the_end();
    let sum = |count: fn(&Slot) -> u64| common.slots.iter().map(count).sum::<u64>();
    eprintln!(
        "stress: {} calls, {} transfers (of which {} failed), {} Workers, {} of them ended in a \
         callback",
        sum(|slot| slot.calls.load(Ordering::Relaxed)),
        sum(|slot| slot.transfers.load(Ordering::Relaxed)),
        sum(|slot| slot.failed.load(Ordering::Relaxed)),
        sum(|slot| slot.workers.load(Ordering::Relaxed)),
        sum(|slot| slot.cut_off.load(Ordering::Relaxed)),
    );
}
