//! One Worker's transfers.

mod support;

use support::calls::*;
use support::files::{File, bytes};
use support::server;

const RUNNING: &str = "perform() is currently running";

fn curl(url: &str) -> Curl {
    let curl = Curl::new();
    curl.set_text(CURLOPT_URL, url).unwrap();
    curl
}

fn writing(url: &str) -> Curl {
    let curl = curl(url);
    curl.set_callback(CURLOPT_WRITEFUNCTION, true).unwrap();
    curl
}

#[test]
fn body_comes_in_pieces() {
    begin();
    let content = bytes(100_000);
    let file = File::new(&content);
    let mut body = Vec::new();
    let curl = writing(&file.url());
    curl.perform(|question| {
        assert_eq!((question.slot, question.curl), (slot::WRITE, curl));
        body.extend_from_slice(&question.body);
        match body.len() % 2 {
            0 => Answer::Nothing,
            _ => Answer::Number(question.body.len() as f64),
        }
    })
    .unwrap();
    assert!(body == content);
    assert_eq!(curl.number(CURLINFO_SIZE_DOWNLOAD_T), Ok(100_000.0));
}

#[test]
fn body_is_collected() {
    begin();
    let content = bytes(100_000);
    let file = File::new(&content);
    assert!(curl(&file.url()).perform_bytes().unwrap() == content);
    assert!(take_body().is_empty());
}

#[test]
fn wrong_count_or_a_throw_ends_it() {
    begin();
    let file = File::new(&bytes(10));
    let curl = writing(&file.url());
    for answer in [|| Answer::Number(9.0), || Answer::Throw] {
        let failure = curl.perform(|_| answer()).unwrap_err();
        assert_eq!(failure.status, CURLE_WRITE_ERROR as i32);
        assert_eq!(curl.state().as_deref(), Some("idle"));
    }
    curl.perform(|_| Answer::Nothing).unwrap();
}

#[test]
fn upload_is_read_piece_by_piece() {
    begin();
    let content = bytes(100_000);
    let file = File::new(b"");
    let curl = curl(&file.url());
    curl.set_number(CURLOPT_UPLOAD, 1).unwrap();
    curl.set_callback(CURLOPT_READFUNCTION, true).unwrap();
    let mut rest = content.as_slice();
    curl.perform(|question| {
        assert_eq!(question.slot, slot::READ);
        let size = question.numbers[0] as usize;
        let (piece, others) = rest.split_at(rest.len().min(size / 3));
        rest = others;
        Answer::Bytes(piece.to_vec())
    })
    .unwrap();
    assert!(file.content() == content);
}

#[test]
fn transfer_inside_a_callback() {
    begin();
    let (outer_file, inner_file) = (File::new(b"outer"), File::new(b"inner"));
    let outer = writing(&outer_file.url());
    let inner = writing(&inner_file.url());
    let mut seen = Vec::new();
    outer
        .perform(|question| {
            inner
                .perform(|question| {
                    seen.push(question.body.clone());
                    Answer::Nothing
                })
                .unwrap();
            seen.push(question.body.clone());
            Answer::Nothing
        })
        .unwrap();
    assert_eq!(seen, [b"inner", b"outer"]);
}

/// More than there are stacks kept for.
#[test]
fn transfers_inside_callbacks_inside_callbacks() {
    fn nest(url: &str, depth: usize) -> usize {
        let mut reached = depth;
        let curl = writing(url);
        curl.perform(|_| {
            if depth < 20 {
                reached = nest(url, depth + 1);
            }
            Answer::Nothing
        })
        .unwrap();
        curl.close().unwrap();
        reached
    }
    begin();
    assert_eq!(nest(&File::new(b"body").url(), 0), 20);
}

#[test]
fn calls_on_the_handle_inside_its_callback() {
    begin();
    let file = File::new(b"body");
    let curl = writing(&file.url());
    let share = Share::new(true, &[]);
    curl.perform(|_| {
        curl.set_text(CURLOPT_USERAGENT, "me").unwrap();
        curl.number(CURLINFO_RESPONSE_CODE).unwrap();
        let copy = curl.duphandle().unwrap();
        copy.perform(|_| Answer::Nothing).unwrap();
        copy.close().unwrap();
        refused(curl.reset(), &format!("cannot invoke reset() - {RUNNING}"));
        refused(curl.close(), &format!("cannot invoke close() - {RUNNING}"));
        refused(
            curl.set_share(share),
            &format!("cannot invoke setopt() - {RUNNING}"),
        );
        let again = curl.perform(|_| unreachable!());
        refused(again, &format!("cannot invoke perform() - {RUNNING}"));
        Answer::Nothing
    })
    .unwrap();
    curl.reset().unwrap();
    curl.close().unwrap();
}

/// libcurl goes on reading what the options pointed to when it began.
#[test]
fn lists_change_while_a_transfer_reads_them() {
    begin();
    let curl = writing(&server::url("3000"));
    curl.set_list(CURLOPT_HTTPHEADER, &["X-One: 1", "X-Two: 2"])
        .unwrap();
    curl.set_callback(CURLOPT_HEADERFUNCTION, true).unwrap();
    curl.set_callback(CURLOPT_DEBUGFUNCTION, true).unwrap();
    curl.set_number(CURLOPT_VERBOSE, 1).unwrap();
    let mut asked = 0;
    for _ in 0..3 {
        curl.perform(|_| {
            asked += 1;
            curl.set_list(CURLOPT_HTTPHEADER, &[&format!("X-Three: {asked}")])
                .unwrap();
            if asked % 5 == 0 {
                curl.unset(CURLOPT_HTTPHEADER).unwrap();
            }
            Answer::Nothing
        })
        .unwrap();
    }
    assert!(asked > 20);
    curl.close().unwrap();
}

/// libcurl has taken the length before its first callback, and takes the bytes
/// after some.
#[test]
fn body_to_post_gets_shorter_in_a_callback() {
    begin();
    let curl = writing(&server::url("echo"));
    let body = bytes(70_000);
    curl.set_bytes(CURLOPT_POSTFIELDS, &body).unwrap();
    curl.set_callback(CURLOPT_OPENSOCKETFUNCTION, true).unwrap();
    let mut echoed = Vec::new();
    curl.perform(|question| {
        match question.slot {
            // It may be refused, or be for the next transfer.
            slot::OPENSOCKET => drop(curl.set_bytes(CURLOPT_POSTFIELDS, b"short")),
            _ => echoed.extend_from_slice(&question.body),
        }
        Answer::Nothing
    })
    .unwrap();
    assert!(echoed == body);
}

#[test]
fn body_is_paused_and_comes_again() {
    begin();
    let curl = writing(&server::url("5000"));
    curl.set_callback(CURLOPT_XFERINFOFUNCTION, true).unwrap();
    curl.set_number(CURLOPT_NOPROGRESS, 0).unwrap();
    let (mut paused, mut length) = (false, 0);
    curl.perform(|question| {
        if question.slot == slot::WRITE && !paused {
            paused = true;
            return Answer::Number(CURL_WRITEFUNC_PAUSE as f64);
        }
        if question.slot == slot::XFERINFO && paused {
            let piece = |question: &Question| {
                length += question.body.len();
                Answer::Nothing
            };
            curl.pause(CURLPAUSE_CONT, piece).unwrap();
        } else if question.slot == slot::WRITE {
            length += question.body.len();
        }
        Answer::Nothing
    })
    .unwrap();
    assert_eq!(length, 5000);
}

#[test]
fn failure_has_its_text() {
    begin();
    let curl = writing("file:///there/is/no/such/file");
    let failure = curl.perform(|_| Answer::Nothing).unwrap_err();
    assert_eq!(failure.status, CURLE_FILE_COULDNT_READ_FILE as i32);
    assert_eq!(failure.text, curl.errstr());
}

#[test]
fn copy_keeps_what_the_original_lets_go() {
    begin();
    let curl = writing(&server::url("10"));
    curl.set_list(CURLOPT_HTTPHEADER, &["X-One: 1"]).unwrap();
    curl.set_bytes(CURLOPT_POSTFIELDS, &bytes(1000)).unwrap();
    let copy = curl.duphandle().unwrap();
    curl.close().unwrap();
    copy.perform(|_| Answer::Nothing).unwrap();
    copy.reset().unwrap();
    copy.close().unwrap();
}

#[test]
fn numbers_that_mean_no_handle() {
    begin();
    let closed = Curl::new();
    closed.close().unwrap();
    let released = Curl::new();
    released.release();
    for curl in [
        released,
        Curl(0.0),
        Curl(-1.0),
        Curl(0.5),
        Curl(f64::NAN),
        Curl(1e300),
    ] {
        refused(curl.reset(), "cannot invoke reset() - no curl handle");
        assert!(curl.open().is_err());
    }
    refused(closed.reset(), "cannot invoke reset() - no curl handle");
    assert!(closed.closed());
    closed.close().unwrap();
    assert!(Curl::new().0 > released.0.max(closed.0));
}

/// libcurl says that it has added a cookie before it has done with it.
#[test]
fn cookies_are_cleared_in_debugfunction() {
    begin();
    let curl = writing(&server::url("10"));
    curl.set_text(CURLOPT_COOKIEFILE, "").unwrap();
    curl.set_callback(CURLOPT_DEBUGFUNCTION, true).unwrap();
    curl.set_number(CURLOPT_VERBOSE, 1).unwrap();
    let mut added = 0;
    curl.perform(|question| {
        if question.slot == slot::DEBUG {
            curl.set_text(CURLOPT_COOKIELIST, "ALL").unwrap();
            added += usize::from(question.body.starts_with(b"Added cookie"));
        }
        Answer::Nothing
    })
    .unwrap();
    assert_eq!(added, 1);
}

#[test]
fn hsts_stays_on_in_its_callback() {
    begin();
    let curl = writing(&server::url("10"));
    curl.set_number(CURLOPT_HSTS_CTRL, CURLHSTS_ENABLE.into())
        .unwrap();
    curl.set_callback(CURLOPT_HSTSREADFUNCTION, true).unwrap();
    let mut asked = false;
    curl.perform(|question| {
        if question.slot == slot::WRITE {
            return Answer::Nothing;
        }
        asked = true;
        let refusal = format!("cannot invoke setopt() - {RUNNING}");
        refused(curl.set_number(CURLOPT_HSTS_CTRL, 0), &refusal);
        refused(curl.set_text(CURLOPT_HSTS, "file"), &refusal);
        refused(curl.unset(CURLOPT_HSTS), &refusal);
        Answer::Number(CURLSTS_DONE.into())
    })
    .unwrap();
    assert!(asked);
    curl.set_number(CURLOPT_HSTS_CTRL, 0).unwrap();
}
