/* Memory of Python lent to Go. Twin of lent in gocore/cabi/abi.go. */

#include "bridge.h"

int gs_lend(gs_loan *loan, PyObject *object, int flags) {
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
  if (PyObject_GetBuffer(object, buffer, flags) < 0) return -1;
  loan->views[loan->count].data = buffer->buf;
  loan->views[loan->count].length = (uint64_t)buffer->len;
  loan->count++;
  return 0;
}

Py_buffer *gs_last_lent(gs_loan *loan) { return &loan->buffers[loan->count - 1]; }

void gs_take_last_back(gs_loan *loan) { PyBuffer_Release(&loan->buffers[--loan->count]); }

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
  int running;         /* Go may read and write it */
  unsigned generation; /* of the library it is lent to */
} loan_object;

static PyTypeObject *loan_type;

PyObject *gs_loan_object(gs_loan *loan) {
  allocfunc allocate = (allocfunc)PyType_GetSlot(loan_type, Py_tp_alloc);
  loan_object *object = (loan_object *)allocate(loan_type, 0);
  if (object == NULL) return NULL;
  object->loan = *loan;
  object->generation = gs_alive;
  *loan = (gs_loan){0};
  return (PyObject *)object;
}

void gs_end_loan_object(PyObject *object) {
  gs_loan *loan = gs_loan_of(object);
  if (loan != NULL) gs_end_loan(loan);
}

gs_loan *gs_loan_of(PyObject *object) {
  if (PyObject_TypeCheck(object, loan_type)) return &((loan_object *)object)->loan;
  PyErr_SetString(PyExc_TypeError, "a loan is made by Function.pack");
  return NULL;
}

void gs_loan_runs(PyObject *object) { ((loan_object *)object)->running = 1; }

static void loan_dealloc(PyObject *self) {
  loan_object *object = (loan_object *)self;
  PyTypeObject *type = Py_TYPE(self);
  /* Whoever waited is gone, at the end of the interpreter say, and the call goes on:
     its memory must never be another one's. In a forked child nothing goes on. */
  int goes_on = object->running && object->generation == gs_alive;
  if (!goes_on) gs_end_loan(&object->loan);
  freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
  release(self);
  Py_DECREF(type);
}

PyDoc_STRVAR(end_doc, "end()\n\nTake the memory back: Go reads it no more.");

static PyObject *loan_end(PyObject *self, PyObject *nothing) {
  gs_end_loan_object(self);
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

int gs_add_loan_type(PyObject *module) {
  loan_type = (PyTypeObject *)PyType_FromSpec(&loan_spec);
  return loan_type == NULL ? -1 : 0;
}
