//! A forest in which nothing grows: the models send no mimes.

use super::bindings::*;
use super::easy::OwnedEasy;
use super::lists::Slist;
use real::ffi::CStr;

#[derive(Default)]
pub struct Forest;

pub struct MimeRoot;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Text {
    Name,
    Filename,
    Type,
    Encoder,
    File,
}

pub const LEVELS: usize = 12;

impl Forest {
    pub fn add(&mut self, _: u64, _: &OwnedEasy) -> bool {
        false
    }

    pub fn has(&self, _: u64) -> bool {
        false
    }

    pub fn is_attached(&self, _: u64) -> bool {
        false
    }

    pub fn remove(&mut self, _: u64) {}

    pub fn add_part(&mut self, _: u64) -> Option<usize> {
        None
    }

    pub fn set_text(&mut self, _: u64, _: usize, _: Text, _: Option<&CStr>) -> CURLcode {
        CURLE_OK
    }

    pub fn set_data(&mut self, _: u64, _: usize, _: &[u8]) -> CURLcode {
        CURLE_OK
    }

    pub fn set_headers(&mut self, _: u64, _: usize, _: Option<Slist>) -> CURLcode {
        CURLE_OK
    }

    pub fn set_source(
        &mut self,
        _: u64,
        _: usize,
        _: u64,
        _: curl_off_t,
        _: bool,
    ) -> CURLcode {
        CURLE_OK
    }

    pub fn attach(&mut self, _: u64, _: usize, _: u64) -> Option<impl FnOnce() -> u32 + use<>> {
        Some(|| CURLE_OK)
    }

    pub fn failed_to_attach(&mut self, _: u64) {}

    pub fn root(&self, _: u64) -> Option<MimeRoot> {
        None
    }

    pub fn ancestors(&self, mime: u64) -> Vec<u64> {
        vec![mime]
    }

    pub fn levels(&self, _: u64) -> usize {
        1
    }

    pub fn tree(&self, mime: u64) -> Vec<u64> {
        vec![mime]
    }

    pub fn sources(&self, _: u64) -> impl Iterator<Item = u64> {
        [].into_iter()
    }
}
