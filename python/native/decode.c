/* Frames to Python values. Twin of gocore/codec/ops.go, which wrote them. */

#include "bridge.h"

#include <string.h>

typedef gs_reader reader;

/* Raises that the frame is not what the contract promised. */
PyObject *gs_damaged(const char *expected, reader *in) {
  PyObject *reason = in->at < in->end
                         ? PyUnicode_FromFormat("expected %s, got the tag 0x%x", expected, (int)*in->at)
                         : PyUnicode_FromFormat("expected %s, but the frame ends", expected);
  PyObject *exception = reason == NULL ? NULL : PyObject_CallFunctionObjArgs(gs_hook.damaged, reason, NULL);
  Py_XDECREF(reason);
  gs_raise(exception);
  return NULL;
}

/* Takes a tag and a big-endian number of so many bytes; the caller has seen the tag. */
static int take_number(reader *in, int size, uint64_t *number) {
  if (in->end - in->at < 1 + size) return -1;
  uint64_t value = 0;
  for (int i = 1; i <= size; i++) value = value << 8 | in->at[i];
  in->at += 1 + size;
  *number = value;
  return 0;
}

/* Reads the length after a tag: of the short form, or of 1, 2 or 4 bytes. */
static int take_length(reader *in, uint8_t short_tag, uint8_t short_mask, uint8_t first, int first_size,
                       uint64_t *length) {
  if (in->at >= in->end) return -1;
  uint8_t tag = *in->at;
  if (short_mask != 0 && (tag & ~short_mask) == short_tag) {
    *length = tag & short_mask;
    in->at++;
    return 0;
  }
  for (int size = first_size; size <= 4; size *= 2, first++) {
    if (tag == first) return take_number(in, size, length);
  }
  return -1;
}

static int take_list_header(reader *in, uint64_t *count) {
  /* Each item takes a byte at least. */
  return take_length(in, 0x90, 0x0f, 0xdc, 2, count) < 0 || *count > (uint64_t)(in->end - in->at) ? -1 : 0;
}

static int take_int(reader *in, int64_t *number, int *is_unsigned) {
  if (in->at >= in->end) return -1;
  uint8_t tag = *in->at;
  uint64_t raw;
  *is_unsigned = 0;
  if (tag < 0x80 || tag >= 0xe0) {
    *number = (int8_t)tag;
    in->at++;
    return 0;
  }
  if (tag >= 0xcc && tag <= 0xcf) {
    if (take_number(in, 1 << (tag - 0xcc), &raw) < 0) return -1;
    *is_unsigned = tag == 0xcf;
    *number = (int64_t)raw;
    return 0;
  }
  if (tag < 0xd0 || tag > 0xd3) return -1;
  int size = 1 << (tag - 0xd0);
  if (take_number(in, size, &raw) < 0) return -1;
  int shift = 64 - 8 * size;
  *number = (int64_t)(raw << shift) >> shift;
  return 0;
}

static PyObject *decode_int(reader *in) {
  int64_t number;
  int is_unsigned;
  if (take_int(in, &number, &is_unsigned) < 0) return gs_damaged("int", in);
  if (is_unsigned) return PyLong_FromUnsignedLongLong((uint64_t)number);
  return PyLong_FromLongLong(number);
}

static PyObject *decode_float(reader *in) {
  uint64_t raw;
  if (in->at < in->end && *in->at == 0xcb && take_number(in, 8, &raw) == 0) {
    double number;
    memcpy(&number, &raw, sizeof number);
    return PyFloat_FromDouble(number);
  }
  int64_t number;
  int is_unsigned;
  if (take_int(in, &number, &is_unsigned) < 0) return gs_damaged("float", in);
  return PyFloat_FromDouble(is_unsigned ? (double)(uint64_t)number : (double)number);
}

static PyObject *decode_str(reader *in) {
  uint64_t length;
  if (take_length(in, 0xa0, 0x1f, 0xd9, 1, &length) < 0 || length > (uint64_t)(in->end - in->at)) {
    return gs_damaged("str", in);
  }
  const char *text = (const char *)in->at;
  in->at += length;
  return PyUnicode_DecodeUTF8(text, (Py_ssize_t)length, "replace");
}

static int take_bytes(reader *in, const uint8_t **data, uint64_t *length) {
  if (take_length(in, 0, 0, 0xc4, 1, length) < 0 || *length > (uint64_t)(in->end - in->at)) return -1;
  *data = in->at;
  in->at += *length;
  return 0;
}

static PyObject *decode_bytes(reader *in) {
  const uint8_t *data;
  uint64_t length;
  if (take_bytes(in, &data, &length) < 0) return gs_damaged("bytes", in);
  return PyBytes_FromStringAndSize((const char *)data, (Py_ssize_t)length);
}

/* Decodes a path: text, or the bytes of a name that is not UTF-8, as os.fsdecode does. */
static PyObject *decode_path(reader *in) {
  const uint8_t *data;
  uint64_t length;
  if (in->at >= in->end || *in->at < 0xc4 || *in->at > 0xc6) return decode_str(in);
  if (take_bytes(in, &data, &length) < 0) return gs_damaged("a path", in);
  return PyUnicode_DecodeFSDefaultAndSize((const char *)data, (Py_ssize_t)length);
}

int gs_read_list_header(reader *in, uint64_t *count) { return take_list_header(in, count); }

int gs_skip_nil(reader *in) {
  if (in->at >= in->end || *in->at != 0xc0) return 0;
  in->at++;
  return 1;
}

int gs_read_size(reader *in, int64_t *size) {
  int is_unsigned;
  if (take_int(in, size, &is_unsigned) == 0 && *size >= 0) return 0;
  gs_damaged("a size", in);
  return -1;
}

int gs_read_bool(reader *in, int *truth) {
  if (in->at >= in->end || (*in->at != 0xc2 && *in->at != 0xc3)) {
    gs_damaged("bool", in);
    return -1;
  }
  *truth = *in->at++ == 0xc3;
  return 0;
}

char *gs_read_text(reader *in) {
  uint64_t length;
  if (take_length(in, 0xa0, 0x1f, 0xd9, 1, &length) < 0 || length > (uint64_t)(in->end - in->at)) {
    gs_damaged("str", in);
    return NULL;
  }
  char *text = strndup((const char *)in->at, (size_t)length);
  in->at += length;
  if (text == NULL) PyErr_NoMemory();
  return text;
}

/* An extension of 16 bytes, and the type of the one that refers to memory (codec.MemoryExt). */
#define EXTENSION_16 0xd8
#define MEMORY_EXTENSION 2

int gs_read_memory(reader *in, gs_memory **memory, const uint8_t **data, uint64_t *size) {
  if (in->at < in->end && *in->at != EXTENSION_16) {
    uint8_t *copy;
    if (take_bytes(in, data, size) < 0) {
      gs_damaged("a buffer", in);
      return -1;
    }
    *memory = gs_memory_own((size_t)*size, &copy);
    if (*memory == NULL) return -1;
    memcpy(copy, *data, (size_t)*size);
    *data = copy;
    return 0;
  }
  uint64_t address = 0;
  if (in->end - in->at < 18 || in->at[1] != MEMORY_EXTENSION || !gs_memory_is_of_go(in->memory)) {
    gs_damaged("a buffer", in);
    return -1;
  }
  in->at++;
  take_number(in, 8, &address); /* what it takes for the tag is the type of the extension */
  in->at--;
  take_number(in, 8, size);
  *data = (const uint8_t *)(uintptr_t)address;
  *memory = gs_memory_share(in->memory);
  return 0;
}

static PyObject *decode_buffer(reader *in, gs_schema *schema) {
  gs_memory *memory;
  const uint8_t *data;
  uint64_t size;
  if (gs_read_memory(in, &memory, &data, &size) < 0) return NULL;
  int stride = gs_item_size(schema->element);
  PyObject *view = size % (uint64_t)stride == 0 && size <= PY_SSIZE_T_MAX
                       ? gs_view(memory, data, size, gs_item_format(schema->element), stride)
                       : gs_damaged("whole items", in);
  gs_memory_drop(memory);
  return view;
}

/* Containers are not tracked while they are filled: what fills them may run
   Python code, and whoever asks the collector for all objects there (memory
   profilers do) must not see one with holes, nor hold a reference to it. */

static PyObject *decode(reader *in, gs_schema *schema);

static PyObject *decode_list(reader *in, gs_schema *schema) {
  uint64_t count;
  if (take_list_header(in, &count) < 0) return gs_damaged("list", in);
  PyObject *list = PyList_New((Py_ssize_t)count);
  if (list == NULL) return NULL;
  PyObject_GC_UnTrack(list);
  for (uint64_t i = 0; i < count; i++) {
    PyObject *item = decode(in, schema->element);
    if (item == NULL || PyList_SetItem(list, (Py_ssize_t)i, item) < 0) {
      Py_DECREF(list);
      return NULL;
    }
  }
  PyObject_GC_Track(list);
  return list;
}

static PyObject *decode_map(reader *in, gs_schema *schema) {
  uint64_t count;
  if (take_length(in, 0x80, 0x0f, 0xde, 2, &count) < 0) return gs_damaged("dict", in);
  PyObject *dict = PyDict_New();
  for (uint64_t i = 0; dict != NULL && i < count; i++) {
    PyObject *key = decode_str(in);
    PyObject *item = key == NULL ? NULL : decode(in, schema->element);
    if (item == NULL || PyDict_SetItem(dict, key, item) < 0) Py_CLEAR(dict);
    Py_XDECREF(key);
    Py_XDECREF(item);
  }
  return dict;
}

/* Makes a record without its __init__, whose fields nobody sees before it has them all. */
static PyObject *decode_into_slots(reader *in, gs_schema *schema, Py_ssize_t count) {
  PyObject *record = PyType_GenericAlloc((PyTypeObject *)schema->type, 0);
  if (record == NULL) return NULL;
  int is_tracked = PyObject_GC_IsTracked(record); /* not one without fields */
  if (is_tracked) PyObject_GC_UnTrack(record);
  for (Py_ssize_t i = 0; i < count; i++) {
    PyObject *item = decode(in, (gs_schema *)PyTuple_GetItem(schema->fields, i));
    int status = item == NULL ? -1 : gs_set_slot(PyTuple_GetItem(schema->slots, i), record, item);
    Py_XDECREF(item);
    if (status < 0) {
      Py_DECREF(record);
      return NULL;
    }
  }
  if (is_tracked) PyObject_GC_Track(record);
  return record;
}

static PyObject *decode_record(reader *in, gs_schema *schema) {
  uint64_t count;
  Py_ssize_t expected = PyTuple_Size(schema->fields);
  if (take_list_header(in, &count) < 0 || (Py_ssize_t)count != expected) return gs_damaged("a record", in);
  if (schema->slots != NULL) return decode_into_slots(in, schema, expected);
  PyObject *items = PyTuple_New(expected);
  if (items == NULL) return NULL;
  PyObject_GC_UnTrack(items);
  for (Py_ssize_t i = 0; i < expected; i++) {
    PyObject *item = decode(in, (gs_schema *)PyTuple_GetItem(schema->fields, i));
    if (item == NULL || PyTuple_SetItem(items, i, item) < 0) {
      Py_DECREF(items);
      return NULL;
    }
  }
  PyObject *record = PyObject_Call(schema->type, items, NULL);
  Py_DECREF(items);
  return record;
}

static PyObject *decode_any(reader *in);

static PyObject *decode_any_list(reader *in) {
  uint64_t count;
  if (take_list_header(in, &count) < 0 || count > (uint64_t)(in->end - in->at)) return gs_damaged("list", in);
  PyObject *list = PyList_New(0);
  for (uint64_t i = 0; list != NULL && i < count; i++) {
    PyObject *item = decode_any(in);
    if (item == NULL || PyList_Append(list, item) < 0) Py_CLEAR(list);
    Py_XDECREF(item);
  }
  return list;
}

static PyObject *decode_any_map(reader *in) {
  uint64_t count;
  if (take_length(in, 0x80, 0x0f, 0xde, 2, &count) < 0) return gs_damaged("dict", in);
  PyObject *dict = PyDict_New();
  for (uint64_t i = 0; dict != NULL && i < count; i++) {
    PyObject *key = decode_any(in);
    PyObject *item = key == NULL ? NULL : decode_any(in);
    if (item == NULL || PyDict_SetItem(dict, key, item) < 0) Py_CLEAR(dict);
    Py_XDECREF(key);
    Py_XDECREF(item);
  }
  return dict;
}

/* Decodes a value that says itself what it is. */
static PyObject *decode_any(reader *in) {
  uint8_t tag = in->at < in->end ? *in->at : 0xc1; /* which nothing begins with */
  if (tag <= 0x7f || tag >= 0xe0 || (tag >= 0xcc && tag <= 0xd3)) return decode_int(in);
  if ((tag >= 0xa0 && tag <= 0xbf) || (tag >= 0xd9 && tag <= 0xdb)) return decode_str(in);
  if (tag == 0xca || tag == 0xcb) return decode_float(in);
  if (tag >= 0xc4 && tag <= 0xc6) return decode_bytes(in);
  int is_list = (tag >= 0x90 && tag <= 0x9f) || tag == 0xdc || tag == 0xdd;
  int is_map = (tag >= 0x80 && tag <= 0x8f) || tag == 0xde || tag == 0xdf;
  if (is_list || is_map) {
    if (Py_EnterRecursiveCall(" while a value of Go is decoded")) return NULL;
    PyObject *value = is_list ? decode_any_list(in) : decode_any_map(in);
    Py_LeaveRecursiveCall();
    return value;
  }
  PyObject *value = tag == 0xc0 ? Py_None : tag == 0xc2 ? Py_False : tag == 0xc3 ? Py_True : NULL;
  if (value == NULL) return gs_damaged("a value", in);
  in->at++;
  Py_INCREF(value);
  return value;
}

static PyObject *decode_converted(reader *in, gs_schema *schema) {
  PyObject *lowered = decode(in, schema->element);
  if (lowered == NULL) return NULL;
  PyObject *value = PyObject_CallFunctionObjArgs(schema->lift, lowered, NULL);
  Py_DECREF(lowered);
  return value;
}

static PyObject *decode(reader *in, gs_schema *schema) {
  uint64_t count;
  int truth;
  PyObject *value;
  switch (schema->kind) {
    case GS_NONE:
      if (take_list_header(in, &count) < 0 || count != 0) return gs_damaged("nothing", in);
      Py_RETURN_NONE;
    case GS_ANY:
      return decode_any(in);
    case GS_BOOL:
      if (gs_read_bool(in, &truth) < 0) return NULL;
      value = truth ? Py_True : Py_False;
      Py_INCREF(value);
      return value;
    case GS_INT:
    case GS_UINT:
      return decode_int(in);
    case GS_FLOAT:
      return decode_float(in);
    case GS_STR:
      return decode_str(in);
    case GS_PATH:
      return decode_path(in);
    case GS_BYTES:
      return decode_bytes(in);
    case GS_LIST:
      return decode_list(in, schema);
    case GS_MAP:
      return decode_map(in, schema);
    case GS_RECORD:
      return decode_record(in, schema);
    case GS_OPTIONAL:
      if (gs_skip_nil(in)) Py_RETURN_NONE;
      return decode(in, schema->element);
    case GS_CONVERTED:
      return decode_converted(in, schema);
    case GS_BUFFER:
    case GS_MUTABLE:
      return decode_buffer(in, schema);
    case GS_TABLE:
      return gs_decode_table(in);
  }
  Py_UNREACHABLE();
}

PyObject *gs_decode(gs_schema *schema, const uint8_t *data, size_t length, gs_memory *memory) {
  reader in = {data, data + length, memory};
  PyObject *value = decode(&in, schema);
  if (value != NULL && in.at != in.end) {
    Py_DECREF(value);
    return gs_damaged("the end", &in);
  }
  return value;
}

int gs_read_batch(reader *in, uint64_t *count) { return take_list_header(in, count); }

/* Reads a payload: bytes, or where Go memory lies that was too large to copy. */
static int take_payload(reader *in, gs_record *record) {
  if (in->at < in->end && *in->at != 0x93) return take_bytes(in, &record->data, &record->length);
  uint64_t count;
  int64_t address, length, handle;
  int is_unsigned;
  if (take_list_header(in, &count) < 0 || take_int(in, &address, &is_unsigned) < 0 ||
      take_int(in, &length, &is_unsigned) < 0 || take_int(in, &handle, &is_unsigned) < 0) {
    return -1;
  }
  record->data = (const uint8_t *)(uintptr_t)address;
  record->length = (uint64_t)length;
  record->handle = (uint64_t)handle;
  return 0;
}

int gs_read_record(reader *in, gs_record *record) {
  uint64_t fields;
  int64_t kind, token, status;
  int is_unsigned;
  *record = (gs_record){0};
  if (take_list_header(in, &fields) < 0 || fields != 4 || take_int(in, &kind, &is_unsigned) < 0 ||
      take_int(in, &token, &is_unsigned) < 0 || take_int(in, &status, &is_unsigned) < 0 ||
      take_payload(in, record) < 0) {
    gs_damaged("a record", in);
    return -1;
  }
  record->kind = (int)kind;
  record->token = (uint64_t)token;
  record->status = (int)status;
  return 0;
}
