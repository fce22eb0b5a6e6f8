/*
 * Lets allocations of Python fail, on some threads.
 *
 * _testcapi.set_nomemory does so for all threads, and crashes some releases of
 * CPython by itself (3.12.1, 3.13.0). What is asked of the raw domain stays as it
 * is: CPython uses it without the interpreter, where it cannot fail well.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <pthread.h>
#include <stdatomic.h>

static PyMemAllocatorEx memory, objects;
#define MOST 16

static _Atomic unsigned long targets[MOST]; /* the threads; 0: none */
static _Atomic long before, failures; /* allocations that go well first, and that fail then */
static _Atomic long failed;

static int is_target(void) {
  unsigned long here = (unsigned long)pthread_self();
  for (int i = 0; i < MOST; i++) {
    if (atomic_load(&targets[i]) == here) return 1;
  }
  return 0;
}

static int fails(void) {
  if (!is_target()) return 0;
  if (atomic_load(&before) > 0) {
    atomic_fetch_sub(&before, 1);
    return 0;
  }
  if (atomic_load(&failures) <= 0) return 0;
  atomic_fetch_sub(&failures, 1);
  atomic_fetch_add(&failed, 1);
  return 1;
}

static void *take(void *of, size_t size) {
  PyMemAllocatorEx *real = of;
  return fails() ? NULL : real->malloc(real->ctx, size);
}

static void *take_zeros(void *of, size_t count, size_t size) {
  PyMemAllocatorEx *real = of;
  return fails() ? NULL : real->calloc(real->ctx, count, size);
}

static void *resize(void *of, void *at, size_t size) {
  PyMemAllocatorEx *real = of;
  return fails() ? NULL : real->realloc(real->ctx, at, size);
}

static void give_back(void *of, void *at) {
  PyMemAllocatorEx *real = of;
  real->free(real->ctx, at);
}

static void install(PyMemAllocatorDomain domain, PyMemAllocatorEx *real) {
  PyMem_GetAllocator(domain, real);
  PyMemAllocatorEx ours = {real, take, take_zeros, resize, give_back};
  PyMem_SetAllocator(domain, &ours);
}

PyDoc_STRVAR(begin_doc, "begin(before, failures, *threads)\n\nLet so many allocations of threads fail, after some others.");

static PyObject *begin(PyObject *module, PyObject *arguments) {
  Py_ssize_t given = PyTuple_Size(arguments);
  long first = given < 3 ? 0 : PyLong_AsLong(PyTuple_GetItem(arguments, 0));
  long then = given < 3 ? 0 : PyLong_AsLong(PyTuple_GetItem(arguments, 1));
  unsigned long threads[MOST] = {0};
  for (Py_ssize_t i = 2; i < given && i < MOST + 2; i++) {
    threads[i - 2] = PyLong_AsUnsignedLong(PyTuple_GetItem(arguments, i));
  }
  if (PyErr_Occurred()) return NULL;
  if (given < 3) return PyErr_Format(PyExc_TypeError, "begin takes two numbers and a thread");
  atomic_store(&before, first);
  atomic_store(&failures, then);
  atomic_store(&failed, 0);
  for (int i = 0; i < MOST; i++) atomic_store(&targets[i], threads[i]);
  Py_RETURN_NONE;
}

PyDoc_STRVAR(end_doc, "end() -> int\n\nLet all go well again; return how many have failed.");

static PyObject *end(PyObject *module, PyObject *nothing) {
  for (int i = 0; i < MOST; i++) atomic_store(&targets[i], 0);
  return PyLong_FromLong(atomic_load(&failed));
}

static PyMethodDef methods[] = {
    {"begin", begin, METH_VARARGS, begin_doc},
    {"end", end, METH_NOARGS, end_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "failing_memory",
    .m_size = -1,
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit_failing_memory(void) {
  install(PYMEM_DOMAIN_MEM, &memory);
  install(PYMEM_DOMAIN_OBJ, &objects);
  return PyModule_Create(&definition);
}
