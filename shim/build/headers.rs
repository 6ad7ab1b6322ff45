//! Headers that are not in the crates as the compiler needs them.

use std::path::Path;

use crate::Result;
use crate::sources::{Crates, files_in, read, write};

/// Headers that CMake would write: crate, project folder, template, result.
const VERSION_HEADERS: &[(&str, &str, &str, &str)] = &[
    (
        "libnghttp2-sys",
        "nghttp2",
        "lib/includes/nghttp2/nghttp2ver.h.in",
        "nghttp2/nghttp2ver.h",
    ),
    (
        "nghttp3-sys",
        "deps/nghttp3",
        "lib/includes/nghttp3/version.h.in",
        "nghttp3/version.h",
    ),
    (
        "ngtcp2-sys",
        "deps/ngtcp2",
        "lib/includes/ngtcp2/version.h.in",
        "ngtcp2/version.h",
    ),
];

pub fn write_all(crates: &Crates, folder: &Path) -> Result<()> {
    write_version_headers(crates, folder)?;
    copy_curl_headers(crates, folder)
}

fn write_version_headers(crates: &Crates, generated: &Path) -> Result<()> {
    for (krate, project, template, header) in VERSION_HEADERS {
        let project = crates[*krate].join(project);
        let version = cmake_project_version(&project.join("CMakeLists.txt"))?;
        let text = read(&project.join(template))?
            .replace("@PACKAGE_VERSION@", &version)
            .replace("@PACKAGE_VERSION_NUM@", &version_number(&version)?);
        write(&generated.join(header), &text)?;
    }
    Ok(())
}

/// Reads "1.2.3" out of `project(name VERSION 1.2.3 ...)`.
fn cmake_project_version(file: &Path) -> Result<String> {
    let text = read(file)?;
    text.lines()
        .find(|line| line.starts_with("project("))
        .and_then(|line| line.split_once("VERSION "))
        .and_then(|(_, rest)| rest.split_whitespace().next())
        .map(str::to_owned)
        .ok_or_else(|| format!("no version in {}", file.display()).into())
}

/// "1.2.3" becomes "0x010203".
fn version_number(version: &str) -> Result<String> {
    let mut number = String::from("0x");
    for part in version.split('.') {
        number += &format!("{:02x}", part.parse::<u8>()?);
    }
    Ok(number)
}

/// The crate carries curl's git tree, whose version ends in "-DEV". A changed
/// copy of curlver.h alone would not be found: curl.h looks beside itself first.
fn copy_curl_headers(crates: &Crates, generated: &Path) -> Result<()> {
    for header in files_in(&crates["curl-sys"].join("curl/include/curl"), "h")? {
        let text = read(&header)?.replace("-DEV\"", "\"");
        let name = header.file_name().expect("listed file has a name");
        write(&generated.join("curl").join(name), &text)?;
    }
    Ok(())
}
