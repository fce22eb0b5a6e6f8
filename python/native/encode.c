/*
 * Python values to a frame. The schema says what each value must be, so
 * whatever does not fit is refused here, with its place, before anything
 * crosses. Twin of gocore/codec/input.go.
 */

#include "bridge.h"

#include <string.h>

/* Bytes from this length on cross beside the frame, without a copy. */
#define BESIDE_FROM 4096

/* The MessagePack extension that refers to a buffer beside the frame (codec.BufferExt). */
#define BUFFER_EXTENSION 1

void gs_start_writer(gs_writer *writer, uint8_t *room, size_t size) {
  *writer = (gs_writer){.data = room, .room = size};
}

void gs_end_writer(gs_writer *writer) {
  if (writer->on_heap) PyMem_Free(writer->data);
  gs_end_loan(&writer->loan);
}

static int make_room(gs_writer *writer, size_t more) {
  size_t room = writer->room * 2 + more;
  uint8_t *data = PyMem_Realloc(writer->on_heap ? writer->data : NULL, room);
  if (data == NULL) {
    PyErr_NoMemory();
    return -1;
  }
  if (!writer->on_heap) memcpy(data, writer->data, writer->length);
  writer->data = data;
  writer->room = room;
  writer->on_heap = 1;
  return 0;
}

/* Makes room for more bytes; gives where they go, or NULL. */
static inline uint8_t *claim(gs_writer *writer, size_t more) {
  if (writer->room - writer->length < more && make_room(writer, more) < 0) return NULL;
  uint8_t *at = writer->data + writer->length;
  writer->length += more;
  return at;
}

int gs_write(gs_writer *writer, const void *data, size_t length) {
  uint8_t *at = claim(writer, length);
  if (at == NULL) return -1;
  memcpy(at, data, length);
  return 0;
}

static void put(uint8_t *at, uint64_t number, int size) {
  for (int i = size - 1; i >= 0; i--, number >>= 8) at[i] = (uint8_t)number;
}

/* Writes a tag and a big-endian number of so many bytes. */
static int write_tagged(gs_writer *writer, uint8_t tag, uint64_t number, int size) {
  uint8_t *at = claim(writer, 1 + (size_t)size);
  if (at == NULL) return -1;
  at[0] = tag;
  put(at + 1, number, size);
  return 0;
}

static int write_tag(gs_writer *writer, uint8_t tag) { return write_tagged(writer, tag, 0, 0); }

static int write_unsigned(gs_writer *writer, uint64_t number) {
  if (number < 0x80) return write_tag(writer, (uint8_t)number);
  if (number <= UINT8_MAX) return write_tagged(writer, 0xcc, number, 1);
  if (number <= UINT16_MAX) return write_tagged(writer, 0xcd, number, 2);
  if (number <= UINT32_MAX) return write_tagged(writer, 0xce, number, 4);
  return write_tagged(writer, 0xcf, number, 8);
}

static int write_signed(gs_writer *writer, int64_t number) {
  if (number >= -32 && number < 0x80) return write_tag(writer, (uint8_t)number);
  if (number >= INT8_MIN && number <= INT8_MAX) return write_tagged(writer, 0xd0, (uint64_t)number, 1);
  if (number >= INT16_MIN && number <= INT16_MAX) return write_tagged(writer, 0xd1, (uint64_t)number, 2);
  if (number >= INT32_MIN && number <= INT32_MAX) return write_tagged(writer, 0xd2, (uint64_t)number, 4);
  return write_tagged(writer, 0xd3, (uint64_t)number, 8);
}

int gs_write_list_header(gs_writer *writer, size_t count) {
  if (count < 16) return write_tag(writer, (uint8_t)(0x90 | count));
  if (count <= UINT16_MAX) return write_tagged(writer, 0xdc, count, 2);
  return write_tagged(writer, 0xdd, count, 4);
}

static int write_map_header(gs_writer *writer, size_t count) {
  if (count < 16) return write_tag(writer, (uint8_t)(0x80 | count));
  if (count <= UINT16_MAX) return write_tagged(writer, 0xde, count, 2);
  return write_tagged(writer, 0xdf, count, 4);
}

static int write_text(gs_writer *writer, const char *text, size_t length) {
  int status;
  if (length < 32) {
    status = write_tag(writer, (uint8_t)(0xa0 | length));
  } else if (length <= UINT8_MAX) {
    status = write_tagged(writer, 0xd9, length, 1);
  } else if (length <= UINT16_MAX) {
    status = write_tagged(writer, 0xda, length, 2);
  } else {
    status = write_tagged(writer, 0xdb, length, 4);
  }
  return status < 0 ? -1 : gs_write(writer, text, length);
}

/* The path of a place as Python would write it (items[3].url), and the function. */
static PyObject *path_of(const gs_place *place, PyObject **function) {
  if (place == NULL) return PyUnicode_FromString("");
  if (place->at == GS_AT_FUNCTION) {
    *function = place->name;
    return PyUnicode_FromString("");
  }
  PyObject *outer = path_of(place->outer, function);
  if (outer == NULL) return NULL;
  PyObject *path;
  if (place->at == GS_AT_INDEX) {
    path = PyUnicode_FromFormat("%U[%zd]", outer, place->index);
  } else if (place->at == GS_AT_KEY) {
    path = PyUnicode_FromFormat("%U[%S]", outer, place->name);
  } else {
    path = PyUnicode_FromFormat(PyUnicode_GetLength(outer) == 0 ? "%U%U" : "%U.%U", outer, place->name);
  }
  Py_DECREF(outer);
  return path;
}

void gs_raise(PyObject *exception) {
  if (exception == NULL) return;
  PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
  Py_DECREF(exception);
}

/* Raises what the hook makes of a value that does not fit. Takes the reason over. */
static int refuse(const gs_place *place, int wrong_type, PyObject *reason) {
  PyObject *function = Py_None;
  PyObject *path = reason == NULL ? NULL : path_of(place, &function);
  PyObject *exception = NULL;
  if (path != NULL) {
    exception = PyObject_CallFunction(gs_hook.refuse, "OOiO", function, path, wrong_type, reason);
  }
  Py_XDECREF(path);
  Py_XDECREF(reason);
  gs_raise(exception);
  return -1;
}

static int write_bytes(gs_writer *writer, const gs_place *place, const void *data, size_t length) {
  int status;
  if (length > UINT32_MAX) return refuse(place, 0, PyUnicode_FromString("the bytes are longer than 4 GiB"));
  if (length <= UINT8_MAX) {
    status = write_tagged(writer, 0xc4, length, 1);
  } else if (length <= UINT16_MAX) {
    status = write_tagged(writer, 0xc5, length, 2);
  } else {
    status = write_tagged(writer, 0xc6, length, 4);
  }
  return status < 0 ? -1 : gs_write(writer, data, length);
}

/* Gives the name of a value's type: nearly always a str, but a metaclass may give anything. */
static PyObject *type_name(PyObject *value) {
  return PyObject_GetAttrString((PyObject *)Py_TYPE(value), "__name__");
}

int gs_wrong_type(const gs_place *place, const char *expected, PyObject *value) {
  PyObject *got = type_name(value);
  PyObject *reason = got == NULL ? NULL : PyUnicode_FromFormat("expected %s, got %S", expected, got);
  Py_XDECREF(got);
  return refuse(place, 1, reason);
}

/* Turns the TypeError or ValueError that is set into a refusal with the place;
   anything else, an error of the user's own __index__ say, stays as it is. */
static int refuse_raised(const gs_place *place) {
  int is_type = PyErr_ExceptionMatches(PyExc_TypeError);
  if (!is_type && !PyErr_ExceptionMatches(PyExc_ValueError) && !PyErr_ExceptionMatches(PyExc_OverflowError) &&
      !PyErr_ExceptionMatches(PyExc_BufferError)) {
    return -1;
  }
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  PyObject *reason = PyObject_Str(value);
  Py_XDECREF(type);
  Py_XDECREF(value);
  Py_XDECREF(traceback);
  return refuse(place, is_type, reason);
}

static int out_of_range(const gs_place *place, gs_schema *schema, PyObject *value) {
  const char *kind = schema->kind == GS_UINT ? "uint" : schema->kind == GS_INT ? "int" : "float";
  PyObject *text = PyObject_Str(value);
  if (text == NULL) { /* thousands of digits, which Python does not print */
    if (!PyErr_ExceptionMatches(PyExc_ValueError)) return -1;
    PyErr_Clear();
    text = PyUnicode_FromString("so large a number");
  }
  PyObject *reason =
      text == NULL ? NULL : PyUnicode_FromFormat("%U is out of range for a %d-bit %s", text, schema->bits, kind);
  Py_XDECREF(text);
  return refuse(place, 0, reason);
}

static int fits(int64_t number, int bits) {
  return bits == 64 || number == (int64_t)((uint64_t)number << (64 - bits)) >> (64 - bits);
}

static int encode_signed(gs_writer *writer, gs_schema *schema, PyObject *value, const gs_place *place) {
  int overflow;
  int64_t number = PyLong_AsLongLongAndOverflow(value, &overflow);
  if (number == -1 && PyErr_Occurred()) return -1;
  if (overflow != 0 || !fits(number, schema->bits)) return out_of_range(place, schema, value);
  return write_signed(writer, number);
}

static int encode_unsigned(gs_writer *writer, gs_schema *schema, PyObject *value, const gs_place *place) {
  uint64_t number = PyLong_AsUnsignedLongLong(value);
  if (number == UINT64_MAX && PyErr_Occurred()) {
    if (!PyErr_ExceptionMatches(PyExc_OverflowError)) return -1;
    PyErr_Clear();
    return out_of_range(place, schema, value);
  }
  if (schema->bits < 64 && number >> schema->bits != 0) return out_of_range(place, schema, value);
  return write_unsigned(writer, number);
}

/* Encodes an int, or what can stand for one (__index__: the integers of numpy). */
static int encode_int(gs_writer *writer, gs_schema *schema, PyObject *value, const gs_place *place) {
  int (*encode)(gs_writer *, gs_schema *, PyObject *, const gs_place *) =
      schema->kind == GS_INT ? encode_signed : encode_unsigned;
  if (PyLong_CheckExact(value)) return encode(writer, schema, value, place);
  if (PyBool_Check(value) || !PyIndex_Check(value)) return gs_wrong_type(place, "int", value);
  PyObject *number = PyNumber_Index(value);
  if (number == NULL) return refuse_raised(place);
  int status = encode(writer, schema, number, place);
  Py_DECREF(number);
  return status;
}

static int encode_float(gs_writer *writer, gs_schema *schema, PyObject *value, const gs_place *place) {
  double number;
  if (PyFloat_Check(value) || (PyLong_Check(value) && !PyBool_Check(value))) {
    number = PyFloat_AsDouble(value);
    if (number == -1.0 && PyErr_Occurred()) {
      if (!PyErr_ExceptionMatches(PyExc_OverflowError)) return -1;
      PyErr_Clear();
      return refuse(place, 0, PyUnicode_FromString("the int is too large for a float"));
    }
  } else {
    return gs_wrong_type(place, "float", value);
  }
  if (schema->bits == 32 && number - number == 0 && (number > 3.4028234663852886e38 || number < -3.4028234663852886e38)) {
    return out_of_range(place, schema, value);
  }
  uint64_t bits;
  memcpy(&bits, &number, sizeof bits);
  return write_tagged(writer, 0xcb, bits, 8);
}

static int encode_str(gs_writer *writer, PyObject *value, const gs_place *place) {
  if (!PyUnicode_Check(value)) return gs_wrong_type(place, "str", value);
  Py_ssize_t length;
  const char *text = PyUnicode_AsUTF8AndSize(value, &length);
  if (text == NULL) return refuse_raised(place);
  if ((uint64_t)length > UINT32_MAX) return refuse(place, 0, PyUnicode_FromString("the text is longer than 4 GiB"));
  return write_text(writer, text, (size_t)length);
}

/* Encodes a path: text, or the bytes of a name that is not UTF-8. */
static int encode_path(gs_writer *writer, PyObject *value, const gs_place *place) {
  PyObject *path = PyOS_FSPath(value);
  if (path == NULL) {
    if (!PyErr_ExceptionMatches(PyExc_TypeError)) return -1;
    PyErr_Clear();
    return gs_wrong_type(place, "str or os.PathLike", value);
  }
  /* What a fake is given, or is to give, is whole and touches nothing. */
  if (gs_hook.touch != NULL && (!writer->whole || writer->is_answer)) {
    PyObject *hook = gs_hook.touch;
    Py_INCREF(hook); /* another thread may take it out meanwhile */
    PyObject *allowed = PyObject_CallFunctionObjArgs(hook, path, NULL);
    Py_DECREF(hook);
    Py_XDECREF(allowed);
    if (allowed == NULL) {
      Py_DECREF(path);
      return -1;
    }
  }
  PyObject *name = NULL;
  int status = -1;
  const char *text = NULL;
  Py_ssize_t length;
  if (PyUnicode_Check(path)) {
    text = PyUnicode_AsUTF8AndSize(path, &length);
    if (text == NULL) PyErr_Clear();
  }
  if (text != NULL) {
    status = write_text(writer, text, (size_t)length);
  } else if (!PyUnicode_FSConverter(path, &name)) {
    status = refuse_raised(place);
  } else {
    char *bytes;
    status = PyBytes_AsStringAndSize(name, &bytes, &length);
    if (status == 0) status = write_bytes(writer, place, bytes, (size_t)length);
    Py_DECREF(name);
  }
  Py_DECREF(path);
  return status;
}

/* Writes that the value is what was lent last. */
static int write_reference(gs_writer *writer) {
  uint8_t *at = claim(writer, 6);
  if (at == NULL) return -1;
  at[0] = 0xd6; /* an extension of 4 bytes */
  at[1] = BUFFER_EXTENSION;
  put(at + 2, (uint64_t)writer->loan.count - 1, 4);
  return 0;
}

/* Copies what was lent last into the frame instead. */
static int write_last_lent(gs_writer *writer, const gs_place *place) {
  Py_buffer *lent = gs_last_lent(&writer->loan);
  int status = write_bytes(writer, place, lent->buf, (size_t)lent->len);
  gs_take_last_back(&writer->loan);
  return status;
}

/* Refuses memory whose items cannot be described, for the reason that is raised. */
static int refuse_items(const gs_place *place, PyObject *raised, const char *wanted) {
  return refuse(place, 0, PyUnicode_FromFormat("%S; pass it as %s, as numpy's .view('%s') or .astype('%s') does", raised,
                                               wanted, wanted, wanted));
}

/* Says why an object did not give its memory as it was asked to, for which an
   exception is set; what is no buffer at all is not handled here. The items are
   named if they matter, else NULL. */
static int refuse_memory(const gs_place *place, PyObject *value, int flags, const char *wanted) {
  if (!PyErr_ExceptionMatches(PyExc_BufferError) && !PyErr_ExceptionMatches(PyExc_ValueError)) return -1;
  PyObject *type, *raised, *traceback;
  PyErr_Fetch(&type, &raised, &traceback);
  Py_buffer any;
  if (PyObject_GetBuffer(value, &any, PyBUF_FULL_RO) < 0) {
    PyErr_Clear();
    if (wanted != NULL && PyObject_GetBuffer(value, &any, PyBUF_SIMPLE) == 0) {
      PyBuffer_Release(&any);
      PyErr_NormalizeException(&type, &raised, &traceback);
      int status = refuse_items(place, raised, wanted);
      Py_XDECREF(type);
      Py_XDECREF(raised);
      Py_XDECREF(traceback);
      return status;
    }
    PyErr_Clear();
    PyErr_Restore(type, raised, traceback); /* it is closed, say */
    return refuse_raised(place);
  }
  const char *reason = "the memory is not contiguous; pass a contiguous copy, as bytes(...) or numpy.ascontiguousarray(...) makes one";
  if ((flags & PyBUF_WRITABLE) != 0 && any.readonly) {
    reason = "the function writes to this memory, and it is read-only; pass a bytearray, an array.array or a "
             "writable numpy array, as .copy() makes one";
  }
  PyBuffer_Release(&any);
  Py_XDECREF(type);
  Py_XDECREF(raised);
  Py_XDECREF(traceback);
  return refuse(place, 0, PyUnicode_FromString(reason));
}

/* Refuses what was lent last. */
static int refuse_last_lent(gs_writer *writer, const gs_place *place, int wrong_type, PyObject *reason) {
  gs_take_last_back(&writer->loan);
  return refuse(place, wrong_type, reason);
}

/* Encodes a buffer of items, which is always lent: Go finds it aligned there. */
static int encode_buffer(gs_writer *writer, gs_schema *schema, PyObject *value, const gs_place *place) {
  int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (schema->kind == GS_MUTABLE ? PyBUF_WRITABLE : 0);
  char wanted[GS_ITEM_NAME], found[GS_ITEMS_NAME];
  if (gs_lend(&writer->loan, value, flags) < 0) {
    gs_item_name(schema->element, wanted);
    if (!PyErr_ExceptionMatches(PyExc_TypeError)) return refuse_memory(place, value, flags, wanted);
    PyErr_Clear();
    PyObject *got = type_name(value);
    PyObject *reason = got == NULL ? NULL
                                   : PyUnicode_FromFormat("expected a buffer of %s, as numpy.array(..., '%s') or "
                                                          "array.array('%c', ...) makes one, got %S",
                                                          wanted, wanted, (int)gs_item_format(schema->element), got);
    Py_XDECREF(got);
    return refuse(place, 1, reason);
  }
  Py_buffer *lent = gs_last_lent(&writer->loan);
  int size = gs_item_size(schema->element);
  /* b"" is empty whatever its items would be: a default. */
  int is_nothing = lent->len == 0 && PyBytes_CheckExact(value);
  if (!is_nothing && !gs_items_fit(lent, schema->element)) {
    gs_item_name(schema->element, wanted);
    gs_items_name(lent, found);
    return refuse_last_lent(writer, place, 1,
                            PyUnicode_FromFormat("expected a buffer of %s, got %s; convert it, as numpy's "
                                                 ".astype('%s') does",
                                                 wanted, found, wanted));
  }
  if (lent->len > 0 && (uintptr_t)lent->buf % (uintptr_t)size != 0) {
    gs_item_name(schema->element, wanted);
    return refuse_last_lent(writer, place, 0,
                            PyUnicode_FromFormat("the memory is not aligned to %d bytes, the size of a %s; pass a copy, "
                                                 "as numpy's .copy() makes one",
                                                 size, wanted));
  }
  return writer->whole ? write_last_lent(writer, place) : write_reference(writer);
}

static int encode_bytes(gs_writer *writer, PyObject *value, const gs_place *place) {
  char *bytes;
  Py_ssize_t length;
  if (PyBytes_CheckExact(value)) {
    if (PyBytes_AsStringAndSize(value, &bytes, &length) < 0) return -1;
    if (length < BESIDE_FROM || writer->whole) return write_bytes(writer, place, bytes, (size_t)length);
  }
  if (gs_lend(&writer->loan, value, PyBUF_SIMPLE) < 0) {
    if (!PyErr_ExceptionMatches(PyExc_TypeError)) return refuse_memory(place, value, PyBUF_SIMPLE, NULL);
    PyErr_Clear();
    return gs_wrong_type(place, "bytes, bytearray or memoryview", value);
  }
  if (gs_last_lent(&writer->loan)->len < BESIDE_FROM || writer->whole) return write_last_lent(writer, place);
  return write_reference(writer);
}

static int is_mapping(PyObject *value) {
  return PyDict_Check(value) || (!PyList_Check(value) && !PyTuple_Check(value) && PyObject_HasAttrString(value, "keys"));
}

/* Encodes items of a list that are plain ints, from the first on; gives how many
   there were before something else came, or -1. */
static Py_ssize_t encode_plain_ints(gs_writer *writer, gs_schema *schema, PyObject *list, int is_tuple,
                                    Py_ssize_t count) {
  Py_ssize_t i = 0;
  while (i < count) {
    PyObject *item = is_tuple ? PyTuple_GetItem(list, i) : PyList_GetItem(list, i);
    if (item == NULL) PyErr_Clear();
    if (item == NULL || !PyLong_CheckExact(item)) break;
    int overflow;
    int64_t number = PyLong_AsLongLongAndOverflow(item, &overflow);
    if (overflow != 0 || !fits(number, schema->bits)) break;
    if (number >= 0 && number < 0x80 && writer->room > writer->length) {
      writer->data[writer->length++] = (uint8_t)number;
    } else if (write_signed(writer, number) < 0) {
      return -1;
    }
    i++;
  }
  return i;
}

/* Encodes a list; any iterable but text, bytes and mappings will do. */
static int encode_list(gs_writer *writer, gs_schema *schema, PyObject *value, const gs_place *place) {
  PyObject *list;
  if (PyTuple_CheckExact(value) || PyList_CheckExact(value)) {
    Py_INCREF(value);
    list = value;
  } else {
    PyObject *iterator = NULL;
    if (!PyUnicode_Check(value) && !PyBytes_Check(value) && !PyByteArray_Check(value) && !is_mapping(value)) {
      iterator = PyObject_GetIter(value);
      if (iterator == NULL && !PyErr_ExceptionMatches(PyExc_TypeError)) return -1;
      PyErr_Clear();
    }
    if (iterator == NULL) return gs_wrong_type(place, "a list", value);
    list = PySequence_List(iterator);
    Py_DECREF(iterator);
    if (list == NULL) return -1;
  }
  int is_tuple = PyTuple_Check(list);
  Py_ssize_t count = is_tuple ? PyTuple_Size(list) : PyList_Size(list);
  int status = (uint64_t)count > UINT32_MAX ? refuse(place, 0, PyUnicode_FromString("the list is too long"))
                                            : gs_write_list_header(writer, (size_t)count);
  Py_ssize_t i = 0;
  if (status == 0 && schema->element->kind == GS_INT) {
    i = encode_plain_ints(writer, schema->element, list, is_tuple, count);
    if (i < 0) status = -1;
  }
  for (; i < count && status == 0; i++) {
    /* A conversion of an item may run Python code, which may change the list. */
    PyObject *item = is_tuple ? PyTuple_GetItem(list, i) : PyList_GetItem(list, i);
    if (item == NULL) {
      PyErr_Clear();
      status = refuse(place, 0, PyUnicode_FromString("the list became shorter while it was read"));
      break;
    }
    gs_place at = {.outer = place, .index = i, .at = GS_AT_INDEX};
    Py_INCREF(item);
    status = gs_encode(writer, schema->element, item, &at);
    Py_DECREF(item);
  }
  Py_DECREF(list);
  return status;
}

static int encode_map(gs_writer *writer, gs_schema *schema, PyObject *value, const gs_place *place) {
  if (!is_mapping(value)) return gs_wrong_type(place, "a dict", value);
  PyObject *dict = value, *items;
  Py_INCREF(dict);
  if (!PyDict_Check(value)) {
    Py_DECREF(dict);
    dict = PyDict_New();
    if (dict == NULL) return -1;
    if (PyDict_Update(dict, value) < 0) {
      Py_DECREF(dict);
      return refuse_raised(place);
    }
  }
  items = PyDict_Items(dict);
  Py_DECREF(dict);
  if (items == NULL) return -1;
  Py_ssize_t count = PyList_Size(items);
  int status = write_map_header(writer, (size_t)count);
  for (Py_ssize_t i = 0; i < count && status == 0; i++) {
    PyObject *key, *item;
    if (!PyArg_ParseTuple(PyList_GetItem(items, i), "OO", &key, &item)) {
      status = -1;
      break;
    }
    gs_place at = {.outer = place, .name = key, .at = GS_AT_KEY};
    if (!PyUnicode_Check(key)) {
      PyObject *got = type_name(key);
      status = refuse(place, 1, got == NULL ? NULL : PyUnicode_FromFormat("expected str keys, got %S", got));
      Py_XDECREF(got);
    } else {
      status = encode_str(writer, key, &at);
      if (status == 0) status = gs_encode(writer, schema->element, item, &at);
    }
  }
  Py_DECREF(items);
  return status;
}

static int encode_fields(gs_writer *writer, gs_schema *schema, PyObject *record, const gs_place *place) {
  Py_ssize_t count = PyTuple_Size(schema->fields);
  int has_slots = schema->slots != NULL && (PyObject *)Py_TYPE(record) == schema->type;
  if (gs_write_list_header(writer, (size_t)count) < 0) return -1;
  for (Py_ssize_t i = 0; i < count; i++) {
    PyObject *name = PyTuple_GetItem(schema->names, i);
    PyObject *item = has_slots ? gs_get_slot(PyTuple_GetItem(schema->slots, i), record)
                               : PyObject_GetAttr(record, name);
    gs_place at = {.outer = place, .name = name, .at = GS_AT_NAME};
    if (item == NULL) {
      if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return -1;
      PyErr_Clear();
      return refuse(&at, 1, PyUnicode_FromString("the field is not set"));
    }
    int status = gs_encode(writer, (gs_schema *)PyTuple_GetItem(schema->fields, i), item, &at);
    Py_DECREF(item);
    if (status < 0) return -1;
  }
  return 0;
}

/* Tells whether values of a class have fields, as those of dataclasses, attrs, pydantic and msgspec do. */
static int has_fields(PyTypeObject *type) {
  static const char *const marks[] = {"__dataclass_fields__", "__attrs_attrs__", "__pydantic_fields__",
                                      "__pydantic_core_schema__", "__struct_fields__"};
  for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
    if (PyObject_HasAttrString((PyObject *)type, marks[i])) return 1;
  }
  return 0;
}

/* Puts into a dict the fields that a value has as attributes, or says why it does not fit. */
static int take_attributes(gs_schema *schema, PyObject *value, PyObject *named, PyObject **reason) {
  PyObject *found = PyObject_CallMethod(schema->type, "_of_object", "O", value);
  if (found != NULL && PyUnicode_Check(found)) {
    *reason = found;
    return 0;
  }
  int status = found == NULL ? -1 : PyDict_Update(named, found);
  Py_XDECREF(found);
  return status;
}

/* Encodes an instance of the record's class, a mapping of its fields, or what has them as attributes. */
static int encode_record(gs_writer *writer, gs_schema *schema, PyObject *value, const gs_place *place) {
  if (PyObject_TypeCheck(value, (PyTypeObject *)schema->type)) return encode_fields(writer, schema, value, place);
  int is_object = !PyDict_Check(value) && has_fields(Py_TYPE(value)) &&
                  PyObject_HasAttrString(schema->type, "_of_object");
  if (!is_object && !is_mapping(value)) {
    PyObject *got = type_name(value);
    PyObject *name = PyObject_GetAttrString(schema->type, "__name__");
    PyObject *reason = NULL;
    if (got != NULL && name != NULL) {
      reason = PyUnicode_FromFormat("expected %S or a dict of its fields, got %S", name, got);
    }
    Py_XDECREF(got);
    Py_XDECREF(name);
    return refuse(place, 1, reason);
  }
  PyObject *nothing = PyTuple_New(0), *named = PyDict_New();
  PyObject *record = NULL, *misfit = NULL;
  int taken = nothing == NULL || named == NULL ? -1
              : is_object                      ? take_attributes(schema, value, named, &misfit)
                                               : PyDict_Update(named, value);
  if (taken == 0 && misfit == NULL) record = PyObject_Call(schema->type, nothing, named);
  if (taken == 0 && misfit == NULL && record == NULL && PyErr_ExceptionMatches(PyExc_TypeError) &&
      PyObject_HasAttrString(schema->type, "_misfit")) {
    PyErr_Clear();
    misfit = PyObject_CallMethod(schema->type, "_misfit", "O", named);
    if (misfit == NULL) taken = -1;
  }
  Py_XDECREF(nothing);
  Py_XDECREF(named);
  if (misfit != NULL) return refuse(place, 1, misfit);
  if (taken < 0 && is_object) return -1; /* what the value's own properties raise */
  if (record == NULL) return refuse_raised(place);
  int status = encode_fields(writer, schema, record, place);
  Py_DECREF(record);
  return status;
}

static int encode_converted(gs_writer *writer, gs_schema *schema, PyObject *value, const gs_place *place) {
  PyObject *lowered = PyObject_CallFunctionObjArgs(schema->lower, value, NULL);
  if (lowered == NULL) return refuse_raised(place);
  int status = gs_encode(writer, schema->element, lowered, place);
  Py_DECREF(lowered);
  return status;
}

static int encode_any(gs_writer *writer, PyObject *value, const gs_place *place);

static int encode_any_list(gs_writer *writer, PyObject *value, const gs_place *place) {
  PyObject *list = PySequence_List(value); /* nobody changes it meanwhile */
  Py_ssize_t count = list == NULL ? 0 : PyList_Size(list);
  int status = list == NULL ? -1 : gs_write_list_header(writer, (size_t)count);
  for (Py_ssize_t i = 0; i < count && status == 0; i++) {
    gs_place at = {.outer = place, .index = i, .at = GS_AT_INDEX};
    status = encode_any(writer, PyList_GetItem(list, i), &at);
  }
  Py_XDECREF(list);
  return status;
}

static int encode_any_map(gs_writer *writer, PyObject *value, const gs_place *place) {
  PyObject *items = PyDict_Items(value);
  Py_ssize_t count = items == NULL ? 0 : PyList_Size(items);
  int status = items == NULL ? -1 : write_map_header(writer, (size_t)count);
  for (Py_ssize_t i = 0; i < count && status == 0; i++) {
    PyObject *key = PyTuple_GetItem(PyList_GetItem(items, i), 0);
    gs_place at = {.outer = place, .name = key, .at = GS_AT_KEY};
    status = encode_any(writer, key, &at);
    if (status == 0) status = encode_any(writer, PyTuple_GetItem(PyList_GetItem(items, i), 1), &at);
  }
  Py_XDECREF(items);
  return status;
}

/* Encodes a value as what it is. */
static int encode_any(gs_writer *writer, PyObject *value, const gs_place *place) {
  if (value == Py_None) return write_tag(writer, 0xc0);
  if (PyBool_Check(value)) return write_tag(writer, value == Py_True ? 0xc3 : 0xc2);
  if (PyUnicode_Check(value)) return encode_str(writer, value, place);
  if (PyLong_Check(value)) {
    int overflow;
    int64_t number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow == 0) return number == -1 && PyErr_Occurred() ? -1 : write_signed(writer, number);
    uint64_t large = PyLong_AsUnsignedLongLong(value);
    return large == UINT64_MAX && PyErr_Occurred() ? refuse_raised(place) : write_unsigned(writer, large);
  }
  if (PyFloat_Check(value)) {
    double number = PyFloat_AsDouble(value);
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return write_tagged(writer, 0xcb, bits, 8);
  }
  if (PyBytes_Check(value)) {
    return write_bytes(writer, place, PyBytes_AsString(value), (size_t)PyBytes_Size(value));
  }
  int is_list = PyList_Check(value) || PyTuple_Check(value);
  if (!is_list && !PyDict_Check(value)) return gs_wrong_type(place, "a plain value", value);
  if (Py_EnterRecursiveCall(" while a value is encoded")) return -1;
  int status = is_list ? encode_any_list(writer, value, place) : encode_any_map(writer, value, place);
  Py_LeaveRecursiveCall();
  return status;
}

/* Writes a table that a test has made: Python gives Go none. */
static int encode_table(gs_writer *writer, gs_schema *schema, PyObject *value, const gs_place *place) {
  PyObject *frame = PyObject_CallFunctionObjArgs(schema->lower, value, NULL);
  if (frame == NULL) return refuse_raised(place);
  char *bytes;
  Py_ssize_t length;
  int status = PyBytes_AsStringAndSize(frame, &bytes, &length);
  if (status == 0) status = gs_write(writer, bytes, (size_t)length);
  Py_DECREF(frame);
  return status;
}

int gs_encode(gs_writer *writer, gs_schema *schema, PyObject *value, const gs_place *place) {
  switch (schema->kind) {
    case GS_NONE:
      /* Whatever a callable returns will do where nothing is asked for. */
      if (value != Py_None && place != NULL) return gs_wrong_type(place, "None", value);
      return gs_write_list_header(writer, 0);
    case GS_BOOL:
      if (!PyBool_Check(value)) return gs_wrong_type(place, "bool", value);
      return write_tag(writer, value == Py_True ? 0xc3 : 0xc2);
    case GS_INT:
    case GS_UINT:
      return encode_int(writer, schema, value, place);
    case GS_FLOAT:
      return encode_float(writer, schema, value, place);
    case GS_STR:
      return encode_str(writer, value, place);
    case GS_PATH:
      return encode_path(writer, value, place);
    case GS_BYTES:
      return encode_bytes(writer, value, place);
    case GS_LIST:
      return encode_list(writer, schema, value, place);
    case GS_MAP:
      return encode_map(writer, schema, value, place);
    case GS_RECORD:
      return encode_record(writer, schema, value, place);
    case GS_OPTIONAL:
      if (value == Py_None) return write_tag(writer, 0xc0);
      return gs_encode(writer, schema->element, value, place);
    case GS_CONVERTED:
      return encode_converted(writer, schema, value, place);
    case GS_BUFFER:
    case GS_MUTABLE:
      return encode_buffer(writer, schema, value, place);
    case GS_ANY:
      return encode_any(writer, value, place);
    case GS_TABLE:
      return encode_table(writer, schema, value, place);
  }
  Py_UNREACHABLE();
}
