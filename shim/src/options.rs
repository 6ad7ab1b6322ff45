//! setopt, by the kind of value that an option takes.

use crate::easy::{Core, Easy, Owned};
use crate::error::{Error, Result};
use crate::isolate;
use crate::kinds::{OptionKind, option_kind, option_name, unset_number, unsettable};
use crate::mime;
use crate::sys::bindings::*;
use crate::sys::easy::OwnedEasy;
use crate::sys::lists::Slist;
use crate::sys::trampolines::Slot;
use crate::transfer::Alone;
use std::ffi::{CStr, CString, c_long};
use std::sync::Arc;

/// Options of a handle that reach into what its share keeps.
const SHARED_DATA: [CURLoption; 5] = [
    CURLOPT_COOKIEFILE,
    CURLOPT_COOKIEJAR,
    CURLOPT_COOKIELIST,
    CURLOPT_HSTS,
    CURLOPT_HSTS_CTRL,
];

/// libcurl frees its HSTS entries for these, which HSTSREADFUNCTION is about to
/// add to.
const FREEING: [CURLoption; 2] = [CURLOPT_HSTS, CURLOPT_HSTS_CTRL];

/// Options of 32 bits that each mean something.
const MASKS: [CURLoption; 6] = [
    CURLOPT_HTTPAUTH,
    CURLOPT_PROTOCOLS,
    CURLOPT_PROXYAUTH,
    CURLOPT_REDIR_PROTOCOLS,
    CURLOPT_SOCKS5_AUTH,
    CURLOPT_SSH_AUTH_TYPES,
];

pub fn set_number(easy: &Easy, option: u32, value: i64) -> Result<()> {
    let refuse = |wanted: &str| Err(Error::range(wrong(option, &format!("{value}: {wanted}"))));
    match option {
        CURLOPT_NOSIGNAL if value != 1 => {
            return refuse("signals would reach other threads, so it is always 1");
        }
        CURLOPT_POSTFIELDSIZE | CURLOPT_POSTFIELDSIZE_LARGE => {
            return set_post_size(easy, option, value);
        }
        _ => {}
    }
    match option_kind(option) {
        Some(OptionKind::Long) => {
            let long = long(option, value)?;
            touch(easy, option, |core| {
                if option == CURLOPT_NOPROGRESS && core.watched {
                    // libcurl is told when the transfer is over.
                    core.noprogress = long != 0;
                    isolate::progress_changed(easy.id(), core.noprogress);
                    return Ok(());
                }
                outcome(core, option, |handle| handle.set_long(option, long))
                    .map_err(|error| error.about(&value.to_string()))?;
                match option {
                    CURLOPT_NOPROGRESS => core.noprogress = long != 0,
                    CURLOPT_CONNECT_ONLY => core.connect_only = long != 0,
                    CURLOPT_PIPEWAIT => core.pipewait = true,
                    CURLOPT_UPKEEP_INTERVAL_MS => core.upkeep_interval = long,
                    CURLOPT_TIMEOUT => core.timeout = long.saturating_mul(1000),
                    CURLOPT_TIMEOUT_MS => core.timeout = long,
                    _ => {}
                }
                Ok(())
            })
        }
        Some(OptionKind::OffT) => touch(easy, option, |core| {
            outcome(core, option, |handle| handle.set_off_t(option, value))
                .map_err(|error| error.about(&value.to_string()))
        }),
        kind => Err(mismatch(option, kind, "a number")),
    }
}

/// On Windows a C long has 32 bits, of which a mask may use the first.
fn long(option: u32, value: i64) -> Result<c_long> {
    let mask = u32::try_from(value)
        .ok()
        .filter(|_| MASKS.contains(&option));
    c_long::try_from(value)
        .ok()
        .or(mask.map(|mask| mask as c_long))
        .ok_or_else(|| {
            let text = format!("{value}: more than a C long holds");
            Error::range(wrong(option, &text))
        })
}

/// libcurl reads as many bytes as it says, so no more than there are.
fn set_post_size(easy: &Easy, option: u32, value: i64) -> Result<()> {
    let mut held = easy.enter("setopt")?;
    if let Some(kept) = held.owned.get(&CURLOPT_POSTFIELDS)
        && let Owned::Bytes(bytes) = &*kept.owned
        && value > bytes.len() as i64
    {
        let text = format!("{value}: POSTFIELDS holds {} bytes", bytes.len());
        return Err(Error::range(wrong(option, &text)));
    }
    if option == CURLOPT_POSTFIELDSIZE {
        let long = long(option, value)?;
        outcome(&mut held, option, |handle| handle.set_long(option, long))
    } else {
        outcome(&mut held, option, |handle| handle.set_off_t(option, value))
    }
}

pub fn set_bytes(easy: &Easy, option: u32, value: &[u8]) -> Result<()> {
    match option_kind(option) {
        Some(OptionKind::String) => with_terminator(option, value, |text| {
            touch(easy, option, |core| {
                outcome(core, option, |handle| handle.set_string(option, Some(text)))?;
                if option == CURLOPT_URL {
                    let mut parts = text.to_bytes().splitn(2, |byte| *byte == b':');
                    let scheme = parts.next().filter(|_| parts.next().is_some());
                    core.alone = scheme.and_then(Alone::by_scheme);
                }
                Ok(())
            })
        }),
        Some(OptionKind::Bytes) => set_post_fields(easy, option, Some(value)),
        Some(OptionKind::List) => set_list(easy, option, value),
        Some(OptionKind::Blob) => {
            let mut held = easy.enter("setopt")?;
            outcome(&mut held, option, |handle| {
                handle.set_blob(option, Some(value))
            })
        }
        kind => Err(mismatch(option, kind, "a string or bytes")),
    }
}

fn set_post_fields(easy: &Easy, option: u32, value: Option<&[u8]>) -> Result<()> {
    let mut held = easy.enter("setopt")?;
    let running = easy.has_begun(&held);
    let code = held.set_body(value.map(Box::from), running)?;
    outcome(&mut held, option, |_| code)
}

/// The items come each with a NUL behind.
fn set_list(easy: &Easy, option: u32, value: &[u8]) -> Result<()> {
    let items: Vec<CString> = value
        .split_inclusive(|byte| *byte == 0)
        .map(|item| CStr::from_bytes_with_nul(item).map(CStr::to_owned))
        .collect::<std::result::Result<_, _>>()
        .map_err(|_| Error::argument(wrong(option, "an item without an end")))?;
    let list = Slist::new(items.iter().map(CString::as_c_str))
        .ok_or_else(|| Error::easy(CURLE_OUT_OF_MEMORY, ""))?;
    let mut held = easy.enter("setopt")?;
    outcome(&mut held, option, |handle| {
        handle.set_list(option, Some(&list))
    })?;
    let running = easy.has_begun(&held);
    held.keep(option, Some(Owned::List(list)), running);
    Ok(())
}

/// Puts lines behind those of HTTPHEADER, each with a NUL behind.
pub fn add_headers(easy: &Easy, lines: &[u8]) -> Result<()> {
    let mut all = Vec::new();
    if let Some(kept) = easy.enter("setopt")?.owned.get(&CURLOPT_HTTPHEADER)
        && let Owned::List(list) = &*kept.owned
    {
        for line in list.items() {
            all.extend_from_slice(line);
            all.push(0);
        }
    }
    all.extend_from_slice(lines);
    set_list(easy, CURLOPT_HTTPHEADER, &all)
}

/// A callback set or taken back by the isolate that calls.
pub fn set_callback(easy: &Easy, option: u32, set: bool) -> Result<()> {
    let Some(OptionKind::Function(number)) = option_kind(option) else {
        return Err(mismatch(option, option_kind(option), "a function"));
    };
    let Some(slot) = Slot::new(number) else {
        return Err(unknown(option));
    };
    let mut held = easy.enter("setopt")?;
    outcome(&mut held, option, |handle| {
        handle.set_callback(slot, (set || always_ours(slot)).then_some(easy.id()))
    })?;
    held.set_answers(slot, set.then(isolate::id));
    drop(held);
    isolate::callback_changed(easy.id(), slot, set);
    Ok(())
}

fn always_ours(slot: Slot) -> bool {
    slot == Slot::WRITE || slot == Slot::READ
}

pub fn unset(easy: &Arc<Easy>, option: u32) -> Result<()> {
    let kind = option_kind(option);
    if kind.is_none() {
        return Err(unknown(option));
    }
    match kind {
        Some(OptionKind::Share) => return easy.set_share(None),
        Some(OptionKind::Url) => return easy.set_url("unsetopt", None),
        Some(OptionKind::Mime | OptionKind::Form) => return mime::unset(easy),
        _ => {}
    }
    // What follows has setopt's words.
    drop(easy.enter("unsetopt")?);
    if !unsettable(option) {
        return Err(Error::argument(format!(
            "unsetopt() is not supported for {}",
            name(option)
        )));
    }
    if let Some(number) = unset_number(option) {
        return set_number(easy, option, number);
    }
    match kind {
        Some(OptionKind::Function(_)) => set_callback(easy, option, false),
        Some(OptionKind::String) => touch(easy, option, |core| {
            outcome(core, option, |handle| handle.set_string(option, None))
        }),
        Some(OptionKind::List) => {
            let mut held = easy.enter("unsetopt")?;
            outcome(&mut held, option, |handle| handle.set_list(option, None))?;
            let running = easy.has_begun(&held);
            held.keep(option, None, running);
            Ok(())
        }
        Some(OptionKind::Bytes) => set_post_fields(easy, option, None),
        Some(OptionKind::Blob) => {
            let mut held = easy.enter("unsetopt")?;
            outcome(&mut held, option, |handle| handle.set_blob(option, None))
        }
        kind => Err(mismatch(option, kind, "nothing")),
    }
}

/// Alone inside the share's data where the option reaches it.
fn touch(easy: &Easy, option: u32, act: impl FnOnce(&mut Core) -> Result<()>) -> Result<()> {
    if FREEING.contains(&option) {
        // A transfer that another isolate starts now has what follows refused.
        drop(easy.enter_idle("setopt")?);
    }
    if SHARED_DATA.contains(&option) {
        easy.enter_quietly("setopt", act)
    } else {
        act(&mut *easy.enter("setopt")?)
    }
}

fn outcome(core: &mut Core, option: u32, set: impl FnOnce(&OwnedEasy) -> CURLcode) -> Result<()> {
    match set(core.handle()?) {
        CURLE_OK => Ok(()),
        code => Err(Error::easy(
            code,
            &wrong(option, &crate::sys::strerror::easy(code)),
        )),
    }
}

/// Most strings are short: those need no memory but the stack's.
fn with_terminator<R>(
    option: u32,
    value: &[u8],
    act: impl FnOnce(&CStr) -> Result<R>,
) -> Result<R> {
    let mut short = [0; 256];
    let long;
    let terminated = if value.len() < short.len() {
        short[..value.len()].copy_from_slice(value);
        &short[..=value.len()]
    } else {
        long = [value, &[0]].concat();
        &long
    };
    match CStr::from_bytes_with_nul(terminated) {
        Ok(text) => act(text),
        Err(_) => {
            let place = value.iter().position(|byte| *byte == 0).unwrap_or_default();
            let text = format!("the value holds a NUL character, at byte {place}");
            Err(Error::argument(wrong(option, &text)))
        }
    }
}

fn name(option: u32) -> String {
    option_name(option).map_or_else(|| option.to_string(), str::to_owned)
}

fn wrong(option: u32, what: &str) -> String {
    format!("setopt({}): {what}", name(option))
}

fn unknown(option: u32) -> Error {
    Error::easy(
        CURLE_UNKNOWN_OPTION,
        &format!("setopt({option}): libcurl has no such option"),
    )
}

fn mismatch(option: u32, kind: Option<OptionKind>, given: &str) -> Error {
    let wanted = match kind {
        None => return unknown(option),
        Some(OptionKind::Long | OptionKind::OffT) => "a number",
        Some(OptionKind::String | OptionKind::Bytes) => "a string or bytes",
        Some(OptionKind::List) => "a list of strings",
        Some(OptionKind::Blob) => "bytes",
        Some(OptionKind::Function(_)) => "a function",
        Some(OptionKind::Share) => "a CurlShare",
        Some(OptionKind::Url) => "a CurlUrl",
        Some(OptionKind::Mime) => "a CurlMime",
        Some(OptionKind::Form) => "a list of pairs",
        Some(OptionKind::Writer | OptionKind::Reader | OptionKind::Private) => {
            "what JavaScript keeps"
        }
        Some(OptionKind::Unsupported) => {
            return Error::argument(wrong(option, "this option is not supported"));
        }
    };
    Error::argument(wrong(option, &format!("it takes {wanted}, not {given}")))
}
