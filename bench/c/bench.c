/* The C peer: the same jobs against the same libcurl, without a binding. */

#include "common.h"
#include "multi.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const agents[] = {
    "benchmark-agent/1.00", "benchmark-agent/1.01", "benchmark-agent/1.02",
    "benchmark-agent/1.03", "benchmark-agent/1.04", "benchmark-agent/1.05",
    "benchmark-agent/1.06", "benchmark-agent/1.07",
};

/* glibc and the kernel leave atomic instructions out for a lone thread. */
static void *park(void *unused) {
  pause();
  return unused;
}

static void add_thread(void) {
  pthread_t other;
  if (pthread_create(&other, NULL, park, NULL) != 0)
    exit(1);
}

static long perform_for(CURL *easy, double seconds) {
  double end = now() + seconds;
  long requests = 0;
  do {
    for (int i = 0; i < 16; i++)
      check(curl_easy_perform(easy), "perform");
    requests += 16;
  } while (now() < end);
  return requests;
}

static void get(const char *url, double seconds) {
  size_t total = 0;
  CURL *easy = open_handle(url, &total);
  double begun = now();
  perform_for(easy, seconds);
  total = 0;
  double cpu_before = cpu(), start = now();
  long requests = perform_for(easy, seconds);
  double took = now() - start, spent = cpu() - cpu_before;
  if (total != 1024 * (size_t)requests)
    exit(1);
  printf("{\"rate\":%.1f,\"cpu\":%.3f,\"elapsed\":%.6f}\n",
         (double)requests / took, spent / (double)requests * 1e6,
         now() - begun);
  curl_easy_cleanup(easy);
}

static void download(const char *url, const char *small) {
  size_t total = 0;
  CURL *easy = open_handle(small, &total);
  perform_for(easy, 0.1);
  check(curl_easy_setopt(easy, CURLOPT_URL, url), "URL");
  double peak_before = peak(1), begun = now();
  check(curl_easy_perform(easy), "perform");
  check(curl_easy_perform(easy), "perform");
  total = 0;
  double cpu_before = cpu(), start = now();
  check(curl_easy_perform(easy), "perform");
  double took = now() - start, spent = cpu() - cpu_before;
  if (total != (size_t)1 << 30)
    exit(1);
  printf("{\"speed\":%.4f,\"cpu\":%.4f,\"growth\":%.2f,"
         "\"elapsed\":%.6f}\n",
         (double)total / took / 1e9, spent, peak(0) - peak_before,
         now() - begun);
  curl_easy_cleanup(easy);
}

static double each(double start, long times) {
  return (now() - start) / (double)times * 1e9;
}

static double set_numbers(CURL *easy, long times) {
  double start = now();
  for (long i = 0; i < times; i++)
    check(curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 1000 + (i & 7)),
          "TIMEOUT_MS");
  return each(start, times);
}

static double set_strings(CURL *easy, long times) {
  double start = now();
  for (long i = 0; i < times; i++)
    check(curl_easy_setopt(easy, CURLOPT_USERAGENT, agents[i & 7]),
          "USERAGENT");
  return each(start, times);
}

static double get_numbers(CURL *easy, long times) {
  long value = 0, sum = 0;
  double start = now();
  for (long i = 0; i < times; i++) {
    check(curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &value),
          "RESPONSE_CODE");
    sum += value;
  }
  double took = each(start, times);
  if (sum != 200 * times)
    exit(1);
  return took;
}

static double get_doubles(CURL *easy, long times) {
  double value = 0, sum = 0, start = now();
  for (long i = 0; i < times; i++) {
    check(curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME, &value), "TOTAL_TIME");
    sum += value;
  }
  double took = each(start, times);
  if (!(sum > 0))
    exit(1);
  return took;
}

static double get_strings(CURL *easy, long times) {
  char *value = NULL;
  double start = now();
  for (long i = 0; i < times; i++)
    check(curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &value),
          "EFFECTIVE_URL");
  double took = each(start, times);
  if (value == NULL || value[0] != 'h')
    exit(1);
  return took;
}

static void calls(const char *url, long times) {
  static const struct {
    const char *name;
    double (*run)(CURL *, long);
  } jobs[] = {
      {"setNumber", set_numbers}, {"setString", set_strings},
      {"getNumber", get_numbers}, {"getDouble", get_doubles},
      {"getString", get_strings},
  };
  size_t total = 0;
  CURL *easy = open_handle(url, &total);
  check(curl_easy_perform(easy), "perform");
  for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
    jobs[i].run(easy, times / 10);
    printf("%c\"%s\":%.2f", i == 0 ? '{' : ',', jobs[i].name,
           jobs[i].run(easy, times));
  }
  puts("}");
  curl_easy_cleanup(easy);
}

static long iterate_headers(CURL *easy, long times) {
  long count = 0;
  size_t length = 0;
  for (long i = 0; i < times; i++) {
    struct curl_header *header = NULL;
    while ((header = curl_easy_nextheader(easy, CURLH_HEADER, -1, header))) {
      length += strlen(header->name) + strlen(header->value);
      count++;
    }
  }
  if (count != 20 * times || length <= (size_t)count)
    exit(1);
  return count;
}

static void headers(const char *url, long times) {
  size_t total = 0;
  CURL *easy = open_handle(url, &total);
  check(curl_easy_perform(easy), "perform");
  iterate_headers(easy, times / 10);
  double start = now();
  long iterated = iterate_headers(easy, times);
  printf("{\"header\":%.2f}\n", each(start, iterated));
  curl_easy_cleanup(easy);
}

static void mutex(long times) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  double took = 0;
  add_thread();
  for (int measured = 0; measured < 2; measured++) {
    double start = now();
    for (long i = 0; i < times; i++) {
      pthread_mutex_lock(&lock);
      pthread_mutex_unlock(&lock);
    }
    took = each(start, times);
  }
  printf("{\"lock\":%.3f}\n", took);
}

int main(int argc, char **argv) {
  const char *job = argc > 1 ? argv[1] : "";
  check(curl_global_init(CURL_GLOBAL_ALL), "global_init");
  if (strcmp(job, "version") == 0)
    puts(curl_version());
  else if (strcmp(job, "get") == 0 && argc == 4)
    get(argv[2], atof(argv[3]));
  else if (strcmp(job, "getThreaded") == 0 && argc == 4) {
    add_thread();
    get(argv[2], atof(argv[3]));
  } else if (strcmp(job, "download") == 0 && argc == 4)
    download(argv[2], argv[3]);
  else if (strcmp(job, "calls") == 0 && argc == 4)
    calls(argv[2], atol(argv[3]));
  else if (strcmp(job, "headers") == 0 && argc == 4)
    headers(argv[2], atol(argv[3]));
  else if (strcmp(job, "lock") == 0 && argc == 3)
    mutex(atol(argv[2]));
  else
    return multi_job(job, argc - 2, argv + 2);
  return 0;
}
