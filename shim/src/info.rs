//! getinfo, by the kind of value that an info has.

use crate::easy::{Core, Easy};
use crate::error::{Error, Result};
use crate::kinds::{InfoKind, info_kind, info_name};
use crate::sys::bindings::*;
use crate::sys::easy::OwnedEasy;
use crate::sys::getinfo;

pub fn number(easy: &Easy, info: u32) -> Result<f64> {
    let read = |core: &mut Core| number_of(core, info);
    // These look at a connection, which may be in a shared pool.
    if [CURLINFO_LASTSOCKET, CURLINFO_ACTIVESOCKET].contains(&info) {
        easy.enter_quietly("getinfo", read)
    } else {
        read(&mut *easy.enter("getinfo")?)
    }
}

fn number_of(core: &Core, info: u32) -> Result<f64> {
    let handle = core.handle()?;
    let answer = match info_kind(info) {
        Some(InfoKind::Long) => getinfo::long(handle, info).map(|value| value as f64),
        Some(InfoKind::OffT) => getinfo::off_t(handle, info).map(|value| value as f64),
        Some(InfoKind::Double) => getinfo::double(handle, info),
        Some(InfoKind::Socket) => getinfo::socket(handle, info).map(f64::from),
        kind => return Err(mismatch(info, kind, "a number")),
    };
    answer.map_err(|code| failed(info, code))
}

/// `None`: libcurl knows of no such string. The items of a list each end with
/// a NUL, and each certificate's lines with one more.
pub fn bytes(easy: &Easy, info: u32) -> Result<Option<Vec<u8>>> {
    let read = |core: &mut Core| {
        let handle: &OwnedEasy = core.handle()?;
        let answer = match info_kind(info) {
            Some(InfoKind::String) => getinfo::string(handle, info),
            Some(InfoKind::List) => {
                getinfo::list(handle, info).map(|list| Some(join(list.items())))
            }
            Some(InfoKind::Certinfo) => getinfo::certificates(handle).map(|chain| {
                Some(
                    chain
                        .iter()
                        .flat_map(|lines| {
                            let mut joined = join(lines.iter().map(Vec::as_slice));
                            joined.push(0);
                            joined
                        })
                        .collect(),
                )
            }),
            kind => return Err(mismatch(info, kind, "a string or a list")),
        };
        answer.map_err(|code| failed(info, code))
    };
    if info == CURLINFO_COOKIELIST {
        easy.enter_quietly("getinfo", read)
    } else {
        read(&mut *easy.enter("getinfo")?)
    }
}

fn join<'a>(items: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut joined = Vec::new();
    for item in items {
        joined.extend_from_slice(item);
        joined.push(0);
    }
    joined
}

fn failed(info: u32, code: CURLcode) -> Error {
    let text = crate::sys::strerror::easy(code);
    Error::easy(code, &format!("getinfo({}): {text}", name(info)))
}

fn name(info: u32) -> String {
    info_name(info).map_or_else(|| info.to_string(), str::to_owned)
}

fn mismatch(info: u32, kind: Option<InfoKind>, wanted: &str) -> Error {
    match kind {
        None => Error::easy(
            CURLE_UNKNOWN_OPTION,
            &format!("getinfo({info}): libcurl has no such info"),
        ),
        Some(InfoKind::Unsupported) => Error::argument(format!(
            "getinfo({}): its value is a pointer, which JavaScript never gets",
            name(info)
        )),
        Some(_) => Error::argument(format!("getinfo({}): it is not {wanted}", name(info))),
    }
}
