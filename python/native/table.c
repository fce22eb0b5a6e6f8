/* Tables of Go, shared by whoever reads them. Twin of gocore/codec/table.go. */

#include "table.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct gs_table {
  atomic_size_t owners;
  int64_t field_count, batch_count;
  gs_field *fields;
  gs_batch *batches;
};

int64_t gs_table_field_count(const gs_table *table) { return table->field_count; }

int64_t gs_table_batch_count(const gs_table *table) { return table->batch_count; }

const gs_field *gs_table_field(const gs_table *table, int64_t i) { return &table->fields[i]; }

const gs_batch *gs_table_batch(const gs_table *table, int64_t i) { return &table->batches[i]; }

gs_table *gs_table_share(gs_table *table) {
  atomic_fetch_add_explicit(&table->owners, 1, memory_order_relaxed);
  return table;
}

static void end_field(gs_field *field) {
  free(field->name);
  free(field->format);
  if (field->values != NULL) end_field(field->values);
  free(field->values);
}

static void end_column(gs_column *column) {
  for (int i = 0; i < column->buffer_count; i++) gs_memory_drop(column->buffers[i].memory);
  if (column->values != NULL) end_column(column->values);
  free(column->values);
}

void gs_table_drop(gs_table *table) {
  if (table == NULL || atomic_fetch_sub_explicit(&table->owners, 1, memory_order_acq_rel) != 1) return;
  for (int64_t b = 0; b < table->batch_count; b++) {
    gs_column *columns = table->batches[b].columns;
    for (int64_t i = 0; columns != NULL && i < table->field_count; i++) end_column(&columns[i]);
    free(columns);
  }
  for (int64_t i = 0; i < table->field_count; i++) end_field(&table->fields[i]);
  free(table->batches);
  free(table->fields);
  free(table);
}

/* Gives zeroed memory for so many things; never NULL without an exception. */
static void *zeroed(int64_t count, size_t size) {
  void *memory = calloc(count == 0 ? 1 : (size_t)count, size);
  if (memory == NULL) PyErr_NoMemory();
  return memory;
}

static int damaged(gs_reader *in) {
  gs_damaged("a table", in);
  return -1;
}

/* Reads the header of a list of so many items. */
static int expect(gs_reader *in, uint64_t count) {
  uint64_t found;
  return gs_read_list_header(in, &found) < 0 || found != count ? damaged(in) : 0;
}

/* Reads a field; that of values has none itself. */
static int read_field(gs_reader *in, gs_field *field, int of_values) {
  if (expect(in, 4) < 0) return -1;
  field->name = gs_read_text(in);
  field->format = field->name == NULL ? NULL : gs_read_text(in);
  if (field->format == NULL || gs_read_bool(in, &field->nullable) < 0) return -1;
  if (gs_skip_nil(in)) return 0;
  if (of_values) return damaged(in);
  field->values = zeroed(1, sizeof *field->values);
  return field->values == NULL ? -1 : read_field(in, field->values, 1);
}

/* How many buffers a column of the format has. */
static uint64_t buffers_of(const gs_field *field) {
  return strcmp(field->format, "u") == 0 || strcmp(field->format, "z") == 0 ? 3 : 2;
}

static int read_column(gs_reader *in, const gs_field *field, gs_column *column) {
  if (expect(in, 4) < 0 || gs_read_size(in, &column->length) < 0 || gs_read_size(in, &column->nulls) < 0 ||
      expect(in, buffers_of(field)) < 0) {
    return -1;
  }
  for (int count = (int)buffers_of(field); column->buffer_count < count; column->buffer_count++) {
    int i = column->buffer_count;
    if (gs_skip_nil(in)) continue;
    if (gs_read_memory(in, &column->buffers[i].memory, &column->buffers[i].data, &column->buffers[i].size) < 0) {
      return -1;
    }
  }
  if (field->values == NULL) return gs_skip_nil(in) ? 0 : damaged(in);
  column->values = zeroed(1, sizeof *column->values);
  return column->values == NULL ? -1 : read_column(in, field->values, column->values);
}

static int read_batch(gs_reader *in, const gs_table *table, gs_batch *batch) {
  if (expect(in, 2) < 0 || gs_read_size(in, &batch->rows) < 0 || expect(in, (uint64_t)table->field_count) < 0) {
    return -1;
  }
  batch->columns = zeroed(table->field_count, sizeof *batch->columns);
  if (batch->columns == NULL) return -1;
  for (int64_t i = 0; i < table->field_count; i++) {
    if (read_column(in, &table->fields[i], &batch->columns[i]) < 0) return -1;
    if (batch->columns[i].length != batch->rows) return damaged(in);
  }
  return 0;
}

static int read_fields_and_batches(gs_reader *in, gs_table *table) {
  uint64_t count;
  if (expect(in, 2) < 0) return -1;
  if (gs_read_list_header(in, &count) < 0) return damaged(in);
  table->fields = zeroed((int64_t)count, sizeof *table->fields);
  if (table->fields == NULL) return -1;
  for (table->field_count = 0; table->field_count < (int64_t)count;) {
    if (read_field(in, &table->fields[table->field_count++], 0) < 0) return -1;
  }
  if (gs_read_list_header(in, &count) < 0) return damaged(in);
  table->batches = zeroed((int64_t)count, sizeof *table->batches);
  if (table->batches == NULL) return -1;
  for (table->batch_count = 0; table->batch_count < (int64_t)count;) {
    if (read_batch(in, table, &table->batches[table->batch_count++]) < 0) return -1;
  }
  return 0;
}

gs_table *gs_read_table(gs_reader *in) {
  gs_table *table = zeroed(1, sizeof *table);
  if (table == NULL) return NULL;
  atomic_init(&table->owners, 1);
  if (read_fields_and_batches(in, table) == 0) return table;
  gs_table_drop(table);
  return NULL;
}
