//! Callbacks of single protocols. Texts travel joined by NUL, which none of
//! them can hold.

use super::super::bindings::*;
use super::super::coroutine::current;
use super::super::desk::Reply;
use super::super::lists::Slist;
use super::{Slot, guarded};
use std::ffi::{CStr, CString, c_char, c_int, c_long, c_void};
use std::slice;

/// # Safety
/// `text` is null or terminated.
unsafe fn text<'a>(text: *const c_char) -> &'a [u8] {
    if text.is_null() {
        return &[];
    }
    // SAFETY: the caller vouches.
    unsafe { CStr::from_ptr(text) }.to_bytes()
}

/// # Safety
/// A key as libcurl passes it: `len` bytes, or terminated text if that is 0.
unsafe fn key<'a>(key: &curl_khkey) -> &'a [u8] {
    if key.len == 0 {
        // SAFETY: the caller vouches.
        return unsafe { text(key.key) };
    }
    // SAFETY: as above.
    unsafe { slice::from_raw_parts(key.key.cast(), key.len) }
}

pub(super) unsafe extern "C" fn ssh_key(
    _handle: *mut CURL,
    known: *const curl_khkey,
    found: *const curl_khkey,
    matching: curl_khmatch,
    id: *mut c_void,
) -> c_int {
    guarded(CURLKHSTAT_REJECT as c_int, || {
        let Some(desk) = current(id) else {
            return CURLKHSTAT_REJECT as c_int;
        };
        // SAFETY: null or a live key; both outlive the callback.
        let (known, found) = unsafe { (known.as_ref(), found.as_ref()) };
        // SAFETY: as above.
        let known_key = known.map_or(&[][..], |known| unsafe { key(known) });
        // SAFETY: as above.
        let found_key = found.map_or(&[][..], |found| unsafe { key(found) });
        let numbers = [
            f64::from(u8::from(known.is_some())),
            known.map_or(0, |known| known.keytype).into(),
            known_key.len() as f64,
            found.map_or(0, |found| found.keytype).into(),
            matching.into(),
            0.0,
        ];
        match desk.ask(Slot::SSH_KEY, numbers, &[known_key, found_key].concat()) {
            Reply::Number(number) => number as c_int,
            Reply::Default | Reply::Abort | Reply::Later => CURLKHSTAT_REJECT as c_int,
        }
    })
}

pub(super) unsafe extern "C" fn ssh_hostkey(
    id: *mut c_void,
    keytype: c_int,
    key: *const c_char,
    length: usize,
) -> c_int {
    guarded(CURLKHMATCH_MISMATCH as c_int, || {
        let Some(desk) = current(id) else {
            return CURLKHMATCH_MISMATCH as c_int;
        };
        // SAFETY: libcurl passes a key of that length.
        let key = unsafe { slice::from_raw_parts(key.cast::<u8>(), length) };
        let numbers = [keytype.into(), 0.0, 0.0, 0.0, 0.0, 0.0];
        match desk.ask(Slot::SSH_HOSTKEY, numbers, key) {
            Reply::Number(number) => number as c_int,
            Reply::Default | Reply::Abort | Reply::Later => CURLKHMATCH_MISMATCH as c_int,
        }
    })
}

pub(super) unsafe extern "C" fn trailer(list: *mut *mut curl_slist, id: *mut c_void) -> c_int {
    guarded(CURL_TRAILERFUNC_ABORT as c_int, || {
        let Some(desk) = current(id) else {
            return CURL_TRAILERFUNC_ABORT as c_int;
        };
        match desk.ask(Slot::TRAILER, [0.0; 6], &[]) {
            Reply::Number(number) => number as c_int,
            Reply::Abort | Reply::Later => CURL_TRAILERFUNC_ABORT as c_int,
            Reply::Default => {
                let lines = desk.take_reply();
                let Some(lines) = split(&lines) else {
                    return CURL_TRAILERFUNC_ABORT as c_int;
                };
                let Some(lines) = Slist::new(lines.iter().map(CString::as_c_str)) else {
                    return CURL_TRAILERFUNC_ABORT as c_int;
                };
                // SAFETY: libcurl passes room for a list, and frees it.
                unsafe { *list = lines.into_raw() };
                CURL_TRAILERFUNC_OK as c_int
            }
        }
    })
}

fn split(lines: &[u8]) -> Option<Vec<CString>> {
    if lines.is_empty() {
        return Some(Vec::new());
    }
    lines
        .split(|byte| *byte == 0)
        .map(|line| CString::new(line).ok())
        .collect()
}

pub(super) unsafe extern "C" fn fnmatch(
    id: *mut c_void,
    pattern: *const c_char,
    string: *const c_char,
) -> c_int {
    guarded(CURL_FNMATCHFUNC_FAIL as c_int, || {
        let Some(desk) = current(id) else {
            return CURL_FNMATCHFUNC_FAIL as c_int;
        };
        // SAFETY: libcurl passes two terminated strings.
        let body = unsafe { [text(pattern), text(string)] }.join(&0);
        match desk.ask(Slot::FNMATCH, [0.0; 6], &body) {
            Reply::Number(number) => number as c_int,
            Reply::Default | Reply::Abort | Reply::Later => CURL_FNMATCHFUNC_FAIL as c_int,
        }
    })
}

pub(super) unsafe extern "C" fn chunk_begin(
    info: *const c_void,
    id: *mut c_void,
    remaining: c_int,
) -> c_long {
    guarded(CURL_CHUNK_BGN_FUNC_FAIL as c_long, || {
        let Some(desk) = current(id) else {
            return CURL_CHUNK_BGN_FUNC_FAIL as c_long;
        };
        // SAFETY: libcurl passes a live file entry.
        let info = unsafe { &*info.cast::<curl_fileinfo>() };
        let counts = [
            info.time.to_string(),
            info.perm.to_string(),
            info.uid.to_string(),
            info.gid.to_string(),
            info.size.to_string(),
            info.hardlinks.to_string(),
        ];
        // SAFETY: each is null or terminated.
        let texts = unsafe {
            [
                text(info.filename),
                text(info.strings.time),
                text(info.strings.perm),
                text(info.strings.user),
                text(info.strings.group),
                text(info.strings.target),
            ]
        };
        let body: Vec<&[u8]> = texts
            .into_iter()
            .chain(counts.iter().map(String::as_bytes))
            .collect();
        let numbers = [
            remaining.into(),
            info.filetype.into(),
            info.flags.into(),
            0.0,
            0.0,
            0.0,
        ];
        match desk.ask(Slot::CHUNK_BGN, numbers, &body.join(&0)) {
            Reply::Default => CURL_CHUNK_BGN_FUNC_OK as c_long,
            Reply::Number(number) => number as c_long,
            Reply::Abort | Reply::Later => CURL_CHUNK_BGN_FUNC_FAIL as c_long,
        }
    })
}

pub(super) unsafe extern "C" fn chunk_end(id: *mut c_void) -> c_long {
    guarded(CURL_CHUNK_END_FUNC_FAIL as c_long, || {
        let Some(desk) = current(id) else {
            return CURL_CHUNK_END_FUNC_FAIL as c_long;
        };
        match desk.ask(Slot::CHUNK_END, [0.0; 6], &[]) {
            Reply::Default => CURL_CHUNK_END_FUNC_OK as c_long,
            Reply::Number(number) => number as c_long,
            Reply::Abort | Reply::Later => CURL_CHUNK_END_FUNC_FAIL as c_long,
        }
    })
}

/// The answer's bytes: a digit for subdomains, the expiry, NUL, the host.
pub(super) unsafe extern "C" fn hsts_read(
    _handle: *mut CURL,
    entry: *mut curl_hstsentry,
    id: *mut c_void,
) -> CURLSTScode {
    guarded(CURLSTS_FAIL, || {
        let Some(desk) = current(id) else {
            return CURLSTS_DONE;
        };
        match desk.ask(Slot::HSTSREAD, [0.0; 6], &[]) {
            Reply::Number(number) => number as CURLSTScode,
            Reply::Abort | Reply::Later => CURLSTS_FAIL,
            Reply::Default => {
                let reply = desk.take_reply();
                let Some((&subdomains, rest)) = reply.split_first() else {
                    return CURLSTS_DONE;
                };
                // SAFETY: libcurl passes an entry to be filled in.
                let entry = unsafe { &mut *entry };
                match fill(entry, subdomains == b'1', rest) {
                    true => CURLSTS_OK,
                    false => CURLSTS_FAIL,
                }
            }
        }
    })
}

fn fill(entry: &mut curl_hstsentry, subdomains: bool, rest: &[u8]) -> bool {
    let Some(end) = rest.iter().position(|byte| *byte == 0) else {
        return false;
    };
    let (expire, host) = (&rest[..end], &rest[end + 1..]);
    if expire.len() >= entry.expire.len() || host.is_empty() || host.len() > entry.namelen {
        return false;
    }
    for (to, from) in entry.expire.iter_mut().zip(expire) {
        *to = *from as c_char;
    }
    entry.expire[expire.len()] = 0;
    entry.includeSubDomains = subdomains.into();
    // SAFETY: the name has room for `namelen` bytes and a terminator.
    unsafe {
        let name = slice::from_raw_parts_mut(entry.name.cast::<u8>(), host.len() + 1);
        name[..host.len()].copy_from_slice(host);
        name[host.len()] = 0;
    }
    true
}

pub(super) unsafe extern "C" fn hsts_write(
    _handle: *mut CURL,
    entry: *mut curl_hstsentry,
    index: *mut curl_index,
    id: *mut c_void,
) -> CURLSTScode {
    guarded(CURLSTS_FAIL, || {
        let Some(desk) = current(id) else {
            return CURLSTS_DONE;
        };
        // SAFETY: libcurl passes a live entry and its place in the list.
        let (entry, index) = unsafe { (&*entry, &*index) };
        let numbers = [
            (entry.includeSubDomains & 1).into(),
            index.index as f64,
            index.total as f64,
            0.0,
            0.0,
            0.0,
        ];
        // SAFETY: both are terminated.
        let body = unsafe { [text(entry.expire.as_ptr()), text(entry.name)] }.join(&0);
        match desk.ask(Slot::HSTSWRITE, numbers, &body) {
            Reply::Default => CURLSTS_OK,
            Reply::Number(number) => number as CURLSTScode,
            Reply::Abort | Reply::Later => CURLSTS_FAIL,
        }
    })
}
