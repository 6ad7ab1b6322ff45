//! What one Worker of the stress does.

mod multis;

use crate::support::calls::*;
use crate::support::files::{File, bytes};
use crate::support::multis::{Form, Multi};
use crate::support::server;
use crate::support::tls::CERTIFICATE;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

pub const SIZES: [usize; 3] = [0, 900, 300_000];

/// How deep transfers are started inside callbacks.
const DEEPEST: usize = 3;
/// How many calls the callbacks of one transfer make, so that it ends.
const CALLS_INSIDE: usize = 6;
/// How many numbers of handles are passed around.
const POOL: usize = 24;

/// What all Workers use.
pub struct Common {
    pub stop: AtomicBool,
    pub curls: Mutex<Vec<Curl>>,
    pub shares: Mutex<Vec<Share>>,
    pub multis: Mutex<Vec<Multi>>,
    /// Of `SIZES`; nobody writes to them.
    pub files: [File; SIZES.len()],
    /// Where uploads go.
    pub scratch: File,
    pub slots: Vec<Slot>,
}

/// What is counted of the Workers that follow one another.
#[derive(Default)]
pub struct Slot {
    pub calls: AtomicU64,
    pub transfers: AtomicU64,
    pub failed: AtomicU64,
    pub workers: AtomicU64,
    pub cut_off: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn fork(&mut self) -> Self {
        Self(self.next())
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// The Worker ends here, and does nothing more.
struct Ends;

type Flow = Result<(), Ends>;

pub struct Walk<'a> {
    common: &'a Common,
    slot: usize,
    random: Random,
    steps_left: usize,
    depth: usize,
    /// A turn is being answered: none begins inside it.
    is_turning: bool,
    /// Callbacks that have answered with a promise.
    promises: Vec<(Curl, i32, usize)>,
    /// Whoever waits for the next turn, as a runtime's pool does.
    waiting: Option<JoinHandle<()>>,
    closing: Vec<Share>,
    /// The mimes it has made.
    forms: Vec<Form>,
    /// Multi handles that it has made itself.
    multis: Vec<Multi>,
    /// Those that calls are under way on.
    busy: Vec<Multi>,
    /// Waits for sockets of multi handles.
    waits: Vec<JoinHandle<()>>,
}

impl<'a> Walk<'a> {
    pub fn new(common: &'a Common, slot: usize, mut random: Random) -> Self {
        Self {
            common,
            slot,
            steps_left: 20 + random.below(300),
            random,
            depth: 0,
            is_turning: false,
            promises: Vec::new(),
            waiting: None,
            closing: Vec::new(),
            forms: Vec::new(),
            multis: Vec::new(),
            busy: Vec::new(),
            waits: Vec::new(),
        }
    }

    pub fn run(mut self) {
        while self.steps_left > 0 && self.step().is_ok() {}
        if self.depth > 0 {
            count(&self.common.slots[self.slot].cut_off);
        }
    }

    fn step(&mut self) -> Flow {
        count(&self.common.slots[self.slot].calls);
        self.steps_left = self.steps_left.saturating_sub(1);
        if self.common.stop.load(Ordering::Relaxed) {
            return Err(Ends);
        }
        if self.random.one_in(3) {
            return self.step_of_objects();
        }
        match self.random.below(60) {
            0..3 => self.new_curl(),
            3..5 => self.new_share(),
            5..7 => self.open(),
            7 => self.curl().release(),
            8 => self.share().release(),
            9..11 => return self.close_curl(),
            11..13 => drop(self.share().close()),
            13..17 => self.set_option(),
            17..19 => self.set_callback(),
            19..21 => drop(self.curl().set_share(self.share())),
            21 => drop(self.curl().unset(CURLOPT_SHARE)),
            22 => self.ask(),
            23 => self.duplicate(),
            24 => drop(self.curl().reset()),
            25 => drop(self.curl().pause(CURLPAUSE_CONT, |_| Answer::Nothing)),
            26..28 => self.set_cookies(),
            28..30 => self.fetch(),
            30 => self.fetch_with_pauses(),
            40..46 => self.begin(),
            46..54 => return self.turn(),
            54..56 => self.settle(),
            56 => self.curl().cancel(),
            57 => drop(self.curl().read()),
            58 => self.set_closing(),
            _ => return self.transfer(),
        }
        Ok(())
    }

    /// Any number, also of a handle that is gone or held by others only.
    fn curl(&mut self) -> Curl {
        let curls = self.common.curls.lock().unwrap();
        self.random.pick(&curls)
    }

    fn share(&mut self) -> Share {
        let shares = self.common.shares.lock().unwrap();
        self.random.pick(&shares)
    }

    fn new_curl(&mut self) {
        let curl = Curl::new();
        self.prepare(curl);
        let mut curls = self.common.curls.lock().unwrap();
        pass_on(&mut self.random, &mut curls, curl);
    }

    fn new_share(&mut self) {
        let all = [
            CURL_LOCK_DATA_COOKIE,
            CURL_LOCK_DATA_DNS,
            CURL_LOCK_DATA_SSL_SESSION,
            CURL_LOCK_DATA_CONNECT,
            CURL_LOCK_DATA_PSL,
            CURL_LOCK_DATA_HSTS,
        ];
        let kinds: Vec<u32> = all.into_iter().filter(|_| self.random.one_in(2)).collect();
        let share = Share::new(!self.random.one_in(4), &kinds);
        let mut shares = self.common.shares.lock().unwrap();
        pass_on(&mut self.random, &mut shares, share);
    }

    fn open(&mut self) {
        let _ = self.curl().open();
        let _ = self.share().open();
    }

    fn close_curl(&mut self) -> Flow {
        let curl = self.curl();
        match curl.start_close() {
            Ok(step) => self.drive(curl, step),
            Err(_) => Ok(()),
        }
    }

    /// In the order that keeps libcurl's own words off standard error.
    fn prepare(&mut self, curl: Curl) {
        let url = self.url();
        let _ = curl.set_text(CURLOPT_URL, &url);
        let _ = curl.set_number(CURLOPT_TIMEOUT_MS, 10_000);
        let _ = curl.set_text(CURLOPT_COOKIEFILE, "");
        let _ = curl.set_bytes(CURLOPT_CAINFO_BLOB, CERTIFICATE);
        if self.random.one_in(4) {
            let _ = curl.set_callback(CURLOPT_DEBUGFUNCTION, true);
            let _ = curl.set_number(CURLOPT_VERBOSE, 1);
        }
        if self.random.one_in(4) {
            let _ = curl.set_callback(CURLOPT_XFERINFOFUNCTION, true);
            let _ = curl.set_number(CURLOPT_NOPROGRESS, 0);
        }
    }

    fn url(&mut self) -> String {
        match self.random.below(10) {
            0..3 => self.common.scratch.url(),
            3 => "http://127.0.0.1:1/".to_owned(),
            4 => server::web_socket_url(),
            5 => server::url("close/500"),
            6 => server::url("cut/900"),
            7 => server::tls_url("900"),
            _ => server::url(&self.random.pick(&SIZES).to_string()),
        }
    }

    fn set_option(&mut self) {
        let curl = self.curl();
        let length = self.random.below(3_000);
        let number = self.random.below(2) as i64;
        let _ = match self.random.below(11) {
            0 => curl.set_text(CURLOPT_URL, &self.url()),
            1 => curl.set_list(CURLOPT_HTTPHEADER, &["X-One: 1", "X-Two: 2"]),
            2 => curl.unset(CURLOPT_HTTPHEADER),
            3 => curl.set_bytes(CURLOPT_POSTFIELDS, &bytes(length)),
            4 => curl.set_number(CURLOPT_HTTPGET, 1),
            5 => curl.set_number(CURLOPT_UPLOAD, number),
            6 => curl.set_number(CURLOPT_NOBODY, number),
            7 => curl.set_number(CURLOPT_FORBID_REUSE, number),
            8 => curl.set_number(CURLOPT_CONNECT_ONLY, self.random.pick(&[0, 0, 1, 2])),
            9 => curl.set_bytes(CURLOPT_CAINFO_BLOB, CERTIFICATE),
            _ => curl.set_text(CURLOPT_RANGE, "0-99"),
        };
    }

    fn set_callback(&mut self) {
        let option = self.random.pick(&[
            CURLOPT_WRITEFUNCTION,
            CURLOPT_WRITEFUNCTION,
            CURLOPT_HEADERFUNCTION,
            CURLOPT_READFUNCTION,
            CURLOPT_SEEKFUNCTION,
            CURLOPT_OPENSOCKETFUNCTION,
            CURLOPT_SOCKOPTFUNCTION,
            CURLOPT_CLOSESOCKETFUNCTION,
            CURLOPT_PREREQFUNCTION,
            CURLOPT_RESOLVER_START_FUNCTION,
        ]);
        let set = !self.random.one_in(3);
        let _ = self.curl().set_callback(option, set);
    }

    fn set_cookies(&mut self) {
        let line = format!("Set-Cookie: c{}=1", self.random.below(20));
        let line = self.random.pick(&[&line, "SESS", "ALL"]);
        let _ = self.curl().set_text(CURLOPT_COOKIELIST, line);
    }

    fn ask(&mut self) {
        let curl = self.curl();
        let _ = curl.number(CURLINFO_RESPONSE_CODE);
        let _ = curl.bytes(CURLINFO_EFFECTIVE_URL);
        let _ = curl.bytes(CURLINFO_COOKIELIST);
        let _ = (curl.closed(), curl.share(), curl.errstr());
        let _ = self.share().stats();
        assert!(!report().contains('\0'));
    }

    fn duplicate(&mut self) {
        if let Ok(copy) = self.curl().duphandle() {
            let mut curls = self.common.curls.lock().unwrap();
            pass_on(&mut self.random, &mut curls, copy);
        }
    }

    fn transfer(&mut self) -> Flow {
        let curl = self.curl();
        if self.depth == DEEPEST {
            return Ok(());
        }
        let collects = self.random.one_in(2);
        match curl.start(collects) {
            Ok(step) => self.drive(curl, step),
            Err(_) => Ok(()),
        }
    }

    fn begin(&mut self) {
        let wish = self
            .random
            .pick(&[Wish::Write, Wish::Collect, Wish::Stream]);
        let _ = self.curl().begin(wish);
    }

    /// To the end of a turn, or to where a Worker would end in the middle.
    fn turn(&mut self) -> Flow {
        // A runtime's loop is not inside anything.
        if self.is_turning || self.depth > 0 {
            return Ok(());
        }
        self.is_turning = true;
        let mut last = None;
        let mut calls_left = CALLS_INSIDE;
        loop {
            count(&self.common.slots[self.slot].calls);
            match turn(last.take()) {
                Event::Asks(question) => {
                    while calls_left > 0 && self.random.one_in(3) {
                        calls_left -= 1;
                        self.step()?;
                    }
                    if self.steps_left == 0 || self.random.one_in(200) {
                        self.depth += 1;
                        return Err(Ends);
                    }
                    last = Some((question.curl, self.answer_or_promise(&question)));
                }
                Event::Done(curl, outcome) => {
                    self.promises.retain(|(other, ..)| *other != curl);
                    let slot = &self.common.slots[self.slot];
                    count(&slot.transfers);
                    if outcome.is_err() {
                        count(&slot.failed);
                    }
                }
                Event::Data(curl) => drop(curl.read()),
                Event::Closable(share) => {
                    let _ = share.close();
                }
                Event::Nothing(pending) => {
                    if pending > 0 {
                        self.wait();
                    }
                    break;
                }
            }
        }
        self.is_turning = false;
        Ok(())
    }

    fn wait(&mut self) {
        if self.waiting.as_ref().is_none_or(JoinHandle::is_finished) {
            let engine = engine();
            self.waiting = Some(thread::spawn(move || wait(engine)));
        }
        thread::yield_now();
    }

    fn answer_or_promise(&mut self, question: &Question) -> Answer {
        let may_promise = [slot::WRITE, slot::READ].contains(&question.slot);
        if may_promise && self.random.one_in(3) {
            let wanted = question.numbers[0] as usize;
            self.promises.push((question.curl, question.slot, wanted));
            return Answer::Promise;
        }
        self.answer(question)
    }

    fn settle(&mut self) {
        let Some((curl, slot, wanted)) = self.promises.pop() else {
            return;
        };
        let answer = match slot {
            _ if self.random.one_in(20) => Answer::Throw,
            slot::READ => Answer::Bytes(bytes(self.random.below(wanted.min(2_000) + 1))),
            _ => Answer::Nothing,
        };
        curl.settle(slot, &answer);
    }

    fn set_closing(&mut self) {
        match self.closing.pop() {
            Some(share) => drop(share.set_closing(false)),
            None => {
                let share = self.share();
                if share.set_closing(true).is_ok() {
                    self.closing.push(share);
                }
            }
        }
    }

    /// Ends where a Worker would, in the middle of it, when the walk is over.
    fn drive(&mut self, curl: Curl, first: Step) -> Flow {
        self.depth += 1;
        let mut step = first;
        let mut calls_left = CALLS_INSIDE;
        while let Step::Asks(question) = step {
            count(&self.common.slots[self.slot].calls);
            while calls_left > 0 && self.random.one_in(3) {
                calls_left -= 1;
                self.step()?;
            }
            if self.steps_left == 0 || self.random.one_in(100) {
                return Err(Ends);
            }
            let answer = self.answer(&question);
            step = match curl.resume(&answer) {
                Ok(step) => step,
                Err(failure) => panic!("{failure:?}"),
            };
        }
        self.depth -= 1;
        let slot = &self.common.slots[self.slot];
        count(&slot.transfers);
        if let Step::Done(Err(_)) = step {
            count(&slot.failed);
        }
        Ok(())
    }

    fn answer(&mut self, question: &Question) -> Answer {
        if self.random.one_in(50) {
            return Answer::Throw;
        }
        if [slot::READ, slot::MIME_READ].contains(&question.slot) {
            let most = (question.numbers[0] as usize).min(2_000);
            return match self.random.one_in(3) {
                true => Answer::Number(0.0),
                false => Answer::Bytes(bytes(self.random.below(most + 1))),
            };
        }
        match question.slot {
            // Any number would be taken for a socket.
            slot::OPENSOCKET | slot::CLOSESOCKET => Answer::Nothing,
            _ if self.random.one_in(100) => Answer::Number(1.0),
            _ => Answer::Nothing,
        }
    }

    /// On a handle that nobody else knows, so that the outcome is certain.
    fn fetch(&mut self) {
        let place = self.random.below(SIZES.len());
        let curl = Curl::new();
        let is_attached = curl.set_share(self.share()).is_ok();
        let size = SIZES[place].to_string();
        let url = match self.random.below(3) {
            0 => self.common.files[place].url(),
            1 => server::url(&size),
            _ => server::tls_url(&size),
        };
        curl.set_text(CURLOPT_URL, &url).unwrap();
        curl.set_bytes(CURLOPT_CAINFO_BLOB, CERTIFICATE).unwrap();
        match curl.perform_bytes() {
            Ok(body) => assert!(body == bytes(SIZES[place]), "not the body of {url}"),
            // Inside a callback of a transfer on the same share.
            Err(failure) => assert!(is_attached && failure.status == -1, "{failure:?}"),
        }
        curl.close().unwrap();
    }

    fn fetch_with_pauses(&mut self) {
        let curl = Curl::new();
        curl.set_text(CURLOPT_URL, &server::url("300000")).unwrap();
        curl.set_callback(CURLOPT_WRITEFUNCTION, true).unwrap();
        curl.set_callback(CURLOPT_XFERINFOFUNCTION, true).unwrap();
        curl.set_number(CURLOPT_NOPROGRESS, 0).unwrap();
        let (mut is_paused, mut length) = (false, 0);
        let random = &mut self.random;
        curl.perform(|question| {
            if question.slot == slot::WRITE {
                if random.one_in(4) {
                    is_paused = true;
                    return Answer::Number(CURL_WRITEFUNC_PAUSE as f64);
                }
                length += question.body.len();
            } else if is_paused {
                is_paused = false;
                curl.pause(CURLPAUSE_CONT, |question| {
                    length += question.body.len();
                    Answer::Nothing
                })
                .unwrap();
            }
            Answer::Nothing
        })
        .unwrap();
        assert_eq!(length, 300_000);
        curl.release();
    }
}

/// For all to use, in the place of another if there are enough.
fn pass_on<T>(random: &mut Random, pool: &mut Vec<T>, number: T) {
    pass_on_most(random, pool, number, POOL);
}

fn pass_on_most<T>(random: &mut Random, pool: &mut Vec<T>, number: T, most: usize) {
    if pool.len() < most {
        pool.push(number);
    } else {
        let place = random.below(most);
        pool[place] = number;
    }
}
