//! Tells `deno task build` how far this is: cargo keeps a build script's output
//! to itself.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;

use crate::Result;

/// Adds a line to the file that the variable names, if it is set.
pub fn report(line: &str) -> Result<()> {
    // No `rerun-if-env-changed`: the variable decides nothing about the result.
    let Some(path) = env::var_os("DENOCURL_PROGRESS") else {
        return Ok(());
    };
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    Ok(writeln!(file, "{line}")?)
}
