/* Threads of Go where the system refuses one.

   The Go runtime asks for a thread when it must have one, tries for a fifth of a second and then ends
   the process by abort(), of which its crash report has not a word. The only place to stand in between
   is the C function that it asks: a hidden symbol of this library comes before that of libc for
   what is linked into it. Not by the linker's --wrap, which zig does not know. */

#define _GNU_SOURCE
#include "signals.h"
#include "threads.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* How long a thread is waited for: limits count all threads of a user or a container, and some end. */
#define WAIT_S 5
#define PAUSE_NS 5000000L

typedef int (*creator)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

static _Atomic(char *) report;
static atomic_int given_up;

void gs_report_threads_to(const char *path) {
  char *copy = strdup(path);
  free(atomic_exchange(&report, copy));
}

/* Writes a limit as people set it. */
static void name(char *text, size_t size, const char *called, int limit) {
  struct rlimit found;
  if (getrlimit(limit, &found) != 0 || found.rlim_cur == RLIM_INFINITY) {
    snprintf(text, size, "%s is unlimited", called);
  } else {
    snprintf(text, size, "%s is %llu", called, (unsigned long long)found.rlim_cur);
  }
}

/* Says why the process ends, on standard error and in the report. */
static void tell(int error) {
  char threads[64], data[64], space[64], text[512];
  name(threads, sizeof threads, "RLIMIT_NPROC", RLIMIT_NPROC);
  name(data, sizeof data, "RLIMIT_DATA", RLIMIT_DATA);
  name(space, sizeof space, "RLIMIT_AS", RLIMIT_AS);
  int length = snprintf(text, sizeof text,
                        "fatal error: no thread can be made for Go, for %d s (%s; %s, %s, %s); raise what is reached "
                        "of these (ulimit -u, -d, -v), or the pids limit of the container\n",
                        WAIT_S, strerror(error), threads, data, space);
  (void)!write(STDERR_FILENO, text, (size_t)length);
  char *path = atomic_load(&report);
  if (path == NULL) return;
  int file = open(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) return;
  (void)!write(file, text, (size_t)length);
  close(file);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

__attribute__((visibility("hidden"))) int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                                                         void *(*run)(void *), void *argument) {
  static _Atomic(creator) real;
  creator create = atomic_load(&real);
  if (create == NULL) {
    *(void **)&create = dlsym(RTLD_DEFAULT, "pthread_create"); /* or a sanitizer's */
    if (create == NULL) return ENOSYS;
    atomic_store(&real, create);
  }
  const struct timespec pause = {0, PAUSE_NS};
  run = gs_quiet(run, &argument);
  int error = create(thread, attributes, run, argument);
  for (double end = now() + WAIT_S; error == EAGAIN && !atomic_load(&given_up) && now() < end;) {
    nanosleep(&pause, NULL);
    error = create(thread, attributes, run, argument);
  }
  if (error != 0) gs_not_made(run, argument);
  if (error != 0 && !atomic_exchange(&given_up, 1)) tell(error);
  if (error == 0) atomic_store(&given_up, 0);
  return error;
}
