/*
 * Memory that crosses without a copy: Python's lent to Go (Loan), Go's held by
 * Python (Buffer). Twin of gocore/cabi/buffer.go.
 */

#include "bridge.h"

/* Memory of Go, released when the last view of it is gone. */
typedef struct {
  PyObject_HEAD
  const uint8_t *data;
  uint64_t length;
  uint64_t handle;
  unsigned generation; /* of the library that gave it */
} buffer_object;

static PyTypeObject *buffer_type;

/* SAFETY: a memoryview of the object keeps it alive, so Go's memory stays pinned
   as long as any slice of the view exists. */
static int buffer_get(PyObject *self, Py_buffer *view, int flags) {
  buffer_object *buffer = (buffer_object *)self;
  return PyBuffer_FillInfo(view, self, (void *)buffer->data, (Py_ssize_t)buffer->length, 1, flags);
}

static void buffer_dealloc(PyObject *self) {
  PyTypeObject *type = Py_TYPE(self);
  buffer_object *buffer = (buffer_object *)self;
  gs_release(buffer->handle, buffer->generation);
  freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
  release(self);
  Py_DECREF(type);
}

PyObject *gs_hold(const uint8_t *data, uint64_t length, uint64_t handle) {
  allocfunc allocate = (allocfunc)PyType_GetSlot(buffer_type, Py_tp_alloc);
  buffer_object *buffer = (buffer_object *)allocate(buffer_type, 0);
  if (buffer == NULL) {
    gs_release(handle, gs_alive);
    return NULL;
  }
  buffer->data = data;
  buffer->length = length;
  buffer->handle = handle;
  buffer->generation = gs_alive;
  PyObject *view = PyMemoryView_FromObject((PyObject *)buffer);
  Py_DECREF(buffer);
  return view;
}

PyDoc_STRVAR(buffer_doc, "Read-only memory of Go.");

static PyType_Slot buffer_slots[] = {
    {Py_tp_doc, (void *)buffer_doc},
    {Py_tp_dealloc, buffer_dealloc},
    {Py_bf_getbuffer, buffer_get},
    {0, NULL},
};

static PyType_Spec buffer_spec = {
    .name = "gostitch._bridge.Buffer",
    .basicsize = sizeof(buffer_object),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = buffer_slots,
};

int gs_lend(gs_loan *loan, PyObject *object) {
  if (loan->count == loan->room) {
    Py_ssize_t room = loan->room == 0 ? 4 : loan->room * 2;
    Py_buffer *buffers = PyMem_Realloc(loan->buffers, (size_t)room * sizeof *buffers);
    if (buffers != NULL) loan->buffers = buffers;
    gostitch_view *views = PyMem_Realloc(loan->views, (size_t)room * sizeof *views);
    if (views != NULL) loan->views = views;
    if (buffers == NULL || views == NULL) {
      PyErr_NoMemory();
      return -1;
    }
    loan->room = room;
  }
  /* Keeps a bytearray from being resized until the loan ends. */
  Py_buffer *buffer = &loan->buffers[loan->count];
  if (PyObject_GetBuffer(object, buffer, PyBUF_SIMPLE) < 0) return -1;
  loan->views[loan->count].data = buffer->buf;
  loan->views[loan->count].length = (uint64_t)buffer->len;
  loan->count++;
  return 0;
}

void gs_end_loan(gs_loan *loan) {
  gs_loan ended = *loan;
  *loan = (gs_loan){0};
  for (Py_ssize_t i = 0; i < ended.count; i++) PyBuffer_Release(&ended.buffers[i]);
  PyMem_Free(ended.buffers);
  PyMem_Free(ended.views);
}

typedef struct {
  PyObject_HEAD
  gs_loan loan;
} loan_object;

static PyTypeObject *loan_type;

PyObject *gs_loan_object(gs_loan *loan) {
  allocfunc allocate = (allocfunc)PyType_GetSlot(loan_type, Py_tp_alloc);
  loan_object *object = (loan_object *)allocate(loan_type, 0);
  if (object == NULL) return NULL;
  object->loan = *loan;
  *loan = (gs_loan){0};
  return (PyObject *)object;
}

gs_loan *gs_loan_of(PyObject *object) {
  if (PyObject_TypeCheck(object, loan_type)) return &((loan_object *)object)->loan;
  PyErr_SetString(PyExc_TypeError, "a loan is made by Function.pack");
  return NULL;
}

static void loan_dealloc(PyObject *self) {
  PyTypeObject *type = Py_TYPE(self);
  gs_end_loan(&((loan_object *)self)->loan);
  freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
  release(self);
  Py_DECREF(type);
}

PyDoc_STRVAR(end_doc, "end()\n\nTake the memory back: Go reads it no more.");

static PyObject *loan_end(PyObject *self, PyObject *nothing) {
  gs_end_loan(&((loan_object *)self)->loan);
  Py_RETURN_NONE;
}

static PyMethodDef loan_methods[] = {
    {"end", loan_end, METH_NOARGS, end_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(loan_doc, "Memory of Python lent to a running call.");

static PyType_Slot loan_slots[] = {
    {Py_tp_doc, (void *)loan_doc},
    {Py_tp_dealloc, loan_dealloc},
    {Py_tp_methods, loan_methods},
    {0, NULL},
};

static PyType_Spec loan_spec = {
    .name = "gostitch._bridge.Loan",
    .basicsize = sizeof(loan_object),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = loan_slots,
};

int gs_add_buffer_types(PyObject *module) {
  buffer_type = (PyTypeObject *)PyType_FromSpec(&buffer_spec);
  loan_type = (PyTypeObject *)PyType_FromSpec(&loan_spec);
  return buffer_type == NULL || loan_type == NULL ? -1 : 0;
}
