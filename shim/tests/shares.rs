//! What closing a share comes to.

mod support;

use std::thread;
use std::time::{Duration, Instant};
use support::calls::*;
use support::files::File;
use support::server;

/// What a handle that was attached is up to when the share closes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Nobody,
    Detached,
    Closed,
    Released,
    Idle,
    InItsCallback,
    PerformsElsewhere,
    Connects,
    OpensWebSocket,
}

const PHASES: [Phase; 9] = [
    Phase::Nobody,
    Phase::Detached,
    Phase::Closed,
    Phase::Released,
    Phase::Idle,
    Phase::InItsCallback,
    Phase::PerformsElsewhere,
    Phase::Connects,
    Phase::OpensWebSocket,
];

fn attached(share: Share, url: &str) -> Curl {
    let curl = Curl::new();
    curl.set_text(CURLOPT_URL, url).unwrap();
    curl.set_share(share).unwrap();
    curl
}

/// The text of the refusal, or none.
fn expected(phase: Phase, kind: u32, detach_on_close: bool) -> Option<String> {
    use Phase::*;
    let text = match (phase, detach_on_close) {
        (Nobody | Detached | Closed | Released, _) | (Idle, true) => return None,
        (_, false) => "still in use by 2 Curl object(s), and detachOnClose is false",
        // The connection is in the handle's own pool.
        (Connects | OpensWebSocket, true) if kind != CURL_LOCK_DATA_CONNECT => return None,
        (Connects | OpensWebSocket, true) => {
            "an attached Curl object holds a connection (CONNECT_ONLY); close that Curl first"
        }
        (InItsCallback | PerformsElsewhere, true) => "still in use by 1 active Curl object(s)",
    };
    Some(format!("cannot close CurlShare: {text}"))
}

/// Another test may be at a report of all there is.
fn until_gone(state: impl Fn() -> Option<String>) {
    let end = Instant::now() + Duration::from_secs(10);
    while state().is_some() && Instant::now() < end {
        thread::yield_now();
    }
    assert_eq!(state(), None);
}

#[test]
fn close_in_every_phase() {
    begin();
    let file = File::new(b"body");
    for kind in [
        CURL_LOCK_DATA_DNS,
        CURL_LOCK_DATA_COOKIE,
        CURL_LOCK_DATA_CONNECT,
    ] {
        for phase in PHASES {
            for detach_on_close in [true, false] {
                println!("kind {kind}, {phase:?}, {detach_on_close}");
                let expected = expected(phase, kind, detach_on_close);
                let share = Share::new(detach_on_close, &[kind]);
                close_in(phase, share, expected.as_deref(), &file.url());
            }
        }
    }
}

fn close_in(phase: Phase, share: Share, expected: Option<&str>, file: &str) {
    use Phase::*;
    // Nothing may change for this one either, unless all are let go.
    let is_alone = matches!(phase, Nobody | Detached | Closed | Released);
    let other = (!is_alone).then(|| attached(share, file));
    let curl = attached(share, file);
    let close = || match expected {
        None => share.close().unwrap(),
        Some(text) => refused(share.close(), text),
    };
    match phase {
        Nobody | Detached => curl.unset(CURLOPT_SHARE).unwrap(),
        Closed => curl.close().unwrap(),
        Released => {
            curl.release();
            until_gone(|| curl.state());
        }
        Idle => {}
        InItsCallback => {
            curl.set_callback(CURLOPT_WRITEFUNCTION, true).unwrap();
            curl.perform(|_| {
                close();
                Answer::Nothing
            })
            .unwrap();
        }
        PerformsElsewhere => {
            let paused = Paused::after(move || {
                curl.open().unwrap();
                curl.set_callback(CURLOPT_WRITEFUNCTION, true).unwrap();
                suspend(curl, false);
            });
            close();
            paused.end();
        }
        Connects => connect(curl, &server::url("1"), 1),
        OpensWebSocket => connect(curl, &server::web_socket_url(), 2),
    }
    if !matches!(phase, InItsCallback | PerformsElsewhere) {
        close();
    }
    assert_eq!(share.closed(), expected.is_none());
    if let Some(other) = other {
        let id = if expected.is_some() { share.0 } else { 0.0 };
        assert_eq!(other.share(), id);
        assert_eq!(other.perform_bytes().unwrap(), b"body");
        assert_eq!(share.attached(), if expected.is_some() { 2 } else { 0 });
        other.close().unwrap();
    }
    if !matches!(phase, Closed | Released) {
        curl.close().unwrap();
    }
    assert_eq!(share.attached(), 0);
    share.close().unwrap();
    share.close().unwrap();
    refused(Curl::new().set_share(share), "CurlShare is closed");
    assert!(share.open().is_err());
    share.release();
    until_gone(|| share.state());
}

fn connect(curl: Curl, url: &str, connect_only: i64) {
    curl.set_text(CURLOPT_URL, url).unwrap();
    curl.set_number(CURLOPT_CONNECT_ONLY, connect_only).unwrap();
    curl.perform(|_| unreachable!()).unwrap();
    assert!(curl.number(CURLINFO_ACTIVESOCKET).unwrap() >= 0.0);
}

#[test]
fn handle_keeps_a_released_share() {
    begin();
    let share = Share::new(true, &[CURL_LOCK_DATA_COOKIE]);
    let curl = attached(share, "file:///dev/null");
    share.release();
    assert_eq!(share.state().as_deref(), Some("open, 1 attached"));
    assert_eq!(curl.share(), share.0);
    share.open().unwrap();
    share.release();
    curl.close().unwrap();
    assert_eq!(share.state(), None);
}

#[test]
fn transfer_inside_a_callback_on_the_same_share() {
    begin();
    let file = File::new(b"body");
    for kind in [CURL_LOCK_DATA_DNS, CURL_LOCK_DATA_COOKIE] {
        let share = Share::new(true, &[kind]);
        let outer = attached(share, &file.url());
        let inner = attached(share, &file.url());
        outer.set_callback(CURLOPT_WRITEFUNCTION, true).unwrap();
        outer
            .perform(|_| {
                assert_eq!(inner.perform_bytes().unwrap(), b"body");
                inner
                    .set_text(CURLOPT_COOKIELIST, "Set-Cookie: a=b")
                    .unwrap();
                Answer::Nothing
            })
            .unwrap();
        inner.perform_bytes().unwrap();
    }
}

#[test]
fn transfer_inside_a_callback_that_the_engine_waits_for() {
    begin();
    for (kind, may) in [(CURL_LOCK_DATA_DNS, true), (CURL_LOCK_DATA_COOKIE, false)] {
        let share = Share::new(true, &[kind]);
        let outer = attached(share, &server::url("10"));
        let inner = attached(share, &server::url("20"));
        outer.set_callback(CURLOPT_SOCKOPTFUNCTION, true).unwrap();
        let body = outer.perform_bytes_with(|_| {
            let outcome = inner.perform_bytes();
            assert_eq!(outcome.is_ok(), may, "{outcome:?}");
            inner
                .set_text(CURLOPT_COOKIELIST, "Set-Cookie: a=b")
                .unwrap();
            Answer::Nothing
        });
        assert_eq!(body.unwrap().len(), 10);
        assert_eq!(inner.perform_bytes().unwrap().len(), 20);
    }
}

#[test]
fn kinds_of_a_share_in_use() {
    begin();
    let share = Share::new(true, &[]);
    let curl = attached(share, "file:///dev/null");
    assert!(share.set(CURLSHOPT_SHARE, 1 << CURL_LOCK_DATA_DNS).is_err());
    assert!(curl.set_share(share).is_err());
    curl.unset(CURLOPT_SHARE).unwrap();
    share.set(CURLSHOPT_SHARE, 1 << CURL_LOCK_DATA_DNS).unwrap();
}
