//! The mime trees of one handle, which libcurl sends as multipart bodies.
//!
//! A tree lives as long as its root: libcurl frees what is attached to a part
//! with the part, or when the part is given something else.

use super::bindings::*;
use super::easy::OwnedEasy;
use super::lists::Slist;
use super::trampolines::{mime_read, mime_seek};
use std::collections::BTreeMap;
use std::ffi::{CStr, c_void};
use std::ptr::{self, NonNull};

/// Every mime by its number, each with what its keeper wants to know of it.
pub struct Forest<K>(BTreeMap<u64, Node<K>>);

struct Node<K> {
    keeper: K,
    mime: NonNull<curl_mime>,
    parts: Vec<Part>,
    /// The mime and the part that it is attached to.
    parent: Option<(u64, usize)>,
}

struct Part {
    part: NonNull<curl_mimepart>,
    content: Content,
}

/// What is to be known of a part's content.
enum Content {
    /// libcurl has it, or there is none.
    Plain,
    /// JavaScript gives it, under this number.
    Source(u64),
    Mime(u64),
}

/// What a part is told by a string.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Text {
    Name,
    Filename,
    Type,
    Encoder,
    /// The path of the file whose content it has.
    File,
}

/// A mime that no part has.
pub struct MimeRoot(pub(super) *mut curl_mime);

/// libcurl's limit for what it sends is on its own recursion: three calls for
/// each mime, and three for a part that is encoded.
pub const LEVELS: usize = 12;

// SAFETY: libcurl ties no thread to a mime, and the claim in front of the handle
// whose trees these are lets one thread in at a time.
unsafe impl<K: Send> Send for Forest<K> {}

impl<K> Default for Forest<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K> Forest<K> {
    /// `false`: there is no memory for it.
    pub fn add(&mut self, mime: u64, easy: &OwnedEasy, keeper: K) -> bool {
        // SAFETY: the handle is live; it is asked for random numbers only.
        let made = unsafe { curl_mime_init(easy.raw_for_mime()) };
        let Some(made) = NonNull::new(made) else {
            return false;
        };
        let node = Node {
            keeper,
            mime: made,
            parts: Vec::new(),
            parent: None,
        };
        self.0.insert(mime, node);
        true
    }

    pub fn has(&self, mime: u64) -> bool {
        self.0.contains_key(&mime)
    }

    pub fn keeper(&self, mime: u64) -> Option<&K> {
        self.0.get(&mime).map(|node| &node.keeper)
    }

    pub fn keeper_mut(&mut self, mime: u64) -> Option<&mut K> {
        self.0.get_mut(&mime).map(|node| &mut node.keeper)
    }

    pub fn keepers_mut(&mut self) -> impl Iterator<Item = (u64, &mut K)> {
        self.0
            .iter_mut()
            .map(|(mime, node)| (*mime, &mut node.keeper))
    }

    pub fn is_attached(&self, mime: u64) -> bool {
        self.0.get(&mime).is_some_and(|node| node.parent.is_some())
    }

    /// Frees a tree by its root, which no handle is going to read again.
    pub fn remove(&mut self, root: u64) {
        debug_assert!(!self.is_attached(root));
        for mime in self.tree(root) {
            if let Some(node) = self.0.remove(&mime)
                && mime == root
            {
                // SAFETY: nobody knows the tree's pointers any more, as its
                // nodes are gone. libcurl itself unbinds it from a handle.
                unsafe { curl_mime_free(node.mime.as_ptr()) };
            }
        }
    }

    /// Its number in the mime; none if there is no memory for it.
    pub fn add_part(&mut self, mime: u64) -> Option<usize> {
        let node = self.0.get_mut(&mime)?;
        // SAFETY: a live mime.
        let part = unsafe { curl_mime_addpart(node.mime.as_ptr()) };
        node.parts.push(Part {
            part: NonNull::new(part)?,
            content: Content::Plain,
        });
        Some(node.parts.len() - 1)
    }

    pub fn set_text(
        &mut self,
        mime: u64,
        part: usize,
        what: Text,
        text: Option<&CStr>,
    ) -> CURLcode {
        let Some(pointer) = self.pointer(mime, part) else {
            return CURLE_BAD_FUNCTION_ARGUMENT;
        };
        if what == Text::File {
            self.forget_content(mime, part);
        }
        let text = text.map_or(ptr::null(), CStr::as_ptr);
        // SAFETY: a live part; the text is terminated and copied.
        unsafe {
            match what {
                Text::Name => curl_mime_name(pointer, text),
                Text::Filename => curl_mime_filename(pointer, text),
                Text::Type => curl_mime_type(pointer, text),
                Text::Encoder => curl_mime_encoder(pointer, text),
                Text::File => curl_mime_filedata(pointer, text),
            }
        }
    }

    pub fn set_data(&mut self, mime: u64, part: usize, data: &[u8]) -> CURLcode {
        let Some(pointer) = self.pointer(mime, part) else {
            return CURLE_BAD_FUNCTION_ARGUMENT;
        };
        self.forget_content(mime, part);
        // SAFETY: a live part; the bytes are copied.
        unsafe { curl_mime_data(pointer, data.as_ptr().cast(), data.len()) }
    }

    pub fn set_headers(&mut self, mime: u64, part: usize, headers: Option<Slist>) -> CURLcode {
        let Some(pointer) = self.pointer(mime, part) else {
            return CURLE_BAD_FUNCTION_ARGUMENT;
        };
        let list = headers.map_or(ptr::null_mut(), Slist::into_raw);
        // SAFETY: a live part, which takes the list over: it can't fail.
        unsafe { curl_mime_headers(pointer, list, 1) }
    }

    /// The part's content comes from JavaScript. `size` is -1 where nobody
    /// knows it.
    pub fn set_source(
        &mut self,
        mime: u64,
        part: usize,
        source: u64,
        size: curl_off_t,
        seeks: bool,
    ) -> CURLcode {
        let Some(pointer) = self.pointer(mime, part) else {
            return CURLE_BAD_FUNCTION_ARGUMENT;
        };
        self.forget_content(mime, part);
        let seek: curl_seek_callback = if seeks { Some(mime_seek) } else { None };
        // SAFETY: a live part; the functions are told a number, no pointer,
        // which so need not be freed.
        let code = unsafe {
            curl_mime_data_cb(
                pointer,
                size,
                Some(mime_read),
                seek,
                None,
                source as usize as *mut c_void,
            )
        };
        if code == CURLE_OK {
            self.keep_content(mime, part, Content::Source(source));
        }
        code
    }

    /// What attaches `child` to a part, and may ask JavaScript to rewind what
    /// is in it. The tree must be left alone until it was called.
    pub fn attach(
        &mut self,
        mime: u64,
        part: usize,
        child: u64,
    ) -> Option<impl FnOnce() -> u32 + use<K>> {
        let pointer = self.pointer(mime, part)?;
        let node = self.0.get_mut(&child)?;
        node.parent = Some((mime, part));
        let attached = node.mime.as_ptr();
        self.forget_content(mime, part);
        self.keep_content(mime, part, Content::Mime(child));
        // SAFETY: both are live as long as the handle that they are of, whose
        // claim the caller has.
        Some(move || unsafe { curl_mime_subparts(pointer, attached) })
    }

    /// libcurl has not attached it, and the part has lost its content.
    pub fn failed_to_attach(&mut self, child: u64) {
        let parent = self.0.get_mut(&child).and_then(|node| node.parent.take());
        if let Some((mime, part)) = parent {
            self.keep_content(mime, part, Content::Plain);
        }
    }

    /// For a handle's MIMEPOST: as in `attach`.
    pub fn root(&self, mime: u64) -> Option<MimeRoot> {
        Some(MimeRoot(self.0.get(&mime)?.mime.as_ptr()))
    }

    /// The mimes from this one up to its root.
    pub fn ancestors(&self, mime: u64) -> Vec<u64> {
        let mut found = vec![mime];
        let mut next = mime;
        while let Some((parent, _)) = self.0.get(&next).and_then(|node| node.parent) {
            found.push(parent);
            next = parent;
        }
        found
    }

    /// How many levels of mimes there are from this one down.
    pub fn levels(&self, mime: u64) -> usize {
        let children = self.children(mime).into_iter();
        1 + children.map(|child| self.levels(child)).max().unwrap_or(0)
    }

    /// Itself, and all that is attached to its parts.
    pub fn tree(&self, mime: u64) -> Vec<u64> {
        let mut found = vec![mime];
        for child in self.children(mime) {
            found.extend(self.tree(child));
        }
        found
    }

    /// What JavaScript gives of a single mime.
    pub fn sources(&self, mime: u64) -> impl Iterator<Item = u64> {
        let parts = self.0.get(&mime).into_iter().flat_map(|node| &node.parts);
        parts.filter_map(|part| match part.content {
            Content::Source(source) => Some(source),
            Content::Plain | Content::Mime(_) => None,
        })
    }

    fn children(&self, mime: u64) -> Vec<u64> {
        let parts = self.0.get(&mime).into_iter().flat_map(|node| &node.parts);
        let children = parts.filter_map(|part| match part.content {
            Content::Mime(child) => Some(child),
            Content::Plain | Content::Source(_) => None,
        });
        children.collect()
    }

    fn pointer(&self, mime: u64, part: usize) -> Option<*mut curl_mimepart> {
        let node = self.0.get(&mime)?;
        Some(node.parts.get(part)?.part.as_ptr())
    }

    /// libcurl is about to free it.
    fn forget_content(&mut self, mime: u64, part: usize) {
        let parts = self.0.get_mut(&mime).map(|node| &mut node.parts);
        let before = parts
            .and_then(|parts| parts.get_mut(part))
            .map(|part| std::mem::replace(&mut part.content, Content::Plain));
        if let Some(Content::Mime(child)) = before {
            for gone in self.tree(child) {
                self.0.remove(&gone);
            }
        }
    }

    fn keep_content(&mut self, mime: u64, part: usize, content: Content) {
        let parts = self.0.get_mut(&mime).map(|node| &mut node.parts);
        if let Some(part) = parts.and_then(|parts| parts.get_mut(part)) {
            part.content = content;
        }
    }
}

impl<K> Drop for Forest<K> {
    fn drop(&mut self) {
        let roots: Vec<u64> = self.0.keys().copied().collect();
        for mime in roots {
            if self.has(mime) && !self.is_attached(mime) {
                self.remove(mime);
            }
        }
    }
}
