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

/// How numbers of references change that threads have in common.
macro_rules! counting {
    () => {
        "\n#ifdef _WIN32\n\
         #define denocurl_add(count, by) \
         (InterlockedExchangeAdd((volatile LONG *)&(count), by) + (by))\n\
         #else\n\
         #define denocurl_add(count, by) \
         __atomic_add_fetch(&(count), by, __ATOMIC_ACQ_REL)\n\
         #endif\n"
    };
}

/// How functions of this library's are declared.
macro_rules! hidden {
    () => {
        "#ifdef _WIN32\n#define denocurl_hidden extern\n#else\n\
         #define denocurl_hidden extern __attribute__((visibility(\"hidden\")))\n\
         #endif\n"
    };
}

const PATCHES: &[Patch] = &[
    // Hosts, credentials and addresses belong to handles and to connections, which
    // may be a share's, and so used and freed by several threads at once. They are
    // never changed but for the number of those who have them.
    Patch {
        krate: "curl-sys",
        file: "curl/lib/peer.c",
        find: "#include \"peer.h\"\n",
        replace: concat!("#include \"peer.h\"\n", counting!()),
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/peer.c",
        find: "src->refcount++;",
        replace: "denocurl_add(src->refcount, 1);",
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/peer.c",
        find: "    if(peer->refcount)\n      peer->refcount--;\n    if(!peer->refcount) {",
        replace: "    if(!denocurl_add(peer->refcount, -1)) {",
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/creds.c",
        find: "#include \"creds.h\"\n",
        replace: concat!("#include \"creds.h\"\n", counting!()),
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/creds.c",
        find: "src->refcount++;",
        replace: "denocurl_add(src->refcount, 1);",
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/creds.c",
        find: "    if(creds->refcount)\n      creds->refcount--;\n    if(!creds->refcount) {",
        replace: "    if(!denocurl_add(creds->refcount, -1)) {",
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/vdns/dnscache.c",
        find: "#include \"vdns/dnscache.h\"\n",
        replace: concat!("#include \"vdns/dnscache.h\"\n", counting!()),
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/vdns/dnscache.c",
        find: "    dns->refcount--;\n    if(dns->refcount == 0)",
        replace: "    if(denocurl_add(dns->refcount, -1) == 0)",
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/vdns/dnscache.c",
        find: "  dns->refcount--;\n  if(dns->refcount == 0)",
        replace: "  if(denocurl_add(dns->refcount, -1) == 0)",
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/vdns/dnscache.c",
        find: "dns->refcount--;",
        replace: "denocurl_add(dns->refcount, -1);",
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/vdns/dnscache.c",
        find: "dns->refcount++;",
        replace: "denocurl_add(dns->refcount, 1);",
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/vdns/dnscache.c",
        find: "entry->refcount++;",
        replace: "denocurl_add(entry->refcount, 1);",
    },
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
    // What is ready is told at once, and then run at once: a call for each socket
    // would look at all timers and at the clock each time.
    Patch {
        krate: "curl-sys",
        file: "curl/lib/multi_ev.c",
        find: "void Curl_multi_ev_socket_done(",
        replace: "void denocurl_ready(struct Curl_multi *multi, curl_socket_t s);\n\
                  void denocurl_ready(struct Curl_multi *multi, curl_socket_t s)\n\
                  {\n  Curl_multi_ev_dirty_xfers(multi, s);\n}\n\n\
                  void Curl_multi_ev_socket_done(",
    },
    // What a transfer has watched stays for its next time on a multi handle, with
    // nothing in it: it is looked up by name, and was allocated each time.
    Patch {
        krate: "curl-sys",
        file: "curl/lib/multi_ev.c",
        find: "  (void)mev_assess(multi, data, NULL);\n  Curl_meta_remove(data, CURL_META_MEV_POLLSET);\n",
        replace: "  (void)mev_assess(multi, data, NULL);\n",
    },
    // That is looked at wherever the number of transfers in question changes.
    Patch {
        krate: "curl-sys",
        file: "curl/lib/multi.c",
        find: "  mresult = multi_assess_wakeup(multi);\n  if(mresult) {\n    failf(data, \"error enabling wakeup listening: %d\", mresult);\n    return mresult;\n  }\n",
        replace: "",
    },
    // Requests that begin in the same turn go out in one piece: each on its own
    // would have its own call of the system and its own record of TLS, and the
    // server would answer it on its own.
    Patch {
        krate: "curl-sys",
        file: "curl/lib/http2.c",
        find: "#include \"multiif.h\"\n",
        replace: "#include \"multiif.h\"\n#include \"multihandle.h\"\n",
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/http2.c",
        find: "  BIT(nw_out_blocked);\n",
        replace: "  BIT(nw_out_blocked);\n  \
                  /* In the list of the multi handle, and by which transfer. */\n  \
                  struct Curl_cfilter **corked_at;\n  \
                  struct Curl_cfilter *corked_next;\n  \
                  struct Curl_easy *corked_by;\n  \
                  /* The network took less than was there. */\n  BIT(overflowed);\n",
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/http2.c",
        find: "static CURLcode h2_progress_egress(struct Curl_cfilter *cf,\n                                   \
               struct Curl_easy *data)\n{\n",
        replace: "#include \"denocurl_cork.h\"\n\n\
                  static CURLcode h2_progress_egress(struct Curl_cfilter *cf,\n                                   \
                  struct Curl_easy *data)\n{\n",
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/http2.c",
        find: "  if(!cf->connected && !cf->conn->bits.connect_only)\n    return CURLE_OK;\n",
        replace: "  if(!cf->connected && !cf->conn->bits.connect_only)\n    return CURLE_OK;\n  \
                  if(denocurl_cork(cf, data))\n    return CURLE_OK;\n",
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/http2.c",
        find: "                !Curl_bufq_is_empty(&ctx->outbufq);\n\n    \
               result = Curl_pollset_set(data, ps, sock, want_recv, want_send);\n    \
               CF_DATA_RESTORE(cf, save);\n  }\n  else",
        replace: "                (!ctx->corked_at && !Curl_bufq_is_empty(&ctx->outbufq));\n\n    \
                  result = Curl_pollset_set(data, ps, sock, want_recv, want_send);\n    \
                  CF_DATA_RESTORE(cf, save);\n  }\n  else",
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/http2.c",
        find: "  if(ctx) {\n    cf_h2_ctx_free(ctx);\n",
        replace: "  if(ctx) {\n    denocurl_unlink(ctx);\n    cf_h2_ctx_free(ctx);\n",
    },
    // One look at the clock counts for several where no time has passed.
    Patch {
        krate: "curl-sys",
        file: "curl/lib/curlx/timeval.c",
        find: "void curlx_pnow(struct curltime *pnow)\n",
        replace: "static void denocurl_look(struct curltime *pnow)\n",
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/curlx/timeval.c",
        find: "struct curltime curlx_now(void)\n",
        replace: "#include \"denocurl_clock.h\"\n\nstruct curltime curlx_now(void)\n",
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/cf-socket.c",
        find: "    rv = swrite(ctx->sock, buf, len);\n",
        replace: "    rv = swrite(ctx->sock, buf, len);\n  denocurl_pass_time();\n",
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/cf-socket.c",
        find: "  rv = sread(ctx->sock, buf, len);\n",
        replace: "  rv = sread(ctx->sock, buf, len);\n  denocurl_pass_time();\n",
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/curlx/wait.c",
        find: "int curlx_wait_ms(",
        replace: "void denocurl_pass_time(void);\n\nint curlx_wait_ms(",
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/curlx/wait.c",
        find: "  if(r) {\n    if((r == -1)",
        replace: "  denocurl_pass_time();\n  if(r) {\n    if((r == -1)",
    },
    // A socket that is closed is registered with epoll no more: told after libcurl
    // has lost interest in it, and before another can have its number.
    Patch {
        krate: "curl-sys",
        file: "curl/lib/cf-socket.c",
        find: "static int socket_close(",
        replace: "#ifdef __linux__\n\
                  extern __attribute__((visibility(\"hidden\")))\n\
                  void denocurl_closing(void);\n\
                  #else\n\
                  #define denocurl_closing() ((void)0)\n\
                  #endif\n\
                  void denocurl_pass_time(void);\n\n\
                  static int socket_close(",
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/cf-socket.c",
        find: "    rc = conn->fclosesocket(conn->closesocket_client, sock);",
        replace: "    denocurl_closing();\n    \
                  rc = conn->fclosesocket(conn->closesocket_client, sock);",
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/cf-socket.c",
        find: "  sclose(sock);\n",
        replace: "  denocurl_closing();\n  sclose(sock);\n",
    },
    // Buffers are four times as large as usual, so that this many do for a turn:
    // others have theirs no later for it.
    Patch {
        krate: "curl-sys",
        file: "curl/lib/transfer.c",
        find: "int maxloops = 10;",
        replace: "int maxloops = 2;",
    },
    // A body that needs no decoding can come straight to its reader's memory.
    Patch {
        krate: "curl-sys",
        file: "curl/lib/transfer.c",
        find: "static CURLcode sendrecv_dl(struct Curl_easy *data,",
        replace: concat!(
            hidden!(),
            "denocurl_hidden bool denocurl_room(void *, curl_off_t, char **, size_t *);\n\
             denocurl_hidden void denocurl_leave_room(void);\n\
             denocurl_hidden bool denocurl_is_in_room(void);\n\n\
             static CURLcode sendrecv_dl(struct Curl_easy *data,",
        ),
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/transfer.c",
        find: "    bytestoread = xfer_blen;\n",
        replace: "    bytestoread = CURLMIN(xfer_blen, (size_t)data->set.buffer_size);\n    \
                  if(!is_multiplex && bytestoread &&\n       \
                  !Curl_cwriter_count(data, CURL_CW_TRANSFER_DECODE) &&\n       \
                  !Curl_cwriter_count(data, CURL_CW_CONTENT_DECODE) &&\n       \
                  !denocurl_room(data->set.out,\n                      \
                  !k->header && k->maxdownload > 0 &&\n                      \
                  (conn->scheme->protocol & (PROTO_FAMILY_HTTP | PROTO_FAMILY_FTP)) ?\n                      \
                  k->maxdownload - k->bytecount : 0, &buf, &bytestoread))\n      \
                  break;\n",
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/transfer.c",
        find: "  if(curlx_uitouz(data->set.buffer_size) < blen)\n",
        replace: "  if(curlx_uitouz(data->set.buffer_size) < blen && !denocurl_is_in_room())\n",
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/cw-out.c",
        find: "static void cw_get_writefunc(",
        replace: concat!(
            hidden!(),
            "denocurl_hidden bool denocurl_is_in_room(void);\n\nstatic void cw_get_writefunc(",
        ),
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/cw-out.c",
        find: "    *pmax_write = CURL_MAX_WRITE_SIZE;\n    /* if",
        replace: "    *pmax_write = denocurl_is_in_room() ? 0 : CURL_MAX_WRITE_SIZE;\n    /* if",
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/transfer.c",
        find: "out:\n  Curl_multi_xfer_buf_release(data, xfer_buf);\n",
        replace: "out:\n  denocurl_leave_room();\n  \
                  Curl_multi_xfer_buf_release(data, xfer_buf);\n",
    },
    // The end of a handle does not wait for a name that is looked up, unless the
    // program wants that: it can take half a minute.
    Patch {
        krate: "curl-sys",
        file: "curl/lib/url.c",
        find: "set->quick_exit = 0L;",
        replace: "set->quick_exit = 1L;",
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/multi.c",
        find: "  multi->magic = CURLMULTI_MAGIC_NUMBER;\n",
        replace: "  multi->magic = CURLMULTI_MAGIC_NUMBER;\n  multi->quick_exit = TRUE;\n",
    },
    // What ERRORBUFFER points to has no room for a text before there is one.
    Patch {
        krate: "curl-sys",
        file: "curl/lib/curl_trc.c",
        find: "void Curl_failf(",
        replace: concat!(
            hidden!(),
            "denocurl_hidden char *denocurl_error(char *);\n\nvoid Curl_failf(",
        ),
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/curl_trc.c",
        find: "curlx_strcopy(data->set.errorbuffer,",
        replace: "curlx_strcopy(denocurl_error(data->set.errorbuffer),",
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
    // What curl_easy_recv has attached counts as in use, and nobody would close it:
    // curl_easy_perform does so before it begins, too.
    Patch {
        krate: "curl-sys",
        file: "curl/lib/multi.c",
        find: "  if(data->multi_easy) {\n    /* if this easy handle was previously used",
        replace: "  if(data->conn) {\n    \
                  struct connectdata *conn = data->conn;\n    \
                  Curl_detach_connection(data);\n    \
                  Curl_conn_close(data, conn, TRUE);\n  }\n\n  \
                  if(data->multi_easy) {\n    /* if this easy handle was previously used",
    },
    // The last connection of a handle is its own only if CONNECT_ONLY was set when
    // it was made. Any other is in the pool for all, and may be in use: it must be
    // neither closed with the handle, nor read from.
    Patch {
        krate: "curl-sys",
        file: "curl/lib/connect.c",
        find: "    if(connp)\n      *connp = conn;\n",
        replace: "    if(connp) {\n      \
                  *connp = conn->bits.connect_only ? conn : NULL;\n      \
                  if(!*connp)\n        return CURL_SOCKET_BAD;\n    }\n",
    },
    // Each pool counts its connections from 0: in a share's pool, the number of a
    // handle's last connection is somebody else's.
    Patch {
        krate: "curl-sys",
        file: "curl/lib/curl_share.c",
        find: "    share_ref_inc(share);\n    data->share = share;\n",
        replace: "    share_ref_inc(share);\n    data->share = share;\n    \
                  if(CURL_SHARE_KEEP_CONNECT(share))\n      \
                  data->state.lastconnect_id = -1;\n",
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
    // An SSH connection keeps by what its host was found to be the right one. A
    // transfer that goes by something else would take it over unchecked.
    Patch {
        krate: "curl-sys",
        file: "curl/lib/vssh/libssh2.c",
        find: "static CURLcode ssh_setup_connection(struct Curl_easy *data,\n",
        replace: "static void denocurl_free_trust(void *key, size_t klen, void *entry)\n\
                  {\n  (void)key;\n  (void)klen;\n  curlx_free(entry);\n}\n\n\
                  static CURLcode ssh_setup_connection(struct Curl_easy *data,\n",
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/vssh/libssh2.c",
        find: "  return Curl_ssh_setup_pkey(data, sshc);\n}",
        replace: "  char *trust = curl_maprintf(\"%s\\n%s\\n%s\\n%p\\n%p\",\n    \
                  CURL_EASY_STR(data, STRING_SSH_KNOWNHOSTS),\n    \
                  CURL_EASY_STR(data, STRING_SSH_HOST_PUBLIC_KEY_MD5),\n    \
                  CURL_EASY_STR(data, STRING_SSH_HOST_PUBLIC_KEY_SHA256),\n    \
                  data->set.ssh_keyfunc ? data->set.ssh_keyfunc_userp : NULL,\n    \
                  data->set.ssh_hostkeyfunc ? data->set.ssh_hostkeyfunc_userp : NULL);\n  \
                  if(!trust || Curl_conn_meta_set(conn, \"denocurl:ssh:trust\", trust, \
                  denocurl_free_trust))\n    return CURLE_OUT_OF_MEMORY;\n  \
                  return Curl_ssh_setup_pkey(data, sshc);\n}",
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/url.c",
        find: "return sshc1 && sshc2 &&",
        replace: "return sshc1 && sshc2 &&\n         \
                  Curl_safecmp(Curl_conn_meta_get(one, \"denocurl:ssh:trust\"),\n                      \
                  Curl_conn_meta_get(two, \"denocurl:ssh:trust\")) &&",
    },
    // Each transfer of an engine's has one entry there, and whatever its protocol
    // has no more than two.
    Patch {
        krate: "curl-sys",
        file: "curl/lib/url.c",
        find: "Curl_hash_init(&data->meta_hash, 23,",
        replace: "Curl_hash_init(&data->meta_hash, 3,",
    },
    Patch {
        krate: "curl-sys",
        file: "curl/lib/easy.c",
        find: "Curl_hash_init(&outcurl->meta_hash, 23,",
        replace: "Curl_hash_init(&outcurl->meta_hash, 3,",
    },
];

/// The file itself, or a changed copy if patches apply to it.
pub fn patched(name: &str, krate: &Path, file: PathBuf) -> Result<PathBuf> {
    let applies = |patch: &&Patch| patch.krate == name && krate.join(patch.file) == file;
    let mut patches = PATCHES.iter().filter(applies).peekable();
    let Some(first) = patches.peek() else {
        return Ok(file);
    };
    let copy = PathBuf::from(env::var("OUT_DIR")?)
        .join("patched")
        .join(first.file);
    let mut text = read(&file)?;
    for patch in patches {
        if !text.contains(patch.find) {
            return Err(format!("patch for {} no longer applies", patch.file).into());
        }
        text = text.replace(patch.find, patch.replace);
    }
    write(&copy, &text)?;
    Ok(copy)
}
