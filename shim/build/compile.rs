//! Runs the C compiler.

use std::env;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::Result;
use crate::defines;
use crate::libraries::{Language, Library};
use crate::patches::patched;
use crate::sources::{expand, files_below, read, write};

pub fn library(library: &Library, krate: &Path, includes: &[PathBuf]) -> Result<()> {
    let root = krate.join(library.root);
    let mut build = base_build(includes);
    build.includes(library.private.iter().map(|folder| root.join(folder)));
    define(&mut build, library.defines.names());
    if library.name == "curl" {
        define(&mut build, strerror_r_kind()?);
    }
    if library.language == Language::PlainCpp {
        build.cpp(true).cpp_link_stdlib(None).std("c++17");
        // One of the files is called .c, and some compilers go by that.
        if is_msvc()? {
            build.flag("/TP").flag("/GR-");
        } else {
            build
                .flag("-xc++")
                .flag("-fno-exceptions")
                .flag("-fno-rtti");
        }
    }
    for pattern in library.sources {
        for file in expand(&root, pattern, library.skip)? {
            build.file(patched(library.krate, krate, file)?);
        }
    }
    archive(build, library.name, includes)
}

pub fn kerberos(includes: &[PathBuf]) -> Result<()> {
    let mut build = base_build(includes);
    build.file("native/gss.c");
    archive(build, "gss", includes)
}

/// Compiles the assertions on the constants that were generated from these
/// headers. The archive is left out of the link, since it holds nothing.
pub fn check_constants(includes: &[PathBuf]) {
    base_build(includes)
        .cargo_metadata(false)
        .file("native/constants_check.c")
        .compile("constants_check");
}

/// Makes the archive and has it linked. One that is there already is kept if
/// nothing that went into it has changed: all of them take a minute.
fn archive(mut build: cc::Build, name: &str, includes: &[PathBuf]) -> Result<()> {
    let folder = PathBuf::from(env::var("OUT_DIR")?);
    let stamp = folder.join(format!("{name}.stamp"));
    let inputs = inputs(&build, includes)?;
    let made = folder.join(format!("lib{name}.a")).exists();
    if !(made && read(&stamp).is_ok_and(|found| found == inputs)) {
        // Nobody must take a half-made archive for the former one.
        write(&stamp, "")?;
        build.cargo_metadata(false).compile(name);
        write(&stamp, &inputs)?;
    }
    println!("cargo:rustc-link-search=native={}", folder.display());
    println!("cargo:rustc-link-lib=static={name}");
    Ok(())
}

/// Differs when the compiler's options or a file may differ. The sources of a
/// crate never change, so only files outside of cargo's folders are read.
fn inputs(build: &cc::Build, includes: &[PathBuf]) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    let compiler = build.try_get_compiler()?;
    (compiler.path(), compiler.args()).hash(&mut hasher);
    let own = [Path::new("native").to_owned(), env::var("OUT_DIR")?.into()];
    let mut files: Vec<PathBuf> = build.get_files().map(Path::to_owned).collect();
    for folder in includes {
        if own.iter().any(|own| folder.starts_with(own)) {
            files.extend(files_below(folder)?);
        }
    }
    for file in files {
        file.hash(&mut hasher);
        if own.iter().any(|own| file.starts_with(own)) {
            read(&file)?.hash(&mut hasher);
        }
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn base_build(includes: &[PathBuf]) -> cc::Build {
    let mut build = cc::Build::new();
    // With MSVC nothing is visible that is not exported by name.
    build
        .warnings(false)
        .flag_if_supported("-fvisibility=hidden")
        .includes(includes);
    define(&mut build, defines::COMMON.names());
    build
}

fn define(build: &mut cc::Build, names: impl IntoIterator<Item = &'static str>) {
    for name in names {
        match name.split_once('=') {
            Some((name, value)) => build.define(name, value),
            // `#if NAME` must hold as well as `#ifdef NAME`.
            None => build.define(name, "1"),
        };
    }
}

fn is_msvc() -> Result<bool> {
    Ok(env::var("CARGO_CFG_TARGET_ENV")? == "msvc")
}

/// With `_GNU_SOURCE` glibc returns the message; every other libc fills a buffer,
/// and Windows has no such function.
fn strerror_r_kind() -> Result<Option<&'static str>> {
    Ok(if env::var("CARGO_CFG_TARGET_OS")? == "windows" {
        None
    } else if env::var("CARGO_CFG_TARGET_ENV")? == "gnu" {
        Some("HAVE_GLIBC_STRERROR_R")
    } else {
        Some("HAVE_POSIX_STRERROR_R")
    })
}
