//! Transfers that go on between calls, in one isolate and on a share's engine.

mod support;

use std::collections::HashMap;
use support::calls::*;
use support::files::bytes;
use support::server;
use support::tls::CERTIFICATE;

/// Turns until nothing is pending; gives what each transfer came to.
fn run(mut answer: impl FnMut(&Question) -> Answer) -> HashMap<u64, Outcome<Vec<u8>>> {
    let mut ends = HashMap::new();
    let mut last = None;
    loop {
        match turn(last.take()) {
            Event::Asks(question) => last = Some((question.curl, answer(&question))),
            Event::Done(curl, outcome) => {
                ends.insert(curl.0 as u64, outcome);
            }
            Event::Data(_) | Event::Closable(_) => {}
            Event::Nothing(0) => return ends,
            Event::Nothing(_) => wait(engine()),
        }
    }
}

/// The kinds of a share with an engine, and of none at all.
const KINDS: [&[u32]; 3] = [
    &[],
    &[CURL_LOCK_DATA_COOKIE],
    &[
        CURL_LOCK_DATA_CONNECT,
        CURL_LOCK_DATA_COOKIE,
        CURL_LOCK_DATA_DNS,
        CURL_LOCK_DATA_SSL_SESSION,
    ],
];

fn curl_to(url: &str, share: Share) -> Curl {
    let curl = Curl::new();
    curl.set_text(CURLOPT_URL, url).unwrap();
    curl.set_bytes(CURLOPT_CAINFO_BLOB, CERTIFICATE).unwrap();
    curl.set_share(share).unwrap();
    curl
}

#[test]
fn many_at_once() {
    begin();
    for kinds in KINDS {
        let share = Share::new(true, kinds);
        let curls: Vec<_> = (0..40)
            .map(|number| {
                let length = (number * 997).to_string();
                let url = match number % 2 {
                    0 => server::url(&length),
                    _ => server::tls_url(&length),
                };
                curl_to(&url, share)
            })
            .collect();
        for _ in 0..3 {
            for curl in &curls {
                curl.begin(Wish::Collect).unwrap();
            }
            refused(
                curls[0].set_number(CURLOPT_VERBOSE, 0),
                "cannot invoke setopt() - perform() is currently running",
            );
            let mut ends = run(|_| unreachable!());
            for (number, curl) in curls.iter().enumerate() {
                let body = ends.remove(&(curl.0 as u64)).unwrap().unwrap();
                assert!(body == bytes(number * 997), "{number}");
            }
        }
        share.close().unwrap();
    }
}

#[test]
fn promises_hold_a_body_up() {
    begin();
    for kinds in KINDS {
        let share = Share::new(true, kinds);
        let curl = curl_to(&server::url("600000"), share);
        curl.set_callback(CURLOPT_WRITEFUNCTION, true).unwrap();
        curl.begin(Wish::Write).unwrap();
        let mut body = Vec::new();
        let mut last = None;
        let mut promised = 0;
        loop {
            match turn(last.take()) {
                Event::Asks(question) => {
                    assert_eq!(promised, 0, "one piece at a time");
                    body.extend(question.body);
                    promised = 1;
                    last = Some((curl, Answer::Promise));
                }
                Event::Done(_, outcome) => {
                    outcome.unwrap();
                }
                Event::Nothing(pending) => {
                    if promised == 1 {
                        // Inside the callback still.
                        curl.set_number(CURLOPT_VERBOSE, 0).unwrap();
                        promised = 0;
                        // The next turn makes use of it.
                        curl.settle(slot::WRITE, &Answer::Nothing);
                    } else if pending == 0 {
                        break;
                    } else {
                        wait(engine());
                    }
                }
                _ => unreachable!(),
            }
        }
        assert!(body == bytes(600_000));
        share.close().unwrap();
    }
}

#[test]
fn streams_are_read() {
    begin();
    for kinds in KINDS {
        let share = Share::new(true, kinds);
        let curl = curl_to(&server::tls_url("900000"), share);
        curl.begin(Wish::Stream).unwrap();
        let mut body = Vec::new();
        let mut over = false;
        let mut has_read = false;
        while !over {
            match turn(None) {
                Event::Data(_) => {
                    body.extend(curl.read());
                    has_read = true;
                }
                // What was read may have made room.
                Event::Nothing(_) if has_read => has_read = false,
                Event::Done(_, outcome) => {
                    outcome.unwrap();
                    over = true;
                }
                Event::Nothing(_) => wait(engine()),
                _ => unreachable!(),
            }
        }
        body.extend(curl.read());
        assert!(body == bytes(900_000));
    }
}

#[test]
fn streams_come_to_lent_memory() {
    begin();
    for (kinds, hears, size) in KINDS
        .into_iter()
        .flat_map(|kinds| [false, true].map(|hears| (kinds, hears)))
        .flat_map(|(kinds, hears)| [100, 50_000, 1 << 20].map(|size| (kinds, hears, size)))
    {
        let share = Share::new(true, kinds);
        let curl = curl_to(&server::url("900000"), share);
        if hears {
            curl.set_number(CURLOPT_NOPROGRESS, 0).unwrap();
            curl.set_callback(CURLOPT_XFERINFOFUNCTION, true).unwrap();
        }
        curl.begin(Wish::Stream).unwrap();
        let mut body = Vec::new();
        let mut last = None;
        let mut room = vec![0; size];
        loop {
            match turn_for(curl, &mut room, last.take()) {
                Event::Asks(_) => last = Some((curl, Answer::Nothing)),
                Event::Done(_, outcome) => {
                    outcome.unwrap();
                }
                Event::Nothing(0) => break,
                Event::Nothing(_) => wait(engine()),
                Event::Data(_) | Event::Closable(_) => {}
            }
            // What a question has interrupted stays where it is.
            while last.is_none() {
                let count = curl.read_to(&mut room);
                body.extend_from_slice(&room[..count]);
                if count == 0 {
                    break;
                }
            }
        }
        assert!(body == bytes(900_000), "{size}");
        share.close().unwrap();
    }
}

#[test]
fn uploads_wait_for_their_bytes() {
    begin();
    for kinds in KINDS {
        let share = Share::new(true, kinds);
        let curl = curl_to(&server::url("echo"), share);
        curl.set_number(CURLOPT_UPLOAD, 1).unwrap();
        curl.set_callback(CURLOPT_READFUNCTION, true).unwrap();
        curl.begin(Wish::Collect).unwrap();
        let sent = bytes(200_000);
        let mut rest = sent.as_slice();
        let mut last = None;
        let mut wanted = 0;
        let echo = loop {
            match turn(last.take()) {
                Event::Asks(question) => {
                    wanted = question.numbers[0] as usize;
                    last = Some((curl, Answer::Promise));
                }
                Event::Done(_, outcome) => break outcome.unwrap(),
                Event::Nothing(_) if wanted > 0 => {
                    let (now, later) = rest.split_at(wanted.min(rest.len()).min(30_000));
                    (rest, wanted) = (later, 0);
                    curl.settle(slot::READ, &Answer::Bytes(now.to_vec()));
                }
                Event::Nothing(_) => wait(engine()),
                _ => unreachable!(),
            }
        };
        assert!(echo == sent);
    }
}

#[test]
fn every_phase_can_be_cancelled() {
    begin();
    for kinds in KINDS {
        let share = Share::new(true, kinds);
        let curl = curl_to(&server::url("300000"), share);
        let slots = [slot::HEADER, slot::WRITE, slot::OPENSOCKET];
        curl.set_callback(CURLOPT_HEADERFUNCTION, true).unwrap();
        curl.set_callback(CURLOPT_WRITEFUNCTION, true).unwrap();
        curl.set_callback(CURLOPT_OPENSOCKETFUNCTION, true).unwrap();
        curl.set_number(CURLOPT_FRESH_CONNECT, 1).unwrap();
        for at in slots {
            curl.begin(Wish::Write).unwrap();
            let mut seen = false;
            let ends = run(|question| {
                assert!(!seen, "nobody is asked after that");
                if question.slot == at {
                    seen = true;
                    curl.cancel();
                }
                Answer::Nothing
            });
            assert!(seen, "slot {at}");
            // An engine on another thread may have come to the end before.
            if kinds.is_empty() {
                ends[&(curl.0 as u64)].as_ref().unwrap_err();
            }
        }
        curl.begin(Wish::Write).unwrap();
        curl.cancel();
        run(|_| Answer::Nothing)[&(curl.0 as u64)]
            .as_ref()
            .unwrap_err();
        curl.begin(Wish::Write).unwrap();
        run(|_| Answer::Nothing)[&(curl.0 as u64)].as_ref().unwrap();
    }
}

#[test]
fn workers_end_in_every_phase() {
    begin();
    let share = Share::new(true, KINDS[2]);
    let kept = curl_to(&server::url("10"), share);
    for phase in 0..60 {
        let ended = worker(move || {
            share.open().unwrap();
            let curls = [server::url("300000"), server::tls_url("5000")].map(|url| {
                let curl = curl_to(&url, share);
                for option in [
                    CURLOPT_WRITEFUNCTION,
                    CURLOPT_HEADERFUNCTION,
                    CURLOPT_SOCKOPTFUNCTION,
                    CURLOPT_OPENSOCKETFUNCTION,
                ] {
                    curl.set_callback(option, true).unwrap();
                }
                curl.begin(Wish::Write).unwrap();
                curl
            });
            let mut last = None;
            for _ in 0..phase {
                match turn(last.take()) {
                    Event::Asks(question) if phase % 3 == 0 => {
                        last = Some((question.curl, Answer::Promise));
                        if question.slot != slot::WRITE {
                            last = Some((question.curl, Answer::Nothing));
                        }
                    }
                    Event::Asks(question) => last = Some((question.curl, Answer::Nothing)),
                    Event::Nothing(0) => break,
                    Event::Nothing(_) if phase % 3 != 0 => wait(engine()),
                    _ => {}
                }
            }
            let _ = curls;
        });
        ended.join().unwrap();
        assert_eq!(kept.perform_bytes().unwrap(), bytes(10));
    }
    kept.close().unwrap();
    while share.attached() > 0 {
        std::thread::yield_now();
    }
    share.close().unwrap();
}

#[test]
fn closing_waits_for_what_is_active() {
    begin();
    for kinds in KINDS {
        let share = Share::new(true, kinds);
        let curl = curl_to(&server::url("300000"), share);
        let other = curl_to(&server::url("1"), share);
        curl.begin(Wish::Collect).unwrap();
        share.set_closing(true).unwrap();
        let closing = "CurlShare is closing: closeAsync() waits for its transfers";
        refused(other.begin(Wish::Collect), closing);
        refused(other.perform(|_| unreachable!()), closing);
        refused(Curl::new().set_share(share), closing);
        let mut order = Vec::new();
        loop {
            match turn(None) {
                Event::Done(_, outcome) => order.push(outcome.unwrap().len()),
                Event::Closable(which) => {
                    assert_eq!(which, share);
                    order.push(0);
                    share.close().unwrap();
                    share.set_closing(false).unwrap();
                }
                Event::Nothing(0) => break,
                Event::Nothing(_) => wait(engine()),
                _ => unreachable!(),
            }
        }
        assert_eq!(order, [300_000, 0]);
        assert!(share.closed());
        assert_eq!(other.perform_bytes().unwrap(), bytes(1));
    }
}
