/* Of http2.c, into which build/patches.rs includes this: what a connection has to
   send waits for the end of the turn, and goes out in one piece. */

#include "denocurl_own.h"

/* What this thread turns, and the connections that have something to send. */
denocurl_own struct Curl_multi *denocurl_turning;
denocurl_own struct Curl_cfilter *denocurl_corked;

static void denocurl_unlink(struct cf_h2_ctx *ctx)
{
  if(!ctx->corked_at)
    return;
  *ctx->corked_at = ctx->corked_next;
  if(ctx->corked_next)
    ((struct cf_h2_ctx *)ctx->corked_next->ctx)->corked_at = ctx->corked_at;
  ctx->corked_at = NULL;
}

/* FALSE: it has to be sent now. */
static bool denocurl_cork(struct Curl_cfilter *cf, struct Curl_easy *data)
{
  struct cf_h2_ctx *ctx = cf->ctx;
  struct h2_stream_ctx *stream = H2_STREAM_CTX(ctx, data);

  /* A handle of the program's stays in the multi handle until the turn ends. */
  if(!denocurl_turning || data->multi != denocurl_turning ||
     data->state.internal || !cf->connected || ctx->sent_goaway ||
     ctx->nw_out_blocked)
    return FALSE;
  /* Whoever has more to send waits until it can, and TLS tells for what. */
  if(!stream || !stream->body_eos || !Curl_bufq_is_empty(&stream->sendbuf))
    return FALSE;
  if(ctx->overflowed && !Curl_bufq_is_empty(&ctx->outbufq))
    return FALSE;
  ctx->overflowed = FALSE;
  ctx->corked_by = data;
  if(!ctx->corked_at) {
    struct Curl_cfilter *next = denocurl_corked;

    if(next)
      ((struct cf_h2_ctx *)next->ctx)->corked_at = &ctx->corked_next;
    ctx->corked_next = next;
    ctx->corked_at = &denocurl_corked;
    denocurl_corked = cf;
  }
  return TRUE;
}

static void denocurl_uncork(struct Curl_multi *multi)
{
  struct Curl_cfilter *cf;

  while((cf = denocurl_corked) != NULL) {
    struct cf_h2_ctx *ctx = cf->ctx;
    struct Curl_easy *data = ctx->corked_by;
    struct cf_call_data save;
    uint32_t mid;
    CURLcode result;

    denocurl_unlink(ctx);
    CF_DATA_SAVE(save, cf, data);
    result = ctx->h2 ? nw_out_flush(cf, data) : CURLE_OK;
    CF_DATA_RESTORE(cf, save);
    ctx->overflowed = result != CURLE_OK;
    /* Whoever is on the connection sees to the rest. */
    if(result && Curl_uint32_bset_first(&multi->process, &mid)) {
      do {
        data = Curl_multi_get_easy(multi, mid);
        if(data)
          Curl_multi_mark_dirty(data);
      } while(Curl_uint32_bset_next(&multi->process, mid, &mid));
    }
  }
}

/* A thread turns one multi handle at a time. */
CURLMcode denocurl_act(CURLM *m, int *running);
CURLMcode denocurl_act(CURLM *m, int *running)
{
  CURLMcode result;

  DEBUGASSERT(!denocurl_turning);
  denocurl_turning = m;
  result = curl_multi_socket_action(m, CURL_SOCKET_TIMEOUT, 0, running);
  denocurl_turning = NULL;
  denocurl_uncork(m);
  return result;
}
