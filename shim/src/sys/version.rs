//! What libcurl says about itself.

use super::bindings::*;
use std::ffi::{CStr, c_char};

pub struct Version {
    /// Name and number, in libcurl's order.
    pub numbers: [(&'static str, i64); 9],
    /// Name and text, in libcurl's order; absent parts are left out.
    pub texts: Vec<(&'static str, String)>,
    pub feature_names: Vec<String>,
    pub protocols: Vec<String>,
}

/// # Safety
/// `pointer` is null or a terminated string.
unsafe fn text(pointer: *const c_char) -> Option<String> {
    // SAFETY: the caller vouches.
    (!pointer.is_null()).then(|| {
        unsafe { CStr::from_ptr(pointer) }
            .to_string_lossy()
            .into_owned()
    })
}

/// # Safety
/// `list` is null, or pointers to terminated strings up to a null one.
unsafe fn texts(mut list: *const *const c_char) -> Vec<String> {
    let mut found = Vec::new();
    if list.is_null() {
        return found;
    }
    // SAFETY: the caller vouches; the loop stops at the null pointer.
    while let Some(item) = unsafe { text(*list) } {
        found.push(item);
        // SAFETY: not past the null pointer.
        list = unsafe { list.add(1) };
    }
    found
}

#[allow(clippy::useless_conversion, reason = "Windows has shorter numbers")]
pub fn version() -> Version {
    // SAFETY: the answer is a static table of strings, filled in once, and of
    // the newest layout, which is the one that is linked.
    unsafe {
        let info = &*curl_version_info(CURLVERSION_NOW);
        let named = [
            ("version", info.version),
            ("host", info.host),
            ("sslVersion", info.ssl_version),
            ("libzVersion", info.libz_version),
            ("ares", info.ares),
            ("libidn", info.libidn),
            ("libsshVersion", info.libssh_version),
            ("brotliVersion", info.brotli_version),
            ("nghttp2Version", info.nghttp2_version),
            ("quicVersion", info.quic_version),
            ("cainfo", info.cainfo),
            ("capath", info.capath),
            ("zstdVersion", info.zstd_version),
            ("hyperVersion", info.hyper_version),
            ("gsaslVersion", info.gsasl_version),
            ("rtmpVersion", info.rtmp_version),
        ];
        Version {
            numbers: [
                ("age", info.age.into()),
                ("versionNumber", info.version_num.into()),
                ("features", i64::from(info.features as u32)),
                ("sslVersionNumber", i64::from(info.ssl_version_num)),
                ("aresNumber", info.ares_num.into()),
                ("iconvVersionNumber", info.iconv_ver_num.into()),
                ("brotliVersionNumber", info.brotli_ver_num.into()),
                ("nghttp2VersionNumber", info.nghttp2_ver_num.into()),
                ("zstdVersionNumber", info.zstd_ver_num.into()),
            ],
            texts: named
                .into_iter()
                .filter_map(|(name, pointer)| Some((name, text(pointer)?)))
                .collect(),
            feature_names: texts(info.feature_names),
            protocols: texts(info.protocols),
        }
    }
}
