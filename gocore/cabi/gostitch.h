/*
 * gostitch.h: the boundary between a gostitch library (Go, built with
 * -buildmode=c-shared) and whoever loads it (the Python package).
 *
 * Every gostitch library exports exactly these functions, so one prebuilt
 * loader drives every library. The boundary knows calls, not features: what a
 * library can do is in its catalogue.
 *
 * This file is written by hand and comes first: Go includes it, so the C
 * compiler refuses a mismatch, and so does the Python bridge (python/native).
 * Change it, then bump GOSTITCH_ABI.
 *
 * Memory.   Memory given to a function is lent for the duration of the call;
 *           gostitch_submit copies what it needs, except the buffers, which
 *           must stay unchanged until the reply of that token was drained.
 *           Memory received in a gostitch_out belongs to Go and stays valid
 *           until gostitch_release(handle); a handle of 0 means that the
 *           memory is the caller's own scratch and nothing is to be released.
 *           A frame may refer to memory beside it by extension 2, whose data is
 *           an address and a number of bytes, both of 64 bits, big-endian: it is
 *           released with the frame. Only a frame with a handle has such.
 * Threads.  Every function may be called from any thread at any time. None of
 *           them calls back into the loader or takes a lock of the loader, so
 *           the GIL may be held or not; gostitch_call and gostitch_close can
 *           take long and want it released.
 * Fork.     The library does not work in a child made by fork after
 *           gostitch_open (the Go runtime's threads are gone); calls may hang.
 *           The loader must load a copy of the file there, by another name and
 *           inode, or refuse to call; no handle or token is good in both.
 * Panics.   A panic of a function is an error reply. No function unwinds or
 *           longjmps through the caller: after a panic of the library itself every
 *           call is answered with an error of code internal.
 */
#ifndef GOSTITCH_H
#define GOSTITCH_H

#include <stdint.h>

/* The version of this file. gostitch_open refuses any other. */
#define GOSTITCH_ABI 6

/* Bytes lent to the library: an argument that crosses without a copy. */
typedef struct gostitch_view {
  const uint8_t *data;
  uint64_t length;
} gostitch_view;

/* Bytes received from the library. */
typedef struct gostitch_out {
  const uint8_t *data;
  uint64_t length;
  uint64_t handle; /* for gostitch_release; 0: nothing to release */
  int32_t status;  /* GOSTITCH_OK: the result. GOSTITCH_ERROR, GOSTITCH_CAPTURED: an error frame */
  /* Of gostitch_call, for what is to be handled before the call returns, whatever it returns: */
  int32_t spans;   /* how many bytes at the end of scratch are a message of spans (gocore.SpanSource); -1: an empty one */
  uint32_t events; /* a number for the function by which events are taken; 0: there are none */
} gostitch_out;

/* A call. */
typedef struct gostitch_request {
  uint32_t function;       /* position in the catalogue */
  uint32_t flags;          /* GOSTITCH_MESSAGES */
  int64_t timeout_ns;      /* 0: none; negative: has passed already */
  const uint8_t *trace;    /* "traceparent\ntracestate\nbaggage" and what observers add, or empty */
  uint64_t trace_length;
  const uint8_t *frame;    /* MessagePack array of the arguments */
  uint64_t frame_length;
  const gostitch_view *buffers; /* what extension 1 in the frame refers to */
  uint64_t buffer_count;
  int64_t started_ns;           /* when the call began, on the clock CLOCK_MONOTONIC */
  uint64_t number; /* names a call of the main thread to the pipe of Ctrl-C; for gostitch_submit: not 0 if a
                      thread waits as for a call of its own; 0: any other */
  int32_t thread;  /* for gostitch_call: the kernel's id of the thread; 0: not known */
} gostitch_request;

/* The types above as Go's export directive spells const parameters. */
typedef const gostitch_request gostitch_const_request;
typedef const uint8_t gostitch_const_byte;

enum {
  GOSTITCH_OK = 0,
  GOSTITCH_ERROR = 1,
  GOSTITCH_CAPTURED = 3, /* the same, and the function has reported that error itself */
};

enum {
  GOSTITCH_MESSAGES = 2, /* the caller wants the messages of this call */
  GOSTITCH_RECORDS = 1,  /* the queue receives spans, logs and events */
  GOSTITCH_QUESTIONS = 2, /* the queue receives what Go asks of the process */
};

/*
 * Handshake; call it first. A loader that lost the answer, or has other settings, may call it again.
 * abi must be GOSTITCH_ABI as the loader was compiled with; config is a
 * MessagePack array (gocore/cabi/process.go, type Config). Returns GOSTITCH_OK
 * and a frame that describes the library, or GOSTITCH_ERROR and an error frame:
 * another version, or a function that could not be registered.
 */
int32_t gostitch_open(uint32_t abi, gostitch_const_byte *config, uint64_t length, gostitch_out *out);

/* Gives the functions of the library: a frame [[name, checksum], ...]. */
int32_t gostitch_catalogue(gostitch_out *out);

/*
 * Runs a function on the calling thread and waits for it.
 *
 * Returns the number of bytes of the result if it was written to scratch.
 * Otherwise -1, and out says where the reply is and whether it is an error;
 * its data may lie in scratch as well.
 */
int64_t gostitch_call(gostitch_const_request *request, uint8_t *scratch, uint64_t capacity, gostitch_out *out);

/*
 * Opens a queue for the replies of submitted calls. Go writes to wake_fd, a
 * non-blocking eventfd or the write end of a pipe, once whenever the queue
 * becomes non-empty after a drain has emptied it. Returns its handle, never 0.
 * gostitch_release closes it, after which Go does not touch wake_fd.
 * roles are GOSTITCH_RECORDS and GOSTITCH_QUESTIONS: what belongs to no call goes to the
 * queue that was opened last for it. Handling records may take long.
 */
uint64_t gostitch_queue(int32_t wake_fd, int32_t roles);

/*
 * Starts a function on a goroutine. Its reply, and its messages if
 * GOSTITCH_MESSAGES is set, arrive on the queue under the token, which the
 * caller chooses: not 0 and not in use. Returns GOSTITCH_OK, or GOSTITCH_ERROR
 * and an error frame, in which case no reply will come.
 */
int32_t gostitch_submit(gostitch_const_request *request, uint64_t token, uint64_t queue, gostitch_out *out);

/*
 * Delivers a message to the running call of that token (gocore.Receive), or the answer to a question; token 0:
 * to a question that belongs to no call. With GOSTITCH_HANDLED in the token: says how many messages of that call
 * were handled since the last time, 4 bytes, little-endian; a function waits while 256 of its messages were not.
 * Returns as gostitch_submit.
 */
#define GOSTITCH_HANDLED (1ULL << 63)
int32_t gostitch_send(uint64_t token, gostitch_const_byte *data, uint64_t length, gostitch_out *out);

/*
 * Cancels the context of a submitted call; its reply still comes. A token
 * that does not run is ignored.
 */
void gostitch_cancel(uint64_t token);

/*
 * Takes waiting records off a queue: a MessagePack array of
 * [kind, token, status, payload] is written to scratch (gocore.RecordKind says
 * what a status is for each kind), payload being bytes,
 * or [address, length, handle] if it does not fit (release it like a
 * gostitch_out). Returns the number of bytes written, 0 if nothing waits;
 * *more tells whether records remain. Clear wake_fd before draining.
 * capacity must be at least 4096.
 */
int64_t gostitch_drain(uint64_t queue, uint8_t *scratch, uint64_t capacity, int32_t *more);

/*
 * Releases a handle: a buffer of Go memory or a queue. 0 and handles already
 * released are ignored.
 */
void gostitch_release(uint64_t handle);

/* Gives live counts: a frame in the order of gocore.Stats. */
int32_t gostitch_stats(gostitch_out *out);

/*
 * Cancels every submitted call and waits until they ended and telemetry is
 * flushed, at most timeout_ns. If all is not 0, the calls that a thread waits for
 * are cancelled too, and not waited for. The library stays loaded and keeps working.
 * Returns the number of calls that still run.
 */
int64_t gostitch_close(int64_t timeout_ns, int32_t all);

/*
 * The one function that is C code of the library's (gocore/cabi/signals.c): it does not enter Go, and may be
 * called before gostitch_open. With 0 for the thread: has the threads of Go, and
 * those to come, block these signals (bit n - 1 for signal n), but for those that Go needs, and returns when
 * they do, at the latest after a second. Otherwise it is the id of a thread of the loader, which is sent
 * a SIGURG that gives it this mask; where it blocks SIGURG and enters Go the first time, as soon as Go has
 * opened it, with SIGCHLD and SIGPROF. Returns the pthread key under which the threads of Go, and no others,
 * have a value; -1 if nothing was done.
 */
int64_t gostitch_block(uint64_t signals, int32_t thread);

#endif
