/* Memory of a reply as a Python object: the type Buffer. Twin of gocore/cabi/buffer.go. */

#include "bridge.h"

/* Read-only items of one type, in memory that has other owners too. */
typedef struct {
  PyObject_HEAD
  gs_memory *memory;
  const void *data;
  Py_ssize_t length, stride; /* in items, and of one item in bytes */
  char format[2];
  int is_frame;
} buffer_object;

static PyTypeObject *buffer_type;

/* SAFETY: a memoryview of the object keeps it alive, so Go's memory stays pinned
   as long as any slice of the view exists. */
static int buffer_get(PyObject *self, Py_buffer *view, int flags) {
  buffer_object *buffer = (buffer_object *)self;
  Py_ssize_t size = buffer->length * buffer->stride;
  if (PyBuffer_FillInfo(view, self, (void *)buffer->data, size, 1, flags) < 0) return -1;
  view->itemsize = buffer->stride;
  if (view->format != NULL) view->format = buffer->format;
  if (view->shape != NULL) view->shape = &buffer->length;
  if (view->strides != NULL) view->strides = &buffer->stride;
  return 0;
}

static void buffer_dealloc(PyObject *self) {
  PyTypeObject *type = Py_TYPE(self);
  gs_memory_drop(((buffer_object *)self)->memory);
  freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
  release(self);
  Py_DECREF(type);
}

static PyObject *view_of(gs_memory *memory, const void *data, uint64_t size, char format, int stride, int is_frame) {
  allocfunc allocate = (allocfunc)PyType_GetSlot(buffer_type, Py_tp_alloc);
  buffer_object *buffer = (buffer_object *)allocate(buffer_type, 0);
  if (buffer == NULL) return NULL;
  buffer->memory = gs_memory_share(memory);
  buffer->data = data;
  buffer->length = (Py_ssize_t)(size / (uint64_t)stride);
  buffer->stride = stride;
  buffer->format[0] = format;
  buffer->is_frame = is_frame;
  PyObject *view = PyMemoryView_FromObject((PyObject *)buffer);
  Py_DECREF(buffer);
  return view;
}

PyObject *gs_view(gs_memory *memory, const void *data, uint64_t size, char format, int stride) {
  return view_of(memory, data, size, format, stride, 0);
}

PyObject *gs_view_frame(gs_memory *memory, const void *data, uint64_t size) {
  return view_of(memory, data, size, 'B', 1, 1);
}

PyObject *gs_hold(const uint8_t *data, uint64_t length, uint64_t handle) {
  gs_memory *memory = gs_memory_of_go(handle);
  PyObject *view = memory == NULL ? NULL : gs_view_frame(memory, data, length);
  gs_memory_drop(memory);
  return view;
}

int gs_memory_behind(PyObject *view, const Py_buffer *whole, gs_memory **memory) {
  *memory = NULL;
  if (!PyMemoryView_Check(view)) return 0;
  PyObject *object = PyObject_GetAttrString(view, "obj");
  if (object == NULL) return -1;
  if (PyObject_TypeCheck(object, buffer_type)) {
    buffer_object *buffer = (buffer_object *)object;
    if (buffer->is_frame && whole->buf == buffer->data && whole->len == buffer->length) *memory = buffer->memory;
  }
  Py_DECREF(object); /* the view has it */
  return 0;
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

int gs_add_buffer_type(PyObject *module) {
  buffer_type = (PyTypeObject *)PyType_FromSpec(&buffer_spec);
  return buffer_type == NULL ? -1 : 0;
}
