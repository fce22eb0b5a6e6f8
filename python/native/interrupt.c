/*
 * Ctrl-C while the main thread is in Go.
 *
 * Python's handler only notes the signal, for when the call returns. A handler
 * above it tells Go which call is meant, so that its context ends. It does
 * nothing else, and nothing at all while no call is under way.
 */

#include "bridge.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The number of the call that the main thread is in; 0: none. */
static _Atomic uint64_t armed;

/* A signal has come since the last look: Python may have to run its handler before
   the thread goes where it cannot. */
static atomic_int seen;

/* Where Go reads the numbers of calls to cancel, and which file that was: who
   closes all descriptors, as daemons do, makes the number another file's. */
static atomic_int notices = -1;
static dev_t notices_device;
static ino_t notices_inode;

static void tell(uint64_t number) {
  struct stat now;
  int fd = atomic_load(&notices);
  if (fd < 0 || fstat(fd, &now) != 0 || now.st_dev != notices_device || now.st_ino != notices_inode) return;
  /* Whole, as it is short; a full pipe has notices enough. */
  ssize_t written = write(fd, &number, sizeof number);
  (void)written;
}

static void interrupted(int number, siginfo_t *info, void *context, const struct sigaction *below) {
  if (gs_send_on(number, info)) return;
  uint64_t call = atomic_load(&armed);
  atomic_store(&seen, 1);
  /* First, so that Python knows of the signal when the call returns. */
  gs_pass_on(below, number, info, context);
  if (call != 0) tell(call);
}

/* Puts our handler on top, unless the program wants no handler. */
static int on_top(void) {
  if (gs_is_on_top(SIGINT)) return 1;
  struct sigaction now;
  if (sigaction(SIGINT, NULL, &now) != 0) return 0;
  if (!(now.sa_flags & SA_SIGINFO) && (now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN)) return 0;
  int flags = (now.sa_flags & (SA_RESTART | SA_NODEFER)) | SA_SIGINFO | SA_ONSTACK;
  return gs_cover(SIGINT, interrupted, &now, &now.sa_mask, flags);
}

void gs_cover_interrupts(void) { on_top(); }

int64_t gs_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * (int64_t)1000000000 + now.tv_nsec;
}

/* A clock that costs a few nanoseconds, and about a millisecond of it. */
#if defined(__x86_64__)
static uint64_t ticks(void) { return __builtin_ia32_rdtsc(); }
#define A_WHILE 3000000
#else
static uint64_t ticks(void) { return (uint64_t)gs_clock(); }
#define A_WHILE 1000000
#endif

/* One moment on both clocks, before the first call. */
static uint64_t reference_ticks;
static int64_t reference_ns;

int64_t gs_nanoseconds(uint64_t of) {
  uint64_t passed = ticks() - reference_ticks;
  return passed == 0 ? 0 : (int64_t)((double)of * (double)(gs_clock() - reference_ns) / (double)passed);
}

/* When the main thread entered Go the last time. */
static uint64_t entered;

/* Asks once in a while whether our handler still is on top: asking is a system call. Of what
   Python code sets host.c is told, so this is for C code. */
static void look(void) {
  static uint64_t looked;
  if (entered - looked < A_WHILE) return;
  looked = entered;
  on_top();
}

int gs_arm(uint64_t *number) {
  static uint64_t numbers;
  entered = ticks();
  look();
  *number = ++numbers;
  atomic_store(&armed, *number);
  if (!atomic_load_explicit(&seen, memory_order_relaxed)) return 1;
  atomic_store(&armed, 0);
  atomic_store(&seen, 0);
  return PyErr_CheckSignals() < 0 ? -1 : 0;
}

uint64_t gs_disarm(void) {
  atomic_store_explicit(&armed, 0, memory_order_release);
  return ticks() - entered;
}

int gs_interrupted(void) { return atomic_load_explicit(&seen, memory_order_relaxed) && atomic_exchange(&seen, 0); }

int gs_listen(void) {
  on_top();
  return gs_interrupted() ? PyErr_CheckSignals() : 0;
}

void gs_forget_interrupts(void) {
  atomic_store(&armed, 0);
  atomic_store(&notices, -1);
}

PyDoc_STRVAR(watch_doc,
             "watch_interrupts(fd)\n\n"
             "Write the number of the main thread's call to a pipe when SIGINT comes meanwhile.");

static PyObject *watch_interrupts(PyObject *module, PyObject *descriptor) {
  long fd = PyLong_AsLong(descriptor);
  struct stat file;
  if (fd == -1 && PyErr_Occurred()) return NULL;
  if (fstat((int)fd, &file) != 0) return PyErr_SetFromErrno(PyExc_OSError);
  notices_device = file.st_dev;
  notices_inode = file.st_ino;
  reference_ns = gs_clock();
  reference_ticks = ticks();
  atomic_store(&notices, (int)fd);
  Py_RETURN_NONE;
}

PyDoc_STRVAR(watched_doc,
             "interrupts_watched() -> bool\n\nTell whether SIGINT would end a call that the main thread makes now.");

static PyObject *interrupts_watched(PyObject *module, PyObject *nothing) {
  int main_thread = (uint64_t)pthread_self() == gs_main_thread;
  return PyBool_FromLong(atomic_load(&notices) >= 0 && (main_thread ? on_top() : gs_is_on_top(SIGINT)));
}

PyMethodDef gs_interrupt_methods[] = {
    {"watch_interrupts", watch_interrupts, METH_O, watch_doc},
    {"interrupts_watched", interrupts_watched, METH_NOARGS, watched_doc},
    {NULL, NULL, 0, NULL},
};
