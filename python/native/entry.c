/*
 * Where a thread enters Go.
 *
 * Go runs on the stack of the thread that calls, and has signals handled on its alternate one, for
 * goroutines have small stacks. Left to itself it gives the thread one of 32 KiB, and has the host's
 * handlers run there too; some finalise the interpreter (uWSGI's of SIGINT and SIGTERM), which is more
 * than fits, and may call Go, whose next signal then overwrites the handler that still runs.
 *
 * So each thread gets the last part of its own stack as the alternate one before it enters Go the first
 * time. A handler has there what it has without Go, and the kernel, which looks where the stack stands,
 * puts a signal below that, wherever it is, and never upon what is in use. Go is entered above that part alone:
 * from within it, as from the end of a stack or from a small one, a thread of ours makes the crossing. No
 * thread enters Go while it is in Go already, which is so in a handler that has interrupted it.
 */

#define _GNU_SOURCE 1 /* as pyconfig.h of CPython 3.10 has it, or that redefines it */
#include "bridge.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What Go may use of the stack that it is entered on, with some to spare. */
#define FOR_GO (48u << 10)

/* The alternate stack is a quarter of the stack, but no more and no less; a stack that is too small for
   it keeps Go's. */
#define MOST_FOR_HANDLERS (1u << 20)
#define LEAST_FOR_HANDLERS (64u << 10)

/* The first thread's stack grows, and what is below its end may come to be in use. If it may grow further
   than this, by no limit most of all, handlers get a stack apart. */
#define MOST_OF_STACK (64u << 20)

/* An alternate stack that somebody gave the main thread is kept if it is not smaller: faulthandler's is
   good for a dump, and not for the handlers of a host. */
#define LARGE_ENOUGH (64u << 10)

#define STACK_OF_OURS (512u << 10)

__thread uintptr_t gs_floor __attribute__((tls_model("initial-exec"))) = GS_UNKNOWN;

__thread int32_t gs_thread __attribute__((tls_model("initial-exec")));

int32_t gs_find_thread(void) { return gs_thread = (int32_t)syscall(SYS_gettid); }

/* The stack of this thread; nothing if that cannot be known. */
static __thread uintptr_t lowest __attribute__((tls_model("initial-exec")));
static __thread uintptr_t highest __attribute__((tls_model("initial-exec")));

static uintptr_t here(void) { return (uintptr_t)__builtin_frame_address(0); }

static int is_on_own_stack(void) { return here() >= lowest && here() < highest; }

/* Tells whether the memory is there, or can be: a stack grows as it is written to, if there is room for it. */
static int is_writable(uintptr_t address) { return syscall(SYS_getrandom, (void *)address, 1, 0) == 1; }

/* Where the main thread's handlers run, which faulthandler.enable() changes. */
static uintptr_t bottom_of_main;
static size_t size_of_main;

/* How far its stack may grow, which the program may change. */
static rlim_t limit_of_main;

static rlim_t limit_of_stack(void) {
  struct rlimit limit;
  return getrlimit(RLIMIT_STACK, &limit) == 0 ? limit.rlim_cur : 0;
}

/* Has the handlers of signals run in this part of the stack. */
static int handle_signals_in(uintptr_t bottom, size_t size) {
#ifdef __SANITIZE_ADDRESS__
  return 0; /* which gives each thread a stack for signals, and takes back what it finds at its end */
#endif
  stack_t now, ours = {.ss_sp = (void *)bottom, .ss_size = size};
  if (sigaltstack(NULL, &now) != 0) return 0;
  if (now.ss_sp == ours.ss_sp && now.ss_size == size) return 1;
  int is_main = (uint64_t)pthread_self() == gs_main_thread;
  int is_old = is_main && size_of_main != 0 && (uintptr_t)now.ss_sp == bottom_of_main;
  if (!(now.ss_flags & SS_DISABLE) && (!is_main || now.ss_size >= LARGE_ENOUGH) && !is_old) return 0;
  return is_writable(bottom) && sigaltstack(&ours, NULL) == 0;
}

/* Finds the stack of this thread; 0: it cannot be known. */
static int find_stack(uintptr_t *bottom, uintptr_t *top) {
  pthread_attr_t attributes;
  void *start;
  size_t size;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return 0;
  int found = pthread_attr_getstack(&attributes, &start, &size) == 0;
  pthread_attr_destroy(&attributes);
  if (found) *bottom = (uintptr_t)start, *top = *bottom + size;
  return found;
}

/* The same for a stack of which the end is not known. */
static int measure_endless(void) {
  static void *apart;
  if (apart == NULL) {
    void *memory = mmap(NULL, MOST_FOR_HANDLERS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory != MAP_FAILED) apart = memory;
  }
  if (apart != NULL && handle_signals_in((uintptr_t)apart, MOST_FOR_HANDLERS)) {
    bottom_of_main = (uintptr_t)apart, size_of_main = MOST_FOR_HANDLERS;
  }
  limit_of_main = limit_of_stack();
  gs_floor = lowest + FOR_GO;
  return 1;
}

/* Finds out from where on this thread may enter Go; 0: it stands below. */
static int measure(void) {
  if (!find_stack(&lowest, &highest)) lowest = highest = 0;
  uintptr_t bottom = (lowest + 4095) & ~(uintptr_t)4095;
  size_t part = (highest - bottom) / 4 & ~(size_t)4095;
  if (part > MOST_FOR_HANDLERS) part = MOST_FOR_HANDLERS;
  if (part < LEAST_FOR_HANDLERS) part = 0;
  if (highest - lowest > MOST_OF_STACK && syscall(SYS_gettid) == getpid()) return measure_endless();
  if (is_on_own_stack() && here() < bottom + part + FOR_GO) return 0;
  if (part != 0 && !handle_signals_in(bottom, part)) part = 0;
  if (part != 0 && (uint64_t)pthread_self() == gs_main_thread) bottom_of_main = bottom, size_of_main = part;
  if ((uint64_t)pthread_self() == gs_main_thread) limit_of_main = limit_of_stack();
  gs_floor = highest == 0 ? 0 : bottom + part + FOR_GO;
  return 1;
}

int gs_is_for_signals(void) {
  stack_t now;
  return sigaltstack(NULL, &now) == 0 && now.ss_flags & SS_ONSTACK;
}

void gs_keep_stack(void) {
  if (size_of_main == 0 || (uint64_t)pthread_self() != gs_main_thread || gs_floor >= GS_UNKNOWN) return;
  if (limit_of_stack() != limit_of_main) measure();
  handle_signals_in(bottom_of_main, size_of_main);
}

/* What a thread of ours crosses for another. */
typedef struct {
  gs_crossing crossing;
  void *with;
  int refused;
} errand;

static void *run(void *of) {
  errand *our = of;
  our->refused = gs_cross_anywhere(our->crossing, our->with);
  return NULL;
}

static int cross_beside(gs_crossing crossing, void *with) {
  errand our = {crossing, with, 0};
  pthread_t thread;
  pthread_attr_t attributes;
  sigset_t all, before;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_OF_OURS);
  sigfillset(&all); /* no handler of the host's is to run there */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&thread, &attributes, run, &our);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  if (error != 0) return error;
  pthread_join(thread, NULL);
  return our.refused;
}

int gs_cross_anywhere(gs_crossing crossing, void *with) {
  if (gs_floor == GS_INSIDE) return GS_INTERRUPTED;
  int is_first = gs_floor == GS_UNKNOWN;
  /* A stack of its own may be switched to another one: greenlets, coroutines in C. */
  if (is_on_own_stack() && !is_first ? here() < gs_floor : gs_is_for_signals()) return cross_beside(crossing, with);
  if (is_first && !measure()) return cross_beside(crossing, with);
  uintptr_t floor = gs_floor;
  gs_floor = GS_INSIDE;
  if (is_first) gs_bind_thread();
  crossing(with);
  gs_floor = floor;
  return 0;
}

void gs_refuse(int reason) {
  if (reason == GS_INTERRUPTED) {
    PyErr_SetString(PyExc_RuntimeError,
                    "this runs in a handler of a signal that has interrupted Go on this thread, so it cannot call "
                    "Go; have the handler only note the signal, as Python's own do");
    return;
  }
  PyErr_Format(PyExc_RuntimeError,
               "too little is left of this thread's stack to call Go on it, and no other thread can be started (%s); "
               "give it a larger stack (threading.stack_size), or raise the limit of threads (ulimit -u)",
               strerror(reason));
}

/* What importing the package and loading the library take of a stack: 56 KiB at most, with CPython 3.10, whose
   imports and parser take nearly all of it. */
#define FOR_IMPORT (64u << 10)

PyDoc_STRVAR(stack_shortage_doc, "stack_shortage() -> str or None\n\nTell what is wrong with this thread's stack.");

static PyObject *stack_shortage(PyObject *module, PyObject *nothing) {
  uintptr_t bottom, top;
  int is_main = syscall(SYS_gettid) == getpid(); /* whose stack grows */
  if (is_main || !find_stack(&bottom, &top) || here() < bottom || here() >= top) Py_RETURN_NONE;
  if (here() - bottom >= FOR_IMPORT) Py_RETURN_NONE;
  return PyUnicode_FromFormat(
      "%d KiB are left of this thread's stack, and %d KiB are needed; call threading.stack_size(262144) before the "
      "thread is made (uWSGI: threads-stacksize = 256; C code: pthread_attr_setstacksize), or do it in the main thread first",
      (int)((here() - bottom) >> 10), (int)(FOR_IMPORT >> 10));
}

PyMethodDef gs_entry_methods[] = {
    {"stack_shortage", stack_shortage, METH_NOARGS, stack_shortage_doc},
    {NULL, NULL, 0, NULL},
};
