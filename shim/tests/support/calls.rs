//! The library's functions, as src/ffi/call.ts calls them, and the loop of
//! src/transfer.ts.

use denocurl::ffi::begin::*;
use denocurl::ffi::curl::*;
use denocurl::ffi::engine::*;
use denocurl::ffi::info::*;
use denocurl::ffi::options::*;
use denocurl::ffi::perform::*;
use denocurl::ffi::share::*;
use denocurl::ffi::texts::*;
use std::cell::UnsafeCell;
use std::ffi::c_int;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

pub use denocurl::sys::bindings::*;

/// The slots of callbacks that are told apart here.
pub mod slot {
    pub const WRITE: i32 = 1;
    pub const HEADER: i32 = 2;
    pub const READ: i32 = 3;
    pub const XFERINFO: i32 = 5;
    pub const DEBUG: i32 = 7;
    pub const OPENSOCKET: i32 = 8;
    pub const CLOSESOCKET: i32 = 10;
    pub const MIME_READ: i32 = 31;
}

/// A call's status, and the text for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub status: i32,
    pub text: String,
}

pub type Outcome<T = ()> = Result<T, Failure>;

/// A panic of the library's, which no call may come to.
const PANIC: i32 = -4;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curl(pub f64);

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share(pub f64);

/// What libcurl wants to know.
pub struct Question {
    pub curl: Curl,
    pub slot: i32,
    pub numbers: [f64; 6],
    pub body: Vec<u8>,
}

pub enum Answer {
    /// The function returned nothing.
    Nothing,
    Number(f64),
    /// For READFUNCTION.
    Bytes(Vec<u8>),
    /// For WRITEFUNCTION and READFUNCTION of an asynchronous transfer.
    Promise,
    Throw,
}

pub enum Step {
    Asks(Question),
    Done(Outcome),
}

/// Once in each thread that plays a Worker.
pub fn begin() {
    assert_eq!(shim_begin(), 0);
}

/// Less than some bodies have, so that these are fetched.
const ROOM: usize = 1024;

thread_local! {
    static LANDING: UnsafeCell<[u8; ROOM]> = const { UnsafeCell::new([0; ROOM]) };
}

/// The same in each call, as JavaScript has it: a piece may stay in there.
fn landing() -> *mut [u8; ROOM] {
    LANDING.with(UnsafeCell::get)
}

fn fetched(mut give: impl FnMut(*mut u8, u32) -> i32) -> Vec<u8> {
    let mut room = vec![0; ROOM];
    loop {
        let length = give(room.as_mut_ptr(), room.len() as u32).max(0) as usize;
        let fits = length <= room.len();
        room.resize(length, 0);
        if fits {
            return room;
        }
    }
}

fn text(give: impl FnMut(*mut u8, u32) -> i32) -> String {
    String::from_utf8(fetched(give)).expect("it is UTF-8")
}

/// Every live handle of the process, a line each.
pub fn report() -> String {
    // SAFETY: the room has that length.
    text(|room, length| unsafe { shim_report(room, length) })
}

fn failure(status: i32) -> Failure {
    // SAFETY: the room has that length.
    let text = text(|room, length| unsafe { shim_error(room, length) });
    assert_ne!(status, PANIC, "{text}");
    Failure { status, text }
}

fn checked(status: i32) -> Outcome {
    match status {
        0 => Ok(()),
        status => Err(failure(status)),
    }
}

fn id(number: f64) -> Outcome<f64> {
    if number > 0.0 {
        Ok(number)
    } else {
        Err(failure(number as i32))
    }
}

/// What a call has brought, which may be about another handle.
fn question(slot: i32, values: &[f64; 8], room: &[u8]) -> Question {
    let about = values[7];
    let body = match room.get(..values[6] as usize) {
        Some(body) => body.to_vec(),
        // SAFETY: the room has that length.
        None => fetched(|room, length| unsafe { shim_question(about, room, length) }),
    };
    let mut numbers = [0.0; 6];
    numbers.copy_from_slice(&values[..6]);
    Question {
        curl: Curl(about),
        slot,
        numbers,
        body,
    }
}

impl Curl {
    pub fn new() -> Self {
        Self(id(shim_curl_new()).expect("a handle"))
    }

    pub fn open(self) -> Outcome {
        checked(shim_curl_open(self.0))
    }

    pub fn release(self) {
        shim_curl_release(self.0);
    }

    pub fn closed(self) -> bool {
        shim_curl_closed(self.0) == 1
    }

    pub fn duphandle(self) -> Outcome<Self> {
        id(shim_curl_duphandle(self.0)).map(Self)
    }

    pub fn reset(self) -> Outcome {
        checked(shim_curl_reset(self.0))
    }

    /// Of its share, or 0.
    pub fn share(self) -> f64 {
        shim_curl_share(self.0)
    }

    pub fn set_number(self, option: u32, value: i64) -> Outcome {
        checked(shim_setopt_bigint(self.0, option, value))
    }

    pub fn set_bytes(self, option: u32, value: &[u8]) -> Outcome {
        let length = value.len() as u32;
        // SAFETY: the value has that length.
        checked(unsafe { shim_setopt_bytes(self.0, option, value.as_ptr(), length) })
    }

    pub fn set_text(self, option: u32, value: &str) -> Outcome {
        self.set_bytes(option, value.as_bytes())
    }

    pub fn set_list(self, option: u32, items: &[&str]) -> Outcome {
        let joined: String = items.iter().map(|item| format!("{item}\0")).collect();
        self.set_bytes(option, joined.as_bytes())
    }

    pub fn set_callback(self, option: u32, set: bool) -> Outcome {
        checked(shim_setopt_callback(self.0, option, set.into()))
    }

    pub fn set_share(self, share: Share) -> Outcome {
        checked(shim_setopt_share(self.0, share.0))
    }

    pub fn unset(self, option: u32) -> Outcome {
        checked(shim_unsetopt(self.0, option))
    }

    pub fn number(self, info: u32) -> Outcome<f64> {
        let mut values = [0.0; 8];
        // SAFETY: room for eight numbers.
        checked(unsafe { shim_getinfo_number(self.0, info, values.as_mut_ptr()) })?;
        Ok(values[0])
    }

    pub fn bytes(self, info: u32) -> Outcome<Option<Vec<u8>>> {
        let mut values = [0.0; 8];
        let mut status = 0;
        let found = fetched(|room, length| {
            // SAFETY: room for eight numbers, and for so many bytes.
            status = unsafe { shim_getinfo_bytes(self.0, info, values.as_mut_ptr(), room, length) };
            values[0] as i32
        });
        checked(status)?;
        Ok((values[0] >= 0.0).then_some(found))
    }

    pub fn errstr(self) -> String {
        // SAFETY: the room has that length.
        text(|room, length| unsafe { shim_curl_errstr(self.0, room, length) })
    }

    pub(super) fn step(self, act: impl FnOnce(*mut f64, *mut u8, u32) -> i32) -> Outcome<Step> {
        let mut values = [0.0; 8];
        let room = landing();
        let slot = act(values.as_mut_ptr(), room.cast(), ROOM as u32);
        // SAFETY: no call uses it before the next one.
        let room = unsafe { &*room };
        if slot < 0 {
            return Err(failure(slot));
        }
        if slot == 0 {
            return Ok(Step::Done(checked(values[0] as i32)));
        }
        Ok(Step::Asks(question(slot, &values, room)))
    }

    /// To the first question.
    pub fn start(self, collects: bool) -> Outcome<Step> {
        // SAFETY: `step` gives room as it says.
        self.step(|values, room, length| unsafe {
            shim_perform(self.0, collects.into(), values, room, length)
        })
    }

    /// The number that stands for an answer, whose bytes are handed over.
    pub(super) fn reply(self, answer: &Answer) -> f64 {
        match answer {
            Answer::Nothing => f64::INFINITY,
            Answer::Number(number) => *number,
            Answer::Bytes(bytes) => {
                // SAFETY: the bytes have that length.
                let fits = unsafe { shim_answer(self.0, bytes.as_ptr(), bytes.len() as u32) };
                assert_eq!(fits, 0, "more than was asked for");
                bytes.len() as f64
            }
            Answer::Promise => f64::NEG_INFINITY,
            Answer::Throw => f64::NAN,
        }
    }

    pub fn resume(self, answer: &Answer) -> Outcome<Step> {
        self.resume_with(self.reply(answer))
    }

    pub(super) fn resume_with(self, reply: f64) -> Outcome<Step> {
        // SAFETY: `step` gives room as it says.
        self.step(|values, room, length| unsafe {
            shim_resume(self.0, reply, values, room, length)
        })
    }

    pub fn drive(self, first: Step, mut answer: impl FnMut(&Question) -> Answer) -> Outcome {
        let mut step = first;
        loop {
            match step {
                Step::Done(outcome) => return outcome,
                Step::Asks(question) => step = self.resume(&answer(&question))?,
            }
        }
    }

    pub fn perform(self, answer: impl FnMut(&Question) -> Answer) -> Outcome {
        self.drive(self.start(false)?, answer)
    }

    /// The body, with nobody to answer.
    pub fn perform_bytes(self) -> Outcome<Vec<u8>> {
        self.perform_bytes_with(|_| Answer::Nothing)
    }

    pub fn perform_bytes_with(self, answer: impl FnMut(&Question) -> Answer) -> Outcome<Vec<u8>> {
        self.drive(self.start(true)?, answer)?;
        Ok(take_body())
    }

    pub fn pause(self, mask: c_int, answer: impl FnMut(&Question) -> Answer) -> Outcome {
        self.drive(self.start_pause(mask)?, answer)
    }

    pub fn start_pause(self, mask: c_int) -> Outcome<Step> {
        let unpause = u32::from(mask == CURLPAUSE_CONT);
        // SAFETY: `step` gives room as it says.
        self.step(|values, room, length| unsafe {
            shim_pause(self.0, mask, unpause, values, room, length)
        })
    }

    /// To the first question, which only some handles have.
    pub fn start_close(self) -> Outcome<Step> {
        // SAFETY: `step` gives room as it says.
        self.step(|values, room, length| unsafe { shim_curl_close(self.0, values, room, length) })
    }

    pub fn close(self) -> Outcome {
        self.drive(self.start_close()?, |_| Answer::Nothing)
    }

    /// What the report says of it, such as "idle".
    pub fn state(self) -> Option<String> {
        state(&format!("curl {} ", self.0))
    }
}

/// What becomes of the body of an asynchronous transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    Write,
    Collect,
    Stream,
}

/// What a turn brings.
pub enum Event {
    Asks(Question),
    /// With what it has collected.
    Done(Curl, Outcome<Vec<u8>>),
    /// A stream has something to read.
    Data(Curl),
    Closable(Share),
    /// So much is pending.
    Nothing(usize),
}

impl Curl {
    pub fn begin(self, wish: Wish) -> Outcome {
        checked(shim_start(self.0, wish as u32))
    }

    pub fn cancel(self) {
        assert_eq!(shim_cancel(self.0), 0);
    }

    /// The promise of a callback has become this.
    pub fn settle(self, slot: i32, answer: &Answer) {
        let reply = self.reply(answer);
        assert_eq!(shim_settle(self.0, slot as u32, reply), 0);
    }

    /// As much of the stream as fits.
    pub fn read_to(self, room: &mut [u8]) -> usize {
        // SAFETY: the room has that length.
        let count = unsafe { shim_stream_read(self.0, room.as_mut_ptr(), room.len() as u32) };
        count.unsigned_abs() as usize
    }

    /// What is there of the stream.
    pub fn read(self) -> Vec<u8> {
        let mut all = Vec::new();
        let mut room = [0; ROOM];
        loop {
            let count = self.read_to(&mut room);
            all.extend_from_slice(&room[..count]);
            if count == 0 {
                return all;
            }
        }
    }
}

/// Goes on to the next event, with the answer to the last one if that asked.
pub fn turn(last: Option<(Curl, Answer)>) -> Event {
    // SAFETY: `turn_by` gives room as it says.
    turn_by(last, |reply, values, room, length| unsafe {
        shim_turn(reply, values, room, length)
    })
}

/// The same while a reader waits with this memory for a stream.
pub fn turn_for(reader: Curl, into: &mut [u8], last: Option<(Curl, Answer)>) -> Event {
    let (start, size) = (into.as_mut_ptr(), into.len() as u32);
    // SAFETY: as above; the memory has that length.
    turn_by(last, |reply, values, room, length| unsafe {
        shim_turn_for(reader.0, start, size, reply, values, room, length)
    })
}

fn turn_by(
    last: Option<(Curl, Answer)>,
    act: impl FnOnce(f64, *mut f64, *mut u8, u32) -> i32,
) -> Event {
    let reply = last.map_or(f64::INFINITY, |(curl, answer)| curl.reply(&answer));
    let mut values = [0.0; 8];
    let room = landing();
    let event = act(reply, values.as_mut_ptr(), room.cast(), ROOM as u32);
    // SAFETY: no call uses it before the next one.
    let room = unsafe { &*room };
    let about = Curl(values[7]);
    match event {
        0 => Event::Nothing(values[0] as usize),
        64 => Event::Done(
            about,
            checked(values[0] as i32).map(|()| match room.get(..values[6] as usize) {
                Some(body) => body.to_vec(),
                None => take_body(),
            }),
        ),
        65 => Event::Data(about),
        66 => Event::Closable(Share(about.0)),
        slot if slot > 0 => Event::Asks(question(slot, &values, room)),
        status => panic!("{:?}", failure(status)),
    }
}

/// For `wait`, which another thread calls.
pub fn engine() -> f64 {
    shim_engine()
}

pub fn wait(engine: f64) {
    assert_eq!(shim_wait(engine), 0);
}

/// What the last transfer has collected.
pub fn take_body() -> Vec<u8> {
    let mut body = vec![0; shim_body_length() as usize];
    // SAFETY: the room has that length.
    assert_eq!(
        unsafe { shim_body(body.as_mut_ptr(), body.len() as u32) },
        0
    );
    body
}

impl Share {
    pub fn new(detach_on_close: bool, kinds: &[u32]) -> Self {
        let share = Self(id(shim_share_new(detach_on_close.into())).expect("a share"));
        let bits = kinds.iter().map(|kind| 1 << kind).sum();
        share.set(CURLSHOPT_SHARE, bits).expect("its kinds");
        share
    }

    pub fn set(self, option: u32, kinds: u32) -> Outcome {
        checked(shim_share_setopt(self.0, option, kinds))
    }

    pub fn open(self) -> Outcome {
        checked(shim_share_open(self.0))
    }

    pub fn release(self) {
        shim_share_release(self.0);
    }

    pub fn close(self) -> Outcome {
        checked(shim_share_close(self.0))
    }

    pub fn set_closing(self, on: bool) -> Outcome {
        checked(shim_share_closing(self.0, on.into()))
    }

    fn values(self) -> Outcome<[f64; 8]> {
        let mut values = [0.0; 8];
        // SAFETY: room for eight numbers.
        checked(unsafe { shim_share_state(self.0, values.as_mut_ptr()) })?;
        Ok(values)
    }

    pub fn closed(self) -> bool {
        self.values().expect("it is held")[0] != 0.0
    }

    pub fn attached(self) -> usize {
        self.values().expect("it is held")[2] as usize
    }

    /// Transfers, and the connections they made.
    pub fn stats(self) -> Outcome<[f64; 2]> {
        let mut values = [0.0; 24];
        // SAFETY: room for 24 numbers.
        checked(unsafe { shim_share_stats(self.0, values.as_mut_ptr()) })?;
        Ok([values[0], values[1]])
    }

    pub fn state(self) -> Option<String> {
        state(&format!("share {} ", self.0))
    }
}

fn state(prefix: &str) -> Option<String> {
    let report = report();
    let mut lines = report.lines();
    lines.find_map(|line| line.strip_prefix(prefix).map(str::to_owned))
}

/// A thread that plays a Worker.
pub fn worker<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    thread::spawn(|| {
        begin();
        run()
    })
}

/// A Worker that stops where `run` leaves it, until it is told to end.
pub struct Paused {
    end: Sender<()>,
    thread: JoinHandle<()>,
}

impl Paused {
    pub fn after(run: impl FnOnce() + Send + 'static) -> Self {
        let (ready, is_ready) = channel();
        let (end, ended) = channel();
        let thread = worker(move || {
            run();
            ready.send(()).expect("somebody waits");
            // An error is as good: whoever could tell is gone.
            let _ = ended.recv();
        });
        is_ready.recv().expect("it gets there");
        Self { end, thread }
    }

    pub fn end(self) {
        self.end.send(()).expect("it waits");
        self.thread.join().expect("it ends well");
    }
}

/// Starts a transfer and leaves it in its first callback.
pub fn suspend(curl: Curl, collects: bool) -> Question {
    match curl.start(collects).expect("it starts") {
        Step::Asks(question) => question,
        Step::Done(outcome) => panic!("no callback was called: {outcome:?}"),
    }
}

#[track_caller]
pub fn refused(outcome: Outcome, text: &str) {
    let failure = outcome.expect_err(text);
    assert_eq!((failure.status, failure.text.as_str()), (-1, text));
}
