/*
 * The Python side of the boundary in C: loads one gostitch library and calls
 * through the addresses it found there. It takes plain arguments and builds
 * the structs of gostitch.h on the C stack, since building them from Python
 * costs more than the crossing itself.
 *
 * cffi reads what stands between the markers and releases the GIL around
 * every function.
 */
#ifndef GOSTITCH_SHIM_H
#define GOSTITCH_SHIM_H

#include <stddef.h>
#include <stdint.h>

#include "gostitch.h"

/* cdef-begin */

/* Loads the library at path, for the life of the process, and remembers which
   thread receives Ctrl-C (its pthread_t). Returns 0, or -1 with a text in
   message. */
int shim_load(const char *path, uint64_t main_thread, char *message, size_t capacity);

/* The address of memory, for records that tell it as a number. */
uint8_t *shim_pointer(uint64_t address);

/* gostitch_open; also restores the limit of open files, which Go raises. */
int32_t shim_open(const char *config, size_t length, gostitch_out *out);
int32_t shim_catalogue(gostitch_out *out);
int64_t shim_call(uint32_t function, int64_t timeout_ns, const char *trace, size_t trace_length,
                  const char *frame, size_t frame_length, uint8_t *scratch, size_t capacity,
                  gostitch_out *out);
int64_t shim_call_views(uint32_t function, int64_t timeout_ns, const char *trace, size_t trace_length,
                        const char *frame, size_t frame_length, const gostitch_view *views, size_t count,
                        uint8_t *scratch, size_t capacity, gostitch_out *out);
uint64_t shim_queue(int32_t wake_fd, int32_t host);
int32_t shim_submit(uint32_t function, uint32_t flags, int64_t timeout_ns, const char *trace,
                    size_t trace_length, const char *frame, size_t frame_length,
                    const gostitch_view *views, size_t count, uint64_t token, uint64_t queue,
                    gostitch_out *out);
int32_t shim_send(uint64_t token, const char *data, size_t length, gostitch_out *out);
void shim_cancel(uint64_t token);
/* Clears the descriptor and drains; drained[0] tells whether records remain, and
   drained[1] how many bytes were written. (Not returned: Ctrl-C may strike
   before Python has stored a returned value.) */
void shim_drain(uint64_t queue, int32_t wake_fd, uint8_t *scratch, size_t capacity, int32_t *drained);
void shim_release(uint64_t handle);

/* The destructor of a buffer; its data is ignored. In C, since Ctrl-C in a
   destructor written in Python is lost, and what it should release too. */
void shim_release_buffer(uint64_t handle, const uint8_t *data);
int32_t shim_stats(gostitch_out *out);
int64_t shim_close(int64_t timeout_ns);

/* cdef-end */

#endif
