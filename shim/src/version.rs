//! The shim's version and libcurl's, as JSON for JavaScript.

use crate::sys;
use std::fmt::Write;

pub fn json() -> String {
    sys::init();
    let version = sys::version::version();
    let mut json = format!(
        "{{\"shim\":{},\"text\":{}",
        quote(env!("CARGO_PKG_VERSION")),
        quote(&sys::strerror::version()),
    );
    for (name, number) in version.numbers {
        // Writing to a string can't fail.
        let _ = write!(json, ",{}:{number}", quote(name));
    }
    for (name, text) in &version.texts {
        let _ = write!(json, ",{}:{}", quote(name), quote(text));
    }
    for (name, list) in [
        ("featureNames", &version.feature_names),
        ("protocols", &version.protocols),
    ] {
        let items: Vec<String> = list.iter().map(|item| quote(item)).collect();
        let _ = write!(json, ",{}:[{}]", quote(name), items.join(","));
    }
    json.push('}');
    json
}

fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control < ' ' => {
                let _ = write!(quoted, "\\u{:04x}", control as u32);
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
