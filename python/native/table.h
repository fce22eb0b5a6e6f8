/* Tables of Go as the bridge holds them; nothing here needs the GIL but reading and viewing. */
#ifndef GOSTITCH_TABLE_H
#define GOSTITCH_TABLE_H

#include "bridge.h"

/* A column, in every batch (table.Field). */
typedef struct gs_field {
  char *name, *format;
  int nullable;
  struct gs_field *values; /* what the numbers of categories stand for, or NULL */
} gs_field;

#define GS_COLUMN_BUFFERS 3 /* at most */

/* A column in one batch (table.Data). */
typedef struct gs_column {
  int64_t length, nulls;
  int buffer_count;
  struct {
    gs_memory *memory; /* NULL: there is no such buffer */
    const uint8_t *data;
    uint64_t size;
  } buffers[GS_COLUMN_BUFFERS];
  struct gs_column *values;
} gs_column;

typedef struct {
  int64_t rows;
  gs_column *columns;
} gs_batch;

/* Immutable, and shared by its owners: the Python object, and what was exported. */
typedef struct gs_table gs_table;

int64_t gs_table_field_count(const gs_table *table);
int64_t gs_table_batch_count(const gs_table *table);
const gs_field *gs_table_field(const gs_table *table, int64_t i);
const gs_batch *gs_table_batch(const gs_table *table, int64_t i);
gs_table *gs_table_share(gs_table *table);
void gs_table_drop(gs_table *table); /* by any thread; NULL is ignored */

/* Reads a table; NULL and an exception if that fails. */
gs_table *gs_read_table(gs_reader *in);

/* arrow.c: capsules of the Arrow C data interface. */
PyObject *gs_arrow_schema(gs_table *table);
PyObject *gs_arrow_stream(gs_table *table, PyObject *requested);

#endif
