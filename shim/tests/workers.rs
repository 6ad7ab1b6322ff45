//! Several Workers, and those that end.

mod support;

use std::sync::mpsc::channel;
use std::thread;
use support::calls::*;
use support::files::{File, bytes};
use support::server;
use support::tls::CERTIFICATE;

const ELSEWHERE: &str = "it was closed, or nobody holds it any more";

fn writing(url: &str) -> Curl {
    let curl = Curl::new();
    curl.set_text(CURLOPT_URL, url).unwrap();
    curl.set_callback(CURLOPT_WRITEFUNCTION, true).unwrap();
    curl
}

#[test]
fn handle_moves_between_workers() {
    begin();
    let file = File::new(b"body");
    let curl = Curl::new();
    curl.set_text(CURLOPT_URL, &file.url()).unwrap();
    let body = worker(move || {
        curl.open().unwrap();
        curl.perform_bytes().unwrap()
    });
    assert_eq!(body.join().unwrap(), b"body");
    assert_eq!(curl.perform_bytes().unwrap(), b"body");
}

#[test]
fn calls_during_a_transfer_elsewhere() {
    begin();
    let curl = Curl::new();
    let url = File::new(b"body");
    let address = url.url();
    let paused = Paused::after(move || {
        curl.open().unwrap();
        curl.set_text(CURLOPT_URL, &address).unwrap();
        curl.set_callback(CURLOPT_WRITEFUNCTION, true).unwrap();
        suspend(curl, false);
    });
    assert!(curl.state().unwrap().starts_with("running in isolate "));
    let running = |method| format!("cannot invoke {method}() - perform() is currently running");
    refused(curl.set_number(CURLOPT_VERBOSE, 0), &running("setopt"));
    refused(curl.unset(CURLOPT_URL), &running("unsetopt"));
    refused(
        curl.number(CURLINFO_RESPONSE_CODE).map(drop),
        &running("getinfo"),
    );
    refused(curl.duphandle().map(drop), &running("duphandle"));
    refused(curl.reset(), &running("reset"));
    refused(curl.perform(|_| unreachable!()), &running("perform"));
    refused(curl.close(), &running("close"));
    let elsewhere = format!("{} on another thread", running("unpause"));
    refused(curl.pause(CURLPAUSE_CONT, |_| unreachable!()), &elsewhere);
    assert!(!curl.closed());
    paused.end();
    assert_eq!(curl.state().as_deref(), Some("idle"));
    curl.reset().unwrap();
}

/// Where a Worker can end: in which callback.
#[test]
fn worker_ends_in_the_middle_of_a_transfer() {
    type Prepare = fn(Curl);
    let callbacks: [(i32, Prepare); 7] = [
        (slot::WRITE, |curl| {
            curl.set_callback(CURLOPT_WRITEFUNCTION, true).unwrap()
        }),
        (slot::HEADER, |curl| {
            curl.set_callback(CURLOPT_HEADERFUNCTION, true).unwrap()
        }),
        (slot::READ, |curl| {
            curl.set_number(CURLOPT_UPLOAD, 1).unwrap();
            curl.set_callback(CURLOPT_READFUNCTION, true).unwrap();
        }),
        (slot::XFERINFO, |curl| {
            curl.set_number(CURLOPT_NOPROGRESS, 0).unwrap();
            curl.set_callback(CURLOPT_XFERINFOFUNCTION, true).unwrap();
        }),
        (slot::DEBUG, |curl| {
            curl.set_number(CURLOPT_VERBOSE, 1).unwrap();
            curl.set_callback(CURLOPT_DEBUGFUNCTION, true).unwrap();
        }),
        (slot::OPENSOCKET, |curl| {
            curl.set_callback(CURLOPT_OPENSOCKETFUNCTION, true).unwrap()
        }),
        (slot::CLOSESOCKET, |curl| {
            curl.set_number(CURLOPT_FORBID_REUSE, 1).unwrap();
            curl.set_callback(CURLOPT_CLOSESOCKETFUNCTION, true)
                .unwrap();
        }),
    ];
    begin();
    for (expected, prepare) in callbacks {
        for collects in [false, true] {
            // A body is collected, or asked for.
            if collects && expected == slot::WRITE {
                continue;
            }
            let curl = Curl::new();
            let paused = Paused::after(move || {
                curl.open().unwrap();
                curl.set_text(CURLOPT_URL, &server::url("3000")).unwrap();
                // Standard output is the test's.
                curl.set_number(
                    CURLOPT_NOBODY,
                    (!collects && expected != slot::WRITE).into(),
                )
                .unwrap();
                prepare(curl);
                assert_eq!(suspend(curl, collects).slot, expected);
            });
            paused.end();
            assert_eq!(curl.state().as_deref(), Some("idle"), "in {expected}");
            let failure = curl.perform(|_| unreachable!()).unwrap_err();
            assert!(
                failure.text.contains("was set in another Worker"),
                "{failure:?}"
            );
            curl.close().unwrap();
        }
    }
}

#[test]
fn worker_ends_inside_nested_transfers() {
    begin();
    let file = File::new(b"body");
    let url = file.url();
    let curls: Vec<_> = (0..12).map(|_| Curl::new()).collect();
    let inside = curls.clone();
    Paused::after(move || {
        for curl in inside {
            curl.open().unwrap();
            curl.set_text(CURLOPT_URL, &url).unwrap();
            curl.set_callback(CURLOPT_WRITEFUNCTION, true).unwrap();
            suspend(curl, false);
        }
    })
    .end();
    for curl in curls {
        assert_eq!(curl.state().as_deref(), Some("idle"));
    }
}

#[test]
fn worker_ends_while_a_handle_closes() {
    begin();
    let (number, got) = channel();
    let paused = Paused::after(move || {
        let curl = Curl::new();
        curl.set_text(CURLOPT_URL, &server::url("30")).unwrap();
        curl.set_number(CURLOPT_NOBODY, 1).unwrap();
        curl.set_callback(CURLOPT_CLOSESOCKETFUNCTION, true)
            .unwrap();
        curl.perform(|_| Answer::Nothing).unwrap();
        let Step::Asks(question) = curl.start_close().unwrap() else {
            panic!("the connection is closed");
        };
        assert_eq!(question.slot, slot::CLOSESOCKET);
        number.send(curl).unwrap();
    });
    let curl = got.recv().unwrap();
    assert_eq!(curl.state(), None);
    paused.end();
    assert!(curl.open().is_err());
}

#[test]
fn worker_ends_and_takes_its_handles() {
    begin();
    let (curl, share) = worker(|| {
        let share = Share::new(true, &[CURL_LOCK_DATA_DNS]);
        let curl = Curl::new();
        curl.set_share(share).unwrap();
        (curl, share)
    })
    .join()
    .unwrap();
    assert_eq!((curl.state(), share.state()), (None, None));
    let text = format!("no Curl object has the handle {}: {ELSEWHERE}", curl.0);
    refused(curl.open(), &text);
    let text = format!(
        "no CurlShare object has the handle {}: {ELSEWHERE}",
        share.0
    );
    refused(share.open(), &text);
}

/// A runtime may run one isolate after another on a thread.
#[test]
fn next_isolate_on_the_same_thread() {
    begin();
    let file = File::new(b"body");
    let url = file.url();
    let outside = Curl::new();
    worker(move || {
        let gone = Curl::new();
        outside.open().unwrap();
        outside.set_text(CURLOPT_URL, &url).unwrap();
        outside.set_callback(CURLOPT_WRITEFUNCTION, true).unwrap();
        suspend(outside, false);
        begin();
        assert_eq!(outside.state().as_deref(), Some("idle"));
        assert_eq!(gone.state(), None);
        assert!(take_body().is_empty());
        refused(gone.reset(), "cannot invoke reset() - no curl handle");
        writing(&url).perform(|_| Answer::Nothing).unwrap();
    })
    .join()
    .unwrap();
}

/// On a share of cookies.
fn writing_cookies(url: &str, share: Share) -> Curl {
    share.open().unwrap();
    let curl = writing(url);
    curl.set_text(CURLOPT_COOKIEFILE, "").unwrap();
    curl.set_share(share).unwrap();
    curl
}

fn cookies(curl: Curl) -> usize {
    let cookies = curl.bytes(CURLINFO_COOKIELIST).unwrap().unwrap();
    let lines = cookies.split(|byte| *byte == 0);
    lines.filter(|line| !line.is_empty()).count()
}

#[test]
fn transfers_on_a_share_of_cookies_run_at_once() {
    begin();
    let share = Share::new(true, &[CURL_LOCK_DATA_COOKIE]);
    let paused = Paused::after(move || {
        let curl = writing_cookies(&server::url("10"), share);
        assert_eq!(suspend(curl, false).slot, slot::WRITE);
    });
    let other = worker(move || {
        let curl = writing_cookies(&server::url("11"), share);
        curl.perform(|_| Answer::Nothing).unwrap();
        cookies(curl)
    });
    // That of the transfer which still runs came with its header.
    assert_eq!(other.join().unwrap(), 2);
    assert_eq!(share.attached(), 1);
    let text = "cannot close CurlShare: still in use by 1 active Curl object(s)";
    refused(share.close(), text);
    paused.end();
    assert_eq!(share.attached(), 0);
    share.close().unwrap();
}

#[test]
fn a_callback_that_is_answered_holds_a_share_of_cookies_up() {
    begin();
    let share = Share::new(true, &[CURL_LOCK_DATA_COOKIE]);
    let paused = Paused::after(move || {
        let curl = writing_cookies(&server::url("12"), share);
        curl.set_callback(CURLOPT_OPENSOCKETFUNCTION, true).unwrap();
        assert_eq!(suspend(curl, false).slot, slot::OPENSOCKET);
    });
    let (number, got) = channel();
    let (done, is_done) = channel();
    let waiting = worker(move || {
        let curl = writing_cookies(&server::url("13"), share);
        number.send(curl).unwrap();
        curl.perform(|_| Answer::Nothing).unwrap();
        done.send(()).unwrap();
        cookies(curl)
    });
    let curl = got.recv().unwrap();
    while !curl.state().unwrap().starts_with("running in isolate ") {
        thread::yield_now();
    }
    assert!(is_done.try_recv().is_err());
    paused.end();
    is_done.recv().unwrap();
    // The one that was broken off has none.
    assert_eq!(waiting.join().unwrap(), 1);
    assert_eq!(share.attached(), 0);
}

#[test]
fn a_transfer_that_would_wait_for_itself() {
    begin();
    for _ in 0..50 {
        // Its connections end with it.
        let share = Share::new(true, &[CURL_LOCK_DATA_COOKIE]);
        let outer = writing_cookies(&server::url("14"), share);
        outer
            .set_callback(CURLOPT_OPENSOCKETFUNCTION, true)
            .unwrap();
        let inner = writing_cookies(&server::url("15"), share);
        let mut asked = 0;
        outer
            .perform(|question| {
                if question.slot == slot::OPENSOCKET {
                    asked += 1;
                    let failure = inner.perform(|_| unreachable!()).unwrap_err();
                    assert!(failure.text.ends_with(
                        "this transfer, unlike an asynchronous one, would wait for itself"
                    ));
                }
                Answer::Nothing
            })
            .unwrap();
        assert_eq!(asked, 1);
        inner.perform(|_| Answer::Nothing).unwrap();
        share.close().unwrap();
    }
}

#[test]
fn many_workers_on_one_share_of_everything() {
    begin();
    let kinds = [
        CURL_LOCK_DATA_COOKIE,
        CURL_LOCK_DATA_DNS,
        CURL_LOCK_DATA_SSL_SESSION,
        CURL_LOCK_DATA_CONNECT,
        CURL_LOCK_DATA_PSL,
        CURL_LOCK_DATA_HSTS,
    ];
    let share = Share::new(true, &kinds);
    let threads: Vec<_> = (0..4)
        .map(|number| {
            worker(move || {
                share.open().unwrap();
                let curl = writing(&server::url(&(100 + number).to_string()));
                curl.set_share(share).unwrap();
                for _ in 0..20 {
                    curl.perform(|_| Answer::Nothing).unwrap();
                    let line = format!("Set-Cookie: own{number}=1");
                    curl.set_text(CURLOPT_COOKIELIST, &line).unwrap();
                    thread::yield_now();
                }
            })
        })
        .collect();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    let [transfers, connections] = share.stats().unwrap();
    assert_eq!(transfers, 80.0);
    // One for each request that is under way, at most.
    assert!((1.0..=4.0).contains(&connections), "{connections}");
    share.close().unwrap();
}

#[test]
fn many_workers_on_one_share_of_names_and_sessions() {
    begin();
    let kinds = [
        CURL_LOCK_DATA_DNS,
        CURL_LOCK_DATA_SSL_SESSION,
        CURL_LOCK_DATA_PSL,
    ];
    let share = Share::new(true, &kinds);
    let threads: Vec<_> = (0..4)
        .map(|number| {
            worker(move || {
                share.open().unwrap();
                let content = bytes(1000 + number);
                for _ in 0..10 {
                    let curl = Curl::new();
                    let url = server::tls_url(&content.len().to_string());
                    curl.set_text(CURLOPT_URL, &url).unwrap();
                    curl.set_bytes(CURLOPT_CAINFO_BLOB, CERTIFICATE).unwrap();
                    curl.set_text(CURLOPT_COOKIEFILE, "").unwrap();
                    curl.set_share(share).unwrap();
                    assert!(curl.perform_bytes().unwrap() == content);
                    curl.close().unwrap();
                }
            })
        })
        .collect();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    assert_eq!(share.stats().unwrap(), [40.0, 40.0]);
    share.close().unwrap();
}

#[test]
fn bodies_of_many_workers_do_not_mix() {
    let threads: Vec<_> = (1..5)
        .map(|number| {
            worker(move || {
                let content = bytes(number * 40_000);
                let curl = Curl::new();
                let url = server::url(&content.len().to_string());
                curl.set_text(CURLOPT_URL, &url).unwrap();
                for _ in 0..10 {
                    assert!(curl.perform_bytes().unwrap() == content);
                }
            })
        })
        .collect();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
}
