/* The library of this process: loading it, and the crossings but for calls. */

#include "bridge.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

gs_library gs_go;
uint64_t gs_main_thread;

/* A symbol of the library and where its address goes. */
typedef struct {
  const char *name;
  void **address;
} symbol;

static const symbol symbols[] = {
    {"gostitch_open", (void **)&gs_go.open},       {"gostitch_catalogue", (void **)&gs_go.catalogue},
    {"gostitch_call", (void **)&gs_go.call},       {"gostitch_queue", (void **)&gs_go.queue},
    {"gostitch_submit", (void **)&gs_go.submit},   {"gostitch_send", (void **)&gs_go.send},
    {"gostitch_cancel", (void **)&gs_go.cancel},   {"gostitch_drain", (void **)&gs_go.drain},
    {"gostitch_release", (void **)&gs_go.release}, {"gostitch_stats", (void **)&gs_go.stats},
    {"gostitch_close", (void **)&gs_go.close},     {"gostitch_block", (void **)&gs_go.block},
};

/* A handle that Python holds has the generation above these bits. */
#define HANDLE_BITS 48

/* Tells whether Go may be entered; raises otherwise. A child of fork must not
   until it has loaded a library of its own, calls would hang. */
static int is_alive(void) {
  if (gs_alive == 0) PyErr_SetString(PyExc_RuntimeError, "the library is not loaded in this process");
  return gs_alive != 0;
}

unsigned gs_generation_of(unsigned long long handle) { return (unsigned)(handle >> HANDLE_BITS); }

uint64_t gs_number_in(unsigned long long handle) { return handle & ((1ULL << HANDLE_BITS) - 1); }

/* Tells whether Python's handle is of the library of this process. */
static int is_current(unsigned long long handle) { return gs_alive != 0 && gs_generation_of(handle) == gs_alive; }

uint64_t gs_queue_of(unsigned long long handle) {
  if (is_current(handle)) return gs_number_in(handle);
  PyErr_SetString(PyExc_RuntimeError, "the queue is of the process that this one was forked from");
  return 0;
}

/* Go seeds its random numbers (ids of spans, names of temporary files) with the bytes that the
   kernel gave the program at its start. Forked children have those in common, so each library gets
   new ones; Go writes there, too. */
static void renew_seed(void) {
  void *seed = (void *)getauxval(AT_RANDOM);
  if (seed != NULL) (void)!syscall(SYS_getrandom, seed, 16, 0);
}

/* The thread that imported this module, if that was the process's first. */
static pthread_t importer;
static pid_t imported_in;

void gs_note_importer(void) {
  pid_t here = getpid();
  if ((pid_t)syscall(SYS_gettid) != here) return;
  importer = pthread_self();
  imported_in = here;
}

PyDoc_STRVAR(first_thread_doc, "first_thread() -> int\n\nReturn the number that the system has for the first thread of "
                               "the process; 0: it is not known.");

static PyObject *first_thread(PyObject *module, PyObject *nothing) {
  if (imported_in != getpid()) gs_note_importer(); /* in a forked child, that of now */
  return PyLong_FromUnsignedLongLong(imported_in == getpid() ? (uint64_t)importer : 0);
}

PyDoc_STRVAR(load_doc,
             "load(path, main_thread)\n\n"
             "Load the library, for the life of the process; in a forked child a copy of it.");

static PyObject *load(PyObject *module, PyObject *arguments) {
  const char *path;
  unsigned long long main_thread;
  if (!PyArg_ParseTuple(arguments, "yK:load", &path, &main_thread)) return NULL;
  if (gs_alive != 0) Py_RETURN_NONE; /* Ctrl-C kept Python from knowing */
  gs_before_load();
  void *library;
  Py_BEGIN_ALLOW_THREADS;
  renew_seed();
  library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  Py_END_ALLOW_THREADS;
  if (library == NULL) return PyErr_Format(PyExc_OSError, "%s", dlerror());
  gs_after_load(library);
  gs_note_mounts();
  for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
    *symbols[i].address = dlsym(library, symbols[i].name);
    if (*symbols[i].address == NULL) {
      return PyErr_Format(PyExc_OSError,
                          "%s: it does not export %s, so it is not a gostitch library of this version", path,
                          symbols[i].name);
    }
  }
  gs_main_thread = main_thread;
  gs_set_alive();
  Py_RETURN_NONE;
}

static void cross_release(void *handle) { gs_go.release(*(uint64_t *)handle); }

void gs_release(uint64_t handle, unsigned generation) {
  /* Where it cannot cross the process is about to end. */
  if (handle != 0 && gs_alive != 0 && generation == gs_alive) gs_cross(cross_release, &handle);
}

PyObject *gs_payload_of(const gostitch_out *out) {
  PyObject *payload = PyBytes_FromStringAndSize((const char *)out->data, (Py_ssize_t)out->length);
  gs_release(out->handle, gs_alive);
  return payload;
}

/* Gives a reply as (status, payload). */
static PyObject *take(const gostitch_out *out, int32_t status) {
  PyObject *payload = gs_payload_of(out);
  if (payload == NULL) return NULL;
  return Py_BuildValue("(iN)", (int)status, payload);
}

PyDoc_STRVAR(open_doc, "open(config) -> (status, payload)\n\nThe handshake of gostitch_open.");

/* What the handshake takes, and gives. */
typedef struct {
  const char *config;
  Py_ssize_t length;
  gostitch_out out;
  int32_t status;
} handshake;

static int32_t shake_hands(void *of) {
  handshake *with = of;
  return gs_go.open(GOSTITCH_ABI, (const uint8_t *)with->config, (uint64_t)with->length, &with->out);
}

static void cross_open(void *of) { ((handshake *)of)->status = gs_first_call(shake_hands, of); }

static PyObject *open_library(PyObject *module, PyObject *arguments) {
  PyObject *config;
  if (!PyArg_ParseTuple(arguments, "S:open", &config) || !is_alive()) return NULL;
  handshake with = {.config = PyBytes_AsString(config), .length = PyBytes_Size(config)};
  int refused;
  Py_BEGIN_ALLOW_THREADS;
  refused = gs_cross(cross_open, &with);
  Py_END_ALLOW_THREADS;
  if (refused) return gs_refuse(refused), NULL;
  gs_hear_of_changes();
  gs_follow_masks(1);
  gs_keep_host();
  return take(&with.out, with.status);
}

/* A question for one of the library's own frames. */
typedef struct {
  int32_t (*give)(gostitch_out *);
  gostitch_out out;
  int32_t status;
} question;

static void cross_question(void *of) {
  question *with = of;
  with->status = with->give(&with->out);
}

static PyObject *ask(int32_t (*give)(gostitch_out *)) {
  if (!is_alive()) return NULL;
  question with = {.give = give};
  int refused;
  Py_BEGIN_ALLOW_THREADS;
  refused = gs_cross(cross_question, &with);
  Py_END_ALLOW_THREADS;
  if (refused) return gs_refuse(refused), NULL;
  return take(&with.out, with.status);
}

PyDoc_STRVAR(catalogue_doc, "catalogue() -> (status, payload)\n\nThe frame of gostitch_catalogue.");

static PyObject *catalogue(PyObject *module, PyObject *nothing) { return ask(gs_go.catalogue); }

PyDoc_STRVAR(stats_doc, "stats() -> (status, payload)\n\nThe frame of gostitch_stats.");

static PyObject *stats(PyObject *module, PyObject *nothing) { return ask(gs_go.stats); }

PyDoc_STRVAR(ready_doc, "ready(yes)\n\nLet calls cross, or not.");

static PyObject *ready(PyObject *module, PyObject *yes) {
  int truth = PyObject_IsTrue(yes);
  if (truth < 0) return NULL;
  gs_ready = truth ? gs_alive : 0;
  Py_RETURN_NONE;
}

/* A queue to be opened. */
typedef struct {
  int wake_fd, roles;
  uint64_t handle;
} opening;

static void cross_queue(void *of) {
  opening *with = of;
  with->handle = gs_go.queue(with->wake_fd, with->roles);
}

unsigned long long gs_open_queue(int wake_fd, int roles) {
  if (!is_alive()) return 0;
  opening with = {wake_fd, roles, 0};
  int refused;
  Py_BEGIN_ALLOW_THREADS;
  refused = gs_cross(cross_queue, &with);
  Py_END_ALLOW_THREADS;
  if (refused) return gs_refuse(refused), 0;
  return (unsigned long long)gs_alive << HANDLE_BITS | with.handle;
}

PyDoc_STRVAR(send_doc,
             "send(queue, token, message) -> error payload or None\n\n"
             "Send a message to a function that replies to this queue.");

/* A message to be sent. */
typedef struct {
  uint64_t token;
  const Py_buffer *message;
  gostitch_out out;
  int32_t status;
} sending;

static void cross_send(void *of) {
  sending *with = of;
  with->status = gs_go.send(with->token, with->message->buf, (uint64_t)with->message->len, &with->out);
}

static PyObject *send_message(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
  if (count != 3) {
    PyErr_SetString(PyExc_TypeError, "send takes a queue, a token and a message");
    return NULL;
  }
  unsigned long long handle = PyLong_AsUnsignedLongLong(arguments[0]), token = PyLong_AsUnsignedLongLong(arguments[1]);
  Py_buffer message;
  if (PyErr_Occurred() || PyObject_GetBuffer(arguments[2], &message, PyBUF_SIMPLE) < 0) return NULL;
  if (gs_queue_of(handle) == 0) {
    PyBuffer_Release(&message);
    return NULL;
  }
  sending with = {.token = token, .message = &message};
  int refused;
  Py_BEGIN_ALLOW_THREADS;
  refused = gs_cross(cross_send, &with);
  Py_END_ALLOW_THREADS;
  PyBuffer_Release(&message);
  if (refused) return gs_refuse(refused), NULL;
  if (with.status == GOSTITCH_OK) Py_RETURN_NONE;
  return gs_payload_of(&with.out);
}

static void cross_cancel(void *token) { gs_go.cancel(*(uint64_t *)token); }

void gs_cancel(unsigned long long handle, uint64_t token) {
  if (!is_current(handle)) return;
  Py_BEGIN_ALLOW_THREADS;
  gs_cross(cross_cancel, &token);
  Py_END_ALLOW_THREADS;
}

PyDoc_STRVAR(close_doc, "close(timeout_ns, all) -> calls that still run\n\n"
             "Cancel what was submitted, or all that runs, and flush. Does nothing in a handler that has interrupted Go.");

/* What is to be closed. */
typedef struct {
  int64_t timeout_ns;
  int all;
  int64_t running;
} closing;

static void cross_close(void *of) {
  closing *with = of;
  with->running = gs_go.close(with->timeout_ns, with->all);
}

static PyObject *close_library(PyObject *module, PyObject *arguments) {
  long long timeout_ns;
  int all;
  if (!PyArg_ParseTuple(arguments, "Lp:close", &timeout_ns, &all) || !is_alive()) return NULL;
  closing with = {timeout_ns, all, 0};
  Py_BEGIN_ALLOW_THREADS;
  gs_cross(cross_close, &with);
  Py_END_ALLOW_THREADS;
  return PyLong_FromLongLong(with.running);
}

PyMethodDef gs_library_methods[] = {
    {"first_thread", first_thread, METH_NOARGS, first_thread_doc},
    {"load", load, METH_VARARGS, load_doc},
    {"open", open_library, METH_VARARGS, open_doc},
    {"catalogue", catalogue, METH_NOARGS, catalogue_doc},
    {"ready", ready, METH_O, ready_doc},
    {"send", (PyCFunction)(void (*)(void))send_message, METH_FASTCALL, send_doc},
    {"stats", stats, METH_NOARGS, stats_doc},
    {"close", close_library, METH_VARARGS, close_doc},
    {NULL, NULL, 0, NULL},
};
