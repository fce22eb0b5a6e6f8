/*
 * The Python side of the boundary: loads one gostitch library and calls through
 * the addresses it found there. What Python gives becomes the MessagePack that
 * gostitch.h speaks of, and back, on the C stack.
 *
 * Everything here runs with the GIL held, but for the crossings themselves.
 */
#ifndef GOSTITCH_BRIDGE_H
#define GOSTITCH_BRIDGE_H

#include "compat.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>

#include "gostitch.h"

/* library.c: the library of this process. */

typedef struct {
  int32_t (*open)(uint32_t, const uint8_t *, uint64_t, gostitch_out *);
  int32_t (*catalogue)(gostitch_out *);
  int64_t (*call)(const gostitch_request *, uint8_t *, uint64_t, gostitch_out *);
  uint64_t (*queue)(int32_t, int32_t);
  int32_t (*submit)(const gostitch_request *, uint64_t, uint64_t, gostitch_out *);
  int32_t (*send)(uint64_t, const uint8_t *, uint64_t, gostitch_out *);
  void (*cancel)(uint64_t);
  int64_t (*drain)(uint64_t, uint8_t *, uint64_t, int32_t *);
  void (*release)(uint64_t);
  int32_t (*stats)(gostitch_out *);
  int64_t (*close)(int64_t, int32_t);
  int64_t (*block)(uint64_t, int32_t);
} gs_library;

extern gs_library gs_go;

/* The thread that receives Ctrl-C, a pthread_t. */
extern uint64_t gs_main_thread;
void gs_note_importer(void);

extern PyMethodDef gs_library_methods[];

/* Copies what Go gave, and releases it. */
PyObject *gs_payload_of(const gostitch_out *out);

/* Gives the library's own handle of a queue; 0, and raises, if it is another library's. */
uint64_t gs_queue_of(unsigned long long handle);

/* Opens a queue that wakes a descriptor, and gives Python's handle of it; 0, and raises, if
   the library is not loaded. */
unsigned long long gs_open_queue(int wake_fd, int roles);

/* Cancels the context of a call that replies to a queue of this process. */
void gs_cancel(unsigned long long handle, uint64_t token);

/* The two parts of a handle that Python holds. */
unsigned gs_generation_of(unsigned long long handle);
uint64_t gs_number_in(unsigned long long handle);

/* Releases a handle of Go, unless it was given by a library before a fork. Needs no GIL. */
void gs_release(uint64_t handle, unsigned generation);

/* entry.c: where a thread enters Go. */

/* A crossing, with what it takes and gives. */
typedef void (*gs_crossing)(void *with);

/* This thread may enter Go while its stack stands above; or it has not entered any yet, or is inside. */
extern __thread uintptr_t gs_floor __attribute__((tls_model("initial-exec")));
#define GS_UNKNOWN (UINTPTR_MAX - 1)
#define GS_INSIDE UINTPTR_MAX

/* The kernel's id of this thread; 0 until it is asked for. */
extern __thread int32_t gs_thread __attribute__((tls_model("initial-exec")));
int32_t gs_find_thread(void);

/* Makes a crossing, here or on a thread of ours: 0, or why it cannot be made, GS_INTERRUPTED or an errno. Needs
   no GIL, but should not have it if the crossing takes long. */
int gs_cross_anywhere(gs_crossing crossing, void *with);
#define GS_INTERRUPTED (-1)

static inline int gs_cross(gs_crossing crossing, void *with) {
  uintptr_t floor = gs_floor;
  if ((uintptr_t)__builtin_frame_address(0) < floor) return gs_cross_anywhere(crossing, with);
  gs_floor = GS_INSIDE;
  crossing(with);
  gs_floor = floor;
  return 0;
}

/* Raises that it cannot be made. */
void gs_refuse(int reason);

extern PyMethodDef gs_entry_methods[];

/* Tells whether this thread runs on a stack for signals. */
int gs_is_for_signals(void);

/* Gives the main thread its stack for signals back, if somebody has put a small one in its place. */
void gs_keep_stack(void);

/* process.c: what loading Go leaves in a process. */

/* A forked child needs a library of its own, a copy, so that what belongs to
   its parent's must be told apart: by generations, which count from 1. gs_alive
   is that of the library of this process, and gs_ready too once the handshake
   went well, so that calls may cross. 0: none, as in a child of fork at first. */
extern unsigned gs_alive, gs_ready;

void gs_before_load(void);
void gs_after_load(void *library);
void gs_set_alive(void);

/* Makes the first call into a loaded library, within a crossing. */
int32_t gs_first_call(int32_t (*call)(void *), void *with);

/* Enters Go the first time on this thread, within a crossing, and leaves it the signals that it blocks. */
void gs_bind_thread(void);

/* Tells whether code is of the library. */
int gs_is_go(uintptr_t address);

/* Gives what handled a signal before the library was loaded. */
const struct sigaction *gs_handler_before(int number);

/* chain.c: signal handlers on top of others. */

/* Handles a signal; below is what it was put upon. */
typedef void (*gs_link)(int number, siginfo_t *info, void *context, const struct sigaction *below);

/* Handles a signal as the action below does. */
void gs_pass_on(const struct sigaction *below, int number, siginfo_t *info, void *context);

/* Tells whether a link handles the signal. */
int gs_is_on_top(int number);

/* Puts a link, one for each signal, upon what handles the signal now. */
int gs_cover(int number, gs_link link, const struct sigaction *top, const sigset_t *mask, int flags);

/* Puts back what a link was put upon. */
void gs_uncover(int number);

/* host.c: signals of the host. */

uint64_t gs_bits_of(const sigset_t *set);

/* Has the threads of Go block what the first thread of the process does. */
void gs_follow_masks(int anew);
void gs_forget_masks(void); /* in a forked child */

/* Is told of what Python blocks from now on. */
void gs_hear_of_changes(void);

/* Sends a signal on to the first thread, if this is one of Go's. */
int gs_send_on(int number, siginfo_t *info);

/* Looks what the host has changed. */
void gs_keep_host(void);

extern PyMethodDef gs_host_methods[];

/* interrupt.c: Ctrl-C while the main thread is in Go. */

/* Puts the handler of SIGINT on top. */
void gs_cover_interrupts(void);

/* Says that the main thread goes into Go, and gives the call a number. 0: Python
   code has run, look again whether the call can be made; -1: which has raised. */
int gs_arm(uint64_t *number);

/* Says that the main thread is back; gives for how long it was there, in ticks of a cheap clock. */
uint64_t gs_disarm(void);

/* What so many ticks are in nanoseconds. */
int64_t gs_nanoseconds(uint64_t ticks);

/* The time in nanoseconds, on the clock CLOCK_MONOTONIC. */
int64_t gs_clock(void);

/* Says that the main thread is about to wait outside of Go; -1: a handler of a signal that had come has raised. */
int gs_listen(void);

/* Tells, once, whether SIGINT has come meanwhile. */
int gs_interrupted(void);

/* Says that this is a forked child. */
void gs_forget_interrupts(void);

extern PyMethodDef gs_interrupt_methods[];

/* faults.c: whose fault it is. */

/* Has Go asked first about each fault. */
void gs_cover_faults(void);
void gs_uncover_faults(void);

/* The same where that may have changed, at the time gs_now gave; -1: an exception. */
int gs_keep_faults(int64_t ns);

/* Looks for the module that covers them. */
void gs_find_faulthandler(PyObject *modules);

extern PyMethodDef gs_fault_methods[];

/* go_objects.c: Go runtimes that are not ours. */

/* Notes where a library of ours begins. */
void gs_note_own(uintptr_t address);

extern PyMethodDef gs_object_methods[];

/* memory_file.c: files that exist in memory only. */

extern PyMethodDef gs_memory_file_methods[];

/* trial.c: trying what loading Go takes. */

extern PyMethodDef gs_trial_methods[];

/* environment.c: the variables that Go starts with. */

extern PyMethodDef gs_environment_methods[];

/* hooks.c: what the bridge leaves to Python. Each is NULL until installed. */

typedef struct {
  PyObject *refuse;    /* (function, path, is_type_error, reason) -> exception */
  PyObject *damaged;   /* (reason) -> exception: a frame that does not fit */
  PyObject *prepare;   /* (function): gives it its schemas */
  PyObject *bind;      /* (function): finds it in the library, loading that */
  PyObject *stand_in;  /* (function, args, kwargs): called instead of the function, or NULL */
  PyObject *converse;  /* (function, frame, loan, timeout_ns, callback): a call with messages */
  PyObject *converse_later;  /* the same, which gives a future */
  PyObject *stand_in_submit; /* (function, args, kwargs) -> future: as stand_in */
  PyObject *queue;     /* () -> the queue for a call that is submitted here */
  PyObject *wait;      /* (function, frame, loan, timeout_ns, None): a call that may be abandoned, or NULL */
  PyObject *wait_always; /* the same, if that may be any call */
  PyObject *waiter;    /* () -> what is called as wait is for a long call of this thread, or None */
  PyObject *own_queue; /* () -> a queue for one call that the main thread waits for, or None */
  PyObject *let_go;    /* (queue, future, exception): ends such a call, whose wait a signal's handler has ended */
  PyObject *touch;     /* (path): raises if a test has forbidden it, or NULL */
  PyObject *timeout;   /* (timeout) -> ns, or raises */
  PyObject *fail;      /* (payload, trace, captured) -> exception of an error reply */
  PyObject *caller;    /* () -> what is kept of the caller with a submitted call, or NULL */
  PyObject *events;    /* (number): takes the events of a call that has ended, or NULL */
  PyObject *observe;   /* (): modules were imported, attach to what is there */
  PyObject *trace;     /* (name of the function) -> the caller's trace context as bytes, or NULL */
  PyObject *spans;     /* (message): spans of Go, or that some wait, or NULL */
  PyObject *context;   /* () -> the current context, a dict on which (age, trace context) is kept, or NULL */
  PyObject *age;       /* of what is kept: an older one does not count */
  PyObject *place;     /* a dict: nothing that is kept counts while there is another value than */
  PyObject *place_value; /* this one */
  PyObject *place_key; /* at this key; or NULL */
} gs_hooks;

extern gs_hooks gs_hook;
extern PyMethodDef gs_hook_methods[];

/* Grows when the next call has to call the hook 'observe', whatever it has seen before. */
extern unsigned gs_looks_wanted;

/* schema.c: what crosses, as a tree. */

typedef enum {
  GS_NONE,
  GS_BOOL,
  GS_INT,
  GS_UINT,
  GS_FLOAT,
  GS_STR,
  GS_PATH,
  GS_BYTES,
  GS_LIST,
  GS_MAP,
  GS_RECORD,
  GS_OPTIONAL,
  GS_CONVERTED,
  GS_BUFFER,
  GS_MUTABLE,
  GS_TABLE,
  GS_ANY,
} gs_kind;

typedef struct gs_schema {
  PyObject_HEAD
  gs_kind kind;
  int bits;                  /* GS_INT, GS_UINT, GS_FLOAT */
  int depth;                 /* of itself and what is below */
  struct gs_schema *element; /* GS_LIST, GS_MAP, GS_OPTIONAL, GS_CONVERTED, GS_BUFFER, GS_MUTABLE */
  PyObject *names;           /* GS_RECORD: a tuple of str */
  PyObject *fields;          /* GS_RECORD: a tuple of schemas */
  PyObject *slots;           /* GS_RECORD: a tuple of what sets each field; NULL: the class is called */
  PyObject *type;            /* GS_RECORD: the class; GS_CONVERTED: what is expected, a str */
  PyObject *lower;           /* GS_CONVERTED: makes of a value what crosses; GS_TABLE: makes its frame */
  PyObject *lift;            /* GS_CONVERTED: and back */
} gs_schema;

extern PyTypeObject *gs_schema_type;
int gs_add_schema_type(PyObject *module);

/* One of a schema's slots in an instance of its class: its value, owned, or an AttributeError; and set it. */
PyObject *gs_get_slot(PyObject *slot, PyObject *record);
int gs_set_slot(PyObject *slot, PyObject *record, PyObject *value);

/* The object of a weak reference, owned, or NULL if it is gone. Runs no Python code. */
PyObject *gs_weak_target(PyObject *reference);

/* memory.c: memory with several owners. Only the two that make one need the GIL. */

typedef struct gs_memory gs_memory;

/* Takes over the handle: it is released with the last owner, or now if there is no memory (NULL). */
gs_memory *gs_memory_of_go(uint64_t handle);

/* Memory for a handle that is taken over later, if at all. */
gs_memory *gs_memory_to_be(void);
void gs_memory_take_over(gs_memory *memory, uint64_t handle);

/* Memory of Python's side, aligned for every item, to be filled. */
gs_memory *gs_memory_own(size_t size, uint8_t **bytes);

gs_memory *gs_memory_share(gs_memory *memory);
void gs_memory_drop(gs_memory *memory); /* NULL is ignored */
int gs_memory_is_of_go(const gs_memory *memory);

/* items.c: the items of a buffer. */

#define GS_ITEM_NAME 16  /* room for "uint64" */
#define GS_ITEMS_NAME 64 /* for what a buffer has */

int gs_item_size(const gs_schema *element);
char gs_item_format(const gs_schema *element);
void gs_item_name(const gs_schema *element, char *room);

/* Tells whether a buffer has such items. */
int gs_items_fit(const Py_buffer *buffer, const gs_schema *element);

/* Writes which items it has. */
void gs_items_name(const Py_buffer *buffer, char *room);

/* loan.c: memory of Python lent to Go, which extension 1 in a frame refers to. */

typedef struct {
  Py_ssize_t count, room;
  Py_buffer *buffers;
  gostitch_view *views;
} gs_loan;

/* Adds the memory of an object, which must have what the flags ask for. */
int gs_lend(gs_loan *loan, PyObject *object, int flags);
Py_buffer *gs_last_lent(gs_loan *loan);
void gs_take_last_back(gs_loan *loan);
void gs_end_loan(gs_loan *loan);

/* A loan as an object, for a call that outlives the crossing; empties the given one. */
PyObject *gs_loan_object(gs_loan *loan);
gs_loan *gs_loan_of(PyObject *object);

/* Takes the memory back; 0 if Go may still read it. */
int gs_end_loan_object(PyObject *object);

/* Counts one call more or less in which Go may read the memory: from before it begins to the reply. */
void gs_loan_runs(PyObject *object, int more);

int gs_add_loan_type(PyObject *module);

/* buffer.c: memory of a reply as a Python object. */

/* Items in memory of a reply as a read-only memoryview, which is one more owner. */
PyObject *gs_view(gs_memory *memory, const void *data, uint64_t size, char format, int stride);

/* The same of a frame, which may say where other memory of its owner lies. */
PyObject *gs_view_frame(gs_memory *memory, const void *data, uint64_t size);

/* Finds the memory that a view of a whole frame owns, borrowed; NULL if it is another one. Python can look at
   anything else in Go's memory too, but what that says is not Go's to say. -1: an exception is set. */
int gs_memory_behind(PyObject *view, const Py_buffer *whole, gs_memory **memory);

/* Memory of Go as a read-only memoryview, released with its last slice. Releases
   the handle if it fails. */
PyObject *gs_hold(const uint8_t *data, uint64_t length, uint64_t handle);

int gs_add_buffer_type(PyObject *module);

/* encode.c: Python values to a frame. */

/* A frame being written: on the C stack first, then on the heap. */
typedef struct {
  uint8_t *data;
  size_t length, room;
  int on_heap;
  int whole; /* nothing crosses beside this frame */
  int is_answer; /* such a frame that goes to Go all the same */
  gs_loan loan;
} gs_writer;

/* Where in the arguments a value stands, for errors; a chain through the C stack. */
typedef struct gs_place {
  const struct gs_place *outer;
  PyObject *name; /* of a field or argument, or the key of a map; borrowed */
  Py_ssize_t index;
  enum { GS_AT_NAME, GS_AT_INDEX, GS_AT_KEY, GS_AT_FUNCTION } at;
} gs_place;

void gs_start_writer(gs_writer *writer, uint8_t *room, size_t size);
void gs_end_writer(gs_writer *writer);
int gs_write(gs_writer *writer, const void *data, size_t length);
int gs_write_list_header(gs_writer *writer, size_t count);
int gs_encode(gs_writer *writer, gs_schema *schema, PyObject *value, const gs_place *place);

/* Raises an exception that a hook made, which it takes over; NULL: the hook has
   raised one itself. */
void gs_raise(PyObject *exception);

/* Raises that a value is of a wrong type; gives -1. */
int gs_wrong_type(const gs_place *place, const char *expected, PyObject *value);

/* decode.c: frames to Python values. */

/* The memory is what the frame may refer to, or NULL. */
PyObject *gs_decode(gs_schema *schema, const uint8_t *data, size_t length, gs_memory *memory);

/* What remains of a frame. Every read is bounded by it. */
typedef struct {
  const uint8_t *at, *end;
  gs_memory *memory;
} gs_reader;

/* A record as it was drained; its payload is Go memory to be released if there is a handle. */
typedef struct {
  int kind, status;
  uint64_t token;
  const uint8_t *data;
  uint64_t length, handle;
} gs_record;

/* The kinds of a reply, an event, and of the trace context of a question: gocore.RecordReply, RecordTrace. */
#define GS_REPLY 1
#define GS_EVENT 7 /* gocore.RecordEvent */
#define GS_TRACE 6
#define GS_REMINDER 0 /* of no record: something waits at a conversation */

/* For what reads parts of a frame. All but the first two raise that it is damaged if
   it is another one. */
int gs_read_list_header(gs_reader *in, uint64_t *count);
int gs_skip_nil(gs_reader *in); /* 1: there was one */
int gs_read_size(gs_reader *in, int64_t *size);
int gs_read_bool(gs_reader *in, int *truth);
char *gs_read_text(gs_reader *in); /* for free() */
PyObject *gs_damaged(const char *expected, gs_reader *in);

/* Reads memory that stands in the frame or is referred to by it: one owner of it is the caller's. */
int gs_read_memory(gs_reader *in, gs_memory **memory, const uint8_t **data, uint64_t *size);

int gs_read_batch(gs_reader *in, uint64_t *count); /* needs no GIL, and raises nothing */
int gs_read_record(gs_reader *in, gs_record *record);

/* batches.c: what was drained and not handled yet. */

typedef struct gs_drained gs_drained;

typedef struct {
  pthread_mutex_t entry; /* held while a batch is drained; never with the GIL */
  gs_drained *last;        /* guarded by entry */
  gs_drained *room;        /* what Go fills the next time, or NULL; guarded by entry */
  gs_drained *first;       /* guarded by the GIL */
} gs_backlog;

/* Where a record stands. */
typedef struct {
  size_t at, next;
} gs_place_in_batch;

int gs_begin_backlog(gs_backlog *backlog);

/* Clears the descriptor, which is -1 if it was closed, and adds a batch of what waits in a queue of
   Go. *more tells whether more waits there. */
int gs_fill_backlog(gs_backlog *backlog, uint64_t queue, const _Atomic int *descriptor, int32_t *more);

/* Waits until nobody drains. Needs no GIL, and must not have it. */
void gs_wait_for_drain(gs_backlog *backlog);

/* The batch with the first record, for gs_drop_batch; NULL if there is none. */
gs_drained *gs_first_batch(gs_backlog *backlog);
void gs_drop_batch(gs_drained *batch);

/* Reads the first record of a batch, or the one behind it: 0 if there is none, -1 if it is damaged. */
int gs_read_first(gs_drained *batch, gs_place_in_batch *place, gs_record *record);
int gs_read_second(gs_drained *batch, const gs_place_in_batch *first, gs_record *record);

/* Tells whether nobody has taken it meanwhile, and takes it. */
int gs_is_first(const gs_drained *batch, const gs_place_in_batch *place);
void gs_take_first(gs_drained *batch, const gs_place_in_batch *place);

uint64_t gs_count_backlog(const gs_backlog *backlog);

/* Drops all records, of a queue of that generation, and at last the backlog too. */
void gs_clear_backlog(gs_backlog *backlog, unsigned generation);
void gs_end_backlog(gs_backlog *backlog, unsigned generation);

/* table_object.c: a table of Go as a Python object. */

PyObject *gs_decode_table(gs_reader *in);
int gs_add_table_type(PyObject *module);

/* function.c: a Go function as a Python object. */

/* Where the function stands in the catalogue; -1 and an exception if that cannot be known. */
int64_t gs_number_of(PyObject *function);

/* Gives the result of a reply whose payload lies here. */
PyObject *gs_result_of(PyObject *function, const uint8_t *data, size_t length);

/* Raises the error of a payload, which it takes over; the trace context may be NULL. Captured tells
   that the function has reported it. */
void gs_fail(PyObject *payload, PyObject *trace, int captured);

/* The time for started_ns: to some milliseconds, for the price of a few nanoseconds. */
int64_t gs_now(void);

int gs_add_function_type(PyObject *module);

/* pace.c: how long the calls of a function take. */

typedef struct {
  uint64_t short_calls; /* of the main thread since the last long one */
  int handed;           /* so many calls of the main thread are still to be waited for outside of Go */
  int grant;            /* how many the last long one made it */
} gs_pace;

/* For a function that is declared long: none is ever taken away. */
#define GS_ALL_HANDED -1

/* For one that was never called: its first calls are handed over where other greenlets run meanwhile. */
#define GS_NEVER_CALLED -2

/* Fewer ticks are no long call on any machine. */
#define GS_SHORT 500000

void gs_begin_pace(gs_pace *pace);

/* Hands the first calls over. */
void gs_hand_first(gs_pace *pace);

/* Notes that an inline call took so many ticks, which may be long. */
void gs_note_ticks(gs_pace *pace, uint64_t ticks);

/* Notes how many ticks an inline call took; here, for the smallest calls feel it. */
static inline void gs_note_inline(gs_pace *pace, uint64_t ticks) {
  if (__builtin_expect(ticks >= GS_SHORT, 0)) gs_note_ticks(pace, ticks);
  else pace->short_calls++;
}

/* Notes how many nanoseconds a call took that was waited for outside. */
void gs_note_waited(gs_pace *pace, int64_t ns);

/* waiting.c: a long call of the main thread. */

/* Submits the call and waits for it, so that handlers of signals run meanwhile; a new reference. NULL without
   an exception: it must be made in Go, as there is no descriptor, or this thread sees other files than Go's.
   *ended tells whether the call has. */
PyObject *gs_wait_for(PyObject *function, gs_writer *writer, int64_t timeout_ns, PyObject *trace, int *ended);

/* Says that the library is being loaded on this thread. */
void gs_note_mounts(void);

int gs_set_up_waiting(void);

/* future.c: the reply of a submitted call that is to come. */

/* All but the type and the queue may be NULL. */
PyObject *gs_new_future(PyTypeObject *type, PyObject *queue, PyObject *loop, PyObject *function, PyObject *trace,
                        PyObject *loan);
int gs_is_future(PyObject *object);

/* Tells whether the objects of a class are futures. */
int gs_is_future_type(PyObject *type);
int gs_is_claimed(PyObject *future); /* it has an outcome, or somebody is about to set one */

/* These are for futures alone. */
unsigned long long gs_token_of(PyObject *future);
PyObject *gs_caller_of(PyObject *future); /* borrowed; None if it is not kept */
void gs_abandon(PyObject *future);
void gs_expect_reply_only(PyObject *future);
int gs_begin_call(PyObject *future); /* raises if it was begun before */

/* Takes back what was lent to the call of this token: it was refused, or its reply is there. */
void gs_take_back(PyObject *future, unsigned long long token);
int gs_is_done(PyObject *future);
PyObject *gs_outcome(PyObject *future); /* the result of one that is done, or its exception */

/* Writes function, trace context and buffers of its call. */
int gs_describe_call(PyObject *future, gostitch_request *request);

/* Tells whether a future can be settled and no code but the event loop's has to run for it. */
int gs_is_settled_at_once(PyObject *future);

/* Gives the result of its reply; None if nobody wants it any more. */
PyObject *gs_result_for(PyObject *future, const uint8_t *data, size_t length);

/* Settles it. The loop is the one that runs here, or NULL; so may the wake-ups be, to
   which its callbacks are added. */
int gs_settle_at_once(PyObject *future, unsigned long long token, PyObject *result, PyObject *running, PyObject *wakeups);

/* The event loop that runs on this thread: borrowed, as it outlives the caller; NULL for none. */
PyObject *gs_running_loop(void);

int gs_add_future_type(PyObject *module);

/* wakeups.c: what an event loop is to run for one batch of replies. */

/* Gives wake-ups that the loop, which runs here, has been told to run soon: a new reference,
   or NULL if each is to have a handle of its own. */
int gs_wakeups(PyObject *loop, PyObject **wakeups);

/* Adds one: the callback is called with the future in the context. */
int gs_add_wakeup(PyObject *wakeups, PyObject *callback, PyObject *context, PyObject *future);

int gs_add_wakeups_type(void);

/* conversation.c: calls with messages, and the hands that hold what Python handles. */

/* Makes an empty hand, of a thread or of None. */
PyObject *gs_new_hand(PyObject *thread);

/* Puts a record into a hand. Takes over the record. */
int gs_put_in_hand(PyObject *hand, PyObject *record);

/* Gives the record in a hand, owned, and its kind; NULL, without an exception, if there is none. */
PyObject *gs_record_in(PyObject *hand, long *kind);

/* Calls handler(of, kind, token, status, payload) with the record in a hand, if there is one, which then is empty. */
int gs_handle_in_hand(PyObject *handler, PyObject *of, PyObject *hand);

/* Puts a hand at the beginning of a chain. */
int gs_chain_hand(PyObject **chain, PyObject *hand);

/* Moves the record of the first hand of a chain into another hand; 0 if Python has made that one
   something else, which is dropped. */
int gs_unchain_hand(PyObject **chain, PyObject *hand);

uint64_t gs_count_hands(PyObject *chain);

/* Gives a record to its conversation, as the tuple that Python handles. */
int gs_give_record(PyObject *conversation, const gs_record *record, PyObject *tuple);

/* Calls handler(conversation, kind, token, status, payload) for what has arrived for one, in order, unless another thread
   or greenlet does. After its reply it leaves the conversations. */
int gs_handle_conversation(PyObject *conversation, PyObject *conversations, PyObject *pending, PyObject *handler);

/* Puts the reminder of one into a chain, unless it is there, if something has arrived that was not handled; tells
   whether that is so. Allocates nothing. */
int gs_remind(PyObject **chain, PyObject *conversation);

/* Says that the reminder is in no chain any more. */
int gs_was_reminded(PyObject *conversation);

/* Has others take what has arrived for one if this thread or greenlet does. */
int gs_let_go(PyObject *conversation);

int gs_add_conversations(PyObject *module);

/* queue.c: where the replies of submitted calls arrive. */

/* Starts a call and gives its future. Takes over the writer's loan. */
PyObject *gs_submit(PyObject *queue, PyObject *function, gs_writer *writer, gostitch_request *request,
                    PyObject *trace);

/* Gives the queue for a call that is submitted on this thread. */
PyObject *gs_queue_here(void);

/* Says that this is a forked child, where no queue is in use any more. */
void gs_forget_queue(void);

int gs_add_queue_type(PyObject *module);

#endif
