//! Whose the connections are that a program's own multi handles have made.

mod support;

use std::cell::Cell;
use support::calls::*;
use support::multis::Multi;
use support::server;

const SIZE: usize = 300_000;

/// A multi handle, and what came of bodies.
struct Loop {
    multi: Multi,
    waits: Cell<bool>,
    has_paused: Cell<bool>,
    length: Cell<usize>,
}

impl Loop {
    fn new() -> Self {
        Self {
            multi: Multi::new(false),
            waits: Cell::new(false),
            has_paused: Cell::new(false),
            length: Cell::new(0),
        }
    }

    fn answer(&self, question: &Question) -> Answer {
        if self.waits.get() {
            self.has_paused.set(true);
            return Answer::Number(CURL_WRITEFUNC_PAUSE as f64);
        }
        self.length.set(self.length.get() + question.body.len());
        Answer::Nothing
    }

    fn drive(&self, first: Outcome<Step>) {
        let mut step = first.unwrap();
        while let Step::Asks(question) = step {
            let answer = self.answer(&question);
            step = self.multi.resume(question.curl, &answer).unwrap();
        }
    }

    fn add(&self, curl: Curl) {
        self.drive(self.multi.add(curl));
    }

    fn remove(&self, curl: Curl) {
        self.drive(self.multi.remove(curl));
    }

    fn perform_until(&self, is_done: impl Fn() -> bool) {
        while !is_done() {
            self.drive(self.multi.perform());
            self.multi.select();
        }
    }

    /// Up to the first of a body that is left to come.
    fn begin(&self, curl: Curl) {
        self.waits.set(true);
        self.has_paused.set(false);
        self.add(curl);
        self.perform_until(|| self.has_paused.get());
    }

    /// The rest of it.
    fn finish(&self, curl: Curl) {
        self.waits.set(false);
        curl.pause(CURLPAUSE_CONT, |question| self.answer(question))
            .unwrap();
        self.perform_until(|| self.length.get() == SIZE);
        self.remove(curl);
        self.drive(self.multi.close());
    }
}

fn writing(path: &str) -> Curl {
    let curl = Curl::new();
    curl.set_text(CURLOPT_URL, &server::url(path)).unwrap();
    curl.set_callback(CURLOPT_WRITEFUNCTION, true).unwrap();
    curl
}

fn has_answer(curl: Curl) -> bool {
    curl.number(CURLINFO_RESPONSE_CODE) == Ok(200.0)
}

fn perform(curl: Curl) {
    curl.perform(|_| Answer::Nothing).unwrap();
}

fn connect_only(curl: Curl, on: bool) {
    curl.set_number(CURLOPT_CONNECT_ONLY, on.into()).unwrap();
}

fn connections_made(curl: Curl) -> f64 {
    curl.number(CURLINFO_NUM_CONNECTS).unwrap()
}

/// Up to the first question.
fn suspend_in(multi: Multi) {
    while let Step::Done(_) = multi.perform().unwrap() {
        multi.select();
    }
}

#[test]
fn release_ends_a_call_that_waits_for_its_answer() {
    begin();
    let (first, second) = (writing(&SIZE.to_string()), writing(&SIZE.to_string()));
    let all = Loop::new();
    all.add(first);
    all.add(second);
    suspend_in(all.multi);
    all.multi.release();
    perform(first);
    perform(second);
}

#[test]
fn release_ends_a_pause_that_waits_for_its_answer() {
    begin();
    let curl = writing(&SIZE.to_string());
    let all = Loop::new();
    all.begin(curl);
    let paused = curl.start_pause(CURLPAUSE_CONT).unwrap();
    assert!(matches!(paused, Step::Asks(_)));
    all.multi.release();
    perform(curl);
}

#[test]
fn a_handle_that_leaves_lets_be_what_others_use_by_now() {
    for shares in [false, true] {
        begin();
        let (first, second) = (writing("0"), writing(&SIZE.to_string()));
        if shares {
            let share = Share::new(true, &[CURL_LOCK_DATA_CONNECT]);
            first.set_share(share).unwrap();
            second.set_share(share).unwrap();
        }
        let all = Loop::new();
        all.add(first);
        all.perform_until(|| has_answer(first));
        all.begin(second);
        assert_eq!(connections_made(second), 0.0);
        connect_only(first, true);
        all.remove(first);
        all.finish(second);
    }
}

#[test]
fn a_handle_reads_nothing_from_what_others_use_by_now() {
    begin();
    let share = Share::new(true, &[CURL_LOCK_DATA_CONNECT]);
    let (first, second) = (writing("0"), writing(&SIZE.to_string()));
    first.set_share(share).unwrap();
    second.set_share(share).unwrap();
    perform(first);
    let all = Loop::new();
    all.begin(second);
    assert_eq!(connections_made(second), 0.0);
    connect_only(first, true);
    first.use_connection();
    perform(first);
    all.finish(second);
}

/// Both are the first ones of their pools.
#[test]
fn a_handle_takes_no_connection_of_its_share_for_its_former_one() {
    begin();
    let share = Share::new(true, &[CURL_LOCK_DATA_CONNECT]);
    let (first, second, third) = (writing("0"), writing("0"), writing("0"));
    connect_only(first, true);
    perform(first);
    connect_only(second, true);
    second.set_share(share).unwrap();
    perform(second);
    first.set_share(share).unwrap();
    first.use_connection();
    perform(first);
    let socket = second.number(CURLINFO_ACTIVESOCKET).unwrap();
    assert!(socket >= 0.0, "{socket}");
    third.set_share(share).unwrap();
    perform(third);
}

#[test]
fn a_handle_that_comes_begins_without_what_it_has_read_from() {
    begin();
    let share = Share::new(true, &[CURL_LOCK_DATA_CONNECT]);
    let curl = writing("0");
    curl.set_share(share).unwrap();
    connect_only(curl, true);
    let all = Loop::new();
    all.add(curl);
    all.perform_until(|| curl.number(CURLINFO_TOTAL_TIME_T) != Ok(0.0));
    // libcurl would close it.
    connect_only(curl, false);
    all.remove(curl);
    connect_only(curl, true);
    curl.use_connection();
    connect_only(curl, false);
    all.add(curl);
    all.perform_until(|| has_answer(curl));
    assert_eq!(connections_made(curl), 1.0);
    all.remove(curl);
    all.drive(all.multi.close());
}
