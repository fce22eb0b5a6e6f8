/* What crosses, as a tree: the type Schema. */

#include "bridge.h"

#include <string.h>

PyTypeObject *gs_schema_type;
static descrgetfunc slot_get;
static descrsetfunc slot_set;

/* The kinds by the words of the contract (gocore/codec/schema.go). */
static const struct {
  const char *word;
  gs_kind kind;
} kinds[] = {
    {"none", GS_NONE},     {"bool", GS_BOOL},     {"int", GS_INT},           {"uint", GS_UINT},
    {"float", GS_FLOAT},   {"str", GS_STR},       {"path", GS_PATH},         {"bytes", GS_BYTES},
    {"list", GS_LIST},     {"map", GS_MAP},       {"record", GS_RECORD},     {"optional", GS_OPTIONAL},
    {"converted", GS_CONVERTED}, {"buffer", GS_BUFFER}, {"mutable", GS_MUTABLE},
    {"table", GS_TABLE},   {"any", GS_ANY},
};

static int check_fields(PyObject *names, PyObject *fields) {
  if (!PyTuple_Check(names) || !PyTuple_Check(fields) || PyTuple_Size(names) != PyTuple_Size(fields)) {
    PyErr_SetString(PyExc_TypeError, "a record has as many names as fields");
    return -1;
  }
  for (Py_ssize_t i = 0; i < PyTuple_Size(fields); i++) {
    if (!PyObject_TypeCheck(PyTuple_GetItem(fields, i), gs_schema_type) ||
        !PyUnicode_Check(PyTuple_GetItem(names, i))) {
      PyErr_SetString(PyExc_TypeError, "a field is a name and a schema");
      return -1;
    }
  }
  return 0;
}

/* Tells whether values of a schema can stand in a buffer. */
static int is_item(const gs_schema *schema) {
  if (schema->kind == GS_BOOL) return 1;
  int bits = schema->bits;
  if (schema->kind == GS_FLOAT) return bits == 32 || bits == 64;
  return (schema->kind == GS_INT || schema->kind == GS_UINT) && (bits == 8 || bits == 16 || bits == 32 || bits == 64);
}

/* Gives what sets each slot of a class of records, or NULL if a field has no slot of the class's own. */
static PyObject *slots_of(PyObject *type, PyObject *names) {
  PyObject *own = PyObject_GetAttrString(type, "__dict__");
  PyObject *slots = own == NULL ? NULL : PyTuple_New(PyTuple_Size(names));
  for (Py_ssize_t i = 0; slots != NULL && i < PyTuple_Size(names); i++) {
    PyObject *slot = PyObject_GetItem(own, PyTuple_GetItem(names, i));
    if (slot == NULL || Py_TYPE(slot) != &PyMemberDescr_Type || PyTuple_SetItem(slots, i, slot) < 0) {
      if (slot != NULL && Py_TYPE(slot) != &PyMemberDescr_Type) Py_DECREF(slot);
      Py_CLEAR(slots);
    }
  }
  Py_XDECREF(own);
  PyErr_Clear(); /* it is called, as any class can be */
  return slots;
}

PyObject *gs_get_slot(PyObject *slot, PyObject *record) { return slot_get(slot, record, (PyObject *)Py_TYPE(record)); }

int gs_set_slot(PyObject *slot, PyObject *record, PyObject *value) { return slot_set(slot, record, value); }

/* How deep values may nest: both ends go through them by recursion. */
#define MOST_DEEP 200

static int depth_of(PyObject *element, PyObject *fields) {
  int depth = PyObject_TypeCheck(element, gs_schema_type) ? ((gs_schema *)element)->depth : 0;
  for (Py_ssize_t i = 0; fields != NULL && i < PyTuple_Size(fields); i++) {
    int of_field = ((gs_schema *)PyTuple_GetItem(fields, i))->depth;
    if (of_field > depth) depth = of_field;
  }
  return depth + 1;
}

static PyObject *schema_new(PyTypeObject *type, PyObject *arguments, PyObject *named) {
  static char *keywords[] = {"kind", "bits", "element", "names", "fields", "type", "lower", "lift", NULL};
  const char *word;
  int bits = 0;
  PyObject *element = Py_None, *names = NULL, *fields = NULL, *record = NULL, *lower = NULL, *lift = NULL;
  if (!PyArg_ParseTupleAndKeywords(arguments, named, "s|iOOOOOO:Schema", keywords, &word, &bits, &element,
                                   &names, &fields, &record, &lower, &lift)) {
    return NULL;
  }
  size_t i = 0;
  while (i < sizeof kinds / sizeof kinds[0] && strcmp(word, kinds[i].word) != 0) i++;
  if (i == sizeof kinds / sizeof kinds[0]) return PyErr_Format(PyExc_ValueError, "there is no kind %s", word);
  gs_kind kind = kinds[i].kind;
  int memory = kind == GS_BUFFER || kind == GS_MUTABLE;
  int nested = kind == GS_LIST || kind == GS_MAP || kind == GS_OPTIONAL || kind == GS_CONVERTED || memory;
  if (nested != PyObject_TypeCheck(element, gs_schema_type)) {
    return PyErr_Format(PyExc_TypeError, "%s %s an element", word, nested ? "needs" : "has not");
  }
  if (memory && !is_item((gs_schema *)element)) {
    return PyErr_Format(PyExc_TypeError, "a %s has items of bool, int, uint or float", word);
  }
  if (kind == GS_RECORD && (names == NULL || fields == NULL || record == NULL)) {
    return PyErr_Format(PyExc_TypeError, "a record needs names, fields and a type");
  }
  if (kind == GS_RECORD && check_fields(names, fields) < 0) return NULL;
  if (kind == GS_CONVERTED && (lower == NULL || lift == NULL || record == NULL)) {
    return PyErr_Format(PyExc_TypeError, "a converted value needs lower, lift and a type");
  }
  if (kind == GS_TABLE && lower == NULL) return PyErr_Format(PyExc_TypeError, "a table needs lower");
  int depth = depth_of(element, kind == GS_RECORD ? fields : NULL);
  if (depth > MOST_DEEP) return PyErr_Format(PyExc_ValueError, "values can nest %d deep, not %d", MOST_DEEP, depth);
  allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
  gs_schema *schema = (gs_schema *)allocate(type, 0);
  if (schema == NULL) return NULL;
  schema->kind = kind;
  schema->bits = bits;
  schema->depth = depth;
  if (nested) {
    Py_INCREF(element);
    schema->element = (gs_schema *)element;
  }
  Py_XINCREF(names);
  Py_XINCREF(fields);
  Py_XINCREF(record);
  Py_XINCREF(lower);
  Py_XINCREF(lift);
  schema->names = names;
  schema->fields = fields;
  schema->type = record;
  schema->lower = lower;
  schema->lift = lift;
  schema->slots = kind == GS_RECORD ? slots_of(record, names) : NULL;
  return (PyObject *)schema;
}

static int schema_traverse(PyObject *self, visitproc visit, void *arg) {
  gs_schema *schema = (gs_schema *)self;
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(schema->element);
  Py_VISIT(schema->names);
  Py_VISIT(schema->fields);
  Py_VISIT(schema->type);
  Py_VISIT(schema->slots);
  Py_VISIT(schema->lower);
  Py_VISIT(schema->lift);
  return 0;
}

static int schema_clear(PyObject *self) {
  gs_schema *schema = (gs_schema *)self;
  Py_CLEAR(schema->element);
  Py_CLEAR(schema->names);
  Py_CLEAR(schema->fields);
  Py_CLEAR(schema->type);
  Py_CLEAR(schema->slots);
  Py_CLEAR(schema->lower);
  Py_CLEAR(schema->lift);
  return 0;
}

static void schema_dealloc(PyObject *self) {
  PyTypeObject *type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  schema_clear(self);
  freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
  release(self);
  Py_DECREF(type);
}

static PyObject *encoded(PyObject *self, PyObject *value, int is_answer) {
  uint8_t room[1024];
  gs_writer writer;
  gs_start_writer(&writer, room, sizeof room);
  writer.whole = 1;
  writer.is_answer = is_answer;
  PyObject *frame = NULL;
  if (gs_encode(&writer, (gs_schema *)self, value, NULL) == 0) {
    frame = PyBytes_FromStringAndSize((const char *)writer.data, (Py_ssize_t)writer.length);
  }
  gs_end_writer(&writer);
  return frame;
}

PyDoc_STRVAR(encode_doc, "encode(value) -> bytes\n\nWrite a value as the frame that Go reads.");

static PyObject *schema_encode(PyObject *self, PyObject *value) { return encoded(self, value, 0); }

PyDoc_STRVAR(encode_answer_doc,
             "encode_answer(value) -> bytes\n\n"
             "Write a callback's answer as the frame that goes to Go: a test may have forbidden the paths in it.");

static PyObject *schema_encode_answer(PyObject *self, PyObject *value) { return encoded(self, value, 1); }

PyDoc_STRVAR(decode_doc, "decode(frame)\n\nGive the value of a frame that Go wrote.");

static PyObject *schema_decode(PyObject *self, PyObject *frame) {
  Py_buffer buffer;
  gs_memory *memory;
  if (PyObject_GetBuffer(frame, &buffer, PyBUF_SIMPLE) < 0) return NULL;
  int failed = gs_memory_behind(frame, &buffer, &memory) < 0;
  PyObject *value = failed ? NULL : gs_decode((gs_schema *)self, buffer.buf, (size_t)buffer.len, memory);
  PyBuffer_Release(&buffer);
  return value;
}

static PyMethodDef schema_methods[] = {
    {"encode", schema_encode, METH_O, encode_doc},
    {"encode_answer", schema_encode_answer, METH_O, encode_answer_doc},
    {"decode", schema_decode, METH_O, decode_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(schema_doc, "What crosses, as a tree; twin of gocore/codec.Schema.");

static PyType_Slot schema_slots[] = {
    {Py_tp_doc, (void *)schema_doc},
    {Py_tp_new, schema_new},
    {Py_tp_dealloc, schema_dealloc},
    {Py_tp_traverse, schema_traverse},
    {Py_tp_clear, schema_clear},
    {Py_tp_methods, schema_methods},
    {0, NULL},
};

static PyType_Spec schema_spec = {
    .name = "gostitch._bridge.Schema",
    .basicsize = sizeof(gs_schema),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = schema_slots,
};

int gs_add_schema_type(PyObject *module) {
  slot_get = (descrgetfunc)PyType_GetSlot(&PyMemberDescr_Type, Py_tp_descr_get);
  slot_set = (descrsetfunc)PyType_GetSlot(&PyMemberDescr_Type, Py_tp_descr_set);
  gs_schema_type = (PyTypeObject *)PyType_FromSpec(&schema_spec);
  if (gs_schema_type == NULL) return -1;
  Py_INCREF(gs_schema_type);
  return PyModule_AddObject(module, "Schema", (PyObject *)gs_schema_type);
}
