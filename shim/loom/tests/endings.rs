//! Isolates end in the middle of everything.

use denocurl_loom::model::*;
use denocurl_loom::perform::{self, Progress};
use denocurl_loom::sys::bindings::*;
use denocurl_loom::{isolate as own, options};

/// As shim_perform does it, up to the first question.
fn suspend(id: u64) {
    let easy = own::easy(id, "perform").unwrap();
    options::set_callback(&easy, CURLOPT_WRITEFUNCTION, true).unwrap();
    match perform::perform(&easy, false).unwrap() {
        Progress::Asks(operation) => own::push_operation(operation),
        Progress::Done(_) => panic!("its callback was not called"),
    }
}

#[test]
fn suspended_transfer() {
    check("an isolate ends inside a callback, close", 2, || {
        let share = cookies();
        let easy = attached_to(&share);
        let ending = {
            let easy = easy.clone();
            isolate(move || suspend(own::hold_easy(easy)))
        };
        let closed = done_or(share.close(), "1 active Curl object(s)");
        ending.join().unwrap();
        assert_eq!(is_attached(&easy), !closed);
        assert!(!done_or(transfer(&easy), "or unset it"));
        share.close().unwrap();
    });
}

/// The body that it has collected is nobody's.
#[test]
fn suspended_transfer_that_collects() {
    check("an isolate ends inside performBytesSync", 5, || {
        let easy = curl();
        let ending = {
            let easy = easy.clone();
            isolate(move || {
                options::set_callback(&easy, CURLOPT_HEADERFUNCTION, true).unwrap();
                // Unless the callback has been taken back before.
                if let Progress::Asks(operation) = perform::perform(&easy, true).unwrap() {
                    own::push_operation(operation);
                }
            })
        };
        done_or(easy.reset(), RUNNING);
        ending.join().unwrap();
        easy.reset().unwrap();
    });
}

#[test]
fn suspended_transfer_before_the_next() {
    check(
        "an isolate ends inside a callback, another transfers",
        2,
        || {
            let share = cookies();
            let (first, second) = (attached_to(&share), attached_to(&share));
            let ending = isolate(move || suspend(own::hold_easy(first)));
            transfer(&second).unwrap();
            ending.join().unwrap();
        },
    );
}

#[test]
fn number_of_a_handle_that_goes() {
    check("open, release", 5, || {
        let easy = curl();
        let id = own::hold_easy(easy);
        let opening = isolate(move || {
            if own::open_easy(id).is_ok() {
                own::with_easy(id, "perform", transfer).unwrap();
            }
        });
        own::release_easy(id);
        opening.join().unwrap();
        assert!(own::open_easy(id).is_err());
    });
}

#[test]
fn number_of_a_share_that_closes() {
    check("open, close, release", 5, || {
        let share = share();
        let id = own::hold_share(share.clone());
        let opening = isolate(move || {
            if own::open_share(id).is_ok() {
                let easy = curl();
                let attached = own::with_share(id, "setopt", |share| easy.set_share(Some(share)));
                done_or(attached, "CurlShare is closed");
            }
        });
        share.close().unwrap();
        drop(share);
        own::release_share(id);
        opening.join().unwrap();
        assert!(own::open_share(id).is_err());
    });
}

/// The handle's last reference takes the share's last along.
#[test]
fn handle_outlives_its_share() {
    check("an attached handle is dropped last", 5, || {
        let share = share();
        let easy = attached_to(&share);
        let releasing = isolate(move || drop(share));
        drop(easy);
        releasing.join().unwrap();
    });
}

#[test]
fn callback_of_an_isolate_that_ends() {
    check("a callback's isolate ends, perform elsewhere", 5, || {
        let easy = curl();
        let id = own::hold_easy(easy.clone());
        let setting = isolate(move || {
            own::open_easy(id).unwrap();
            let set = own::with_easy(id, "setopt", |easy| {
                options::set_callback(easy, CURLOPT_HEADERFUNCTION, true)
            });
            done_or(set, RUNNING);
        });
        done_or(transfer(&easy), "or unset it");
        setting.join().unwrap();
    });
}
