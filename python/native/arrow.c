/*
 * Tables for libraries that read Arrow: the C data and stream interfaces, in
 * the capsules that Python objects hand them over in.
 *
 * The callbacks run on whatever thread the reader likes, without the GIL, and after
 * everything of Python is gone: they touch C alone.
 */

#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* As https://arrow.apache.org/docs/format/CDataInterface.html has them. */

#define NULLABLE 2

struct ArrowSchema {
  const char *format, *name, *metadata;
  int64_t flags, n_children;
  struct ArrowSchema **children, *dictionary;
  void (*release)(struct ArrowSchema *);
  void *private_data;
};

struct ArrowArray {
  int64_t length, null_count, offset, n_buffers, n_children;
  const void **buffers;
  struct ArrowArray **children, *dictionary;
  void (*release)(struct ArrowArray *);
  void *private_data;
};

struct ArrowArrayStream {
  int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *);
  int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *);
  const char *(*get_last_error)(struct ArrowArrayStream *);
  void (*release)(struct ArrowArrayStream *);
  void *private_data;
};

static void release_schema(struct ArrowSchema *schema) {
  for (int64_t i = 0; i < schema->n_children; i++) {
    struct ArrowSchema *child = schema->children[i];
    if (child->release != NULL) child->release(child); /* else it was moved */
    free(child);
  }
  free(schema->children);
  if (schema->dictionary != NULL && schema->dictionary->release != NULL) schema->dictionary->release(schema->dictionary);
  free(schema->dictionary);
  free((char *)schema->format);
  free((char *)schema->name);
  schema->release = NULL;
}

/* Begins a schema; whatever it lacks later, release_schema ends it. */
static int begin_schema(struct ArrowSchema *schema, const char *name, const char *format, int64_t flags) {
  *schema = (struct ArrowSchema){.name = strdup(name), .format = strdup(format), .flags = flags, .release = release_schema};
  return schema->name == NULL || schema->format == NULL ? ENOMEM : 0;
}

static int export_field(const gs_field *field, struct ArrowSchema *schema) {
  int failed = begin_schema(schema, field->name, field->format, field->nullable ? NULLABLE : 0);
  if (failed || field->values == NULL) return failed;
  schema->dictionary = calloc(1, sizeof *schema->dictionary);
  return schema->dictionary == NULL ? ENOMEM : export_field(field->values, schema->dictionary);
}

static int export_fields(const gs_table *table, struct ArrowSchema *schema) {
  int64_t count = gs_table_field_count(table);
  int failed = begin_schema(schema, "", "+s", 0);
  if (failed) return failed;
  schema->children = calloc((size_t)count + 1, sizeof *schema->children);
  if (schema->children == NULL) return ENOMEM;
  while (schema->n_children < count) {
    struct ArrowSchema *child = calloc(1, sizeof *child);
    if (child == NULL) return ENOMEM;
    const gs_field *field = gs_table_field(table, schema->n_children);
    schema->children[schema->n_children++] = child;
    failed = export_field(field, child);
    if (failed) return failed;
  }
  return 0;
}

/* Gives the schema of a table, or nothing at all. */
static int export_schema(const gs_table *table, struct ArrowSchema *schema) {
  int failed = export_fields(table, schema);
  if (failed) release_schema(schema);
  return failed;
}

/* What an array of ours owns besides its children. */
typedef struct {
  gs_table *table;
  const void *buffers[GS_COLUMN_BUFFERS];
} owned;

static void release_array(struct ArrowArray *array) {
  for (int64_t i = 0; i < array->n_children; i++) {
    struct ArrowArray *child = array->children[i];
    if (child->release != NULL) child->release(child); /* else it was moved */
    free(child);
  }
  free(array->children);
  if (array->dictionary != NULL && array->dictionary->release != NULL) array->dictionary->release(array->dictionary);
  free(array->dictionary);
  owned *own = array->private_data;
  if (own != NULL) gs_table_drop(own->table);
  free(own);
  array->release = NULL;
}

static int begin_array(gs_table *table, int64_t length, int64_t nulls, int64_t buffers, struct ArrowArray *array) {
  *array = (struct ArrowArray){.length = length, .null_count = nulls, .n_buffers = buffers, .release = release_array};
  owned *own = calloc(1, sizeof *own);
  if (own == NULL) return ENOMEM;
  own->table = gs_table_share(table);
  array->private_data = own;
  array->buffers = own->buffers;
  return 0;
}

static int export_column(gs_table *table, const gs_column *column, struct ArrowArray *array) {
  /* Some readers want an address although there is nothing to read. */
  static const _Alignas(64) uint8_t nothing[64];
  int failed = begin_array(table, column->length, column->nulls, column->buffer_count, array);
  if (failed) return failed;
  for (int i = 0; i < column->buffer_count; i++) {
    const void *data = column->buffers[i].memory == NULL || column->buffers[i].size == 0 ? NULL : column->buffers[i].data;
    array->buffers[i] = data == NULL && i > 0 ? nothing : data;
  }
  if (column->values == NULL) return 0;
  array->dictionary = calloc(1, sizeof *array->dictionary);
  return array->dictionary == NULL ? ENOMEM : export_column(table, column->values, array->dictionary);
}

static int export_columns(gs_table *table, const gs_batch *batch, struct ArrowArray *array) {
  int64_t count = gs_table_field_count(table);
  int failed = begin_array(table, batch->rows, 0, 1, array);
  if (failed) return failed;
  array->children = calloc((size_t)count + 1, sizeof *array->children);
  if (array->children == NULL) return ENOMEM;
  while (array->n_children < count) {
    struct ArrowArray *child = calloc(1, sizeof *child);
    if (child == NULL) return ENOMEM;
    const gs_column *column = &batch->columns[array->n_children];
    array->children[array->n_children++] = child;
    failed = export_column(table, column, child);
    if (failed) return failed;
  }
  return 0;
}

/* Where a stream stands. */
typedef struct {
  gs_table *table;
  int64_t next;
} position;

static int stream_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema) {
  return export_schema(((position *)stream->private_data)->table, schema);
}

static int stream_next(struct ArrowArrayStream *stream, struct ArrowArray *array) {
  position *at = stream->private_data;
  if (at->next == gs_table_batch_count(at->table)) {
    *array = (struct ArrowArray){0}; /* the end */
    return 0;
  }
  int failed = export_columns(at->table, gs_table_batch(at->table, at->next), array);
  if (failed) release_array(array);
  else at->next++;
  return failed;
}

static const char *stream_error(struct ArrowArrayStream *stream) { return "out of memory"; }

static void release_stream(struct ArrowArrayStream *stream) {
  gs_table_drop(((position *)stream->private_data)->table);
  free(stream->private_data);
  stream->release = NULL;
}

#define SCHEMA "arrow_schema"
#define STREAM "arrow_array_stream"

static void end_schema(PyObject *capsule) {
  struct ArrowSchema *schema = PyCapsule_GetPointer(capsule, SCHEMA);
  if (schema->release != NULL) schema->release(schema);
  free(schema);
}

PyObject *gs_arrow_schema(gs_table *table) {
  struct ArrowSchema *schema = malloc(sizeof *schema);
  if (schema == NULL || export_schema(table, schema) != 0) {
    free(schema);
    return PyErr_NoMemory();
  }
  PyObject *capsule = PyCapsule_New(schema, SCHEMA, end_schema);
  if (capsule == NULL) {
    schema->release(schema);
    free(schema);
  }
  return capsule;
}

static void end_stream(PyObject *capsule) {
  struct ArrowArrayStream *stream = PyCapsule_GetPointer(capsule, STREAM);
  if (stream->release != NULL) stream->release(stream);
  free(stream);
}

/* A reader may ask for other types, which is a wish; it may not ask for other columns. */
static int check_request(const gs_table *table, PyObject *requested) {
  if (requested == Py_None) return 0;
  const struct ArrowSchema *schema = PyCapsule_GetPointer(requested, SCHEMA);
  if (schema == NULL) {
    if (!PyErr_ExceptionMatches(PyExc_ValueError)) return -1;
    PyErr_Clear();
    PyErr_Format(PyExc_TypeError, "requested_schema must be a capsule called " SCHEMA ", not %R", requested);
    return -1;
  }
  if (schema->release == NULL || strcmp(schema->format, "+s") != 0 ||
      schema->n_children != gs_table_field_count(table)) {
    PyErr_Format(PyExc_ValueError, "the requested schema has not the %lld columns of the table; ask for all, and select then",
                 (long long)gs_table_field_count(table));
    return -1;
  }
  return 0;
}

PyObject *gs_arrow_stream(gs_table *table, PyObject *requested) {
  if (check_request(table, requested) < 0) return NULL;
  struct ArrowArrayStream *stream = malloc(sizeof *stream);
  position *at = malloc(sizeof *at);
  if (stream == NULL || at == NULL) {
    free(stream);
    free(at);
    return PyErr_NoMemory();
  }
  *at = (position){gs_table_share(table), 0};
  *stream = (struct ArrowArrayStream){stream_schema, stream_next, stream_error, release_stream, at};
  PyObject *capsule = PyCapsule_New(stream, STREAM, end_stream);
  if (capsule == NULL) {
    release_stream(stream);
    free(stream);
  }
  return capsule;
}
