//! The one info that the shim asks for by itself.

use super::bindings::*;
use super::easy::OwnedEasy;
use real::ffi::c_long;

pub fn long(easy: &OwnedEasy, _: CURLINFO) -> Result<c_long, CURLcode> {
    easy.error_text();
    Ok(1)
}
