/*
 * CPython's C API as the bridge uses it: one build that runs on CPython 3.10
 * and every later one (the stable ABI, Py_LIMITED_API, which setup.py sets).
 *
 * The headers hide a few things from a build that must run on 3.10, although
 * 3.10 has them in exactly the form that was made stable later: buffers (stable
 * since 3.11) and the vectorcall protocol (stable since 3.12). They are declared
 * here. CPython 3.10 and 3.11 will not change any more, and the packaging
 * tests run one wheel on every version.
 */
#ifndef GOSTITCH_COMPAT_H
#define GOSTITCH_COMPAT_H

/* No PY_SSIZE_T_CLEAN, so no format with a '#': the headers from CPython 3.13 on do not look at it,
   and what they make of such a format raises SystemError on 3.10 to 3.12. */
#include <Python.h>
#include <structmember.h>

#if defined(Py_LIMITED_API) && Py_LIMITED_API + 0 < 0x030B0000

typedef struct {
  void *buf;
  PyObject *obj;
  Py_ssize_t len;
  Py_ssize_t itemsize;
  int readonly;
  int ndim;
  char *format;
  Py_ssize_t *shape;
  Py_ssize_t *strides;
  Py_ssize_t *suboffsets;
  void *internal;
} Py_buffer;

PyAPI_FUNC(int) PyObject_GetBuffer(PyObject *object, Py_buffer *view, int flags);
PyAPI_FUNC(int) PyBuffer_FillInfo(Py_buffer *view, PyObject *object, void *data, Py_ssize_t length,
                                  int readonly, int flags);
PyAPI_FUNC(void) PyBuffer_Release(Py_buffer *view);

#define PyBUF_SIMPLE 0
#define PyBUF_WRITABLE 0x0001
#define PyBUF_FORMAT 0x0004
#define PyBUF_C_CONTIGUOUS 0x0038
#define PyBUF_FULL_RO 0x011c
/* The headers of CPython 3.15 have it, with the same value. */
#ifndef Py_bf_getbuffer
#define Py_bf_getbuffer 1
#endif

#endif

#ifndef Py_TPFLAGS_HAVE_VECTORCALL
#define Py_TPFLAGS_HAVE_VECTORCALL (1UL << 11)
#endif

#if defined(Py_LIMITED_API) && Py_LIMITED_API + 0 < 0x030C0000

typedef PyObject *(*vectorcallfunc)(PyObject *callable, PyObject *const *arguments, size_t count,
                                    PyObject *names);
PyAPI_FUNC(PyObject *) PyVectorcall_Call(PyObject *callable, PyObject *tuple, PyObject *dict);

/* Callees may use the slot before the arguments if this bit is set in the count. */
#define PY_VECTORCALL_ARGUMENTS_OFFSET ((size_t)1 << (8 * sizeof(size_t) - 1))
#define PyVectorcall_NARGS(count) ((Py_ssize_t)((count) & ~PY_VECTORCALL_ARGUMENTS_OFFSET))

#endif

#endif
