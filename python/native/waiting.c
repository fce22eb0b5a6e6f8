/*
 * A long call of the main thread.
 *
 * Python runs the handlers of signals on the main thread, between two steps of
 * its own, and so not while that thread is in Go. A long call is therefore
 * submitted, and the thread waits here: a handler runs at once. If it returns, the
 * wait goes on; if it raises, the call is cancelled and the exception raised. SIGINT
 * cancels the call in any case, as it does one that the thread makes in Go.
 *
 * In C, so that an exception has the traceback that it would have without, and no
 * handler can run where half of the wait is set up.
 */

#include "bridge.h"

#include <poll.h>
#include <sys/stat.h>

/* A signal may come just before the thread waits, or be another thread's, one of Go's say, and wakes
   nobody: then its handler runs after so many milliseconds (LOOK_S of _process.py). */
#define LOOK_MS 25

static PyObject *fd_name, *drain_name, *retire_name, *cancel_name;

/* The mounts that Go's threads see: those of the thread that loaded it. */
static dev_t mounts_device;
static ino_t mounts_inode;

void gs_note_mounts(void) {
  struct stat now;
  int known = stat("/proc/thread-self/ns/mnt", &now) == 0;
  mounts_device = known ? now.st_dev : 0;
  mounts_inode = known ? now.st_ino : 0;
}

/* Tells whether this thread has not left them since (unshare, setns): a call must find the files that
   its caller would. */
static int sees_the_same_mounts(void) {
  struct stat now;
  if (mounts_inode == 0 || stat("/proc/thread-self/ns/mnt", &now) != 0) return 1;
  return now.st_dev == mounts_device && now.st_ino == mounts_inode;
}

/* Waits for records on the descriptor, a signal or a moment. */
static void wait_a_moment(int fd) {
  struct pollfd on = {.fd = fd, .events = POLLIN};
  Py_BEGIN_ALLOW_THREADS;
  if (poll(&on, 1, LOOK_MS) > 0 && (on.revents & POLLNVAL)) {
    poll(NULL, 0, LOOK_MS); /* somebody has closed it, so nothing wakes us */
  }
  Py_END_ALLOW_THREADS;
}

/* Handles what has arrived. */
static int drain(PyObject *queue) {
  int more = 1;
  while (more > 0) {
    PyObject *answer = PyObject_CallMethodObjArgs(queue, drain_name, NULL);
    more = answer == NULL ? -1 : PyObject_IsTrue(answer);
    Py_XDECREF(answer);
  }
  return more;
}

static int cancel(PyObject *queue, PyObject *future) {
  PyObject *token = PyLong_FromUnsignedLongLong(gs_token_of(future));
  PyObject *done = token == NULL ? NULL : PyObject_CallMethodObjArgs(queue, cancel_name, token, NULL);
  Py_XDECREF(token);
  Py_XDECREF(done);
  return done == NULL ? -1 : 0;
}

static int wait_until_done(PyObject *queue, PyObject *future) {
  PyObject *descriptor = PyObject_GetAttr(queue, fd_name);
  long fd = descriptor == NULL ? -1 : PyLong_AsLong(descriptor);
  Py_XDECREF(descriptor);
  if (fd == -1 && PyErr_Occurred()) return -1;
  while (!gs_is_done(future)) {
    wait_a_moment((int)fd);
    if (gs_interrupted() && cancel(queue, future) < 0) return -1;
    /* A handler may fork, and the future is done in the child. */
    if (PyErr_CheckSignals() < 0 || drain(queue) < 0) return -1;
  }
  return 0;
}

/* An exception that waits until something else was done. */
typedef struct {
  PyObject *type, *value, *traceback;
} kept;

static kept keep(void) {
  kept error;
  PyErr_Fetch(&error.type, &error.value, &error.traceback);
  PyErr_NormalizeException(&error.type, &error.value, &error.traceback);
  if (error.traceback != NULL) PyException_SetTraceback(error.value, error.traceback);
  return error;
}

/* Raises it, unless a handler has raised another one meanwhile, which then tells of it. */
static void raise_kept(kept error) {
  if (!PyErr_Occurred()) {
    PyErr_Restore(error.type, error.value, error.traceback);
    return;
  }
  kept later = keep();
  PyObject *context = PyException_GetContext(later.value);
  if (context == NULL && later.value != error.value) {
    Py_INCREF(error.value);
    PyException_SetContext(later.value, error.value);
  }
  Py_XDECREF(context);
  Py_XDECREF(error.type);
  Py_XDECREF(error.value);
  Py_XDECREF(error.traceback);
  PyErr_Restore(later.type, later.value, later.traceback);
}

/* Calls what must be done although an exception may be set; it may set another. */
static void do_at_last(PyObject *call, PyObject *queue, PyObject *name, PyObject *future) {
  kept error = {NULL, NULL, NULL};
  int raised = PyErr_Occurred() != NULL;
  if (raised) error = keep();
  PyObject *done = call == NULL ? PyObject_CallMethodObjArgs(queue, name, NULL)
                                : PyObject_CallFunctionObjArgs(call, queue, future, error.value, NULL);
  Py_XDECREF(done);
  if (raised) raise_kept(error);
}

PyObject *gs_wait_for(PyObject *function, gs_writer *writer, int64_t timeout_ns, PyObject *trace, int *ended) {
  gostitch_request request = {
      .timeout_ns = timeout_ns,
      .frame = writer->data,
      .frame_length = writer->length,
      .number = 1, /* a thread waits for it */
  };
  *ended = 0;
  if (!sees_the_same_mounts() || gs_listen() < 0) return NULL;
  PyObject *queue = PyObject_CallObject(gs_hook.own_queue, NULL);
  if (queue == NULL) return NULL;
  if (queue == Py_None) {
    Py_DECREF(queue);
    return NULL;
  }
  PyObject *future = gs_submit(queue, function, writer, &request, trace), *result = NULL;
  if (future != NULL && wait_until_done(queue, future) == 0) {
    *ended = 1;
    result = gs_outcome(future);
  } else if (future != NULL) {
    do_at_last(gs_hook.let_go, queue, NULL, future);
  }
  Py_XDECREF(future);
  do_at_last(NULL, queue, retire_name, NULL);
  Py_DECREF(queue);
  if (PyErr_Occurred()) Py_CLEAR(result);
  return result;
}

int gs_set_up_waiting(void) {
  fd_name = PyUnicode_InternFromString("fd");
  drain_name = PyUnicode_InternFromString("drain");
  retire_name = PyUnicode_InternFromString("retire");
  cancel_name = PyUnicode_InternFromString("cancel");
  return fd_name == NULL || drain_name == NULL || retire_name == NULL || cancel_name == NULL ? -1 : 0;
}
