//! Compiles libcurl and the C libraries it needs from sources pinned by
//! Cargo.lock, then links them statically into the library.

mod compile;
mod defines;
mod headers;
mod libraries;
mod patches;
mod progress;
mod sources;

use std::env;
use std::error::Error;
use std::path::PathBuf;

use libraries::LIBRARIES;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    println!("cargo:rerun-if-changed=native");
    // Pins the C sources, of which cargo takes no notice.
    println!("cargo:rerun-if-changed=Cargo.lock");
    // rustc lets a cdylib through with undefined symbols; find them here
    // instead of at dlopen. A sanitizer's are in the program that loads it.
    if env::var_os("CARGO_CFG_SANITIZE").is_none() {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,defs");
    }
    // Deno closes the library when an isolate ends, while threads of it may
    // still run in here.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    check_target()?;

    progress::report("looking for the sources")?;
    let crates = sources::crate_folders()?;
    let generated = PathBuf::from(env::var("OUT_DIR")?).join("include");
    headers::write_all(&crates, &generated)?;

    let mut includes = vec![
        generated,
        PathBuf::from("native/include"),
        sources::aws_lc_include()?,
    ];
    for library in LIBRARIES {
        let root = crates[library.krate].join(library.root);
        includes.extend(library.public.iter().map(|folder| root.join(folder)));
    }
    compile::check_constants(&includes);
    for (index, library) in LIBRARIES.iter().enumerate() {
        let (number, count) = (index + 1, LIBRARIES.len());
        progress::report(&format!("compiling {} ({number}/{count})", library.name))?;
        compile::library(library, &crates[library.krate], &includes)?;
    }
    compile::kerberos(&includes)?;
    progress::report("compiling the Rust part")
}

/// The tables of defines hold for 64-bit Linux only.
fn check_target() -> Result<()> {
    let os = env::var("CARGO_CFG_TARGET_OS")?;
    let width = env::var("CARGO_CFG_TARGET_POINTER_WIDTH")?;
    if os != "linux" || width != "64" {
        return Err(format!("no libcurl settings for {os} with {width}-bit pointers").into());
    }
    Ok(())
}
