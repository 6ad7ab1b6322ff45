//! The close of a share meets everything else.

use denocurl_loom::isolate as isolates;
use denocurl_loom::model::*;
use denocurl_loom::perform;
use denocurl_loom::share::Share;
use denocurl_loom::sync::Arc;
use denocurl_loom::transfer::Wish;

const CLOSED: &str = "CurlShare is closed";
const IN_USE: &str = "still in use by 1 active Curl object(s)";

#[test]
fn attach() {
    check("close, attach, attach", 3, || {
        let share = share();
        let easies = [curl(), curl()];
        let threads = easies.clone().map(|easy| {
            let share = share.clone();
            isolate(move || {
                done_or(easy.set_share(Some(&share)), CLOSED);
            })
        });
        share.close().unwrap();
        join(threads);
        assert_eq!(share.attached(), 0);
        assert!(!easies.iter().any(is_attached));
    });
}

#[test]
fn attach_to_a_share_that_keeps_its_handles() {
    check("close without detachOnClose, attach", 5, || {
        let share = Share::new(false).unwrap();
        let easy = curl();
        let attaching = {
            let (share, easy) = (share.clone(), easy.clone());
            isolate(move || {
                done_or(easy.set_share(Some(&share)), CLOSED);
            })
        };
        let closed = done_or(share.close(), "and detachOnClose is false");
        attaching.join().unwrap();
        assert_eq!(closed, share.closed());
        assert_eq!(!closed, is_attached(&easy));
    });
}

#[test]
fn detach() {
    check("close, detach", 5, || {
        let share = share();
        let easy = attached_to(&share);
        let detaching = {
            let easy = easy.clone();
            isolate(move || easy.set_share(None).unwrap())
        };
        share.close().unwrap();
        detaching.join().unwrap();
        assert!(!is_attached(&easy));
        assert_eq!(share.attached(), 0);
    });
}

#[test]
fn move_to_another_share() {
    check("close, detach and attach elsewhere", 5, || {
        let (first, second) = (share(), share());
        let easy = attached_to(&first);
        let moving = {
            let (easy, second) = (easy.clone(), second.clone());
            isolate(move || {
                easy.set_share(None).unwrap();
                easy.set_share(Some(&second)).unwrap();
            })
        };
        first.close().unwrap();
        moving.join().unwrap();
        assert!(is_attached(&easy));
        assert_eq!((first.attached(), second.attached()), (0, 1));
    });
}

/// Nothing changes for anybody while a transfer runs.
#[test]
fn transfer_of_one_of_two() {
    check("close, transfer, an idle handle", 4, || {
        let share = share();
        let (busy, idle) = (attached_to(&share), attached_to(&share));
        let transferring = {
            let busy = busy.clone();
            isolate(move || {
                let inside = busy.clone();
                transfer_with(&busy, || add_cookie(&inside).unwrap()).unwrap();
            })
        };
        let closed = done_or(share.close(), IN_USE);
        assert_eq!(is_attached(&idle), !closed);
        transferring.join().unwrap();
        assert_eq!(is_attached(&busy), !closed);
        assert_eq!(share.attached(), if closed { 0 } else { 2 });
        share.close().unwrap();
        assert!(!is_attached(&busy) && !is_attached(&idle));
    });
}

#[test]
fn short_calls() {
    check("close, duphandle, setopt, reset", 5, || {
        let share = share();
        let easy = attached_to(&share);
        let calling = {
            let easy = easy.clone();
            isolate(move || {
                let copy = easy.duplicate().unwrap();
                assert!(!is_attached(&copy));
                easy.reset().unwrap();
            })
        };
        share.close().unwrap();
        assert!(!is_attached(&easy));
        calling.join().unwrap();
    });
}

#[test]
fn cookies_meanwhile() {
    check("close, COOKIELIST of two", 3, || {
        let share = cookies();
        let easies = [attached_to(&share), attached_to(&share)];
        let threads = easies
            .clone()
            .map(|easy| isolate(move || add_cookie(&easy).unwrap()));
        share.close().unwrap();
        join(threads);
        assert!(!easies.iter().any(is_attached));
    });
}

#[test]
fn close_of_a_handle() {
    check("close, close of a handle", 5, || {
        let share = share();
        let easy = attached_to(&share);
        let closing = isolate(move || {
            assert!(matches!(
                perform::close(&easy),
                Ok(perform::Progress::Done(Ok(())))
            ));
            assert!(easy.closed());
        });
        share.close().unwrap();
        closing.join().unwrap();
        assert_eq!(share.attached(), 0);
    });
}

#[test]
fn last_reference_to_a_handle() {
    check("close, a handle is dropped", 5, || {
        let share = share();
        let easy = attached_to(&share);
        let dropping = isolate(move || drop(easy));
        share.close().unwrap();
        dropping.join().unwrap();
        assert_eq!(share.attached(), 0);
    });
}

#[test]
fn last_reference_to_a_handle_of_three() {
    check("close, a handle is dropped, a transfer", 2, || {
        let share = cookies();
        let (dropped, busy) = (attached_to(&share), attached_to(&share));
        let dropping = isolate(move || drop(dropped));
        let transferring = {
            let busy = busy.clone();
            isolate(move || transfer(&busy).unwrap())
        };
        done_or(share.close(), IN_USE);
        dropping.join().unwrap();
        transferring.join().unwrap();
        assert_eq!(share.attached(), usize::from(is_attached(&busy)));
    });
}

#[test]
fn second_close() {
    check("close, close, close", 3, || {
        let share = share();
        let easy = attached_to(&share);
        let threads = [share.clone(), share.clone()].map(|share| {
            isolate(move || {
                share.close().unwrap();
                assert!(share.closed());
            })
        });
        share.close().unwrap();
        join(threads);
        assert!(!is_attached(&easy));
    });
}

/// A member that libcurl does not detach, and one that it has detached by then.
#[test]
fn close_that_fails_half_way() {
    check("close with a held connection, setopt", 5, || {
        let share = share();
        let (first, holds) = (attached_to(&share), attached_to(&share));
        hold_connection(&holds);
        let calling = {
            let first = first.clone();
            isolate(move || assert!(is_attached(&first)))
        };
        assert!(!done_or(share.close(), "close that Curl first"));
        calling.join().unwrap();
        assert_eq!(share.attached(), 2);
        assert!(is_attached(&first) && is_attached(&holds));
        drop(holds);
        share.close().unwrap();
    });
}

#[test]
fn last_reference_to_a_held_connection() {
    check("close, a held connection is dropped", 5, || {
        let share = cookies();
        let holds = attached_to(&share);
        hold_connection(&holds);
        let dropping = isolate(move || drop(holds));
        done_or(share.close(), "close that Curl first");
        dropping.join().unwrap();
        assert_eq!(share.attached(), 0);
        share.close().unwrap();
    });
}

/// Whoever closes has the turn that the dying handle waits for.
#[test]
fn held_connection_is_dropped_while_a_callback_closes() {
    check(
        "close in a callback, a held connection is dropped",
        2,
        || {
            let share = cookies();
            let (busy, holds) = (attached_to(&share), attached_to(&share));
            hold_connection(&holds);
            let dropping = isolate(move || drop(holds));
            let inside: Arc<Share> = share.clone();
            transfer_with(&busy, || assert!(inside.close().is_err())).unwrap();
            dropping.join().unwrap();
            share.close().unwrap();
        },
    );
}

const CLOSING: &str = "closeAsync() waits for its transfers";

/// The transfer's end is told, whenever it is.
fn close_when_free_during(name: &str, at_most: usize, share: fn() -> Arc<Share>) {
    check(name, at_most, move || {
        let share = share();
        let easy = attached_to(&share);
        let transferring = {
            let easy = easy.clone();
            isolate(move || {
                done_or(transfer(&easy), CLOSING);
            })
        };
        close_when_free(&share).unwrap();
        assert!(share.closed());
        transferring.join().unwrap();
        assert!(!is_attached(&easy));
    });
}

#[test]
fn close_when_free_against_a_transfer() {
    close_when_free_during("closeAsync, a transfer", 3, share);
}

#[test]
fn close_when_free_against_an_engine() {
    close_when_free_during("closeAsync, a transfer on an engine", 2, cookies);
}

/// Nobody answers for the transfer any more.
#[test]
fn close_when_free_against_an_end() {
    check("closeAsync, an isolate ends with its transfer", 2, || {
        let share = cookies();
        let easy = attached_to(&share);
        let ending = isolate(move || {
            let here = isolates::here().unwrap();
            done_or(here.start(&easy, Wish::Write), CLOSING);
        });
        close_when_free(&share).unwrap();
        ending.join().unwrap();
    });
}

#[test]
fn close_when_free_against_attach() {
    check("closeAsync, attach and detach", 3, || {
        let share = Share::new(false).unwrap();
        let easy = curl();
        let attaching = {
            let (share, easy) = (share.clone(), easy.clone());
            isolate(move || {
                if let Err(error) = easy.set_share(Some(&share)) {
                    assert!(error.text.ends_with(CLOSED) || error.text.ends_with(CLOSING));
                } else {
                    easy.set_share(None).unwrap();
                }
            })
        };
        // Whoever attaches again after the share was found free is in its way.
        let closed = done_or(close_when_free(&share), "and detachOnClose is false");
        attaching.join().unwrap();
        assert_eq!(closed, share.closed());
        assert!(!is_attached(&easy));
    });
}

#[test]
fn close_when_free_twice() {
    check("closeAsync twice, a handle is dropped", 2, || {
        let share = Share::new(false).unwrap();
        let easy = attached_to(&share);
        let closing = {
            let share = share.clone();
            isolate(move || close_when_free(&share).unwrap())
        };
        let dropping = isolate(move || drop(easy));
        close_when_free(&share).unwrap();
        closing.join().unwrap();
        dropping.join().unwrap();
    });
}
