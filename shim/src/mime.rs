//! The multipart bodies of a handle: who made them, which of them it sends, and
//! who gives what is in them.
//!
//! Nothing here is changed while a transfer runs: all calls are refused then.

use crate::claim::IsolateId;
use crate::easy::Easy;
use crate::error::{Error, Result};
use crate::isolate;
use crate::perform::{self, Progress};
use crate::registry;
use crate::sync::{Mutex, MutexGuard};
use crate::sys::bindings::*;
use crate::sys::lists::Slist;
use crate::sys::mime::{Forest, LEVELS, Text};
use crate::sys::trampolines::Slot;
use std::collections::BTreeSet;
use std::ffi::{CStr, CString, OsStr};
use std::sync::Arc;
use std::{fs, io};

#[derive(Default)]
pub struct Mimes {
    forest: Forest<Keeper>,
    /// What MIMEPOST is set to.
    sent: Sent,
    /// What its transfer reads.
    pub in_use: InUse,
}

/// Who has made a mime, and has its functions.
#[derive(Clone, Copy)]
struct Keeper {
    /// `None`: it is gone.
    isolate: Option<IsolateId>,
    /// There is an object for it.
    held: bool,
}

impl Keeper {
    fn me() -> Self {
        Self {
            isolate: Some(isolate::id()),
            held: true,
        }
    }
}

#[derive(Default)]
enum Sent {
    #[default]
    Nothing,
    Mime(u64),
    /// libcurl's own copy of another handle's, with what JavaScript gives of it.
    Copy(Vec<Source>),
}

#[derive(Clone, Copy)]
pub struct Source {
    number: u64,
    isolate: Option<IsolateId>,
}

/// What a call of libcurl's will have done, that can ask in between.
#[derive(Clone, Copy)]
pub enum Change {
    /// What was sent before, if it is another.
    Send {
        mime: u64,
        before: Option<u64>,
    },
    Attach {
        child: u64,
    },
}

/// What a part is told in one go.
#[derive(Default)]
pub struct Told<'a> {
    pub texts: Vec<(Text, &'a CStr)>,
    pub headers: Vec<&'a CStr>,
}

/// What a new part holds.
#[derive(Clone, Copy)]
pub enum Filling<'a> {
    /// Nothing, or the file that it is told.
    None,
    Data(&'a [u8]),
    /// So many bytes, which JavaScript gives.
    Source(i64),
    /// A new mime.
    Mime,
}

/// One such call.
pub struct Pending {
    pub change: Change,
    /// What it may ask about.
    pub sources: Vec<u64>,
    pub act: Box<dyn FnOnce() -> u32>,
}

impl Mimes {
    /// The parts of what is sent whose content JavaScript gives.
    pub fn sources(&self) -> Vec<Source> {
        match &self.sent {
            Sent::Nothing => Vec::new(),
            Sent::Mime(mime) => self.sources_in(*mime),
            Sent::Copy(sources) => sources.clone(),
        }
    }

    fn sources_in(&self, root: u64) -> Vec<Source> {
        let of = |mime: u64| {
            let isolate = self.forest.keeper(mime).and_then(|keeper| keeper.isolate);
            let numbers = self.forest.sources(mime);
            numbers.map(move |number| Source { number, isolate })
        };
        self.forest.tree(root).into_iter().flat_map(of).collect()
    }

    fn numbers_in(&self, root: u64) -> Vec<u64> {
        let sources = self.sources_in(root).into_iter();
        sources.map(|source| source.number).collect()
    }

    /// For a copy of the handle, which isolate `me` makes.
    pub fn copy(&self, me: IsolateId) -> Self {
        let sources = self.sources().into_iter().map(|source| Source {
            isolate: source.isolate.filter(|isolate| *isolate == me),
            ..source
        });
        let sent = match self.sent {
            Sent::Nothing => Sent::Nothing,
            _ => Sent::Copy(sources.collect()),
        };
        Self {
            sent,
            ..Self::default()
        }
    }

    /// The handle sends none of them any more.
    pub fn let_go(&mut self) {
        if let Sent::Mime(mime) = std::mem::take(&mut self.sent) {
            self.tidy(mime);
        }
    }

    /// Their functions, and the objects for them, are gone.
    pub fn lose(&mut self, owner: IsolateId) {
        let mut lost = Vec::new();
        for (mime, keeper) in self.forest.keepers_mut() {
            if keeper.isolate == Some(owner) {
                keeper.isolate = None;
                keeper.held = false;
                lost.push(mime);
            }
        }
        if let Sent::Copy(sources) = &mut self.sent {
            for source in sources {
                source.isolate = source.isolate.filter(|isolate| *isolate != owner);
            }
        }
        for mime in lost {
            self.tidy(mime);
        }
    }

    /// Frees a root that is neither held nor sent.
    fn tidy(&mut self, mime: u64) {
        let is_held = self.forest.keeper(mime).is_some_and(|keeper| keeper.held);
        if !is_held && !self.is_sent(mime) && !self.forest.is_attached(mime) {
            self.forest.remove(mime);
        }
    }

    /// Whether this is what MIMEPOST is set to.
    fn is_sent(&self, mime: u64) -> bool {
        matches!(self.sent, Sent::Mime(sent) if sent == mime)
    }

    fn find(&self, mime: u64, method: &str) -> Result<()> {
        match self.forest.has(mime) {
            true => Ok(()),
            false => Err(Error::no_mime(method)),
        }
    }

    /// What libcurl has said to a change.
    pub fn settle(&mut self, change: Change, code: CURLcode) -> Result<()> {
        match change {
            Change::Send { mime, before } => {
                if code != CURLE_OK {
                    // libcurl has let the one before go by then.
                    self.sent = Sent::Nothing;
                    self.tidy(mime);
                }
                if let Some(before) = before {
                    self.tidy(before);
                }
                done("setopt(MIMEPOST)", code)
            }
            Change::Attach { child } => {
                if code != CURLE_OK {
                    self.forest.failed_to_attach(child);
                }
                done("subparts()", code)
            }
        }
    }
}

fn done(what: &str, code: CURLcode) -> Result<()> {
    match code {
        CURLE_OK => Ok(()),
        code => {
            let text = crate::sys::strerror::easy(code);
            Err(Error::easy(code, &format!("{what}: {text}")))
        }
    }
}

fn too_deep(method: &str) -> Error {
    Error::range(format!(
        "{method}() nests mime objects {LEVELS} deep at most, which is what libcurl can send"
    ))
}

fn no_memory() -> Error {
    Error::easy(CURLE_OUT_OF_MEMORY, "")
}

/// A new mime, for this isolate.
pub fn new(easy: &Easy) -> Result<u64> {
    let mut held = easy.enter_idle("CurlMime")?;
    let handle = held.handle()?.clone();
    let mime = registry::new_id();
    match held.mimes().forest.add(mime, &handle, Keeper::me()) {
        true => Ok(mime),
        false => Err(no_memory()),
    }
}

/// Its object is gone.
pub fn release(easy: &Easy, mime: u64) {
    let mut held = easy.held();
    if let Some(keeper) = held.mimes().forest.keeper_mut(mime) {
        keeper.held = false;
    }
    held.mimes().tidy(mime);
}

/// The handle sends it no longer, and it is freed. What is attached stays with
/// the mime that it is attached to.
pub fn close(easy: &Easy, mime: u64) -> Result<()> {
    let mut held = easy.enter_idle("close")?;
    if held.mimes().is_sent(mime) {
        done("close()", held.handle()?.set_mime(None))?;
        held.mimes().sent = Sent::Nothing;
    }
    if let Some(keeper) = held.mimes().forest.keeper_mut(mime) {
        keeper.held = false;
    }
    held.mimes().tidy(mime);
    Ok(())
}

/// Takes MIMEPOST back.
pub fn unset(easy: &Easy) -> Result<()> {
    let mut held = easy.enter_idle("unsetopt")?;
    if !matches!(held.mimes().sent, Sent::Nothing) {
        done("unsetopt(MIMEPOST)", held.handle()?.set_mime(None))?;
        held.mimes().let_go();
    }
    Ok(())
}

/// Adds a part with all that it is told and holds, or nothing: its place, and the
/// number of its source or mime. Only libcurl's memory can run out on the way.
pub fn add_part(
    easy: &Easy,
    mime: u64,
    told: Told<'_>,
    filling: Filling<'_>,
) -> Result<(usize, u64)> {
    for (what, text) in &told.texts {
        check(*what, text)?;
    }
    let headers = list_of(told.headers)?;
    let mut held = easy.enter_idle("addpart")?;
    let handle = held.handle()?.clone();
    held.mimes().find(mime, "addpart")?;
    let forest = &mut held.mimes().forest;
    let number = registry::new_id();
    if matches!(filling, Filling::Mime) {
        if forest.ancestors(mime).len() >= LEVELS {
            return Err(too_deep("addMultipart"));
        }
        if !forest.add(number, &handle, Keeper::me()) {
            return Err(no_memory());
        }
    }
    let Some(part) = forest.add_part(mime) else {
        forest.remove(number);
        return Err(no_memory());
    };
    let mut code = forest.set_headers(mime, part, headers);
    for (what, text) in told.texts {
        if code == CURLE_OK {
            code = forest.set_text(mime, part, what, Some(text));
        }
    }
    if code == CURLE_OK {
        code = fill(forest, (mime, part), number, filling);
    }
    if code == CURLE_OK {
        return Ok((part, number));
    }
    forest.remove(number);
    let words = crate::sys::strerror::easy(code);
    let text = format!("addpart(): {words}: the part is there, but not complete");
    Err(Error::easy(code, &text))
}

fn fill(
    forest: &mut Forest<Keeper>,
    (mime, part): (u64, usize),
    number: u64,
    filling: Filling<'_>,
) -> CURLcode {
    match filling {
        Filling::None => CURLE_OK,
        Filling::Data(data) => forest.set_data(mime, part, data),
        Filling::Source(size) => forest.set_source(mime, part, number, size, true),
        Filling::Mime => {
            // One without parts asks for nothing.
            let attach = forest.attach(mime, part, number);
            let code = attach.map_or(CURLE_BAD_FUNCTION_ARGUMENT, |attach| attach());
            if code != CURLE_OK {
                forest.failed_to_attach(number);
            }
            code
        }
    }
}

/// Those that libcurl knows.
const ENCODERS: [&[u8]; 5] = [b"binary", b"8bit", b"7bit", b"base64", b"quoted-printable"];

/// What a part is told by a string; `None` takes it back.
pub fn set_text(
    easy: &Easy,
    (mime, part): (u64, usize),
    what: Text,
    text: Option<&[u8]>,
) -> Result<()> {
    let method = what.method();
    let mut held = easy.enter_idle(method)?;
    held.mimes().find(mime, method)?;
    let text = text.map(|text| checked(what, text)).transpose()?;
    let forest = &mut held.mimes().forest;
    let code = forest.set_text(mime, part, what, text.as_deref());
    done(&format!("{method}()"), code)
}

fn checked(what: Text, text: &[u8]) -> Result<CString> {
    let method = what.method();
    let text = CString::new(text).map_err(|error| {
        let place = error.nul_position();
        Error::argument(format!(
            "{method}(): the value holds a NUL character, at byte {place}"
        ))
    })?;
    check(what, &text)?;
    Ok(text)
}

/// Before libcurl is told, which has forgotten the old value when it refuses.
fn check(what: Text, text: &CStr) -> Result<()> {
    match what {
        Text::Encoder => check_encoder(text),
        Text::File => check_file(text),
        Text::Name | Text::Filename | Text::Type => Ok(()),
    }
}

fn check_encoder(encoder: &CStr) -> Result<()> {
    let name = encoder.to_bytes();
    if ENCODERS
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
    {
        return Ok(());
    }
    let text = format!(
        "encoder(): libcurl has none that is called \"{}\"",
        encoder.to_string_lossy()
    );
    Err(Error::easy(CURLE_BAD_FUNCTION_ARGUMENT, &text))
}

#[cfg(unix)]
fn name_of_file(path: &CStr) -> io::Result<&OsStr> {
    use std::os::unix::ffi::OsStrExt;
    Ok(OsStr::from_bytes(path.to_bytes()))
}

/// libcurl takes names for UTF-8 here, too.
#[cfg(windows)]
fn name_of_file(path: &CStr) -> io::Result<&OsStr> {
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
    path.to_str().map(OsStr::new).map_err(invalid)
}

/// As far as can be told without reading it.
fn check_file(path: &CStr) -> Result<()> {
    let readable = name_of_file(path).and_then(|name| {
        let metadata = fs::metadata(name)?;
        if metadata.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        // Opening a pipe would wait for whoever writes to it.
        if metadata.is_file() {
            fs::File::open(name)?;
        }
        Ok(())
    });
    readable.map_err(|error| {
        let words = crate::sys::strerror::easy(CURLE_READ_ERROR);
        let text = format!("filedata({}): {words}: {error}", path.to_string_lossy());
        Error::easy(CURLE_READ_ERROR, &text)
    })
}

pub fn set_data(easy: &Easy, (mime, part): (u64, usize), data: &[u8]) -> Result<()> {
    let mut held = easy.enter_idle("data")?;
    held.mimes().find(mime, "data")?;
    let code = held.mimes().forest.set_data(mime, part, data);
    done("data()", code)
}

/// No lines take them back.
pub fn set_headers(easy: &Easy, (mime, part): (u64, usize), lines: Vec<&CStr>) -> Result<()> {
    let mut held = easy.enter_idle("headers")?;
    held.mimes().find(mime, "headers")?;
    let headers = list_of(lines)?;
    done(
        "headers()",
        held.mimes().forest.set_headers(mime, part, headers),
    )
}

fn list_of(lines: Vec<&CStr>) -> Result<Option<Slist>> {
    match lines.is_empty() {
        true => Ok(None),
        false => Slist::new(lines).ok_or_else(no_memory).map(Some),
    }
}

/// The number of what JavaScript is to be asked for. `size` is -1 where nobody
/// knows it.
pub fn set_source(
    easy: &Easy,
    (mime, part): (u64, usize),
    method: &str,
    size: i64,
    seeks: bool,
) -> Result<u64> {
    let mut held = easy.enter_idle(method)?;
    held.mimes().find(mime, method)?;
    let source = registry::new_id();
    let forest = &mut held.mimes().forest;
    let code = forest.set_source(mime, part, source, size, seeks);
    done(&format!("{method}()"), code)?;
    Ok(source)
}

/// The handle is to send a mime.
pub fn send(easy: &Arc<Easy>, mime: u64) -> Result<Progress> {
    let mut held = easy.enter_idle("setopt")?;
    let handle = held.handle()?.clone();
    let mimes = held.mimes();
    let Some(root) = mimes.forest.root(mime) else {
        return Err(Error::state(
            "setopt(option=MIMEPOST) received a closed mime object",
        ));
    };
    if mimes.forest.is_attached(mime) {
        return Err(Error::state(
            "setopt(option=MIMEPOST) received a mime object already attached as subparts",
        ));
    }
    let before = match std::mem::replace(&mut mimes.sent, Sent::Mime(mime)) {
        Sent::Mime(before) if before != mime => Some(before),
        _ => None,
    };
    let pending = Pending {
        change: Change::Send { mime, before },
        sources: mimes.numbers_in(mime),
        act: Box::new(move || handle.set_mime(Some(root))),
    };
    perform::change_mime(easy, held, pending)
}

/// A part is to have all that is in another mime.
pub fn attach(easy: &Arc<Easy>, (mime, part): (u64, usize), child: u64) -> Result<Progress> {
    let mut held = easy.enter_idle("subparts")?;
    let mimes = held.mimes();
    mimes.find(mime, "subparts")?;
    if !mimes.forest.has(child) {
        return Err(Error::state("subparts() received a closed mime object"));
    }
    let ancestors = mimes.forest.ancestors(mime);
    if ancestors.contains(&child) {
        return Err(Error::argument(
            "subparts() does not accept the parent mime object",
        ));
    }
    if mimes.forest.is_attached(child) {
        return Err(Error::state(
            "subparts() received a mime object already attached as subparts",
        ));
    }
    if mimes.is_sent(child) {
        return Err(Error::state(
            "subparts() received a mime object currently set as MIMEPOST",
        ));
    }
    if ancestors.len() + mimes.forest.levels(child) > LEVELS {
        return Err(too_deep("subparts"));
    }
    let sources = mimes.numbers_in(child);
    let Some(act) = mimes.forest.attach(mime, part, child) else {
        return Err(Error::no_mime("subparts"));
    };
    let pending = Pending {
        change: Change::Attach { child },
        sources,
        act: Box::new(act),
    };
    perform::change_mime(easy, held, pending)
}

impl Text {
    pub fn method(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Filename => "filename",
            Self::Type => "type",
            Self::Encoder => "encoder",
            Self::File => "filedata",
        }
    }
}

/// What JavaScript is asked about sources.
pub const SLOTS: u32 = Slot::MIME_READ.bit() | Slot::MIME_SEEK.bit();

/// The sources that transfers read now: a copy of a handle has the same.
static IN_USE: Mutex<BTreeSet<u64>> = Mutex::new(BTreeSet::new());

fn in_use() -> MutexGuard<'static, BTreeSet<u64>> {
    IN_USE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// What one transfer reads, until this is dropped: libcurl tells a read which
/// source it is of and not for which handle, and a function could not tell, either.
#[derive(Default)]
pub struct InUse(Vec<u64>);

impl InUse {
    /// For a transfer of isolate `me`.
    pub fn take(sources: &[Source], me: IsolateId) -> Result<Self> {
        if sources.iter().any(|source| source.isolate != Some(me)) {
            return Err(Error::foreign_callback("perform", "MIMEPOST"));
        }
        let numbers: Vec<u64> = sources.iter().map(|source| source.number).collect();
        if !numbers.is_empty() {
            let mut in_use = in_use();
            if numbers.iter().any(|number| in_use.contains(number)) {
                return Err(Error::source_in_use());
            }
            in_use.extend(&numbers);
        }
        Ok(Self(numbers))
    }

    pub fn sources(&self) -> Vec<u64> {
        self.0.clone()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The callbacks for them, a bit for each slot's index.
    pub fn slots(&self) -> u32 {
        match self.is_empty() {
            true => 0,
            false => SLOTS,
        }
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        if !self.0.is_empty() {
            let mut in_use = in_use();
            for number in &self.0 {
                in_use.remove(number);
            }
        }
    }
}
