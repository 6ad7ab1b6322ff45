//! Every live handle in words, for whoever watches a process that hangs.

use crate::claim::State;
use crate::registry::{EASIES, MULTIS, SHARES, URLS};
use std::fmt::Write;

pub fn text() -> String {
    let mut text = String::new();
    for easy in EASIES.all() {
        let state = match easy.state() {
            None => "busy".to_owned(),
            Some(State::Idle) => "idle".to_owned(),
            Some(State::Running(isolate)) => format!("running in isolate {isolate}"),
            Some(State::Closed) => "closed".to_owned(),
        };
        // Writing to a string can't fail.
        let _ = writeln!(text, "curl {} {state}", easy.id());
    }
    for multi in MULTIS.all() {
        let state = match multi.state() {
            Some(State::Running(isolate)) => format!("running in isolate {isolate}"),
            _ => "open".to_owned(),
        };
        let _ = writeln!(text, "multi {} {state}", multi.id());
    }
    for share in SHARES.all() {
        let state = if share.closed() { "closed" } else { "open" };
        let _ = writeln!(
            text,
            "share {} {state}, {} attached",
            share.id(),
            share.attached()
        );
    }
    for url in URLS.all() {
        let _ = writeln!(text, "url {}", url.id());
    }
    text
}
