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
  int running;         /* calls in which Go may read and write it */
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

/* Tells whether Go may read and write the memory. In a forked child nothing goes on. */
static int is_running(const loan_object *object) { return object->running > 0 && object->generation == gs_alive; }

int gs_end_loan_object(PyObject *object) {
  if (is_running((loan_object *)object)) return 0;
  gs_end_loan(&((loan_object *)object)->loan);
  return 1;
}

gs_loan *gs_loan_of(PyObject *object) {
  if (PyObject_TypeCheck(object, loan_type)) return &((loan_object *)object)->loan;
  PyErr_SetString(PyExc_TypeError, "a loan is made by Function.pack");
  return NULL;
}

void gs_loan_runs(PyObject *object, int more) { ((loan_object *)object)->running += more; }

static void loan_dealloc(PyObject *self) {
  PyTypeObject *type = Py_TYPE(self);
  /* If whoever waited is gone, at the end of the interpreter say, and the call goes on, its memory
     must never be another one's. */
  gs_end_loan_object(self);
  freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
  release(self);
  Py_DECREF(type);
}

PyDoc_STRVAR(end_doc, "end()\n\nTake the memory back that no call was started with.");

static PyObject *loan_end(PyObject *self, PyObject *nothing) {
  if (gs_end_loan_object(self)) Py_RETURN_NONE;
  PyErr_SetString(PyExc_RuntimeError, "Go may read this memory until the reply of its call");
  return NULL;
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
