//! A program's own multi handle meets everything else.

use denocurl_loom::easy::Easy;
use denocurl_loom::error::Result;
use denocurl_loom::isolate as isolates;
use denocurl_loom::model::*;
use denocurl_loom::multi::members::Members;
use denocurl_loom::multi::{Multi, calls};
use denocurl_loom::perform::Progress;
use denocurl_loom::sync::Arc;
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
    assert_eq!(members.next_done().unwrap().unwrap().id, easy.id());
    finish(calls::remove(members, easy)).unwrap();
    true
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
