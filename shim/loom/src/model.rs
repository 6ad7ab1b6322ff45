//! Runs a model, and what models do again and again.

use crate::easy::Easy;
use crate::error::Result;
use crate::perform::{self, Progress};
use crate::share::Share;
use crate::sync::Arc;
use crate::sys::bindings::*;
use crate::sys::coroutine::Reply;
use crate::{local, options, report, sync};
use loom::model::Builder;
use loom::thread::JoinHandle;
use real::sync::Mutex;
use real::sync::atomic::{AtomicU64, Ordering};
use real::time::Instant;

/// Counts the interleavings that were tried, over all models.
static EXECUTION: AtomicU64 = AtomicU64::new(0);

/// The statics of the included files are there once.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Tells one interleaving's objects from the next one's.
pub(crate) fn execution() -> u64 {
    EXECUTION.load(Ordering::Relaxed)
}

/// Tries every interleaving of `threads` in which they are interrupted `at_most`
/// so often where they could have gone on. An environment variable of loom's
/// says another number.
pub fn check(name: &str, at_most: usize, threads: impl Fn() + Send + Sync + 'static) {
    let _turn = ONE_AT_A_TIME.lock().expect("an earlier model has failed");
    let mut builder = Builder::new();
    builder.preemption_bound.get_or_insert(at_most);
    builder.max_branches = 10_000;
    let before = execution();
    let start = Instant::now();
    builder.check(move || {
        EXECUTION.fetch_add(1, Ordering::Relaxed);
        sync::begin_execution();
        crate::isolate::begin();
        threads();
        local::end_thread();
        assert_eq!(report::text(), "", "something is left over");
    });
    println!(
        "{name}: {} interleavings in {:.1} s",
        execution() - before,
        start.elapsed().as_secs_f64()
    );
}

/// A thread with an isolate of its own, which ends with it.
pub fn isolate(run: impl FnOnce() + 'static) -> JoinHandle<()> {
    loom::thread::spawn(move || {
        crate::isolate::begin();
        run();
        local::end_thread();
    })
}

pub fn share() -> Arc<Share> {
    Share::new(true).expect("a share")
}

/// One that lets one transfer through at a time.
pub fn cookies() -> Arc<Share> {
    share_of(CURL_LOCK_DATA_COOKIE)
}

pub fn connections() -> Arc<Share> {
    share_of(CURL_LOCK_DATA_CONNECT)
}

fn share_of(kind: curl_lock_data) -> Arc<Share> {
    let share = share();
    share.setopt(CURLSHOPT_SHARE, 1 << kind).expect("its kind");
    share
}

pub fn curl() -> Arc<Easy> {
    Easy::new().expect("a handle")
}

pub fn attached_to(share: &Arc<Share>) -> Arc<Easy> {
    let easy = curl();
    easy.set_share(Some(share)).expect("it is attached");
    easy
}

/// A transfer that asks nothing.
pub fn transfer(easy: &Arc<Easy>) -> Result<()> {
    match perform::perform(easy, false)? {
        Progress::Asks(_) => panic!("it has no callback"),
        Progress::Done(result) => result,
    }
}

/// A transfer that calls JavaScript once.
pub fn transfer_with(easy: &Arc<Easy>, callback: impl FnOnce()) -> Result<()> {
    options::set_callback(easy, CURLOPT_WRITEFUNCTION, true)?;
    match perform::perform(easy, false)? {
        Progress::Asks(operation) => {
            callback();
            match operation.advance(Reply::Default) {
                Progress::Asks(_) => panic!("it has asked already"),
                Progress::Done(result) => result,
            }
        }
        // Somebody has taken the callback back.
        Progress::Done(result) => result,
    }
}

/// A connection that the handle keeps, and has used without a transfer.
pub fn hold_connection(easy: &Arc<Easy>) {
    options::set_number(easy, CURLOPT_CONNECT_ONLY, 1).expect("a number");
    transfer(easy).expect("it connects");
}

/// Uses the share's cookies.
pub fn add_cookie(easy: &Arc<Easy>) -> Result<()> {
    options::set_bytes(easy, CURLOPT_COOKIELIST, b"Set-Cookie: name=value")
}

/// Attached for us as well as for libcurl.
pub fn is_attached(easy: &Arc<Easy>) -> bool {
    let ours = easy.share().is_some();
    let held = easy.enter("a model").expect("it is idle");
    let native = held.handle().expect("it is open").is_attached();
    assert_eq!(ours, native, "libcurl knows better");
    native
}

pub const RUNNING: &str = "perform() is currently running";

/// Done, or refused with a text that ends so.
#[track_caller]
pub fn done_or(result: Result<()>, text: &str) -> bool {
    match result {
        Ok(()) => true,
        Err(error) => {
            assert!(error.text.ends_with(text), "{}", error.text);
            false
        }
    }
}
