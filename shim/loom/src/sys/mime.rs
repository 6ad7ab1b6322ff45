//! A forest in which nothing grows: the models send no mimes.

use super::bindings::*;
use super::easy::OwnedEasy;
use super::lists::Slist;
use real::ffi::CStr;
use real::marker::PhantomData;

pub struct Forest<K>(PhantomData<K>);

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

impl<K> Default for Forest<K> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<K> Forest<K> {
    pub fn add(&mut self, _: u64, _: &OwnedEasy, _: K) -> bool {
        false
    }

    pub fn has(&self, _: u64) -> bool {
        false
    }

    pub fn keeper(&self, _: u64) -> Option<&K> {
        None
    }

    pub fn keeper_mut(&mut self, _: u64) -> Option<&mut K> {
        None
    }

    pub fn keepers_mut(&mut self) -> impl Iterator<Item = (u64, &mut K)> {
        [].into_iter()
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

    pub fn set_source(&mut self, _: u64, _: usize, _: u64, _: curl_off_t, _: bool) -> CURLcode {
        CURLE_OK
    }

    pub fn attach(&mut self, _: u64, _: usize, _: u64) -> Option<impl FnOnce() -> u32 + use<K>> {
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
