/* The environment that the Go runtime starts with. */

#include "bridge.h"

/* Go looks for its variables behind the arguments of the program, where the kernel put them, whatever
   `environ` is: setenv and unsetenv change those in place at times, and programs that change their title
   write over them, so that /proc/self/environ says something else. */
static char **arguments_end;

/* The loader gives every library's constructors what it gives Go's. */
__attribute__((constructor)) static void note_arguments(int argc, char **argv, char **envp) {
  (void)envp;
  if (argv != NULL) arguments_end = argv + argc;
}

PyDoc_STRVAR(initial_environment_doc,
             "initial_environment() -> [variable]\n\nGive the variables that a Go runtime loaded now would see.");

static PyObject *initial_environment(PyObject *module, PyObject *nothing) {
  PyObject *found = PyList_New(0);
  if (found == NULL || arguments_end == NULL) return found;
  for (char **variable = arguments_end + 1; *variable != NULL; variable++) {
    PyObject *text = PyBytes_FromString(*variable);
    if (text == NULL || PyList_Append(found, text) < 0) {
      Py_XDECREF(text);
      Py_DECREF(found);
      return NULL;
    }
    Py_DECREF(text);
  }
  return found;
}

PyMethodDef gs_environment_methods[] = {
    {"initial_environment", initial_environment, METH_NOARGS, initial_environment_doc},
    {NULL, NULL, 0, NULL},
};
