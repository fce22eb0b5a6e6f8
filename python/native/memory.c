/*
 * Memory with several owners: what Python and other libraries hold of a reply.
 *
 * The last owner may be a thread that Python does not know (one of duckdb or
 * polars), so nothing here needs the GIL.
 */

#include "bridge.h"

#include <stdatomic.h>
#include <stdlib.h>

struct gs_memory {
  atomic_size_t owners;
  uint64_t handle;     /* of Go; 0: the bytes that follow */
  unsigned generation; /* of the library that gave it */
  _Alignas(16) uint8_t bytes[];
};

static gs_memory *allocate(size_t size) {
  gs_memory *memory = size <= SIZE_MAX - sizeof *memory ? malloc(sizeof *memory + size) : NULL;
  if (memory == NULL) {
    PyErr_NoMemory();
    return NULL;
  }
  atomic_init(&memory->owners, 1);
  memory->handle = 0;
  memory->generation = gs_alive;
  return memory;
}

gs_memory *gs_memory_of_go(uint64_t handle) {
  gs_memory *memory = allocate(0);
  if (memory == NULL) gs_release(handle, gs_alive);
  else memory->handle = handle;
  return memory;
}

gs_memory *gs_memory_to_be(void) { return allocate(0); }

void gs_memory_take_over(gs_memory *memory, uint64_t handle) { memory->handle = handle; }

gs_memory *gs_memory_own(size_t size, uint8_t **bytes) {
  gs_memory *memory = allocate(size);
  if (memory != NULL) *bytes = memory->bytes;
  return memory;
}

int gs_memory_is_of_go(const gs_memory *memory) { return memory != NULL && memory->handle != 0; }

gs_memory *gs_memory_share(gs_memory *memory) {
  atomic_fetch_add_explicit(&memory->owners, 1, memory_order_relaxed);
  return memory;
}

void gs_memory_drop(gs_memory *memory) {
  if (memory == NULL || atomic_fetch_sub_explicit(&memory->owners, 1, memory_order_acq_rel) != 1) return;
  gs_release(memory->handle, memory->generation);
  free(memory);
}
