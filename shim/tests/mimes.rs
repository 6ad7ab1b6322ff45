//! Mime trees in every order of use and end.

mod support;

use denocurl::ffi::mime::*;
use support::calls::*;
use support::files::{File, bytes};
use support::server;

/// The slots of mime parts, and where the source of a question is.
const READ: i32 = 31;
const SEEK: i32 = 32;
const SOURCE: usize = 5;

/// What a part is told by a string.
const NAME: u32 = 0;
const FILENAME: u32 = 1;
const TYPE: u32 = 2;
const ENCODER: u32 = 3;
const FILE: u32 = 4;
const HEADER: u32 = 5;

/// What a new part holds.
#[derive(Clone, Copy, Debug)]
enum Content<'a> {
    None,
    Data(&'a [u8]),
    Source(f64),
    Mime,
}

/// Texts as the library takes them at once.
fn packed(texts: &[(u32, &str)]) -> Vec<u8> {
    let bytes = texts.iter().flat_map(|(what, text)| {
        let end = std::iter::once(0);
        std::iter::once(*what as u8).chain(text.bytes()).chain(end)
    });
    bytes.collect()
}

/// libcurl allows itself as many.
const LEVELS: usize = 12;

#[derive(Clone, Copy, Debug)]
struct Mime(Curl, f64);

#[derive(Clone, Copy, Debug)]
struct Part(Mime, u32);

/// Fails, or says that all went well: what it failed with is not asked.
type Went = Result<(), i32>;

fn went(status: i32) -> Went {
    match status {
        0 => Ok(()),
        status => Err(status),
    }
}

impl Mime {
    fn new(curl: Curl) -> Self {
        let mime = shim_mime_new(curl.0);
        assert!(mime > 0.0, "{mime}");
        Self(curl, mime)
    }

    fn part(self) -> Result<Part, i32> {
        self.add(&[], Content::None).map(|(part, _)| part)
    }

    /// A part, and the number of its source or mime.
    fn add(self, texts: &[(u32, &str)], content: Content<'_>) -> Result<(Part, f64), i32> {
        let texts = packed(texts);
        let (content, data, size) = match content {
            Content::None => (0, &[][..], 0.0),
            Content::Data(data) => (1, data, data.len() as f64),
            Content::Source(size) => (2, &[][..], size),
            Content::Mime => (3, &[][..], 0.0),
        };
        let (length, data) = (texts.len() as u32, data.as_ptr());
        let mut values = [0.0; 8];
        let numbers = values.as_mut_ptr();
        let Self(curl, mime) = self;
        // SAFETY: the texts and the data have these lengths, and there is room
        // for eight numbers.
        let part = unsafe {
            shim_mime_add(
                curl.0,
                mime,
                content,
                texts.as_ptr(),
                length,
                data,
                size,
                numbers,
            )
        };
        match part >= 0.0 {
            true => Ok((Part(self, part as u32), values[0])),
            false => Err(part as i32),
        }
    }

    fn close(self) -> Went {
        went(shim_mime_close(self.0.0, self.1))
    }

    fn release(self) {
        shim_mime_release(self.0.0, self.1);
    }

    fn send(self) -> Outcome {
        self.drive(|values| {
            // SAFETY: room for eight numbers, and no more is told.
            unsafe { shim_setopt_mime(self.0.0, self.1, values, std::ptr::null_mut(), 0) }
        })
    }

    /// To the end of a call that may rewind.
    fn drive(self, act: impl FnOnce(*mut f64) -> i32) -> Outcome {
        let mut values = [0.0; 8];
        let failed = |status| {
            Err(Failure {
                status,
                text: String::new(),
            })
        };
        match act(values.as_mut_ptr()) {
            0 if values[0] == 0.0 => Ok(()),
            0 => failed(values[0] as i32),
            SEEK => self.0.drive(self.0.resume(&Answer::Nothing)?, |question| {
                assert_eq!(question.slot, SEEK);
                Answer::Nothing
            }),
            status => failed(status),
        }
    }
}

impl Part {
    fn text(self, what: u32, text: &str) -> Went {
        let Self(Mime(curl, mime), part) = self;
        let length = text.len() as u32;
        // SAFETY: the text has that length.
        went(unsafe { shim_mime_text(curl.0, mime, part, what, 1, text.as_ptr(), length) })
    }

    fn data(self, data: &[u8]) -> Went {
        let Self(Mime(curl, mime), part) = self;
        let length = data.len() as u32;
        // SAFETY: the data has that length.
        went(unsafe { shim_mime_data(curl.0, mime, part, data.as_ptr(), length) })
    }

    fn headers(self, lines: &[&str]) -> Went {
        let Self(Mime(curl, mime), part) = self;
        let lines: Vec<_> = lines.iter().map(|line| (HEADER, *line)).collect();
        let lines = packed(&lines);
        let length = lines.len() as u32;
        // SAFETY: the lines have that length.
        went(unsafe { shim_mime_headers(curl.0, mime, part, lines.as_ptr(), length) })
    }

    fn source(self, size: f64) -> Result<f64, i32> {
        let Self(Mime(curl, mime), part) = self;
        let source = shim_mime_source(curl.0, mime, part, size, 1, 0);
        match source > 0.0 {
            true => Ok(source),
            false => Err(source as i32),
        }
    }

    fn subparts(self, child: Mime) -> Outcome {
        let Self(mime, part) = self;
        let Mime(curl, number) = mime;
        mime.drive(|values| {
            // SAFETY: room for eight numbers, and no more is told.
            unsafe {
                let nothing = std::ptr::null_mut();
                shim_mime_subparts(curl.0, number, part, child.1, values, nothing, 0)
            }
        })
    }
}

fn curl() -> Curl {
    let curl = Curl::new();
    curl.set_text(CURLOPT_URL, &server::url("echo")).unwrap();
    curl
}

/// With a field, a file, and a mime in which there is a source; and the source.
fn tree(curl: Curl, file: &File) -> (Mime, Mime, f64) {
    let mime = Mime::new(curl);
    let field = mime.part().unwrap();
    field.text(NAME, "field").unwrap();
    field.data(b"value").unwrap();
    field.headers(&["X-One: 1", "X-Two: 2"]).unwrap();
    let path = file.url().replace("file://", "");
    mime.part().unwrap().text(FILE, &path).unwrap();
    let inner = Mime::new(curl);
    mime.part().unwrap().subparts(inner).unwrap();
    let asked = inner.part().unwrap();
    asked.text(ENCODER, "base64").unwrap();
    let source = asked.source(6.0).unwrap();
    (mime, inner, source)
}

/// Sends what the handle is set to; how often it was asked to seek.
fn send(curl: Curl, source: f64) -> usize {
    let mut left = true;
    let mut seeks = 0;
    let body = curl
        .perform_bytes_with(|question| {
            assert_eq!((question.curl, question.numbers[SOURCE]), (curl, source));
            if question.slot == SEEK {
                seeks += 1;
                left = true;
                return Answer::Nothing;
            }
            assert_eq!(question.slot, READ);
            assert!(left, "it is asked for no more than it has");
            left = false;
            Answer::Bytes(b"source".to_vec())
        })
        .unwrap();
    let body = String::from_utf8_lossy(&body);
    for part in ["value", "X-Two: 2", "filename=", "c291cmNl"] {
        assert!(body.contains(part), "{body}");
    }
    seeks
}

#[test]
fn tree_ends_in_any_order() {
    begin();
    let file = File::new(&bytes(1000));
    let ends: [fn(Curl, Mime, Mime); 6] = [
        |curl, mime, inner| {
            mime.close().unwrap();
            inner.close().unwrap();
            curl.close().unwrap();
        },
        |curl, mime, inner| {
            curl.close().unwrap();
            assert!(mime.part().is_err());
            inner.release();
            mime.release();
        },
        |curl, mime, inner| {
            inner.close().unwrap();
            curl.reset().unwrap();
            mime.release();
            curl.close().unwrap();
        },
        |curl, mime, inner| {
            mime.release();
            inner.release();
            curl.unset(CURLOPT_MIMEPOST).unwrap();
            curl.close().unwrap();
        },
        |curl, _, _| curl.release(),
        |curl, mime, _| {
            let other = Mime::new(curl);
            other.send().unwrap();
            other.part().unwrap().subparts(mime).unwrap();
            other.release();
            curl.unset(CURLOPT_HTTPPOST).unwrap();
            curl.close().unwrap();
        },
    ];
    for end in ends {
        let curl = curl();
        let (mime, inner, source) = tree(curl, &file);
        mime.send().unwrap();
        assert_eq!(send(curl, source), 0);
        end(curl, mime, inner);
    }
}

#[test]
fn what_was_sent_is_rewound() {
    begin();
    let file = File::new(&bytes(1000));
    let curl = curl();
    let (mime, _, source) = tree(curl, &file);
    mime.send().unwrap();
    assert_eq!(send(curl, source), 0);
    assert_eq!(send(curl, source), 1);
    curl.unset(CURLOPT_MIMEPOST).unwrap();
    mime.send().unwrap();
    assert_eq!(send(curl, source), 0);
    curl.unset(CURLOPT_MIMEPOST).unwrap();
    let outer = Mime::new(curl);
    outer.part().unwrap().subparts(mime).unwrap();
    outer.send().unwrap();
    assert_eq!(send(curl, source), 0);
}

#[test]
fn copy_lives_without_the_original() {
    begin();
    let file = File::new(&bytes(1000));
    let original = curl();
    let (mime, _, source) = tree(original, &file);
    mime.send().unwrap();
    let copy = original.duphandle().unwrap();
    mime.close().unwrap();
    original.close().unwrap();
    let again = copy.duphandle().unwrap();
    assert_eq!(send(copy, source), 0);
    copy.close().unwrap();
    assert_eq!(send(again, source), 0);
    Mime::new(again).send().unwrap();
    again.close().unwrap();
}

#[test]
fn two_do_not_read_one_source() {
    begin();
    let file = File::new(&bytes(1000));
    let original = curl();
    let (mime, _, source) = tree(original, &file);
    mime.send().unwrap();
    let copy = original.duphandle().unwrap();
    let mut refusals = 0;
    original
        .perform_bytes_with(|_| {
            let failure = copy.perform_bytes().unwrap_err();
            assert!(failure.text.contains("is in use"), "{failure:?}");
            refusals += 1;
            Answer::Bytes(b"source".to_vec())
        })
        .unwrap();
    assert_eq!(refusals, 1);
    assert_eq!(send(copy, source), 0);
}

#[test]
fn worker_ends_while_it_is_asked() {
    begin();
    let file = File::new(&bytes(1000));
    for collects in [false, true] {
        let path = file.url();
        let curl = worker(move || {
            let curl = curl();
            let mime = Mime::new(curl);
            let path = path.replace("file://", "");
            mime.part().unwrap().text(FILE, &path).unwrap();
            mime.part().unwrap().source(-1.0).unwrap();
            mime.send().unwrap();
            if collects {
                curl.begin(Wish::Collect).unwrap();
                while !matches!(turn(None), Event::Asks(_)) {
                    wait(engine());
                }
            } else {
                assert!(matches!(curl.start(false), Ok(Step::Asks(_))));
            }
            curl
        });
        let curl = curl.join().unwrap();
        assert_eq!(curl.state(), None);
    }
}

#[test]
fn part_is_added_at_once() {
    begin();
    let file = File::new(b"of a file");
    let path = file.url().replace("file://", "");
    let curl = curl();
    let mime = Mime::new(curl);
    let texts = [
        (NAME, "first"),
        (FILENAME, "a.txt"),
        (TYPE, "a/b"),
        (ENCODER, "base64"),
        (HEADER, "X-One: 1"),
        (HEADER, "X-Two: 2"),
    ];
    let (part, _) = mime.add(&texts, Content::Data(b"bytes")).unwrap();
    assert_eq!(part.1, 0);
    let texts = [(FILE, &*path), (FILENAME, "")];
    assert_eq!(mime.add(&texts, Content::None).unwrap().0.1, 1);
    let (_, inner) = mime.add(&[(NAME, "both")], Content::Mime).unwrap();
    let inner = Mime(curl, inner);
    let (_, source) = inner.add(&[], Content::Source(6.0)).unwrap();
    assert_ne!(source, inner.1);
    inner.add(&[], Content::Data(b"")).unwrap();
    mime.send().unwrap();
    let body = curl
        .perform_bytes_with(|question| {
            assert_eq!((question.slot, question.numbers[SOURCE]), (READ, source));
            Answer::Bytes(b"source".to_vec())
        })
        .unwrap();
    let body = String::from_utf8_lossy(&body);
    for part in [
        "name=\"first\"; filename=\"a.txt\"\r\nContent-Type: a/b\r\n",
        "Content-Transfer-Encoding: base64\r\nX-One: 1\r\nX-Two: 2\r\n\r\nYnl0ZXM=",
        "filename=\"\"",
        "of a file",
        "name=\"both\"",
        "\r\n\r\nsource\r\n",
    ] {
        assert!(body.contains(part), "{part}: {body}");
    }
    mime.close().unwrap();
    assert!(inner.part().is_err());
}

#[test]
fn part_that_is_refused_is_not_there() {
    begin();
    let curl = curl();
    let mime = Mime::new(curl);
    for (what, text) in [
        (ENCODER, "rot13"),
        (FILE, "/does/not/exist"),
        (9, "of no such number"),
    ] {
        let texts = [(NAME, "x"), (what, text)];
        assert!(mime.add(&texts, Content::Data(b"x")).is_err(), "{text}");
    }
    let mut calls = 0;
    mime.add(&[], Content::Source(1.0)).unwrap();
    mime.send().unwrap();
    curl.perform_bytes_with(|_| {
        calls += 1;
        for content in [Content::None, Content::Source(1.0), Content::Mime] {
            assert!(mime.add(&[(NAME, "x")], content).is_err(), "{content:?}");
        }
        Answer::Bytes(b"x".to_vec())
    })
    .unwrap();
    assert_eq!(calls, 1);
    assert_eq!(mime.part().unwrap().1, 1);
    let mut deepest = mime;
    for _ in 1..LEVELS {
        deepest = Mime(curl, deepest.add(&[], Content::Mime).unwrap().1);
    }
    assert!(deepest.add(&[], Content::Mime).is_err());
    assert_eq!(deepest.part().unwrap().1, 0);
}

/// A generator of numbers below `limit`.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

#[test]
fn random_walk_over_trees() {
    begin();
    let file = File::new(&bytes(100));
    let path = file.url().replace("file://", "");
    let mut random = Random(88_172_645_463_325_252);
    for _ in 0..30 {
        let curl = curl();
        let mut mimes = vec![Mime::new(curl)];
        let mut parts: Vec<Part> = Vec::new();
        let mut copies = Vec::new();
        for _ in 0..200 {
            let mime = mimes[random.below(mimes.len())];
            if parts.is_empty() || random.below(4) == 0 {
                parts.extend(mime.part());
                continue;
            }
            // Most of these fail now and then: all that counts is that they may.
            let part = parts[random.below(parts.len())];
            match random.below(14) {
                0 => _ = part.data(b"data"),
                1 => _ = part.text(FILE, &path),
                2 => _ = part.source(3.0),
                3 | 4 => _ = part.subparts(mime),
                5 => _ = part.headers(&["X: 1"]),
                6 => mimes.push(Mime::new(curl)),
                7 => _ = mime.close(),
                8 => mime.release(),
                9 => _ = mime.send(),
                10 => _ = curl.unset(CURLOPT_MIMEPOST),
                11 => copies.push(curl.duphandle().unwrap()),
                12 => {
                    let added = mime.add(&[(NAME, "x")], Content::Mime);
                    mimes.extend(added.map(|(_, child)| Mime(curl, child)));
                }
                _ => {
                    let sender = *copies.last().unwrap_or(&curl);
                    let _ = sender.perform_bytes_with(|question| match question.slot {
                        READ => Answer::Bytes(b"abc".to_vec()),
                        _ => Answer::Nothing,
                    });
                }
            }
        }
        for copy in copies {
            copy.close().unwrap();
        }
        curl.close().unwrap();
    }
}

#[test]
fn no_deeper_than_can_be_sent() {
    begin();
    let curl = curl();
    let mut mime = Mime::new(curl);
    for level in 1..LEVELS + 2 {
        let outer = Mime::new(curl);
        let attached = outer.part().unwrap().subparts(mime);
        assert_eq!(attached.is_ok(), level < LEVELS, "{level}");
        if attached.is_ok() {
            mime = outer;
        }
    }
    mime.send().unwrap();
    curl.perform_bytes().unwrap();
}
