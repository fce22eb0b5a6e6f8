/* The library of this process: loading it, and the crossings but for calls. */

#include "bridge.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>

gs_library gs_go;
int gs_ready;
uint64_t gs_main_thread;

/* Set in a child of fork, where Go must not be called. */
static int forked;

static void in_child(void) {
  forked = 1;
  gs_ready = 0;
  gs_forget_queue();
}

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
    {"gostitch_open", (void **)&gs_go.open},       {"gostitch_catalogue", (void **)&gs_go.catalogue},
    {"gostitch_call", (void **)&gs_go.call},       {"gostitch_queue", (void **)&gs_go.queue},
    {"gostitch_submit", (void **)&gs_go.submit},   {"gostitch_send", (void **)&gs_go.send},
    {"gostitch_cancel", (void **)&gs_go.cancel},   {"gostitch_drain", (void **)&gs_go.drain},
    {"gostitch_release", (void **)&gs_go.release}, {"gostitch_stats", (void **)&gs_go.stats},
    {"gostitch_close", (void **)&gs_go.close},
};

PyDoc_STRVAR(load_doc, "load(path, main_thread)\n\nLoad the library, for the life of the process.");

static PyObject *load(PyObject *module, PyObject *arguments) {
  const char *path;
  unsigned long long main_thread;
  if (!PyArg_ParseTuple(arguments, "yK:load", &path, &main_thread)) return NULL;
  if (gs_go.open == NULL) pthread_atfork(NULL, NULL, in_child);
  limit_known = getrlimit(RLIMIT_NOFILE, &limit_before) == 0;
  void *library;
  Py_BEGIN_ALLOW_THREADS;
  library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  Py_END_ALLOW_THREADS;
  if (library == NULL) return PyErr_Format(PyExc_OSError, "%s", dlerror());
  for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
    *symbols[i].address = dlsym(library, symbols[i].name);
    if (*symbols[i].address == NULL) {
      return PyErr_Format(PyExc_OSError,
                          "%s: it does not export %s, so it is not a gostitch library of this version", path,
                          symbols[i].name);
    }
  }
  gs_main_thread = main_thread;
  Py_RETURN_NONE;
}

void gs_release(uint64_t handle) {
  if (handle != 0 && !forked) gs_go.release(handle);
}

PyObject *gs_payload_of(const gostitch_out *out) {
  PyObject *payload = PyBytes_FromStringAndSize((const char *)out->data, (Py_ssize_t)out->length);
  gs_release(out->handle);
  return payload;
}

/* Gives a reply as (status, payload). */
static PyObject *take(const gostitch_out *out, int32_t status) {
  PyObject *payload = gs_payload_of(out);
  if (payload == NULL) return NULL;
  return Py_BuildValue("(iN)", (int)status, payload);
}

PyDoc_STRVAR(open_doc, "open(config) -> (status, payload)\n\nThe handshake of gostitch_open.");

static PyObject *open_library(PyObject *module, PyObject *arguments) {
  const char *config;
  Py_ssize_t length;
  if (!PyArg_ParseTuple(arguments, "y#:open", &config, &length)) return NULL;
  gostitch_out out = {0};
  int32_t status;
  Py_BEGIN_ALLOW_THREADS;
  status = gs_go.open(GOSTITCH_ABI, (const uint8_t *)config, (uint64_t)length, &out);
  if (limit_known) setrlimit(RLIMIT_NOFILE, &limit_before);
  Py_END_ALLOW_THREADS;
  return take(&out, status);
}

/* Asks the library for one of its own frames. */
static PyObject *ask(int32_t (*give)(gostitch_out *)) {
  gostitch_out out = {0};
  int32_t status;
  Py_BEGIN_ALLOW_THREADS;
  status = give(&out);
  Py_END_ALLOW_THREADS;
  return take(&out, status);
}

PyDoc_STRVAR(catalogue_doc, "catalogue() -> (status, payload)\n\nThe frame of gostitch_catalogue.");

static PyObject *catalogue(PyObject *module, PyObject *nothing) { return ask(gs_go.catalogue); }

PyDoc_STRVAR(stats_doc, "stats() -> (status, payload)\n\nThe frame of gostitch_stats.");

static PyObject *stats(PyObject *module, PyObject *nothing) { return ask(gs_go.stats); }

PyDoc_STRVAR(ready_doc, "ready(yes)\n\nLet calls cross, or not.");

static PyObject *ready(PyObject *module, PyObject *yes) {
  int truth = PyObject_IsTrue(yes);
  if (truth < 0) return NULL;
  gs_ready = truth && !forked;
  Py_RETURN_NONE;
}

PyDoc_STRVAR(queue_doc, "queue(wake_fd, host) -> handle\n\nOpen a queue for replies.");

static PyObject *queue(PyObject *module, PyObject *arguments) {
  int wake_fd, host;
  if (!PyArg_ParseTuple(arguments, "ip:queue", &wake_fd, &host)) return NULL;
  uint64_t handle;
  Py_BEGIN_ALLOW_THREADS;
  handle = gs_go.queue(wake_fd, host);
  Py_END_ALLOW_THREADS;
  return PyLong_FromUnsignedLongLong(handle);
}

PyDoc_STRVAR(send_doc, "send(token, message) -> error payload or None\n\nSend a message to a running function.");

static PyObject *send_message(PyObject *module, PyObject *arguments) {
  unsigned long long token;
  Py_buffer message;
  if (!PyArg_ParseTuple(arguments, "Ky*:send", &token, &message)) return NULL;
  gostitch_out out = {0};
  int32_t status;
  Py_BEGIN_ALLOW_THREADS;
  status = gs_go.send(token, message.buf, (uint64_t)message.len, &out);
  Py_END_ALLOW_THREADS;
  PyBuffer_Release(&message);
  if (status == GOSTITCH_OK) Py_RETURN_NONE;
  return gs_payload_of(&out);
}

PyDoc_STRVAR(cancel_doc, "cancel(token)\n\nCancel the context of a submitted call.");

static PyObject *cancel(PyObject *module, PyObject *token) {
  uint64_t number = PyLong_AsUnsignedLongLong(token);
  if (PyErr_Occurred()) return NULL;
  Py_BEGIN_ALLOW_THREADS;
  gs_go.cancel(number);
  Py_END_ALLOW_THREADS;
  Py_RETURN_NONE;
}

PyDoc_STRVAR(release_doc, "release(handle)\n\nRelease a queue or a buffer.");

static PyObject *release(PyObject *module, PyObject *handle) {
  uint64_t number = PyLong_AsUnsignedLongLong(handle);
  if (PyErr_Occurred()) return NULL;
  gs_release(number);
  Py_RETURN_NONE;
}

PyDoc_STRVAR(close_doc, "close(timeout_ns) -> calls that still run\n\nCancel what runs and flush.");

static PyObject *close_library(PyObject *module, PyObject *timeout) {
  int64_t timeout_ns = PyLong_AsLongLong(timeout);
  if (PyErr_Occurred()) return NULL;
  int64_t running;
  Py_BEGIN_ALLOW_THREADS;
  running = gs_go.close(timeout_ns);
  Py_END_ALLOW_THREADS;
  return PyLong_FromLongLong(running);
}

PyMethodDef gs_library_methods[] = {
    {"load", load, METH_VARARGS, load_doc},
    {"open", open_library, METH_VARARGS, open_doc},
    {"catalogue", catalogue, METH_NOARGS, catalogue_doc},
    {"ready", ready, METH_O, ready_doc},
    {"queue", queue, METH_VARARGS, queue_doc},
    {"send", send_message, METH_VARARGS, send_doc},
    {"cancel", cancel, METH_O, cancel_doc},
    {"release", release, METH_O, release_doc},
    {"stats", stats, METH_NOARGS, stats_doc},
    {"close", close_library, METH_O, close_doc},
    {NULL, NULL, 0, NULL},
};
