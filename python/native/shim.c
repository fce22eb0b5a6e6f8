#include "shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* One Go runtime, and so one library, for each process. */
static struct {
  int32_t (*open)(uint32_t, const uint8_t *, uint64_t, gostitch_out *);
  int32_t (*catalogue)(gostitch_out *);
  int64_t (*call)(const gostitch_request *, uint8_t *, uint64_t, gostitch_out *);
  uint64_t (*queue)(int32_t, int32_t);
  int32_t (*submit)(const gostitch_request *, uint64_t, uint64_t, gostitch_out *);
  int32_t (*send)(uint64_t, const uint8_t *, uint64_t, gostitch_out *);
  void (*cancel)(uint64_t);
  int64_t (*drain)(uint64_t, uint8_t *, uint64_t, int32_t *);
  void (*release)(uint64_t);
  int32_t (*stats)(gostitch_out *);
  int64_t (*close)(int64_t);
} go;

static uint64_t main_thread_id;

/* Set in a child of fork, where Go must not be called. */
static int forked;

static void in_child(void) { forked = 1; }

/* The Go runtime raises the limit of open files for the whole process and so
   for its children, some of which (select, old daemons) cannot bear it. It does
   so on a thread of its own after dlopen has returned, so the limit is restored
   after the first call, which waits until the runtime is up. */
static struct rlimit limit_before;
static int limit_known;

/* A symbol of the library and where its address goes. */
typedef struct {
  const char *name;
  void **address;
} symbol;

static const symbol symbols[] = {
    {"gostitch_open", (void **)&go.open},       {"gostitch_catalogue", (void **)&go.catalogue},
    {"gostitch_call", (void **)&go.call},       {"gostitch_queue", (void **)&go.queue},
    {"gostitch_submit", (void **)&go.submit},   {"gostitch_send", (void **)&go.send},
    {"gostitch_cancel", (void **)&go.cancel},   {"gostitch_drain", (void **)&go.drain},
    {"gostitch_release", (void **)&go.release}, {"gostitch_stats", (void **)&go.stats},
    {"gostitch_close", (void **)&go.close},
};

int shim_load(const char *path, uint64_t main_thread, char *message, size_t capacity) {
  if (go.open == NULL) pthread_atfork(NULL, NULL, in_child);
  limit_known = getrlimit(RLIMIT_NOFILE, &limit_before) == 0;
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == NULL) {
    snprintf(message, capacity, "%s", dlerror());
    return -1;
  }
  for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
    *symbols[i].address = dlsym(library, symbols[i].name);
    if (*symbols[i].address == NULL) {
      snprintf(message, capacity, "%s: it does not export %s, so it is not a gostitch library of this version",
               path, symbols[i].name);
      return -1;
    }
  }
  main_thread_id = main_thread;
  return 0;
}

uint8_t *shim_pointer(uint64_t address) { return (uint8_t *)(uintptr_t)address; }

int32_t shim_open(const char *config, size_t length, gostitch_out *out) {
  int32_t status = go.open(GOSTITCH_ABI, (const uint8_t *)config, length, out);
  if (limit_known) setrlimit(RLIMIT_NOFILE, &limit_before);
  return status;
}

int32_t shim_catalogue(gostitch_out *out) { return go.catalogue(out); }

static gostitch_request request_of(uint32_t function, uint32_t flags, int64_t timeout_ns, const char *trace,
                                   size_t trace_length, const char *frame, size_t frame_length,
                                   const gostitch_view *views, size_t count) {
  gostitch_request r = {
      .function = function,
      .flags = flags,
      .timeout_ns = timeout_ns,
      .trace = (const uint8_t *)trace,
      .trace_length = trace_length,
      .frame = (const uint8_t *)frame,
      .frame_length = frame_length,
      .buffers = views,
      .buffer_count = count,
  };
  return r;
}

int64_t shim_call_views(uint32_t function, int64_t timeout_ns, const char *trace, size_t trace_length,
                        const char *frame, size_t frame_length, const gostitch_view *views, size_t count,
                        uint8_t *scratch, size_t capacity, gostitch_out *out) {
  uint32_t flags = (uint64_t)pthread_self() == main_thread_id ? GOSTITCH_MAIN : 0;
  gostitch_request r =
      request_of(function, flags, timeout_ns, trace, trace_length, frame, frame_length, views, count);
  return go.call(&r, scratch, capacity, out);
}

int64_t shim_call(uint32_t function, int64_t timeout_ns, const char *trace, size_t trace_length,
                  const char *frame, size_t frame_length, uint8_t *scratch, size_t capacity,
                  gostitch_out *out) {
  return shim_call_views(function, timeout_ns, trace, trace_length, frame, frame_length, NULL, 0, scratch,
                         capacity, out);
}

uint64_t shim_queue(int32_t wake_fd, int32_t host) { return go.queue(wake_fd, host); }

int32_t shim_submit(uint32_t function, uint32_t flags, int64_t timeout_ns, const char *trace,
                    size_t trace_length, const char *frame, size_t frame_length,
                    const gostitch_view *views, size_t count, uint64_t token, uint64_t queue,
                    gostitch_out *out) {
  gostitch_request r =
      request_of(function, flags, timeout_ns, trace, trace_length, frame, frame_length, views, count);
  return go.submit(&r, token, queue, out);
}

int32_t shim_send(uint64_t token, const char *data, size_t length, gostitch_out *out) {
  return go.send(token, (const uint8_t *)data, length, out);
}

void shim_cancel(uint64_t token) { go.cancel(token); }

void shim_drain(uint64_t queue, int32_t wake_fd, uint8_t *scratch, size_t capacity, int32_t *drained) {
  /* Cleared before draining, so that a record which arrives in between wakes
     again. EAGAIN: another thread has cleared it. */
  uint64_t count;
  while (read(wake_fd, &count, sizeof count) < 0 && errno == EINTR) {
  }
  drained[1] = (int32_t)go.drain(queue, scratch, capacity, &drained[0]);
}

void shim_release(uint64_t handle) {
  if (!forked) go.release(handle);
}

void shim_release_buffer(uint64_t handle, const uint8_t *data) {
  (void)data;
  shim_release(handle);
}

int32_t shim_stats(gostitch_out *out) { return go.stats(out); }

int64_t shim_close(int64_t timeout_ns) { return go.close(timeout_ns); }
