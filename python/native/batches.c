/*
 * Batches of records that were drained from Go and are not handled yet.
 *
 * Draining needs no GIL, so it is under a lock of its own, which keeps batches in
 * the order in which they were drained. That lock is never held with the GIL, nor
 * while code of Python could run: a finalizer that waits for a reply would wait for
 * the thread that it has interrupted. Taking records needs the GIL and no lock:
 * whoever takes one makes every object first, which may run Python code and other
 * threads, then looks whether the record is still the first, and only then goes on
 * to the next, in one step.
 */

#include "bridge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Bytes that Go may fill at once. */
#define BATCH_SIZE (64 * 1024)

struct gs_drained {
  _Atomic(gs_drained *) next;
  int owners;       /* the backlog, and who looks at a record */
  uint64_t left;    /* records that nobody has taken */
  size_t at, size;  /* where the next one begins, and the end */
  uint8_t data[];
};

int gs_begin_backlog(gs_backlog *backlog) {
  gs_drained *empty = calloc(1, sizeof *empty); /* there is always a first one */
  if (empty == NULL) return -1;
  empty->owners = 1;
  backlog->first = backlog->last = empty;
  pthread_mutex_init(&backlog->entry, NULL);
  return 0;
}

/* A batch to be drained. */
typedef struct {
  gs_drained *batch;
  uint64_t queue;
  int32_t *more;
  int64_t length;
} draining;

static void cross_drain(void *of) {
  draining *with = of;
  with->length = gs_go.drain(with->queue, with->batch->data, BATCH_SIZE, with->more);
}

/* Clears the descriptor and takes what waits in Go. Needs no GIL. */
static void drain(gs_drained *batch, uint64_t queue, int fd, int32_t *more) {
  /* Cleared before draining, so that a record which arrives in between wakes again.
     EAGAIN: another thread has cleared it. */
  uint64_t signals;
  while (read(fd, &signals, sizeof signals) < 0 && errno == EINTR) {
  }
  draining with = {batch, queue, more, 0};
  gs_cross(cross_drain, &with); /* or what waits stays, in a handler that has interrupted Go */
  gs_reader in = {batch->data, batch->data + with.length, NULL};
  batch->size = (size_t)with.length;
  if (with.length > 0 && gs_read_batch(&in, &batch->left) == 0) batch->at = (size_t)(in.at - batch->data);
}

/* Adds what was drained: a copy, so that the room can be filled again. To make the room itself smaller would
   leave holes in the allocator's memory that no other room fits into, more and more of them. */
static void add_drained(gs_backlog *backlog) {
  size_t size = sizeof *backlog->room + backlog->room->size;
  gs_drained *batch = malloc(size);
  if (batch != NULL) {
    memcpy(batch, backlog->room, size);
  } else {
    batch = backlog->room;
    backlog->room = NULL;
  }
  gs_drained *before = backlog->last;
  backlog->last = batch;
  atomic_store(&before->next, batch);
}

int gs_fill_backlog(gs_backlog *backlog, uint64_t queue, const _Atomic int *descriptor, int32_t *more) {
  *more = 0;
  int has_room;
  Py_BEGIN_ALLOW_THREADS;
  pthread_mutex_lock(&backlog->entry);
  /* Before anything is drained, or it would be lost. */
  if (backlog->room == NULL) backlog->room = malloc(sizeof *backlog->room + BATCH_SIZE);
  has_room = backlog->room != NULL;
  int fd = has_room ? atomic_load(descriptor) : -1;
  if (fd >= 0) {
    *backlog->room = (gs_drained){.owners = 1};
    drain(backlog->room, queue, fd, more);
    if (backlog->room->left > 0) add_drained(backlog);
  }
  pthread_mutex_unlock(&backlog->entry);
  Py_END_ALLOW_THREADS;
  if (!has_room) PyErr_NoMemory();
  return has_room ? 0 : -1;
}

void gs_wait_for_drain(gs_backlog *backlog) {
  pthread_mutex_lock(&backlog->entry);
  pthread_mutex_unlock(&backlog->entry);
}

void gs_drop_batch(gs_drained *batch) {
  if (--batch->owners == 0) free(batch);
}

gs_drained *gs_first_batch(gs_backlog *backlog) {
  while (backlog->first->left == 0) {
    gs_drained *next = atomic_load(&backlog->first->next);
    if (next == NULL) return NULL;
    gs_drop_batch(backlog->first);
    backlog->first = next;
  }
  backlog->first->owners++;
  return backlog->first;
}

int gs_read_first(gs_drained *batch, gs_place_in_batch *place, gs_record *record) {
  if (batch->left == 0) return 0;
  gs_reader in = {batch->data + batch->at, batch->data + batch->size, NULL};
  place->at = batch->at;
  if (gs_read_record(&in, record) < 0) {
    batch->left = 0; /* nobody can tell where the next one begins */
    return -1;
  }
  place->next = (size_t)(in.at - batch->data);
  return 1;
}

int gs_read_second(gs_drained *batch, const gs_place_in_batch *first, gs_record *record) {
  if (batch->left < 2 || batch->at != first->at) return 0;
  gs_reader in = {batch->data + first->next, batch->data + batch->size, NULL};
  return gs_read_record(&in, record) < 0 ? -1 : 1;
}

int gs_is_first(const gs_drained *batch, const gs_place_in_batch *place) {
  return batch->left > 0 && batch->at == place->at;
}

void gs_take_first(gs_drained *batch, const gs_place_in_batch *place) {
  batch->at = place->next;
  batch->left--;
}

uint64_t gs_count_backlog(const gs_backlog *backlog) {
  uint64_t count = 0;
  for (gs_drained *each = backlog->first; each != NULL; each = atomic_load(&each->next)) count += each->left;
  return count;
}

/* Releases the memory of Go that records refer to, which nobody will take. */
static void release_records(gs_drained *batch, unsigned generation) {
  gs_place_in_batch place;
  gs_record record;
  while (gs_read_first(batch, &place, &record) > 0) {
    gs_release(record.handle, generation);
    gs_take_first(batch, &place);
  }
  PyErr_Clear();
}

void gs_clear_backlog(gs_backlog *backlog, unsigned generation) {
  gs_drained *batch;
  while ((batch = gs_first_batch(backlog)) != NULL) {
    release_records(batch, generation);
    gs_drop_batch(batch);
  }
}

void gs_end_backlog(gs_backlog *backlog, unsigned generation) {
  if (backlog->first == NULL) return;
  gs_clear_backlog(backlog, generation);
  gs_drop_batch(backlog->first);
  free(backlog->room);
  backlog->first = backlog->last = backlog->room = NULL;
}
