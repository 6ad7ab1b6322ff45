//! The infos that the shim asks for by itself.

use super::bindings::*;
use super::easy::OwnedEasy;
use real::ffi::c_long;

pub fn long(easy: &OwnedEasy, _: CURLINFO) -> Result<c_long, CURLcode> {
    easy.call();
    Ok(1)
}

pub fn off_t(easy: &OwnedEasy, _: CURLINFO) -> Result<curl_off_t, CURLcode> {
    easy.call();
    Ok(0)
}

pub fn socket(easy: &OwnedEasy, _: CURLINFO) -> Result<curl_socket_t, CURLcode> {
    Ok(easy.socket())
}
