//! TLS sessions out of the cache of a share, and into it.

use crate::claim::Held;
use crate::easy::{Core, Easy};
use crate::error::{Error, Result};
use crate::sys::bindings::*;
use crate::sys::sessions::{self, Session};
use std::ffi::CString;

/// Between transfers libcurl has no cache but that of a share.
fn enter<'a>(easy: &'a Easy, method: &str) -> Result<Held<'a, Core>> {
    let held = easy.enter_idle(method)?;
    match &held.share {
        Some(share) if share.keeps_sessions() => Ok(held),
        _ => Err(Error::no_sessions(method)),
    }
}

/// For each session seven numbers: the lengths of key (-1 for none), shmac, data
/// and ALPN (-1 for none), the end of validity, the version of TLS, and the
/// early data; then all their bytes. Before that, how many there are.
pub fn export(easy: &Easy) -> Result<Vec<u8>> {
    let held = enter(easy, "sslsExport")?;
    let found = sessions::export(held.handle()?).map_err(|code| Error::easy(code, ""))?;
    drop(held);
    let mut packed = (found.len() as f64).to_ne_bytes().to_vec();
    for session in &found {
        for figure in figures(session) {
            packed.extend_from_slice(&figure.to_ne_bytes());
        }
    }
    for session in &found {
        for bytes in [
            session.key.as_deref().unwrap_or_default(),
            &session.shmac,
            &session.data,
            session.alpn.as_deref().unwrap_or_default(),
        ] {
            packed.extend_from_slice(bytes);
        }
    }
    Ok(packed)
}

fn figures(session: &Session) -> [f64; 7] {
    let length = |text: &Option<Vec<u8>>| text.as_ref().map_or(-1.0, |text| text.len() as f64);
    [
        length(&session.key),
        session.shmac.len() as f64,
        session.data.len() as f64,
        length(&session.alpn),
        session.valid_until as f64,
        session.tls_version.into(),
        session.earlydata_max as f64,
    ]
}

/// An empty key is none.
pub fn import(easy: &Easy, key: &[u8], shmac: &[u8], data: &[u8]) -> Result<()> {
    let key = CString::new(key)
        .map_err(|_| Error::argument("sslsImport(): the key holds a NUL character"))?;
    let held = enter(easy, "sslsImport")?;
    let key = (!key.is_empty()).then_some(key.as_c_str());
    match sessions::import(held.handle()?, key, shmac, data) {
        CURLE_OK => Ok(()),
        code => Err(Error::easy(code, "")),
    }
}
