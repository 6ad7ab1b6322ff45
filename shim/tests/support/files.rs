//! Files for file:// URLs.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// A file of its own, which goes with this value.
pub struct File(PathBuf);

impl File {
    pub fn new(content: &[u8]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("denocurl-{}-{number}", process::id()));
        fs::write(&path, content).expect("a file in the temporary folder");
        Self(path)
    }

    pub fn url(&self) -> String {
        format!("file://{}", self.0.display())
    }

    pub fn content(&self) -> Vec<u8> {
        fs::read(&self.0).expect("the file is there")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // What is left in the temporary folder is no test's failure.
        let _ = fs::remove_file(&self.0);
    }
}

/// Bytes that a copy at the wrong place would change.
pub fn bytes(length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| (index * 7 + index / 251) as u8)
        .collect()
}
