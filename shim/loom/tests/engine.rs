//! The engine of a share: its queue, its gate, and the answers it waits for.

use denocurl_loom::engine::here::Event;
use denocurl_loom::model::*;
use denocurl_loom::share::turn;
use denocurl_loom::sync::Arc;
use denocurl_loom::sys::bindings::*;
use denocurl_loom::sys::desk::Reply;
use denocurl_loom::sys::trampolines::Slot;
use denocurl_loom::transfer::Finished;
use denocurl_loom::{isolate as own, options};

const OWN_TURN: &str = "this transfer, unlike an asynchronous one, would wait for itself";
const ABORTED: u32 = CURLE_ABORTED_BY_CALLBACK;

fn nobody(question: Question) -> Reply {
    panic!("it has no callback: {question:?}")
}

fn all_well(over: &[Finished]) -> bool {
    over.iter().all(|finished| finished.result.is_ok())
}

/// The engine waits for this callback.
fn connects(easy: &Arc<denocurl_loom::easy::Easy>) {
    options::set_callback(easy, CURLOPT_SOCKOPTFUNCTION, true).unwrap();
}

/// Turns until a question was answered.
fn answer_one() {
    let here = own::here().unwrap();
    let mut answered = false;
    loop {
        turn(&here, |_| {
            answered = true;
            Reply::Default
        });
        if answered {
            return;
        }
        wait(&here);
    }
}

/// Messages come while the engine is about to wait, or has its turn.
#[test]
fn queue_of_two() {
    check("two transfers of one isolate on an engine", 3, || {
        let share = cookies();
        let easies = [attached_to(&share), attached_to(&share)];
        easies.iter().for_each(start);
        let over = turn_to_end(nobody);
        assert!(all_well(&over));
        assert_eq!(share.stats().transfers, 2);
    });
}

/// The isolate is about to wait while letters come.
#[test]
fn letters() {
    check("a transfer on an engine that asks twice", 3, || {
        let easy = attached_to(&cookies());
        connects(&easy);
        options::set_callback(&easy, CURLOPT_WRITEFUNCTION, true).unwrap();
        start(&easy);
        let mut slots = Vec::new();
        let over = turn_to_end(|question| {
            slots.push(question.slot);
            Reply::Default
        });
        assert!(all_well(&over));
        assert_eq!(slots, [Slot::SOCKOPT, Slot::WRITE]);
    });
}

#[test]
fn bytes_that_come_later() {
    check("READFUNCTION's promise on an engine", 3, || {
        let easy = attached_to(&cookies());
        options::set_number(&easy, CURLOPT_UPLOAD, 1).unwrap();
        options::set_callback(&easy, CURLOPT_READFUNCTION, true).unwrap();
        start(&easy);
        let here = own::here().unwrap();
        let mut asked = false;
        loop {
            let event = turn(&here, |_| {
                asked = true;
                Reply::Later
            });
            match event {
                Event::Finished(finished) => break finished.result.unwrap(),
                Event::Nothing(..) if asked => {
                    asked = false;
                    here.settle(easy.id(), Slot::READ, Reply::Number(0.0));
                }
                _ => wait(&here),
            }
        }
    });
}

#[test]
fn short_call_at_the_gate() {
    check("COOKIELIST, a transfer on an engine", 2, || {
        let share = cookies();
        let (easy, busy) = (attached_to(&share), attached_to(&share));
        let calling = isolate(move || add_cookie(&easy).unwrap());
        transfer(&busy).unwrap();
        calling.join().unwrap();
    });
}

#[test]
fn cookies_in_a_callback_that_is_waited_for() {
    check("COOKIELIST in SOCKOPTFUNCTION", 3, || {
        let share = cookies();
        let (easy, other) = (attached_to(&share), attached_to(&share));
        transfer_asking(&easy, CURLOPT_SOCKOPTFUNCTION, || {
            add_cookie(&easy).unwrap();
            add_cookie(&other).unwrap();
        })
        .unwrap();
    });
}

#[test]
fn cookies_in_a_callback_that_is_not_waited_for() {
    check("COOKIELIST in WRITEFUNCTION", 3, || {
        let share = cookies();
        let (easy, other) = (attached_to(&share), attached_to(&share));
        transfer_with(&easy, || {
            add_cookie(&easy).unwrap();
            add_cookie(&other).unwrap();
        })
        .unwrap();
    });
}

#[test]
fn transfer_in_a_callback_that_is_waited_for() {
    check("a transfer in SOCKOPTFUNCTION", 3, || {
        let share = cookies();
        let (easy, inner) = (attached_to(&share), attached_to(&share));
        transfer_asking(&easy, CURLOPT_SOCKOPTFUNCTION, || {
            assert!(!done_or(transfer(&inner), OWN_TURN));
        })
        .unwrap();
    });
}

#[test]
fn transfer_in_a_callback_that_is_not_waited_for() {
    check("a transfer in WRITEFUNCTION", 3, || {
        let share = cookies();
        let (easy, inner) = (attached_to(&share), attached_to(&share));
        transfer_with(&easy, || transfer(&inner).unwrap()).unwrap();
    });
}

/// The engine has the turn, and begins to wait for whoever waits for it.
#[test]
fn question_while_its_isolate_waits_for_the_turn() {
    check("COOKIELIST before SOCKOPTFUNCTION is answered", 3, || {
        let share = cookies();
        let (easy, other) = (attached_to(&share), attached_to(&share));
        connects(&easy);
        start(&easy);
        add_cookie(&other).unwrap();
        assert!(all_well(&turn_to_end(|_| Reply::Default)));
    });
}

/// The engine goes on as soon as it has read the answer.
#[test]
fn short_call_after_an_answer() {
    check("SOCKOPTFUNCTION is answered, COOKIELIST", 3, || {
        let share = cookies();
        let (easy, other) = (attached_to(&share), attached_to(&share));
        connects(&easy);
        start(&easy);
        answer_one();
        add_cookie(&other).unwrap();
        assert!(all_well(&turn_to_end(nobody)));
    });
}

#[test]
fn short_call_after_a_cancel() {
    check("cancel in SOCKOPTFUNCTION, COOKIELIST", 3, || {
        let share = cookies();
        let (easy, other) = (attached_to(&share), attached_to(&share));
        connects(&easy);
        start(&easy);
        turn_to_end(|question| {
            own::here().unwrap().cancel(question.id);
            add_cookie(&other).unwrap();
            Reply::Default
        });
    });
}

/// The handle takes a connection along out of the share's pool.
#[test]
fn last_reference_at_the_end_of_an_isolate() {
    check("an isolate ends with a held connection, asked", 2, || {
        let share = connections();
        let (easy, holds) = (attached_to(&share), attached_to(&share));
        let ending = isolate(move || {
            hold_connection(&holds);
            own::hold_easy(holds);
            connects(&easy);
            start(&easy);
        });
        ending.join().unwrap();
    });
}

/// The engine begins to wait for an isolate that waits for another transfer.
#[test]
fn question_while_its_isolate_waits_for_the_engine() {
    check("a transfer before SOCKOPTFUNCTION is answered", 3, || {
        let share = cookies();
        let (easy, other) = (attached_to(&share), attached_to(&share));
        connects(&easy);
        start(&easy);
        let asked = |question: Question| {
            assert_eq!(question.id, easy.id());
            Reply::Default
        };
        transfer_among(&other, asked).unwrap();
        assert!(all_well(&turn_to_end(asked)));
    });
}

/// Its callback runs inside libcurl's call, with the turn.
#[test]
fn transfer_inside_one_that_has_the_turn() {
    check("a transfer in a callback of CONNECT_ONLY", 3, || {
        let share = cookies();
        let (holds, inner) = (attached_to(&share), attached_to(&share));
        options::set_number(&holds, CURLOPT_CONNECT_ONLY, 1).unwrap();
        transfer_asking(&holds, CURLOPT_SOCKOPTFUNCTION, || {
            assert!(!done_or(transfer(&inner), OWN_TURN));
        })
        .unwrap();
    });
}

/// Each engine waits for an isolate that waits for the other.
#[test]
fn ring_of_two_engines() {
    check_first(
        20_000,
        "two engines, each asked in a callback of the other",
        1,
        || {
            let [first, second] = [cookies(), cookies()];
            let pairs = [
                [attached_to(&first), attached_to(&second)],
                [attached_to(&second), attached_to(&first)],
            ];
            let [thread, here] = pairs.map(|[outer, inner]| {
                move || {
                    transfer_asking(&outer, CURLOPT_SOCKOPTFUNCTION, || {
                        done_or(transfer(&inner), OWN_TURN);
                    })
                    .unwrap();
                }
            });
            let thread = isolate(thread);
            here();
            thread.join().unwrap();
            let transfers = [first, second].map(|share| share.stats().transfers);
            assert!(transfers.iter().sum::<u64>() >= 3);
        },
    );
}

/// An isolate that waits for an engine answers meanwhile: what it has not heard
/// yet closes no ring.
#[test]
fn question_that_is_not_heard_yet() {
    check("an isolate relies on an engine and is asked", 1, || {
        let (first, second) = (cookies().id(), cookies().id());
        let [me, other, engine, its] = [(); 4].map(|()| own::new_id());
        let _turns = (turn::take(first, engine), turn::take(second, its));
        let _asking = (turn::ask(engine, other, 1), turn::ask(its, me, 2));
        let _relying = turn::rely(second, other).unwrap();
        assert!(turn::rely(first, me).is_ok());
    });
}

#[test]
fn isolate_ends_before_it_answers() {
    check(
        "an isolate ends before it answers, another goes on",
        2,
        || {
            let share = cookies();
            let (easy, other) = (attached_to(&share), attached_to(&share));
            let ending = isolate(move || {
                connects(&easy);
                start(&easy);
            });
            transfer(&other).unwrap();
            ending.join().unwrap();
        },
    );
}

#[test]
fn isolate_ends_while_it_answers() {
    check("an isolate ends in a callback, another goes on", 2, || {
        let share = cookies();
        let (easy, other) = (attached_to(&share), attached_to(&share));
        let ending = isolate(move || {
            connects(&easy);
            start(&easy);
            let here = own::here().unwrap();
            while !matches!(here.turn(Reply::Abort).unwrap(), Event::Asks) {
                wait(&here);
            }
        });
        transfer(&other).unwrap();
        ending.join().unwrap();
    });
}

#[test]
fn cancel_against_a_question() {
    check("cancel while an engine asks", 2, || {
        let easy = attached_to(&cookies());
        connects(&easy);
        start(&easy);
        own::here().unwrap().cancel(easy.id());
        let over = turn_to_end(nobody);
        let failure = over[0].result.as_ref().unwrap_err();
        assert_eq!(failure.status, ABORTED as i32);
        transfer_among(&easy, |_| Reply::Default).unwrap();
    });
}

#[test]
fn cancel_against_an_answer() {
    check("cancel in a callback, then its answer", 2, || {
        let easy = attached_to(&cookies());
        connects(&easy);
        start(&easy);
        let over = turn_to_end(|question| {
            own::here().unwrap().cancel(question.id);
            Reply::Default
        });
        let failure = over[0].result.as_ref().unwrap_err();
        assert_eq!(failure.status, ABORTED as i32);
        transfer_among(&easy, |_| Reply::Default).unwrap();
    });
}

/// Or it was the engine's own libcurl that failed, or all went well.
fn failed(result: denocurl_loom::error::Result<()>) -> bool {
    result.is_err_and(|error| {
        let by_engine = error.text.ends_with("it has come to an end by itself");
        assert!(by_engine || error.status == CURLE_FAILED_INIT as i32);
        true
    })
}

fn break_engine(easy: &Arc<denocurl_loom::easy::Easy>) {
    let held = easy.enter("a model").unwrap();
    held.handle().unwrap().break_multi();
}

#[test]
fn failure_against_a_message() {
    check("an engine fails, another transfer starts", 2, || {
        let share = cookies();
        let (breaking, other) = (attached_to(&share), attached_to(&share));
        break_engine(&breaking);
        start(&breaking);
        start(&other);
        for finished in turn_to_end(nobody) {
            assert!(failed(finished.result) || finished.id == other.id());
        }
        // Maybe it has not come to its end yet.
        if failed(transfer(&other)) {
            transfer(&other).unwrap();
        }
    });
}

#[test]
fn failure_of_two_isolates() {
    check("an engine fails, another isolate transfers", 2, || {
        let share = cookies();
        let (breaking, other) = (attached_to(&share), attached_to(&share));
        break_engine(&breaking);
        let thread = isolate(move || {
            failed(transfer(&other));
        });
        assert!(failed(transfer(&breaking)));
        thread.join().unwrap();
    });
}
