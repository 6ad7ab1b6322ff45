//! A program's own multi handle meets everything else.

use denocurl_loom::easy::Easy;
use denocurl_loom::error::Result;
use denocurl_loom::isolate as isolates;
use denocurl_loom::model::*;
use denocurl_loom::multi::members::Members;
use denocurl_loom::multi::{Multi, calls};
use denocurl_loom::options;
use denocurl_loom::perform::Progress;
use denocurl_loom::sync::Arc;
use denocurl_loom::sys::bindings::*;
use denocurl_loom::sys::desk::Reply;
use std::rc::Rc;

const IN_USE: &str = "still in use by 1 active Curl object(s)";
const ELSEWHERE: &str = "another Worker's";
const AT_WORK: &str = "multi_perform() already running";
const CLOSED: &str = "multi-stack is closed";

/// This isolate's side of it.
fn members(multi: &Arc<Multi>) -> Rc<Members> {
    let id = isolates::hold_multi(multi.clone());
    isolates::multi(id, |_| panic!("it was held just now")).unwrap()
}

/// Nothing is asked in these.
fn finish(progress: Result<Progress>) -> Result<()> {
    match progress? {
        Progress::Done(result) => result,
        Progress::Asks(_) => panic!("it has no callback"),
    }
}

/// A transfer, unless it is refused: whether it was done.
fn transfer_in(members: &Rc<Members>, easy: &Arc<Easy>, refusals: &[&str]) -> bool {
    if let Err(error) = finish(calls::add(members, easy)) {
        let is_known = refusals.iter().any(|known| error.text.contains(known));
        assert!(is_known, "{}", error.text);
        return false;
    }
    finish(calls::perform(members)).unwrap();
    assert_eq!(told(members), [easy.id()]);
    finish(calls::remove(members, easy)).unwrap();
    true
}

/// The transfers that are told to have gone well.
fn told(members: &Members) -> Vec<u64> {
    let mut well = [0.0; 2];
    let count = members.tell_done(&mut well).unwrap().well;
    well[..count].iter().map(|id| *id as u64).collect()
}

/// A call that answers what an engine asks of this isolate meanwhile.
fn among(members: &Members, progress: Result<Progress>) -> Result<()> {
    let mut progress = progress?;
    loop {
        match progress {
            Progress::Done(result) => return result,
            Progress::Asks(operation) => {
                isolates::push_operation(operation);
                let waiting = isolates::pop_operation(members.multi().id());
                progress = waiting.expect("it waits").advance(Reply::Default);
            }
        }
    }
}

/// A transfer of a handle on a share with an engine.
fn transfer_among(members: &Rc<Members>, easy: &Arc<Easy>) {
    among(members, calls::add(members, easy)).unwrap();
    among(members, calls::perform(members)).unwrap();
    assert_eq!(told(members), [easy.id()]);
    among(members, calls::remove(members, easy)).unwrap();
}

#[test]
fn two_isolates() {
    check("two isolates on one multi handle", 3, || {
        let multi = Multi::new(false).unwrap();
        let other = {
            let multi = multi.clone();
            isolate(move || {
                transfer_in(&members(&multi), &curl(), &[ELSEWHERE, AT_WORK]);
            })
        };
        transfer_in(&members(&multi), &curl(), &[ELSEWHERE, AT_WORK]);
        join([other]);
        assert_eq!(multi.count(), 0);
        isolates::release_multi(multi.id());
    });
}

#[test]
fn close_and_add() {
    check("close, add", 4, || {
        let multi = Multi::new(false).unwrap();
        let other = {
            let multi = multi.clone();
            isolate(move || {
                let refusals = [AT_WORK, CLOSED];
                transfer_in(&members(&multi), &curl(), &refusals);
            })
        };
        if let Err(error) = finish(calls::close(&members(&multi))) {
            let known = [ELSEWHERE, "multi_perform() is currently running"];
            let is_known = known.iter().any(|known| error.text.contains(known));
            assert!(is_known, "{}", error.text);
        }
        join([other]);
        isolates::release_multi(multi.id());
    });
}

#[test]
fn close_of_a_share() {
    check("close of a share, transfer in a multi handle", 4, || {
        let share = share();
        let easy = attached_to(&share);
        let other = {
            let easy = easy.clone();
            isolate(move || {
                let multi = Multi::new(false).unwrap();
                let done = transfer_in(&members(&multi), &easy, &[]);
                assert!(done);
            })
        };
        let closed = done_or(share.close(), IN_USE);
        join([other]);
        assert_eq!(closed, share.closed());
        assert_eq!(!closed, is_attached(&easy));
    });
}

#[test]
fn an_isolate_ends() {
    check("an isolate ends with a handle in a multi handle", 4, || {
        let share = share();
        let easy = attached_to(&share);
        let multi = Multi::new(false).unwrap();
        let other = {
            let (easy, multi) = (easy.clone(), multi.clone());
            isolate(move || {
                let members = members(&multi);
                finish(calls::add(&members, &easy)).unwrap();
            })
        };
        let closed = done_or(share.close(), IN_USE);
        join([other]);
        assert_eq!(multi.count(), 0);
        assert_eq!(closed, share.closed());
        if !closed {
            share.close().unwrap();
        }
        assert!(transfer_in(&members(&multi), &easy, &[]));
        isolates::release_multi(multi.id());
    });
}

#[test]
fn two_on_one_share() {
    check("two multi handles on a share of cookies", 3, || {
        let share = cookies();
        let (one, two) = (attached_to(&share), attached_to(&share));
        let other = isolate(move || {
            let multi = Multi::new(false).unwrap();
            transfer_among(&members(&multi), &one);
        });
        let multi = Multi::new(false).unwrap();
        transfer_among(&members(&multi), &two);
        isolates::release_multi(multi.id());
        join([other]);
    });
}

#[test]
fn beside_an_engine() {
    check(
        "a multi handle, a transfer on the share's engine",
        2,
        || {
            let share = cookies();
            let (easy, busy) = (attached_to(&share), attached_to(&share));
            let other = isolate(move || transfer(&busy).unwrap());
            let multi = Multi::new(false).unwrap();
            transfer_among(&members(&multi), &easy);
            isolates::release_multi(multi.id());
            join([other]);
        },
    );
}

/// The engine has the turn, and waits for an answer of whoever waits for it.
#[test]
fn question_while_its_multi_handle_waits() {
    check(
        "a multi handle before SOCKOPTFUNCTION is answered",
        2,
        || {
            let share = cookies();
            let (easy, other) = (attached_to(&share), attached_to(&share));
            options::set_callback(&easy, CURLOPT_SOCKOPTFUNCTION, true).unwrap();
            start(&easy);
            let multi = Multi::new(false).unwrap();
            transfer_among(&members(&multi), &other);
            isolates::release_multi(multi.id());
            let over = turn_to_end(|_| Reply::Default);
            assert!(over.iter().all(|finished| finished.result.is_ok()));
        },
    );
}

#[test]
fn an_isolate_ends_on_a_share() {
    check(
        "an isolate ends, its multi handle on a share of cookies",
        2,
        || {
            let share = cookies();
            let (easy, busy) = (attached_to(&share), attached_to(&share));
            let other = isolate(move || {
                let multi = Multi::new(false).unwrap();
                let members = members(&multi);
                among(&members, calls::add(&members, &easy)).unwrap();
            });
            transfer(&busy).unwrap();
            join([other]);
            share.close().unwrap();
        },
    );
}
