/* A table of Go as a Python object: the type Table. What people call is added by gostitch/_table.py. */

#include "table.h"

#include <string.h>

typedef struct {
  PyObject_HEAD
  gs_table *table;
} table_object;

static PyTypeObject *table_type;

static gs_table *table_of(PyObject *self) { return ((table_object *)self)->table; }

PyObject *gs_decode_table(gs_reader *in) {
  allocfunc allocate = (allocfunc)PyType_GetSlot(table_type, Py_tp_alloc);
  table_object *object = (table_object *)allocate(table_type, 0);
  if (object == NULL) return NULL;
  object->table = gs_read_table(in);
  if (object->table == NULL) Py_CLEAR(object);
  return (PyObject *)object;
}

static void table_dealloc(PyObject *self) {
  PyTypeObject *type = Py_TYPE(self);
  gs_table_drop(table_of(self));
  freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
  release(self);
  Py_DECREF(type);
}

static Py_ssize_t table_length(PyObject *self) {
  int64_t rows = 0;
  gs_table *table = table_of(self);
  for (int64_t b = 0; b < gs_table_batch_count(table); b++) rows += gs_table_batch(table, b)->rows;
  return (Py_ssize_t)rows;
}

PyDoc_STRVAR(schema_doc, "__arrow_c_schema__()\n\nGive the types of the columns, for libraries that read Arrow.");

static PyObject *table_schema(PyObject *self, PyObject *nothing) { return gs_arrow_schema(table_of(self)); }

PyDoc_STRVAR(stream_doc,
             "__arrow_c_stream__(requested_schema=None)\n\n"
             "Give the rows, for libraries that read Arrow; as often as it is asked for. The types are those of the "
             "table, whatever is requested.");

static PyObject *table_stream(PyObject *self, PyObject *arguments, PyObject *named) {
  static char *keywords[] = {"requested_schema", NULL};
  PyObject *requested = Py_None;
  if (!PyArg_ParseTupleAndKeywords(arguments, named, "|O:__arrow_c_stream__", keywords, &requested)) return NULL;
  return gs_arrow_stream(table_of(self), requested);
}

static PyObject *describe_field(const gs_field *field) {
  PyObject *values = Py_None;
  if (field->values == NULL) Py_INCREF(values);
  else values = describe_field(field->values);
  if (values == NULL) return NULL;
  return Py_BuildValue("(ssNN)", field->name, field->format, PyBool_FromLong(field->nullable), values);
}

PyDoc_STRVAR(fields_doc, "_fields()\n\nGive name, format, nullability and values of each column.");

static PyObject *table_fields(PyObject *self, PyObject *nothing) {
  gs_table *table = table_of(self);
  PyObject *fields = PyList_New(0);
  for (int64_t i = 0; fields != NULL && i < gs_table_field_count(table); i++) {
    PyObject *field = describe_field(gs_table_field(table, i));
    if (field == NULL || PyList_Append(fields, field) < 0) Py_CLEAR(fields);
    Py_XDECREF(field);
  }
  return fields;
}

/* The items of a buffer by the format of its column, as in items.c: those of the first are
   bits, those of the second offsets if there is a third. */
static char item_format(const gs_field *field, const gs_column *column, int i, int *stride) {
  static const char formats[] = "cCsSiIlLfgtb", items[] = "bBhHiIqQfdqB";
  static const int strides[] = {1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 8, 1};
  const char *found = strchr(formats, field->format[0]);
  *stride = 1;
  if (i == 0 || (i == 2 && column->buffer_count == 3)) return 'B';
  if (column->buffer_count == 3) {
    *stride = 4;
    return 'i';
  }
  if (found == NULL || *found == '\0') return 'B';
  *stride = strides[found - formats];
  return items[found - formats];
}

static PyObject *describe_column(const gs_field *field, const gs_column *column) {
  PyObject *buffers = PyList_New(0);
  for (int i = 0; buffers != NULL && i < column->buffer_count; i++) {
    PyObject *view = Py_None;
    int stride;
    char format = item_format(field, column, i, &stride);
    if (column->buffers[i].memory == NULL) Py_INCREF(view);
    else view = gs_view(column->buffers[i].memory, column->buffers[i].data, column->buffers[i].size, format, stride);
    if (view == NULL || PyList_Append(buffers, view) < 0) Py_CLEAR(buffers);
    Py_XDECREF(view);
  }
  if (buffers == NULL) return NULL;
  PyObject *values = Py_None;
  if (column->values == NULL) Py_INCREF(values);
  else values = describe_column(field->values, column->values);
  if (values == NULL) {
    Py_DECREF(buffers);
    return NULL;
  }
  return Py_BuildValue("(LLNN)", (long long)column->length, (long long)column->nulls, buffers, values);
}

PyDoc_STRVAR(batches_doc, "_batches()\n\nGive the rows of each batch, with length, nulls, buffers and values of each column.");

static PyObject *table_batches(PyObject *self, PyObject *nothing) {
  gs_table *table = table_of(self);
  PyObject *batches = PyList_New(0);
  for (int64_t b = 0; batches != NULL && b < gs_table_batch_count(table); b++) {
    const gs_batch *batch = gs_table_batch(table, b);
    PyObject *columns = PyList_New(0);
    for (int64_t i = 0; columns != NULL && i < gs_table_field_count(table); i++) {
      PyObject *column = describe_column(gs_table_field(table, i), &batch->columns[i]);
      if (column == NULL || PyList_Append(columns, column) < 0) Py_CLEAR(columns);
      Py_XDECREF(column);
    }
    PyObject *pair = columns == NULL ? NULL : Py_BuildValue("(LN)", (long long)batch->rows, columns);
    if (pair == NULL || PyList_Append(batches, pair) < 0) Py_CLEAR(batches);
    Py_XDECREF(pair);
  }
  return batches;
}

static PyMethodDef table_methods[] = {
    {"__arrow_c_schema__", table_schema, METH_NOARGS, schema_doc},
    {"__arrow_c_stream__", (PyCFunction)(void (*)(void))table_stream, METH_VARARGS | METH_KEYWORDS, stream_doc},
    {"_fields", table_fields, METH_NOARGS, fields_doc},
    {"_batches", table_batches, METH_NOARGS, batches_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(table_doc,
             "Rows that a Go function made, where it made them.\n\n"
             "``pyarrow.table(t)``, ``polars.DataFrame(t)``, ``duckdb.sql('select * from t')`` and whatever else takes an "
             "object with ``__arrow_c_stream__`` read it without a copy, and as often as they like.");

/* Made by calls alone. */
static PyObject *table_new(PyTypeObject *type, PyObject *arguments, PyObject *named) {
  PyErr_SetString(PyExc_TypeError, "a gostitch.Table is the result of a Go function and cannot be made in Python");
  return NULL;
}

static PyType_Slot table_slots[] = {
    {Py_tp_doc, (void *)table_doc},   {Py_tp_new, table_new},         {Py_tp_dealloc, table_dealloc},
    {Py_tp_methods, table_methods}, {Py_mp_length, table_length}, {0, NULL},
};

static PyType_Spec table_spec = {
    .name = "gostitch.Table",
    .basicsize = sizeof(table_object),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = table_slots,
};

int gs_add_table_type(PyObject *module) {
  table_type = (PyTypeObject *)PyType_FromSpec(&table_spec);
  if (table_type == NULL) return -1;
  Py_INCREF(table_type);
  return PyModule_AddObject(module, "Table", (PyObject *)table_type);
}
