//! What a panic on its thread leaves.

use super::*;
use crate::easy::Easy;
use crate::options;
use crate::share::Share;
use crate::transfer::{Finished, Runner as By, Wish};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

const FAILED: &str = "the engine of this CurlShare has failed: it has come to an end by itself";

/// An isolate with a share of cookies, and a server of its own.
struct Scene {
    share: Arc<Share>,
    mailbox: Arc<Mailbox>,
    server: TcpListener,
}

impl Scene {
    fn new() -> Self {
        isolate::begin();
        let share = Share::new(true).unwrap();
        let kind = 1 << CURL_LOCK_DATA_COOKIE;
        share.setopt(CURLSHOPT_SHARE, kind).unwrap();
        Self {
            share,
            mailbox: Arc::new(Mailbox::new(Arc::new(Poller::new().unwrap()))),
            server: TcpListener::bind("127.0.0.1:0").unwrap(),
        }
    }

    fn curl(&self) -> Arc<Easy> {
        let easy = Easy::new().unwrap();
        let url = format!("http://{}/", self.server.local_addr().unwrap());
        options::set_bytes(&easy, CURLOPT_URL, url.as_bytes()).unwrap();
        easy.set_share(Some(&self.share)).unwrap();
        easy
    }

    fn start(&self, easy: &Arc<Easy>) -> Message {
        let (transfer, scripts) = Transfer::begin(easy, Wish::Collect, By::Engine).unwrap();
        Message::Start(Box::new(Start {
            transfer,
            scripts,
            mailbox: self.mailbox.clone(),
            isolate: isolate::id(),
        }))
    }

    fn send(&self, message: Message) -> Arc<There> {
        let there = self.share.there().unwrap();
        assert!(there.send(message).is_ok());
        there
    }

    /// Whose request has come.
    fn accept(&self) -> TcpStream {
        let (mut stream, _) = self.server.accept().unwrap();
        assert!(stream.read(&mut [0; 1000]).unwrap() > 0);
        stream
    }

    fn end(&self, easy: &Easy) -> Finished {
        match self.mailbox.wait_for(easy.id(), None) {
            Some(Letter::Over(over)) => over.conclude(),
            _ => panic!("it asks"),
        }
    }

    fn assert_failed(&self, easy: &Easy) {
        assert_eq!(self.end(easy).result.unwrap_err().text, FAILED);
    }

    /// But what comes later works.
    fn assert_all_failed(&self, easies: &[Arc<Easy>], there: &Arc<There>) {
        for easy in easies {
            self.assert_failed(easy);
            self.assert_works(easy, there);
        }
    }

    /// For another transfer, which has another engine.
    fn assert_works(&self, easy: &Arc<Easy>, there: &Arc<There>) {
        let next = self.send(self.start(easy));
        assert!(!Arc::ptr_eq(&next, there));
        let mut stream = self.accept();
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell";
        stream.write_all(answer).unwrap();
        let finished = self.end(easy);
        finished.result.unwrap();
        assert_eq!(finished.body.unwrap(), b"well");
    }
}

#[test]
fn a_panic_fails_transfers_that_are_under_way() {
    let scene = Scene::new();
    let easies = [scene.curl(), scene.curl()];
    let mut open = Vec::new();
    for easy in &easies {
        scene.send(scene.start(easy));
        open.push(scene.accept());
    }
    let there = scene.send(Message::Panic);
    scene.assert_all_failed(&easies, &there);
}

#[test]
fn a_panic_fails_transfers_that_are_on_their_way() {
    let scene = Scene::new();
    let easies = [scene.curl(), scene.curl()];
    let there = scene.share.there().unwrap();
    let [first, second] = [0, 1].map(|i| scene.start(&easies[i]));
    let messages = [first, Message::Panic, second];
    there.inbox().messages.extend(messages);
    there.poller.wake();
    scene.assert_all_failed(&easies, &there);
}

#[test]
fn a_panic_fails_the_transfer_that_asks() {
    let scene = Scene::new();
    let easy = scene.curl();
    options::set_callback(&easy, CURLOPT_SOCKOPTFUNCTION, true).unwrap();
    scene.send(scene.start(&easy));
    let asked = scene.mailbox.wait_for(easy.id(), None);
    assert!(matches!(asked, Some(Letter::Asked(_))));
    let there = scene.send(Message::Panic);
    scene.assert_failed(&easy);
    options::set_callback(&easy, CURLOPT_SOCKOPTFUNCTION, false).unwrap();
    scene.assert_works(&easy, &there);
}
