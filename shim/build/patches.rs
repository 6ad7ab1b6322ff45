//! What is changed in the pinned releases, in copies of their source files.

use std::env;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::sources::{read, write};

struct Patch {
    krate: &'static str,
    file: &'static str,
    find: &'static str,
    replace: &'static str,
}

const PATCHES: &[Patch] = &[
    // The TLS settings are filled in after the SSH ones are read, so the first
    // transfer of a handle would try an encrypted key without its password.
    Patch {
        krate: "curl-sys",
        file: "curl/lib/vssh/vssh.c",
        find: "data->set.ssl.primary.key_passwd",
        replace: "CURL_EASY_STR(data, STRING_KEY_PASSWD)",
    },
    // To sleep at once takes longer than a server nearby takes to answer.
    Patch {
        krate: "curl-sys",
        file: "curl/lib/select.c",
        find: "r = poll(ufds, nfds, pending_ms);",
        replace: "extern __attribute__((visibility(\"hidden\")))\n  \
                  int denocurl_poll(struct pollfd *, nfds_t, int);\n  \
                  r = denocurl_poll(ufds, nfds, pending_ms);",
    },
    // Transfers that wait to see whether a new connection multiplexes would
    // wait for the end of its transfer where it does not, and that transfer
    // may wait for them.
    Patch {
        krate: "curl-sys",
        file: "curl/lib/multi.c",
        find: "if(!data->conn->bits.reuse &&\n         Curl_conn_is_multiplex(data->conn, FIRSTSOCKET)) {",
        replace: "if(!data->conn->bits.reuse) {",
    },
    // Only the multi handle that makes a connection wakes transfers that wait for
    // it, so those of others must not: a share may have several.
    Patch {
        krate: "curl-sys",
        file: "curl/lib/url.c",
        find: "    if(m->may_multiplex) {\n      m->seen_pending_conn = TRUE;",
        replace: "    if(m->may_multiplex && conn->attached_multi == m->data->multi) {\n      \
                  m->seen_pending_conn = TRUE;",
    },
    // A ping of curl_easy_upkeep would wait in a buffer for the next transfer,
    // and a connection that is dead would not be found so.
    Patch {
        krate: "curl-sys",
        file: "curl/lib/http2.c",
        find: "  return CURLE_OK;\n}\n\n/*\n * Store nghttp2 version info in this buffer.",
        replace: "  return nw_out_flush(cf, data) == CURLE_SEND_ERROR ? CURLE_SEND_ERROR : CURLE_OK;\n\
                  }\n\n/*\n * Store nghttp2 version info in this buffer.",
    },
];

/// The file itself, or a changed copy if a patch applies to it.
pub fn patched(name: &str, krate: &Path, file: PathBuf) -> Result<PathBuf> {
    let Some(patch) = PATCHES
        .iter()
        .find(|patch| patch.krate == name && krate.join(patch.file) == file)
    else {
        return Ok(file);
    };
    let text = read(&file)?;
    if !text.contains(patch.find) {
        return Err(format!("patch for {} no longer applies", patch.file).into());
    }
    let copy = PathBuf::from(env::var("OUT_DIR")?)
        .join("patched")
        .join(patch.file);
    write(&copy, &text.replace(patch.find, patch.replace))?;
    Ok(copy)
}
