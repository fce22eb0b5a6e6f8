// A Python module that holds a thread in the moment in which it leaves Go.
//
// A breakpoint stands before the instruction with which Go's runtime notes that the thread is in
// a system call, after it has looked whether the world is being stopped. The thread that comes
// there waits until that is so. What it did before and does after is as always. Go's own system
// calls do not come there, as entersyscall has its own copy of that code.

#define _GNU_SOURCE
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030a0000
#include <Python.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum { BREAKPOINT = 0xcc, PAGE = 4096 };

static const long MOST_NS = 1000000000, PASSED_NS = 50000;

static volatile unsigned char *place;          // of the instruction
static const volatile unsigned char *stopping;  // the runtime's sched.gcwaiting
static volatile unsigned char first;            // byte of the instruction
static volatile pid_t wanted;
static atomic_int held;

static long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000L + t.tv_nsec;
}

static void on_breakpoint(int number, siginfo_t *info, void *context) {
  ucontext_t *c = context;
  *place = first;
  c->uc_mcontext.gregs[REG_RIP]--;
  if (gettid() != wanted) return;
  long most = now() + MOST_NS;
  while (!*stopping && now() < most) {
  }
  if (!*stopping) return;
  atomic_fetch_add(&held, 1);
  for (long passed = now() + PASSED_NS; now() < passed;) {  // who stops has looked at each thread
  }
}

// Find the compare-and-swap, and the flag that is read last before it.
static int find(const unsigned char *code, const unsigned char *end) {
  place = NULL;
  stopping = NULL;
  for (; code + 8 < end; code++) {
    int prefixed = (code[0] & 0xf0) == 0x40;
    const unsigned char *opcode = code + prefixed;
    if (opcode[0] == 0x8a && (opcode[1] & 0xc7) == 0x05) {  // mov disp32(%rip), %r8
      int distance;
      memcpy(&distance, opcode + 2, sizeof distance);
      stopping = opcode + 6 + distance;
    }
    if (code[0] == 0xf0 && (code[1] & 0xf0) == 0x40 && code[2] == 0x0f && code[3] == 0xb1) {
      place = (volatile unsigned char *)(uintptr_t)code;  // lock cmpxchg
      return stopping != NULL;
    }
  }
  return 0;
}

PyDoc_STRVAR(begin_doc, "begin(code, end)\n\nHold this thread the next time that it leaves Go, by code up to an address.");

static PyObject *begin(PyObject *module, PyObject *arguments) {
  unsigned long long code, end;
  if (!PyArg_ParseTuple(arguments, "KK", &code, &end)) return NULL;
  if (!find((const unsigned char *)(uintptr_t)code, (const unsigned char *)(uintptr_t)end)) {
    return PyErr_Format(PyExc_LookupError, "the code is not what it was with Go 1.26: see whether stops can still miss a thread");
  }
  uintptr_t page = (uintptr_t)place & ~(uintptr_t)(PAGE - 1);
  if (mprotect((void *)page, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC) != 0) return PyErr_SetFromErrno(PyExc_OSError);
  struct sigaction action = {.sa_sigaction = on_breakpoint, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
  sigaction(SIGTRAP, &action, NULL);
  wanted = gettid();
  first = *place;
  *place = BREAKPOINT;
  Py_RETURN_NONE;
}

PyDoc_STRVAR(end_doc, "end() -> int\n\nHold no thread any more; return how often one was held until the world was stopped.");

static PyObject *end(PyObject *module, PyObject *nothing) {
  if (place) *place = first;
  return PyLong_FromLong(atomic_load(&held));
}

static PyMethodDef methods[] = {
    {"begin", begin, METH_VARARGS, begin_doc},
    {"end", end, METH_NOARGS, end_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "held_leaving",
    .m_size = -1,
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit_held_leaving(void) {
  return PyModule_Create(&definition);
}
