/*
 * Signals of the host, where Go is in the process.
 *
 * Those that it blocks: a signal to the process may be taken by any thread that does not block it, so the
 * threads of Go block what the first thread of the process does. That one alone is followed, since the
 * kernel prefers it: who waits for a signal (sigwait, signalfd) blocks it there. Python's own function for
 * masks tells at once; what C code does is seen by the next call, at the latest after 50 ms.
 *
 * Those that it handles: the kernel gives a signal to a thread of Go where the first one has another
 * waiting. A handler that the host set for its own threads, and may end the process in, has no business
 * there, so one above it sends the signal on. It also has it run on the alternate stack, which a handler
 * must where Go may be interrupted: Go sees to those that were set before it was loaded. Python's handlers
 * are made for both.
 */

#define _GNU_SOURCE 1 /* as pyconfig.h of CPython 3.10 has it, or that redefines it */
#include "bridge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* What a thread may block that is in Go. */
#define BIT(number) (UINT64_C(1) << ((number)-1))
#define FOLLOWED                                                                                            \
  ~(BIT(SIGILL) | BIT(SIGTRAP) | BIT(SIGBUS) | BIT(SIGFPE) | BIT(SIGSEGV) | BIT(SIGSTKFLT) | BIT(SIGSYS) | \
    BIT(SIGURG) | BIT(SIGKILL) | BIT(SIGSTOP) | BIT(32) | BIT(33))

/* Under which the threads of Go have a value. */
static pthread_key_t key_of_go;
static atomic_int key_known;

/* What they were told to block. */
static _Atomic uint64_t told;

uint64_t gs_bits_of(const sigset_t *set) {
  uint64_t bits;
  memcpy(&bits, set, sizeof bits);
  return bits;
}

static int is_first_thread(void) { return syscall(SYS_gettid) == getpid(); }

/* What the first thread blocks but while it starts one of ours; guarded by the GIL. */
static int starts_one;
static uint64_t blocked_besides;

/* Gives what a thread of this process blocks; 0: that cannot be known. */
static int blocked_by(pid_t thread, uint64_t *bits) {
  if (thread == syscall(SYS_gettid)) {
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    *bits = gs_bits_of(&now);
    return 1;
  }
  if (starts_one && thread == getpid()) {
    *bits = blocked_besides;
    return 1;
  }
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/status", (int)thread);
  FILE *status = fopen(path, "re");
  if (status == NULL) return 0;
  char line[256];
  unsigned long long found;
  int known = 0;
  while (!known && fgets(line, sizeof line, status) != NULL) known = sscanf(line, "SigBlk: %llx", &found) == 1;
  fclose(status);
  *bits = found;
  return known;
}

/* The threads of this package's own, guarded by the GIL. */
static pid_t *own;
static size_t own_count, own_room;

/* How often a thread of ours is told: the kernel makes one signal of two that come together, and Go sends the
   same. */
#define TIMES 20
#define PAUSE_NS 200000L

/* Has our threads change their masks. */
static void tell_own(uint64_t bits) {
  const struct timespec pause = {0, PAUSE_NS};
  for (size_t i = 0; i < own_count; i++) {
    uint64_t now;
    for (int times = 0; times < TIMES && blocked_by(own[i], &now) && (now ^ bits) & FOLLOWED; times++) {
      gs_go.block(bits, own[i]);
      nanosleep(&pause, NULL);
    }
  }
}

void gs_follow_masks(int anew) {
  uint64_t now;
  if (gs_alive == 0 || !blocked_by(getpid(), &now) || (!anew && now == atomic_load(&told))) return;
  /* A handler's own signal is blocked only while it runs. */
  if (!anew && (gs_is_for_signals() || (starts_one && is_first_thread()))) return;
  atomic_store(&told, now);
  tell_own(now);
  int64_t key;
  Py_BEGIN_ALLOW_THREADS;
  key = gs_go.block(now, 0);
  Py_END_ALLOW_THREADS;
  if (key < 0) return;
  key_of_go = (pthread_key_t)key;
  atomic_store(&key_known, 1);
}

void gs_forget_masks(void) {
  atomic_store(&key_known, 0);
  own_count = 0;
  starts_one = 0;
}

PyDoc_STRVAR(begin_thread_doc, "begin_thread()\n\nSay that this is a thread of the package's own: it blocks what the "
                               "first thread of the process does.");

static PyObject *begin_thread(PyObject *module, PyObject *nothing) {
  uint64_t bits;
  if (blocked_by(getpid(), &bits)) {
    sigset_t mask;
    bits &= FOLLOWED;
    sigemptyset(&mask);
    memcpy(&mask, &bits, sizeof bits);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
  }
  if (own_count == own_room) {
    pid_t *more = realloc(own, (own_room + 16) * sizeof *own);
    if (more == NULL) Py_RETURN_NONE;
    own = more;
    own_room += 16;
  }
  own[own_count++] = (pid_t)syscall(SYS_gettid);
  Py_RETURN_NONE;
}

PyDoc_STRVAR(start_thread_doc, "start_thread(start) -> None or what start() gives\n\nStart a thread of the package's own, "
                               "which blocks all signals until it says begin_thread().");

static PyObject *start_thread(PyObject *module, PyObject *start) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int is_first = is_first_thread() && !starts_one;
  if (is_first) starts_one = 1, blocked_besides = gs_bits_of(&before);
  PyObject *given = PyObject_CallNoArgs(start);
  if (is_first) starts_one = 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return given;
}

PyDoc_STRVAR(end_thread_doc, "end_thread()\n\nSay that this thread of the package's own ends.");

static PyObject *end_thread(PyObject *module, PyObject *nothing) {
  pid_t here = (pid_t)syscall(SYS_gettid);
  for (size_t i = 0; i < own_count; i++) {
    if (own[i] == here) own[i--] = own[--own_count];
  }
  Py_RETURN_NONE;
}

PyMethodDef gs_host_methods[] = {
    {"start_thread", start_thread, METH_O, start_thread_doc},
    {"begin_thread", begin_thread, METH_NOARGS, begin_thread_doc},
    {"end_thread", end_thread, METH_NOARGS, end_thread_doc},
    {NULL, NULL, 0, NULL},
};

int gs_send_on(int number, siginfo_t *info) {
  if (!atomic_load(&key_known) || pthread_getspecific(key_of_go) == NULL) return 0;
  pid_t process = getpid();
  if (syscall(SYS_rt_tgsigqueueinfo, process, process, number, info) == 0) return 1;
  /* No thread may say to another one that the kernel, or kill(), has sent a signal. */
  return syscall(SYS_tgkill, process, process, number) == 0;
}

static void of_host(int number, siginfo_t *info, void *context, const struct sigaction *below) {
  if (!gs_send_on(number, info)) gs_pass_on(below, number, info, context);
}

/* Tells whether a signal is for the process, and not for the thread that has made it, or that it is sent to. */
static int is_for_process(int number) {
  switch (number) {
  case SIGILL:
  case SIGTRAP:
  case SIGABRT:
  case SIGBUS:
  case SIGFPE:
  case SIGSEGV:
  case SIGSTKFLT:
  case SIGSYS:
  case SIGPROF:
  case SIGURG:
  case SIGINT: /* interrupt.c */
    return 0;
  default:
    return number < SIGRTMIN || number <= SIGRTMAX;
  }
}

static void cover(int number) {
  struct sigaction now;
  if (!is_for_process(number) || sigaction(number, NULL, &now) != 0) return;
  if (!(now.sa_flags & SA_SIGINFO) && (now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN)) return;
  if (now.sa_flags & SA_RESETHAND || gs_is_on_top(number) || gs_is_go((uintptr_t)now.sa_sigaction)) return;
  const struct sigaction *before = gs_handler_before(number);
  int flagged_by_go = before->sa_sigaction == now.sa_sigaction && !(before->sa_flags & SA_ONSTACK);
  if (now.sa_flags & SA_ONSTACK && !flagged_by_go) return;
  gs_cover(number, of_host, &now, &now.sa_mask, now.sa_flags | SA_SIGINFO | SA_ONSTACK);
}

void gs_keep_host(void) {
  for (int number = 1; number < NSIG; number++) cover(number);
  gs_cover_interrupts();
  gs_keep_stack();
  if (is_first_thread()) gs_follow_masks(0);
}

/* _signal.pthread_sigmask and _signal.signal, which this module stands in for. */
static PyObject *change_mask, *set_handler;

static PyObject *call_with(PyObject *function, PyObject *const *arguments, Py_ssize_t count) {
  PyObject *all = PyTuple_New(count);
  if (all == NULL) return NULL;
  for (Py_ssize_t i = 0; i < count; i++) {
    Py_INCREF(arguments[i]);
    PyTuple_SetItem(all, i, arguments[i]);
  }
  PyObject *result = PyObject_CallObject(function, all);
  Py_DECREF(all);
  return result;
}

static PyObject *pthread_sigmask_told(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
  PyObject *before = call_with(change_mask, arguments, count);
  /* Also where a handler has raised afterwards. */
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  if (is_first_thread()) gs_follow_masks(0);
  PyErr_Restore(type, value, traceback);
  return before;
}

static PyObject *signal_told(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
  PyObject *before = call_with(set_handler, arguments, count);
  if (before == NULL || gs_alive == 0) return before;
  long number = PyLong_AsLong(arguments[0]); /* which was taken */
  if (number == SIGINT) gs_cover_interrupts();
  else if (number > 0 && number < NSIG) cover((int)number);
  else PyErr_Clear();
  return before;
}

static PyMethodDef told_methods[] = {
    {"pthread_sigmask", (PyCFunction)(void (*)(void))pthread_sigmask_told, METH_FASTCALL,
     "pthread_sigmask($module, how, mask, /)\n--\n\nFetch and/or change the signal mask of the calling thread."},
    {"signal", (PyCFunction)(void (*)(void))signal_told, METH_FASTCALL,
     "signal($module, signalnum, handler, /)\n--\n\nSet the action for the given signal."}};

/* Puts a function in the place of one of Python's, and keeps that. */
static void stand_in_for(PyObject *module, PyObject *name, PyMethodDef *method, PyObject **kept) {
  PyObject *stand_in = PyCFunction_NewEx(method, module, name);
  if (stand_in != NULL) *kept = PyObject_GetAttrString(module, method->ml_name);
  if (*kept != NULL) PyObject_SetAttrString(module, method->ml_name, stand_in);
  Py_XDECREF(stand_in);
}

void gs_hear_of_changes(void) {
  if (change_mask != NULL && set_handler != NULL) return;
  PyObject *module = PyImport_ImportModule("_signal");
  PyObject *name = PyUnicode_FromString("_signal");
  if (module != NULL && name != NULL) {
    if (change_mask == NULL) stand_in_for(module, name, &told_methods[0], &change_mask);
    PyErr_Clear(); /* then the next call sees what was changed */
    if (set_handler == NULL) stand_in_for(module, name, &told_methods[1], &set_handler);
  }
  PyErr_Clear();
  Py_XDECREF(name);
  Py_XDECREF(module);
}
