//! A CurlUrl's native half.

use crate::error::{Error, Result};
use crate::registry::{self, URLS};
use crate::sys::bindings::*;
use crate::sys::url::OwnedUrl;
use std::ffi::CString;
use std::sync::{Arc, Mutex, MutexGuard};

pub struct Url {
    id: u64,
    /// Held for the length of one call: the Curl that it is set on may be
    /// performed by another isolate.
    parts: Mutex<OwnedUrl>,
}

impl Url {
    pub fn new() -> Result<Arc<Self>> {
        crate::sys::init();
        Self::own(OwnedUrl::new())
    }

    pub fn duplicate(&self) -> Result<Arc<Self>> {
        Self::own(self.parts().duplicate())
    }

    fn own(parts: Option<OwnedUrl>) -> Result<Arc<Self>> {
        let url = Arc::new(Self {
            id: registry::new_id(),
            parts: Mutex::new(parts.ok_or_else(|| Error::url(CURLUE_OUT_OF_MEMORY))?),
        });
        URLS.add(url.id, &url);
        Ok(url)
    }

    fn parts(&self) -> MutexGuard<'_, OwnedUrl> {
        self.parts
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub fn id(&self) -> u64 {
        self.id
    }

    /// `None`: the URL has no such part.
    pub fn get(&self, part: CURLUPart, flags: u32) -> Result<Option<Vec<u8>>> {
        match self.parts().get(part, flags) {
            Ok(value) => Ok(Some(value)),
            Err(
                CURLUE_NO_SCHEME | CURLUE_NO_USER | CURLUE_NO_PASSWORD | CURLUE_NO_OPTIONS
                | CURLUE_NO_HOST | CURLUE_NO_PORT | CURLUE_NO_QUERY | CURLUE_NO_FRAGMENT
                | CURLUE_NO_ZONEID,
            ) => Ok(None),
            Err(code) => Err(Error::url(code)),
        }
    }

    /// `None` takes the part away.
    pub fn set(&self, part: CURLUPart, value: Option<&[u8]>, flags: u32) -> Result<()> {
        let text = value.map(CString::new).transpose().map_err(|error| {
            let place = error.nul_position();
            Error::argument(format!(
                "a URL part can't hold a NUL character, as at byte {place}"
            ))
        })?;
        match self.parts().set(part, text.as_deref(), flags) {
            CURLUE_OK => Ok(()),
            code => Err(Error::url(code)),
        }
    }

    /// What it is now, for a transfer to read while this one may change.
    pub fn snapshot(&self) -> Result<OwnedUrl> {
        let copy = self.parts().duplicate();
        copy.ok_or_else(|| Error::easy(CURLE_OUT_OF_MEMORY, ""))
    }
}

impl Drop for Url {
    fn drop(&mut self) {
        URLS.remove(self.id);
    }
}
