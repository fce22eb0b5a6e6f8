/*
 * Whose fault it is: Go turns a fault of its own code into a panic, and anybody
 * else's is for who handled it before.
 *
 * The Go runtime's handlers of SIGSEGV, SIGBUS and SIGFPE must be asked first.
 * faulthandler.enable() covers them and faulthandler.disable() throws them out,
 * so a handler above all others decides by where the fault was.
 */

#include "bridge.h"

#include <signal.h>
#include <ucontext.h>

static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE};
#define FAULTS (sizeof faults / sizeof faults[0])

/* Nanoseconds between two looks whether somebody has covered the handlers. */
#define LOOK_AGAIN_NS 50000000

/* What the Go runtime handles each signal with. */
static struct sigaction of_go[NSIG];

static uintptr_t place_of(const void *context) {
  const ucontext_t *at = context;
#if defined(__x86_64__)
  return (uintptr_t)at->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
  return (uintptr_t)at->uc_mcontext.pc;
#else
#error "gostitch does not know where a fault was on this machine"
#endif
}

static void decide(int number, siginfo_t *info, void *context, const struct sigaction *below) {
  /* A signal that was sent is nobody's fault. */
  if (info->si_code > 0 && gs_is_go(place_of(context))) of_go[number].sa_sigaction(number, info, context);
  else gs_pass_on(below, number, info, context);
}

void gs_cover_faults(void) {
  if (gs_alive == 0) return; /* a forked child without a library of its own */
  for (size_t i = 0; i < FAULTS; i++) {
    int number = faults[i];
    struct sigaction top;
    if (gs_is_on_top(number) || sigaction(number, NULL, &top) != 0) continue;
    if (gs_is_go((uintptr_t)top.sa_sigaction)) {
      of_go[number] = top;
      top = *gs_handler_before(number);
    }
    if (of_go[number].sa_sigaction == NULL) continue;
    gs_cover(number, decide, &top, &of_go[number].sa_mask, SA_SIGINFO | SA_ONSTACK | SA_RESTART);
  }
}

void gs_uncover_faults(void) {
  for (size_t i = 0; i < FAULTS; i++) gs_uncover(faults[i]);
}

PyDoc_STRVAR(covered_doc,
             "faults_covered() -> bool\n\nHave Go asked first about faults, and tell whether it is.");

static PyObject *faults_covered(PyObject *module, PyObject *nothing) {
  gs_cover_faults();
  int covered = 1;
  for (size_t i = 0; i < FAULTS; i++) covered = covered && gs_is_on_top(faults[i]);
  return PyBool_FromLong(gs_alive != 0 && covered);
}

PyMethodDef gs_fault_methods[] = {
    {"faults_covered", faults_covered, METH_NOARGS, covered_doc},
    {NULL, NULL, 0, NULL},
};

/* faulthandler.is_enabled, once that module was imported. */
static PyObject *is_enabled;

void gs_find_faulthandler(PyObject *modules) {
  PyObject *module = is_enabled == NULL ? PyDict_GetItemString(modules, "faulthandler") : NULL;
  if (module != NULL) is_enabled = PyObject_GetAttrString(module, "is_enabled");
  if (module != NULL && is_enabled == NULL) PyErr_Clear(); /* somebody's own module */
}

int gs_keep_faults(int64_t ns) {
  static PyObject *was_enabled;
  static int64_t again_at;
  PyObject *enabled = NULL;
  if (is_enabled != NULL) {
    enabled = PyObject_CallNoArgs(is_enabled);
    if (enabled == NULL) return -1;
    Py_DECREF(enabled); /* True or False, which are for ever */
  }
  if (enabled == was_enabled && ns < again_at) return 0;
  was_enabled = enabled;
  again_at = ns + LOOK_AGAIN_NS;
  gs_cover_faults();
  gs_keep_host();
  return 0;
}
