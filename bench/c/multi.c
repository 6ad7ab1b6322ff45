#include "multi.h"
#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define GIB ((size_t)1 << 30)

static void check_multi(CURLMcode code, const char *what) {
  if (code == CURLM_OK)
    return;
  fprintf(stderr, "%s: %s\n", what, curl_multi_strerror(code));
  exit(1);
}

static CURLM *open_multi(void) {
  CURLM *multi = curl_multi_init();
  if (multi == NULL)
    exit(1);
  return multi;
}

static void begin(CURLM *multi, CURL *easy) {
  check_multi(curl_multi_add_handle(multi, easy), "add_handle");
}

/* Checks the transfer, and gives how many connections it has made. */
static long finish(CURLM *multi, const CURLMsg *message) {
  /* The message is gone when its handle is. */
  CURL *easy = message->easy_handle;
  long status = 0, connections = 0;
  check(message->data.result, "perform");
  check(curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status),
        "RESPONSE_CODE");
  check(curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connections),
        "NUM_CONNECTS");
  if (status != 200) {
    fprintf(stderr, "the response code was %ld\n", status);
    exit(1);
  }
  check_multi(curl_multi_remove_handle(multi, easy), "remove_handle");
  return connections;
}

/* Each handle begins again when it is done, until the time is over; without
   time each has its turn once. Gives the number of requests. */
static long repeat_for(CURLM *multi, CURL **handles, int count, double seconds,
                       long *connections) {
  double end = now() + seconds;
  long requests = 0;
  int left = count;
  for (int i = 0; i < count; i++)
    begin(multi, handles[i]);
  while (left > 0) {
    CURLMsg *message;
    int ignored;
    check_multi(curl_multi_perform(multi, &ignored), "perform");
    while ((message = curl_multi_info_read(multi, &ignored)) != NULL) {
      CURL *easy = message->easy_handle;
      *connections += finish(multi, message);
      requests++;
      if (now() < end)
        begin(multi, easy);
      else
        left--;
    }
    if (left > 0)
      check_multi(curl_multi_poll(multi, NULL, 0, 1000, NULL), "poll");
  }
  return requests;
}

static void perform_once(CURLM *multi, CURL *easy) {
  long ignored = 0;
  repeat_for(multi, &easy, 1, 0, &ignored);
}

static void close_all(CURLM *multi, CURL **handles, int count) {
  for (int i = 0; i < count; i++)
    curl_easy_cleanup(handles[i]);
  check_multi(curl_multi_cleanup(multi), "cleanup");
}

/* All streams on one connection. */
static void use_http2(CURL *easy, const char *ca) {
  check(curl_easy_setopt(easy, CURLOPT_CAINFO, ca), "CAINFO");
  check(curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L), "PIPEWAIT");
  check(curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                         (long)CURL_HTTP_VERSION_2TLS),
        "HTTP_VERSION");
}

/* HTTP/2 if there is a `ca`. */
static void many(const char *url, double seconds, int count, const char *ca) {
  size_t total = 0;
  long connections = 0;
  CURLM *multi = open_multi();
  CURL *handles[count];
  for (int i = 0; i < count; i++) {
    handles[i] = open_handle(url, &total);
    if (ca != NULL)
      use_http2(handles[i], ca);
  }
  double begun = now();
  repeat_for(multi, handles, count, seconds, &connections);
  total = 0;
  double cpu_before = cpu(), start = now();
  long requests = repeat_for(multi, handles, count, seconds, &connections);
  double took = now() - start, spent = cpu() - cpu_before;
  if (total != 1024 * (size_t)requests)
    exit(1);
  printf("{\"rate\":%.1f,\"cpu\":%.3f,\"connections\":%ld,\"elapsed\":%.6f}\n",
         (double)requests / took, spent / (double)requests * 1e6, connections,
         now() - begun);
  close_all(multi, handles, count);
}

static void warm_up(CURLM *multi, const char *url) {
  size_t total = 0;
  long ignored = 0;
  CURL *easy = open_handle(url, &total);
  repeat_for(multi, &easy, 1, 0.1, &ignored);
  curl_easy_cleanup(easy);
}

/* The last of three transfers of 1 GiB, and what all have grown by. */
static void transfer(CURLM *multi, CURL *easy) {
  double peak_before = peak(1), begun = now();
  perform_once(multi, easy);
  perform_once(multi, easy);
  double cpu_before = cpu(), start = now();
  perform_once(multi, easy);
  double took = now() - start, spent = cpu() - cpu_before;
  printf("{\"speed\":%.4f,\"cpu\":%.4f,\"growth\":%.2f,\"elapsed\":%.6f}\n",
         (double)GIB / took / 1e9, spent, peak(0) - peak_before,
         now() - begun);
}

static void stream(const char *url, const char *small) {
  size_t total = 0;
  CURLM *multi = open_multi();
  warm_up(multi, small);
  CURL *easy = open_handle(url, &total);
  transfer(multi, easy);
  if (total != 3 * GIB)
    exit(1);
  close_all(multi, &easy, 1);
}

static size_t supply(char *data, size_t size, size_t nmemb, void *rest) {
  static const char source[64 * 1024];
  size_t length = size * nmemb, *left = rest;
  if (length > sizeof source)
    length = sizeof source;
  if (length > *left)
    length = *left;
  memcpy(data, source, length);
  /* Behind the end comes the next transfer. */
  *left = length > 0 ? *left - length : GIB;
  return length;
}

static void upload(const char *url, const char *small) {
  size_t total = 0, left = GIB;
  CURLM *multi = open_multi();
  warm_up(multi, small);
  CURL *easy = open_handle(url, &total);
  check(curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L), "UPLOAD");
  check(curl_easy_setopt(easy, CURLOPT_READFUNCTION, supply), "READFUNCTION");
  check(curl_easy_setopt(easy, CURLOPT_READDATA, &left), "READDATA");
  transfer(multi, easy);
  close_all(multi, &easy, 1);
}

/* A form with a file. */
static void mime(const char *url, const char *small, const char *file) {
  size_t total = 0;
  CURLM *multi = open_multi();
  warm_up(multi, small);
  CURL *easy = open_handle(url, &total);
  curl_mime *form = curl_mime_init(easy);
  curl_mimepart *part = curl_mime_addpart(form);
  check(curl_mime_name(part, "file"), "name");
  check(curl_mime_filedata(part, file), "filedata");
  check(curl_easy_setopt(easy, CURLOPT_MIMEPOST, form), "MIMEPOST");
  transfer(multi, easy);
  close_all(multi, &easy, 1);
  curl_mime_free(form);
}

/* All at once, each on a connection of its own. */
static void gather(CURLM *multi, CURL **handles, const char *url, int count) {
  size_t total = 0;
  long connections = 0;
  for (int i = 0; i < count; i++)
    handles[i] = open_handle(url, &total);
  repeat_for(multi, handles, count, 0, &connections);
  if (total != 1024 * (size_t)count)
    exit(1);
}

/* A crowd, after `rounds` of a few. */
static void slow(const char *url, int count, const char *few_url, int few,
                 int rounds) {
  CURLM *multi = open_multi();
  CURL **handles = malloc((size_t)count * sizeof *handles);
  struct rlimit files;
  if (handles == NULL || few > count || getrlimit(RLIMIT_NOFILE, &files) != 0)
    exit(1);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  for (int round = 0; round < rounds; round++) {
    gather(multi, handles, few_url, few);
    for (int i = 0; i < few; i++)
      curl_easy_cleanup(handles[i]);
  }
  double peak_before = peak(1), cpu_before = cpu(), start = now();
  gather(multi, handles, url, count);
  double took = now() - start, spent = cpu() - cpu_before;
  printf("{\"memory\":%.3f,\"seconds\":%.4f,\"cpu\":%.4f,\"elapsed\":%.6f}\n",
         (peak(0) - peak_before) * 1024 / count, took, spent, took);
  close_all(multi, handles, count);
  free(handles);
}

int multi_job(const char *job, int argc, char **argv) {
  if (strcmp(job, "many") == 0 && (argc == 3 || argc == 4))
    many(argv[0], atof(argv[1]), atoi(argv[2]), argc == 4 ? argv[3] : NULL);
  else if (strcmp(job, "stream") == 0 && argc == 2)
    stream(argv[0], argv[1]);
  else if (strcmp(job, "upload") == 0 && argc == 2)
    upload(argv[0], argv[1]);
  else if (strcmp(job, "mime") == 0 && argc == 3)
    mime(argv[0], argv[1], argv[2]);
  else if (strcmp(job, "slow") == 0 && argc == 5)
    slow(argv[0], atoi(argv[1]), argv[2], atoi(argv[3]), atoi(argv[4]));
  else
    return 2;
  return 0;
}
