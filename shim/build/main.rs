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
    let os = check_target()?;
    link_args(&os);

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
    // Windows has its own.
    if os != "windows" {
        compile::kerberos(&includes)?;
    }
    progress::report("compiling the Rust part")
}

/// The system that is built for, if there are tables of defines for it.
fn check_target() -> Result<String> {
    let os = env::var("CARGO_CFG_TARGET_OS")?;
    let width = env::var("CARGO_CFG_TARGET_POINTER_WIDTH")?;
    if !defines::SYSTEMS.contains(&os.as_str()) || width != "64" {
        return Err(format!("no libcurl settings for {os} with {width}-bit pointers").into());
    }
    Ok(os)
}

fn link_args(os: &str) {
    match os {
        "macos" => {
            // What libcurl asks for proxies. A library with thread-local
            // variables is never unloaded here.
            for framework in ["CoreFoundation", "SystemConfiguration"] {
                println!("cargo:rustc-link-lib=framework={framework}");
            }
        }
        "windows" => {
            for library in [
                "advapi32", "bcrypt", "crypt32", "iphlpapi", "secur32", "ws2_32",
            ] {
                println!("cargo:rustc-link-lib={library}");
            }
        }
        _ => {
            // rustc lets a cdylib through with undefined symbols; find them here
            // instead of at dlopen. A sanitizer's are in the program that loads it.
            if env::var_os("CARGO_CFG_SANITIZE").is_none() {
                println!("cargo:rustc-cdylib-link-arg=-Wl,-z,defs");
            }
            // Deno closes the library when an isolate ends, while threads of it
            // may still run in here.
            println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
        }
    }
}
