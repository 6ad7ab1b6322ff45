/* The jobs for which C would take a multi handle. */

#ifndef BENCH_MULTI_H
#define BENCH_MULTI_H

/* The exit status of the process. */
int multi_job(const char *job, int argc, char **argv);

#endif
