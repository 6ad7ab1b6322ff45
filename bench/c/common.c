#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double cpu(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void check(CURLcode code, const char *what) {
  if (code == CURLE_OK)
    return;
  fprintf(stderr, "%s: %s\n", what, curl_easy_strerror(code));
  exit(1);
}

static size_t count(char *data, size_t size, size_t nmemb, void *total) {
  (void)data;
  *(size_t *)total += size * nmemb;
  return size * nmemb;
}

CURL *open_handle(const char *url, size_t *total) {
  CURL *easy = curl_easy_init();
  if (easy == NULL)
    exit(1);
  check(curl_easy_setopt(easy, CURLOPT_URL, url), "URL");
  check(curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L), "NOSIGNAL");
  check(curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                         (long)CURL_HTTP_VERSION_1_1),
        "HTTP_VERSION");
  check(curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, count), "WRITEFUNCTION");
  check(curl_easy_setopt(easy, CURLOPT_WRITEDATA, total), "WRITEDATA");
  return easy;
}

double peak(int reset) {
  FILE *file;
  char line[256];
  double kib = 0;
  if (reset && (file = fopen("/proc/self/clear_refs", "w")) != NULL) {
    fputs("5", file);
    fclose(file);
  }
  if ((file = fopen("/proc/self/status", "r")) == NULL)
    exit(1);
  while (fgets(line, sizeof line, file) != NULL)
    if (strncmp(line, "VmHWM:", 6) == 0)
      kib = atof(line + 6);
  fclose(file);
  return kib / 1024;
}
