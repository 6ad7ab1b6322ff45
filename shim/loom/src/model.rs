//! Runs a model, and what models do again and again.

use crate::easy::Easy;
use crate::engine::here::{Event, Here};
use crate::error::Result;
use crate::perform::{self, Progress};
use crate::registry::POLLERS;
use crate::share::Share;
use crate::sync::Arc;
use crate::sys::bindings::*;
use crate::sys::desk::Reply;
use crate::sys::trampolines::Slot;
use crate::transfer::{Finished, Wish};
use crate::{isolate as own, local, options, report, sync, thread};
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
    check_first(usize::MAX, name, at_most, threads);
}

/// The same for a model that has too many: the first so many.
pub fn check_first(
    interleavings: usize,
    name: &str,
    at_most: usize,
    threads: impl Fn() + Send + Sync + 'static,
) {
    let _turn = ONE_AT_A_TIME.lock().expect("an earlier model has failed");
    let mut builder = Builder::new();
    builder.preemption_bound.get_or_insert(at_most);
    builder.max_branches = 10_000;
    builder.max_permutations.get_or_insert(interleavings);
    let before = execution();
    let start = Instant::now();
    builder.check(move || {
        EXECUTION.fetch_add(1, Ordering::Relaxed);
        sync::begin_execution();
        crate::isolate::begin();
        threads();
        local::end_thread();
        thread::join_all();
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

pub fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    for thread in threads {
        thread.join().expect("its isolate ends well");
    }
}

pub fn share() -> Arc<Share> {
    Share::new(true).expect("a share")
}

/// One whose transfers run on its engine.
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
    drive(easy, perform::perform(easy, false), |_| {
        panic!("it has no callback")
    })
}

/// A transfer that calls JavaScript once.
pub fn transfer_with(easy: &Arc<Easy>, callback: impl FnOnce()) -> Result<()> {
    transfer_asking(easy, CURLOPT_WRITEFUNCTION, callback)
}

/// The same with the callback of this option.
pub fn transfer_asking(easy: &Arc<Easy>, option: u32, callback: impl FnOnce()) -> Result<()> {
    options::set_callback(easy, option, true)?;
    let mut callback = Some(callback);
    // Not called if somebody has taken it back.
    drive(easy, perform::perform(easy, false), |_| {
        callback.take().expect("it has asked already")();
        Reply::Default
    })
}

/// Asks nothing, and answers whatever an engine asks of this isolate meanwhile.
pub fn transfer_among(easy: &Arc<Easy>, answer: impl FnMut(Question) -> Reply) -> Result<()> {
    drive(easy, perform::perform(easy, false), answer)
}

/// To the end of what `easy` has begun, as the loop in JavaScript does it.
pub fn drive(
    easy: &Arc<Easy>,
    progress: Result<Progress>,
    mut answer: impl FnMut(Question) -> Reply,
) -> Result<()> {
    let mut progress = progress?;
    loop {
        let operation = match progress {
            Progress::Done(result) => return result,
            Progress::Asks(operation) => operation,
        };
        let query = operation.question().expect("what it asks");
        let question = Question {
            id: query.id,
            slot: query.slot,
        };
        own::push_operation(operation);
        let reply = answer(question);
        let operation = own::pop_operation(easy.id()).expect("it waits");
        progress = operation.advance(reply);
    }
}

/// What JavaScript is asked, and about which handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    pub id: u64,
    pub slot: Slot,
}

pub fn start(easy: &Arc<Easy>) {
    own::here().unwrap().start(easy, Wish::Write).unwrap();
}

/// Turns until all asynchronous transfers of this isolate are over, and gives
/// how each has ended.
pub fn turn_to_end(mut answer: impl FnMut(Question) -> Reply) -> Vec<Finished> {
    let here = own::here().unwrap();
    let mut over = Vec::new();
    loop {
        match turn(&here, &mut answer) {
            Event::Finished(finished) => over.push(finished),
            Event::Nothing(0, _) => return over,
            Event::Nothing(..) => wait(&here),
            Event::Asks | Event::News(..) | Event::Closable(_) => {}
        }
    }
}

/// Up to the next event that is no question.
pub fn turn(here: &Here, mut answer: impl FnMut(Question) -> Reply) -> Event {
    // Whatever was left without an answer is aborted.
    let mut reply = Reply::Abort;
    loop {
        match here.turn(reply).unwrap() {
            Event::Asks => {
                let question = here.with_question(|query| Question {
                    id: query.id,
                    slot: query.slot,
                });
                reply = answer(question.expect("what it asks"));
            }
            event => return event,
        }
    }
}

/// For something that the next turn has to do.
pub fn wait(here: &Here) {
    POLLERS.find(here.number()).unwrap().wait();
}

/// closeAsync, which waits for whoever uses the share.
pub fn close_when_free(share: &Arc<Share>) -> Result<()> {
    let here = own::here()?;
    here.begin_closing(share);
    loop {
        match turn(&here, |_| Reply::Default) {
            Event::Closable(id) => {
                assert_eq!(id, share.id());
                let result = share.close();
                here.end_closing(id);
                return result;
            }
            Event::Nothing(..) => wait(&here),
            Event::Asks | Event::Finished(_) | Event::News(..) => {}
        }
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
