//! A URL without parts.

use super::bindings::*;
use real::ffi::CStr;

pub struct OwnedUrl;

impl OwnedUrl {
    pub fn new() -> Option<Self> {
        Some(Self)
    }

    pub fn duplicate(&self) -> Option<Self> {
        Some(Self)
    }

    pub fn get(&self, _: CURLUPart, _: u32) -> Result<Vec<u8>, CURLUcode> {
        Err(CURLUE_NO_SCHEME)
    }

    pub fn set(&mut self, _: CURLUPart, _: Option<&CStr>, _: u32) -> CURLUcode {
        CURLUE_OK
    }
}
