//! Transfers meet each other, and calls on their handles.

use denocurl_loom::easy::Easy;
use denocurl_loom::model::*;
use denocurl_loom::sync::Arc;
use denocurl_loom::sys::bindings::*;
use denocurl_loom::{options, perform};

#[test]
fn two_on_one_share_of_cookies() {
    check("two transfers on a share of cookies", 1, || {
        let share = cookies();
        let threads = [(); 2].map(|()| {
            let easy = attached_to(&share);
            isolate(move || transfer_with(&easy, || ()).unwrap())
        });
        join(threads);
        assert_eq!(share.stats().transfers, 2);
    });
}

#[test]
fn two_on_one_share_of_names() {
    check("two transfers on a share that takes many", 3, || {
        let share = share();
        let threads = [(); 2].map(|()| {
            let easy = attached_to(&share);
            isolate(move || transfer_with(&easy, || ()).unwrap())
        });
        join(threads);
        assert_eq!(share.stats().transfers, 2);
    });
}

#[test]
fn three_on_one_share_of_cookies() {
    check("two transfers and COOKIELIST", 1, || {
        let share = cookies();
        let threads = [(); 2].map(|()| {
            let easy = attached_to(&share);
            isolate(move || transfer(&easy).unwrap())
        });
        add_cookie(&attached_to(&share)).unwrap();
        join(threads);
    });
}

#[test]
fn two_of_one_handle() {
    check("two transfers of one handle", 5, || {
        let easy = curl();
        let threads = [easy.clone(), easy].map(|easy| {
            isolate(move || {
                done_or(transfer(&easy), RUNNING);
            })
        });
        join(threads);
    });
}

#[test]
fn calls_from_elsewhere() {
    check("transfer, setopt, duphandle and reset elsewhere", 4, || {
        let easy = curl();
        let calling = {
            let easy = easy.clone();
            isolate(move || {
                done_or(add_cookie(&easy), RUNNING);
                done_or(easy.duplicate().map(drop), RUNNING);
                done_or(easy.reset(), RUNNING);
            })
        };
        let inside = easy.clone();
        done_or(
            transfer_with(&easy, || {
                add_cookie(&inside).unwrap();
                inside.duplicate().unwrap();
                assert!(!done_or(inside.reset(), RUNNING));
                assert!(!done_or(transfer(&inside), RUNNING));
            }),
            RUNNING,
        );
        calling.join().unwrap();
    });
}

#[test]
fn close_of_the_handle() {
    check("transfer, close of its handle", 5, || {
        let easy = attached_to(&share());
        let closing = {
            let easy = easy.clone();
            isolate(move || {
                if let Err(error) = perform::close(&easy) {
                    assert!(error.text.ends_with(RUNNING));
                }
            })
        };
        let result = transfer(&easy);
        closing.join().unwrap();
        done_or(result, "no curl handle");
    });
}

#[test]
fn ring_of_two() {
    check_first(
        20_000,
        "two transfers, each inside another's callback",
        1,
        || {
            let shares = [cookies(), cookies()];
            let [first, second] = &shares;
            let pairs = [
                [attached_to(first), attached_to(second)],
                [attached_to(second), attached_to(first)],
            ];
            let threads = pairs.map(|[outer, inner]| {
                isolate(move || transfer_with(&outer, || transfer(&inner).unwrap()).unwrap())
            });
            join(threads);
            let transfers = shares.map(|share| share.stats().transfers);
            assert!(transfers.iter().sum::<u64>() >= 3);
        },
    );
}

#[test]
fn ring_with_short_calls() {
    check("two transfers, each setting the other's cookies", 1, || {
        let (first, second) = (cookies(), cookies());
        let pairs = [
            [attached_to(&first), attached_to(&second)],
            [attached_to(&second), attached_to(&first)],
        ];
        let threads = pairs.map(|[outer, inner]| {
            isolate(move || transfer_with(&outer, || add_cookie(&inner).unwrap()).unwrap())
        });
        join(threads);
    });
}

#[test]
fn leaves_its_share() {
    check("COOKIELIST, detach, a transfer on the share", 2, || {
        let share = cookies();
        let (easy, busy) = (attached_to(&share), attached_to(&share));
        let transferring = isolate(move || transfer(&busy).unwrap());
        let leaving = {
            let easy = easy.clone();
            isolate(move || easy.set_share(None).unwrap())
        };
        add_cookie(&easy).unwrap();
        transferring.join().unwrap();
        leaving.join().unwrap();
        assert!(!is_attached(&easy));
    });
}

#[test]
fn leaves_its_pool() {
    check(
        "detach with CONNECT_ONLY, a transfer on the share",
        2,
        || {
            let share = connections();
            let (easy, busy) = (attached_to(&share), attached_to(&share));
            hold_connection(&easy);
            let transferring = isolate(move || transfer(&busy).unwrap());
            assert!(!done_or(easy.set_share(None), "(CONNECT_ONLY)"));
            transferring.join().unwrap();
            assert!(is_attached(&easy));
        },
    );
}

#[test]
fn leaves_two_pools() {
    check("detach with CONNECT_ONLY, a move, a transfer", 2, || {
        let (first, second) = (connections(), connections());
        let (easy, busy) = (attached_to(&first), attached_to(&second));
        options::set_number(&easy, CURLOPT_CONNECT_ONLY, 1).unwrap();
        let transferring = isolate(move || transfer(&busy).unwrap());
        let moving = {
            let easy = easy.clone();
            isolate(move || {
                easy.set_share(None).unwrap();
                easy.set_share(Some(&second)).unwrap();
            })
        };
        easy.set_share(None).unwrap();
        transferring.join().unwrap();
        moving.join().unwrap();
    });
}

/// Between two shares, each with a transfer of its own or with somebody who
/// takes its turn for a moment.
fn moves(name: &str, at_most: usize, call: fn(&Arc<Easy>)) {
    check(name, at_most, move || {
        let (first, second) = (cookies(), cookies());
        let (easy, busy) = (attached_to(&first), attached_to(&second));
        let transferring = isolate(move || transfer(&busy).unwrap());
        let moving = {
            let easy = easy.clone();
            isolate(move || {
                if done_or(easy.set_share(None), RUNNING) {
                    done_or(easy.set_share(Some(&second)), RUNNING);
                }
            })
        };
        call(&easy);
        transferring.join().unwrap();
        moving.join().unwrap();
    });
}

#[test]
fn moves_and_transfers() {
    moves("a move, a transfer, another on the new share", 1, |easy| {
        transfer(easy).unwrap();
    });
}

#[test]
fn moves_and_sets_cookies() {
    moves(
        "a move, COOKIELIST, a transfer on the new share",
        2,
        |easy| {
            add_cookie(easy).unwrap();
        },
    );
}
