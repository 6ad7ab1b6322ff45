//! Where the C sources are, and reading and writing of files.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;

use crate::Result;

/// The folder of each direct dependency, by its name.
pub type Crates = HashMap<String, PathBuf>;

/// Where cargo keeps the source of each direct dependency of this package.
pub fn crate_folders() -> Result<Crates> {
    let manifest = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("Cargo.toml");
    let metadata = MetadataCommand::new()
        .manifest_path(manifest)
        .other_options(["--locked".to_owned()])
        .exec()?;
    let resolve = metadata.resolve.as_ref().ok_or("no dependency graph")?;
    let root = resolve.root.as_ref().ok_or("no root package")?;
    let node = resolve
        .nodes
        .iter()
        .find(|node| node.id == *root)
        .ok_or("root package not in the graph")?;
    Ok(node
        .dependencies
        .iter()
        .map(|id| {
            let package = &metadata[id];
            let folder = package
                .manifest_path
                .parent()
                .expect("manifest in a folder");
            (package.name.to_string(), folder.into())
        })
        .collect())
}

/// The variable's name carries the version of aws-lc-sys.
pub fn aws_lc_include() -> Result<PathBuf> {
    env::vars()
        .find(|(key, _)| key.starts_with("DEP_AWS_LC_") && key.ends_with("_INCLUDE"))
        .map(|(_, value)| value.into())
        .ok_or_else(|| "aws-lc-sys gave no include folder".into())
}

/// The files a `sources` entry stands for.
pub fn expand(root: &Path, pattern: &str, skip: &[&str]) -> Result<Vec<PathBuf>> {
    let Some((folder, extension)) = pattern.split_once("*.") else {
        return Ok(vec![root.join(pattern)]);
    };
    let mut files = files_in(&root.join(folder), extension)?;
    files.retain(|file| {
        let name = file
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        !skip.contains(&name) && !name.ends_with("_test.cc")
    });
    Ok(files)
}

/// Sorted, so that two builds give the same archive.
pub fn files_in(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let entries = fs::read_dir(folder).map_err(|error| at(folder, error))?;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Sorted, those in folders of the folder included.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let entries = fs::read_dir(folder).map_err(|error| at(folder, error))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

pub fn read(path: &Path) -> Result<String> {
    Ok(fs::read_to_string(path).map_err(|error| at(path, error))?)
}

pub fn write(path: &Path, text: &str) -> Result<()> {
    fs::create_dir_all(path.parent().ok_or("no parent folder")?)?;
    Ok(fs::write(path, text).map_err(|error| at(path, error))?)
}

/// An I/O error alone does not say which file it is about.
fn at(path: &Path, error: std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
