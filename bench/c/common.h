/* What all jobs of the C peer need. */

#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <curl/curl.h>

/* Seconds. */
double now(void);

/* Seconds of processor time this process has used. */
double cpu(void);

/* The highest resident size in MiB since the last reset. */
double peak(int reset);

void check(CURLcode code, const char *what);

/* Adds the length of the body to `total`. */
CURL *open_handle(const char *url, size_t *total);

#endif
