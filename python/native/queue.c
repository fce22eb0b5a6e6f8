/*
 * The queue that replies of submitted calls arrive on, as far as each call needs
 * it: starting a call under a token, and draining. The class in Python
 * (gostitch/_queue.py) inherits from the type Queue.
 */

#include "bridge.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

typedef struct {
  PyObject_HEAD
  unsigned long long handle; /* of its library, and the number there */
  _Atomic int fd;            /* Go writes to it when records wait; -1: closed */
  gs_backlog backlog;        /* what was drained */
  PyObject *left;            /* the first of the hands whose handling was interrupted, or NULL */
  PyObject *pending;         /* a dict: token -> future of a call whose reply is to come */
  PyObject *awaited;         /* a set: tokens that somebody outside the event loop may wait for */
  PyObject *loop;            /* a weak reference to the event loop, or None */
  PyObject *future;          /* the class of its futures */
  int is_shared;             /* by calls whose replies another thread handles; else its one caller does */
} queue_object;

static PyTypeObject *queue_type;

/* Set at the end of the interpreter: threads but the main one are not told of replies any more that another
   thread would have to handle. */
static int leaving;

static int drop(queue_object *q, PyObject *token) {
  if (PyDict_DelItem(q->pending, token) < 0) PyErr_Clear();
  return PySet_Size(q->awaited) > 0 ? PySet_Discard(q->awaited, token) : 0;
}

/* A call to be started. */
typedef struct {
  const gostitch_request *request;
  uint64_t number, queue;
  gostitch_out out;
  int32_t status;
} starting;

static void cross_submit(void *of) {
  starting *with = of;
  with->status = gs_go.submit(with->request, with->number, with->queue, &with->out);
}

/* Registers a future and starts its call. Gives None, or the payload of the error
   with which Go refused it. */
static PyObject *start(queue_object *q, PyObject *future, gostitch_request *request) {
  uint64_t own = gs_queue_of(q->handle);
  if (own == 0 || gs_keep_faults(request->started_ns) < 0) return NULL;
  if (leaving && q->is_shared && (uint64_t)pthread_self() != gs_main_thread) gs_abandon(future);
  if (gs_begin_call(future) < 0) return NULL;
  uint64_t number = gs_token_of(future);
  PyObject *token = PyLong_FromUnsignedLongLong(number);
  /* Before the crossing: another thread may drain the reply before it is over. */
  if (token == NULL || PyDict_SetItem(q->pending, token, future) < 0) {
    Py_XDECREF(token);
    gs_take_back(future, number);
    return NULL;
  }
  starting with = {.request = request, .number = number, .queue = own};
  int cannot;
  Py_BEGIN_ALLOW_THREADS;
  cannot = gs_cross(cross_submit, &with);
  Py_END_ALLOW_THREADS;
  PyObject *refused = Py_None;
  int has_begun = !cannot && with.status == GOSTITCH_OK;
  if (!has_begun) gs_take_back(future, number);
  if (cannot) {
    drop(q, token);
    gs_refuse(cannot);
    refused = NULL;
  } else if (has_begun) {
    Py_INCREF(refused);
  } else {
    drop(q, token);
    refused = gs_payload_of(&with.out);
  }
  Py_DECREF(token);
  return refused;
}

/* The queue of an event loop that was asked for last: nearly always the next one's too.
   Not owned, or the queue of a loop that is gone would stay; whoever frees it forgets it. */
static queue_object *latest;

void gs_forget_queue(void) { latest = NULL; }

/* Tells whether a loop of asyncio's may run trio, whose tasks do not wait in it; Python knows. */
static int may_have_a_guest(void) {
  static PyObject *trio;
  if (trio == NULL && (trio = PyUnicode_InternFromString("trio")) == NULL) PyErr_Clear();
  return trio == NULL || PyDict_Contains(PyImport_GetModuleDict(), trio) != 0;
}

PyObject *gs_queue_here(void) {
  PyObject *last = (PyObject *)latest;
  if (last != NULL) {
    Py_INCREF(last); /* or what runs at the end of a loop could free it */
    PyObject *loop = gs_weak_target(((queue_object *)last)->loop);
    int is_here = loop != NULL && loop == gs_running_loop() && !may_have_a_guest();
    Py_XDECREF(loop);
    if (is_here) return last;
    Py_DECREF(last);
  }
  PyObject *queue = PyObject_CallNoArgs(gs_hook.queue);
  if (queue == NULL) return NULL;
  if (!PyObject_TypeCheck(queue, queue_type)) {
    Py_DECREF(queue);
    PyErr_SetString(PyExc_TypeError, "the hook 'queue' must give a queue");
    return NULL;
  }
  if (((queue_object *)queue)->loop != Py_None) latest = (queue_object *)queue;
  return queue;
}

static PyObject *new_future(queue_object *q, PyObject *function, PyObject *trace, PyObject *loan) {
  if (q->future == NULL) {
    PyErr_SetString(PyExc_RuntimeError, "this queue was not initialised");
    return NULL;
  }
  PyObject *loop = q->loop == Py_None ? NULL : q->loop;
  return gs_new_future((PyTypeObject *)q->future, (PyObject *)q, loop, function, trace, loan);
}

PyObject *gs_submit(PyObject *queue, PyObject *function, gs_writer *writer, gostitch_request *request, PyObject *trace) {
  queue_object *q = (queue_object *)queue;
  PyObject *loan = NULL;
  if (writer->loan.count > 0) {
    loan = gs_loan_object(&writer->loan);
    if (loan == NULL) return NULL;
  }
  PyObject *future = new_future(q, function, trace, loan);
  Py_XDECREF(loan);
  if (future == NULL) return NULL;
  gs_expect_reply_only(future);
  PyObject *refused = gs_describe_call(future, request) < 0 ? NULL : start(q, future, request);
  if (refused == Py_None) {
    Py_DECREF(refused);
    return future;
  }
  Py_DECREF(future); /* the loan ends with it */
  if (refused != NULL) gs_fail(refused, trace, 0);
  return NULL;
}

PyDoc_STRVAR(new_future_doc,
             "new_future(function, trace, loan) -> future\n\nMake the future of a call that is to be started.");

static PyObject *queue_new_future(PyObject *self, PyObject *arguments) {
  queue_object *q = (queue_object *)self;
  PyObject *function, *trace, *loan;
  if (!PyArg_ParseTuple(arguments, "OSO:new_future", &function, &trace, &loan)) return NULL;
  if (loan != Py_None && gs_loan_of(loan) == NULL) return NULL;
  return new_future(q, function, trace, loan == Py_None ? NULL : loan);
}

PyDoc_STRVAR(start_doc,
             "start(future, flags, timeout_ns, frame) -> error payload or None\n\n"
             "Start the call of a future; its reply arrives on this queue.");

static PyObject *queue_start(PyObject *self, PyObject *arguments) {
  PyObject *future, *frame;
  unsigned int flags;
  long long timeout_ns;
  if (!PyArg_ParseTuple(arguments, "OILS:start", &future, &flags, &timeout_ns, &frame)) return NULL;
  if (!gs_is_future(future)) return PyErr_Format(PyExc_TypeError, "expected a future of this queue, got %R", future);
  gostitch_request request = {
      .flags = flags,
      .timeout_ns = timeout_ns,
      .frame = (const uint8_t *)PyBytes_AsString(frame),
      .frame_length = (uint64_t)PyBytes_Size(frame),
  };
  queue_object *q = (queue_object *)self;
  if (gs_queue_of(q->handle) == 0 || gs_describe_call(future, &request) < 0) return NULL;
  return start(q, future, &request);
}

/* What is needed to take records: where those of calls with messages go, where those
   that are left to Python go, and what an event loop that runs here is to run. */
typedef struct {
  queue_object *queue;
  PyObject *conversations, *hand;
  int has_looked;              /* for the loop: it takes a while, and only plain replies need it */
  PyObject *running, *wakeups; /* the loop, borrowed, and its wake-ups, or NULL */
} taking;

/* How taking one record has ended. */
typedef enum {
  FAILED = -1, /* with an exception */
  NONE = 0,    /* none waits */
  IN_HAND = 1, /* Python has to handle it */
  DONE = 2,    /* it was handled, or another thread was faster: there may be more */
} taken;

/* Gives the caller of a call whose reply is to come, borrowed: None if it is not kept, or nobody's. */
static PyObject *caller_of(queue_object *q, uint64_t number) {
  PyObject *token = PyLong_FromUnsignedLongLong(number);
  PyObject *future = token == NULL ? NULL : PyDict_GetItemWithError(q->pending, token);
  Py_XDECREF(token);
  if (future != NULL && gs_is_future(future)) return gs_caller_of(future);
  return PyErr_Occurred() ? NULL : Py_None;
}

/* Makes the tuple of an event, which is Python's to handle whatever call it is of: the payload has the
   caller with it, as another thread may handle the reply before this record is. */
static PyObject *tuple_of_event(queue_object *q, const gs_record *record, PyObject *payload) {
  PyObject *caller = caller_of(q, record->token);
  if (caller != NULL) return Py_BuildValue("(iii(NO))", record->kind, 0, record->status, payload, caller);
  Py_DECREF(payload);
  return NULL;
}

/* Makes the tuple of a record: (kind, token, status, payload). The payload is bytes, or a view of
   memory that does not own the record's handle yet. */
static PyObject *tuple_of(queue_object *q, const gs_record *record, gs_memory *memory) {
  PyObject *payload = memory == NULL
                          ? PyBytes_FromStringAndSize((const char *)record->data, (Py_ssize_t)record->length)
                          : gs_view_frame(memory, record->data, record->length);
  if (payload == NULL) return NULL;
  if (record->kind == GS_EVENT) return tuple_of_event(q, record, payload);
  return Py_BuildValue("(iKiN)", record->kind, (unsigned long long)record->token, record->status, payload);
}

/* Takes back what was lent to the call whose reply is there. */
static void take_back(queue_object *q, uint64_t number, PyObject *token) {
  PyObject *future = PyDict_GetItemWithError(q->pending, token);
  if (future == NULL) PyErr_Clear();
  else if (gs_is_future(future)) gs_take_back(future, number);
}

/* Takes the first record, of which the tuple was made: it goes to its conversation, if it is of one,
   and into the hand. In one step: no Python code runs, unless Python has made the dict of other objects. */
static taken hand_over(taking *t, gs_drained *batch, const gs_place_in_batch *place, const gs_record *record,
                       PyObject *tuple) {
  if (!gs_is_first(batch, place)) return DONE; /* another thread has it */
  PyObject *of = PyDict_GetItemWithError(t->conversations, PyTuple_GetItem(tuple, 1));
  if (of == NULL && PyErr_Occurred()) return FAILED;
  int is_of_one = of != NULL;
  if (is_of_one) {
    Py_INCREF(of);
    int failed = gs_give_record(of, record, tuple) < 0;
    Py_DECREF(of);
    if (failed) return FAILED;
  }
  if (!gs_is_first(batch, place)) return DONE;
  gs_take_first(batch, place);
  if (record->kind == GS_REPLY) take_back(t->queue, record->token, PyTuple_GetItem(tuple, 1));
  if (is_of_one && record->kind == GS_TRACE) return DONE;
  Py_INCREF(tuple);
  return gs_put_in_hand(t->hand, tuple) < 0 ? FAILED : IN_HAND;
}

/* Leaves the first record to Python. */
static taken leave_to_python(taking *t, gs_drained *batch, const gs_place_in_batch *place, const gs_record *record) {
  gs_memory *memory = record->handle == 0 ? NULL : gs_memory_to_be();
  if (record->handle != 0 && memory == NULL) return FAILED;
  PyObject *tuple = tuple_of(t->queue, record, memory);
  int was_first = gs_is_first(batch, place);
  taken how = tuple == NULL ? FAILED : hand_over(t, batch, place, record, tuple);
  if (memory != NULL && how != FAILED && was_first) gs_memory_take_over(memory, record->handle);
  Py_XDECREF(tuple);
  gs_memory_drop(memory);
  return how;
}

/* Tells whether a record is the reply of a call for which nothing but the outcome may
   have to be set. */
static int is_plain(const gs_record *record) {
  return record->kind == GS_REPLY && record->status == GOSTITCH_OK && record->handle == 0;
}

/* Settles the future of the first record, if that runs no code but the event loop's;
   otherwise leaves it to Python. */
static taken settle(taking *t, gs_drained *batch, const gs_place_in_batch *place, const gs_record *record,
                    PyObject *token, PyObject *future) {
  PyObject *result = gs_result_for(future, record->data, (size_t)record->length);
  if (result == NULL && !PyErr_ExceptionMatches(PyExc_Exception)) return FAILED; /* Ctrl-C */
  if (result == NULL) PyErr_Clear(); /* Python's to tell */
  if (!gs_is_first(batch, place)) {
    Py_XDECREF(result);
    return DONE;
  }
  if (result == NULL || !gs_is_settled_at_once(future)) {
    Py_XDECREF(result);
    return leave_to_python(t, batch, place, record);
  }
  gs_take_first(batch, place);
  drop(t->queue, token);
  int failed = gs_settle_at_once(future, record->token, result, t->running, t->wakeups) < 0;
  Py_DECREF(result);
  return failed ? FAILED : DONE;
}

/* Takes the first record of a batch. */
static taken take_first(taking *t, gs_drained *batch, const gs_place_in_batch *place, const gs_record *record) {
  if (!is_plain(record)) return leave_to_python(t, batch, place, record);
  PyObject *token = PyLong_FromUnsignedLongLong(record->token);
  if (token == NULL) return FAILED;
  PyObject *future = PyDict_GetItemWithError(t->queue->pending, token);
  taken how = FAILED;
  if (future != NULL && gs_is_future(future) && gs_is_settled_at_once(future)) {
    Py_INCREF(future);
    how = settle(t, batch, place, record, token, future);
    Py_DECREF(future);
  } else if (future != NULL || !PyErr_Occurred()) {
    how = leave_to_python(t, batch, place, record);
  }
  Py_DECREF(token);
  return how;
}

/* Finds the event loop that runs here, and makes the wake-ups of a batch where that is told of several replies. */
static int prepare_wakeups(taking *t, gs_drained *batch, const gs_place_in_batch *place) {
  gs_record second;
  if (!t->has_looked) {
    t->running = gs_running_loop();
    t->has_looked = 1;
  }
  if (t->wakeups != NULL || t->running == NULL || t->queue->loop == Py_None) return 0;
  if (gs_read_second(batch, place, &second) <= 0 || !is_plain(&second)) return PyErr_Occurred() ? -1 : 0;
  PyObject *loop = gs_weak_target(t->queue->loop);
  int failed = loop == t->running && gs_wakeups(loop, &t->wakeups) < 0;
  Py_XDECREF(loop);
  return failed ? -1 : 0;
}

/* Takes the oldest record that was drained. */
static taken take(taking *t) {
  gs_drained *batch = gs_first_batch(&t->queue->backlog);
  if (batch == NULL) return NONE;
  gs_place_in_batch place;
  gs_record record;
  taken how = DONE;
  int found = gs_read_first(batch, &place, &record);
  if (found < 0 || (found > 0 && is_plain(&record) && prepare_wakeups(t, batch, &place) < 0)) how = FAILED;
  else if (found > 0 && gs_is_first(batch, &place)) how = take_first(t, batch, &place, &record);
  gs_drop_batch(batch);
  return how;
}

/* Takes the record that was kept last; a reminder only if its conversation is still there. */
static taken take_kept(taking *t) {
  long kind = 0;
  int found = gs_unchain_hand(&t->queue->left, t->hand);
  if (found <= 0) return found < 0 ? FAILED : DONE;
  PyObject *record = gs_record_in(t->hand, &kind);
  if (record == NULL || kind != GS_REMINDER) {
    Py_XDECREF(record);
    return IN_HAND;
  }
  PyObject *of = PyDict_GetItemWithError(t->conversations, PyTuple_GetItem(record, 1));
  Py_XINCREF(of);
  Py_DECREF(record);
  taken how = of != NULL ? IN_HAND : PyErr_Occurred() ? FAILED : DONE;
  if (of != NULL && gs_was_reminded(of) < 0) how = FAILED;
  Py_XDECREF(of);
  return how;
}

/* Settles what can be, then moves the next record that Python has to handle into the hand. What was kept
   comes first. What is of a conversation joins its 'waiting' too (a trace context its 'traces'), in the
   order in which it was drained. */
static taken take_for_python(taking *t) {
  taken how = DONE;
  while (how == DONE && t->queue->left != NULL) how = take_kept(t);
  while (how == DONE) {
    /* Now, rather than in the middle of the event loop's call_soon, which would leave a future
       settled whose task is never woken (without wake-ups of a batch, that is). */
    how = PyErr_CheckSignals() < 0 ? FAILED : take(t);
  }
  Py_CLEAR(t->wakeups);
  return how;
}

static void wake(queue_object *q) {
  static const uint64_t one = 1;
  int fd = q->fd;
  /* With the GIL, so that it is not closed meanwhile; it never blocks. */
  if (fd >= 0) (void)!write(fd, &one, sizeof one);
}

/* Has whoever drains next look at what has arrived for a conversation, if there is something. */
static int remind(queue_object *q, PyObject *conversation) {
  int has = gs_remind(&q->left, conversation);
  if (has > 0) wake(q);
  return has;
}

/* Has the record of a hand, whose handling an exception has ended, taken again, first, if somebody
   waits for it: what has arrived for a conversation is handled where that stands. Allocates nothing. */
static int keep(queue_object *q, PyObject *conversations, PyObject *hand) {
  long kind = 0;
  PyObject *record = gs_record_in(hand, &kind);
  if (record == NULL) return 0;
  PyObject *token = PyTuple_GetItem(record, 1), *of = PyDict_GetItemWithError(conversations, token);
  int failed = 0;
  if (of != NULL) {
    Py_INCREF(of);
    failed = gs_remind(&q->left, of) < 0;
    Py_DECREF(of);
  } else if (kind == GS_REPLY && PyDict_Contains(q->pending, token) > 0) {
    failed = gs_chain_hand(&q->left, hand) < 0;
  }
  Py_DECREF(record);
  return failed ? -1 : 0;
}

/* The same after an exception, which stays. */
static void keep_failed(queue_object *q, PyObject *conversations, PyObject *hand) {
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  (void)keep(q, conversations, hand);
  PyErr_Clear();
  PyErr_Restore(type, value, traceback);
}

/* Calls handler(loop that runs here, kind, token, status, payload) with the record of a hand. */
static int handle_record(PyObject *handler, PyObject **here, PyObject *hand) {
  if (*here == NULL) { /* once, as it takes a while */
    PyObject *running = gs_running_loop();
    *here = running == NULL ? Py_None : running;
    Py_INCREF(*here);
  }
  return gs_handle_in_hand(handler, *here, hand);
}

/* Has everything handled that was drained, or what can be until then; tells whether some is left. */
static int handle_drained(queue_object *q, PyObject *conversations, PyObject *handler, PyObject *hand, double until) {
  PyObject *here = NULL;
  int left = 0;
  while (left == 0) {
    taking t = {.queue = q, .conversations = conversations, .hand = hand};
    taken how = take_for_python(&t);
    if (how == NONE) break;
    if (how == FAILED || handle_record(handler, &here, hand) < 0) left = -1;
    else if (until >= 0 && (double)gs_clock() / 1e9 >= until) left = gs_count_backlog(&q->backlog) + gs_count_hands(q->left) > 0;
  }
  Py_XDECREF(here);
  return left;
}

PyDoc_STRVAR(drain_to_doc,
             "drain_to(handler, conversations, until) -> more\n\n"
             "Clear the descriptor, drain one batch of what waits in Go, settle what can be, and call handler(loop that "
             "runs here, kind, token, status, payload) for each other record; until then, of time.monotonic(), or None for all. "
             "Every thread that drains takes from there, so what one leaves behind, that was interrupted or waits in a "
             "callback, is for the next. A record whose handler raises is kept and comes first next time. Tell whether "
             "more waits; then, and after an exception, the descriptor is ready. All that is one step: what a signal's handler "
             "raises, however often, loses nothing.");

static PyObject *queue_drain_to(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
  queue_object *q = (queue_object *)self;
  if (count != 3 || !PyDict_Check(arguments[1])) {
    PyErr_SetString(PyExc_TypeError, "drain_to takes a handler, a dict and seconds");
    return NULL;
  }
  double until = arguments[2] == Py_None ? -1 : PyFloat_AsDouble(arguments[2]);
  if (until == -1 && PyErr_Occurred()) return NULL;
  PyObject *hand = gs_new_hand(Py_None);
  if (hand == NULL) return NULL;
  int32_t more = 0;
  uint64_t own = q->fd < 0 ? 0 : gs_queue_of(q->handle);
  int left = q->fd >= 0 && (own == 0 || gs_fill_backlog(&q->backlog, own, &q->fd, &more) < 0)
                 ? -1
                 : handle_drained(q, arguments[1], arguments[0], hand, until);
  if (left < 0) keep_failed(q, arguments[1], hand);
  Py_DECREF(hand);
  if (left != 0 || more) wake(q);
  return left < 0 ? NULL : PyBool_FromLong(left || more);
}

PyDoc_STRVAR(handle_waiting_doc,
             "handle_waiting(handler, conversation, conversations, nested)\n\n"
             "Call handler(conversation, kind, token, status, payload) for what has arrived for a call with messages, in order, "
             "unless another thread or greenlet does. Its end takes it out of its conversations. A record whose handler "
             "raises is kept as by drain_to. If nested, a handler further out on this thread may have run the event loop, "
             "until the call is done say: it does not hold back what arrived meanwhile.");

static PyObject *queue_handle_waiting(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
  queue_object *q = (queue_object *)self;
  if (count != 4 || !PyDict_Check(arguments[2])) {
    PyErr_SetString(PyExc_TypeError, "handle_waiting takes a handler, a conversation, a dict and whether it is nested");
    return NULL;
  }
  int failed = arguments[3] == Py_True && gs_let_go(arguments[1]) < 0;
  if (!failed && gs_handle_conversation(arguments[1], arguments[2], q->pending, arguments[0]) == 0) Py_RETURN_NONE;
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  (void)remind(q, arguments[1]);
  PyErr_Clear();
  PyErr_Restore(type, value, traceback);
  return NULL;
}

PyDoc_STRVAR(remind_doc,
             "remind(conversation)\n\n"
             "Have whoever drains next look at what has arrived for a call, if there is something. Allocates nothing.");

static PyObject *queue_remind(PyObject *self, PyObject *conversation) {
  if (remind((queue_object *)self, conversation) < 0) return NULL;
  Py_RETURN_NONE;
}

PyDoc_STRVAR(drained_doc, "drained() -> int\n\nGive the number of records that were drained and not taken yet.");

static PyObject *queue_drained(PyObject *self, PyObject *nothing) {
  queue_object *q = (queue_object *)self;
  return PyLong_FromUnsignedLongLong(gs_count_backlog(&q->backlog) + gs_count_hands(q->left));
}

PyDoc_STRVAR(wake_doc, "wake()\n\nWake who waits for the descriptor, unless it is closed.");

static PyObject *queue_wake(PyObject *self, PyObject *nothing) {
  wake((queue_object *)self);
  Py_RETURN_NONE;
}

PyDoc_STRVAR(forget_doc,
             "forget(close)\n\nDrop what a forked child has of its parent: what was drained and, if wanted, the descriptor.");

static PyObject *queue_forget(PyObject *self, PyObject *wanted) {
  queue_object *q = (queue_object *)self;
  int closes = PyObject_IsTrue(wanted);
  if (closes < 0) return NULL;
  gs_clear_backlog(&q->backlog, gs_generation_of(q->handle));
  Py_CLEAR(q->left);
  int fd = closes ? atomic_exchange(&q->fd, -1) : -1;
  if (fd >= 0) close(fd);
  Py_RETURN_NONE;
}

PyDoc_STRVAR(cancel_doc,
             "cancel(token)\n\nCancel the context of a call that replies to this queue, unless it is a parent's.");

static PyObject *queue_cancel(PyObject *self, PyObject *token) {
  unsigned long long number = PyLong_AsUnsignedLongLong(token);
  if (PyErr_Occurred()) return NULL;
  gs_cancel(((queue_object *)self)->handle, number);
  Py_RETURN_NONE;
}

PyDoc_STRVAR(shut_doc, "shut()\n\nGive the queue and its descriptor back.");

/* Runs no Python code, so that Ctrl-C cannot strike in between and leave half of it. */
static PyObject *queue_shut(PyObject *self, PyObject *nothing) {
  queue_object *q = (queue_object *)self;
  int fd = atomic_exchange(&q->fd, -1);
  if (fd < 0) Py_RETURN_NONE;
  Py_BEGIN_ALLOW_THREADS;
  gs_wait_for_drain(&q->backlog); /* which reads the descriptor */
  gs_release(gs_number_in(q->handle), gs_generation_of(q->handle));
  close(fd);
  Py_END_ALLOW_THREADS;
  Py_RETURN_NONE;
}

/* Makes a queue that is closed and has whatever the methods look at: Python may call them before
   __init__, or without it. */
static PyObject *queue_new(PyTypeObject *type, PyObject *arguments, PyObject *named) {
  PyObject *self = PyType_GenericNew(type, arguments, named);
  if (self == NULL) return NULL;
  queue_object *q = (queue_object *)self;
  q->fd = -1;
  q->pending = PyDict_New();
  q->awaited = PySet_New(NULL);
  q->loop = Py_None;
  Py_INCREF(Py_None);
  if (q->pending != NULL && q->awaited != NULL && gs_begin_backlog(&q->backlog) == 0) return self;
  Py_DECREF(self);
  return PyErr_NoMemory();
}

static int queue_init(PyObject *self, PyObject *arguments, PyObject *named) {
  static char *keywords[] = {"roles", "loop", "future", NULL};
  queue_object *q = (queue_object *)self;
  int roles;
  PyObject *loop, *future;
  if (!PyArg_ParseTupleAndKeywords(arguments, named, "iOO!:Queue", keywords, &roles, &loop, &PyType_Type, &future)) {
    return -1;
  }
  if (q->future != NULL) return 0; /* it is initialised */
  if (!gs_is_future_type(future)) {
    PyErr_Format(PyExc_TypeError, "expected a class of futures, got %R", future);
    return -1;
  }
  /* Both at once, and the object's from the beginning: Ctrl-C may strike between any
     two steps of Python. */
  int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) {
    PyErr_SetFromErrno(PyExc_OSError);
    return -1;
  }
  q->handle = gs_open_queue(fd, roles);
  if (q->handle == 0) {
    close(fd);
    return -1;
  }
  q->fd = fd;
  PyObject *before = q->loop;
  Py_INCREF(loop);
  q->loop = loop;
  Py_DECREF(before);
  Py_INCREF(future);
  q->future = future;
  q->is_shared = roles != 0 || loop != Py_None;
  return 0;
}

static int queue_traverse(PyObject *self, visitproc visit, void *arg) {
  queue_object *q = (queue_object *)self;
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(q->pending);
  Py_VISIT(q->awaited);
  Py_VISIT(q->loop);
  Py_VISIT(q->future);
  Py_VISIT(q->left);
  return 0;
}

/* Cancels the calls of a queue that nobody has any more: Ctrl-C has kept a destructor from it. */
static void abandon(queue_object *q) {
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback); /* it is dropped while one is raised, say */
  PyObject *tokens = q->pending == NULL || PyDict_Size(q->pending) == 0 ? NULL : PyDict_Keys(q->pending);
  for (Py_ssize_t i = 0; tokens != NULL && i < PyList_Size(tokens); i++) {
    PyObject *token = PyList_GetItem(tokens, i);
    if (PyLong_Check(token)) gs_cancel(q->handle, PyLong_AsUnsignedLongLongMask(token));
  }
  Py_XDECREF(tokens);
  PyErr_Clear();
  PyErr_Restore(type, value, traceback);
}

static int queue_clear(PyObject *self) {
  /* The containers stay as long as the object: a drain may be under way. */
  queue_object *q = (queue_object *)self;
  abandon(q);
  if (q->pending != NULL) PyDict_Clear(q->pending);
  Py_CLEAR(q->left);
  return 0;
}

static void queue_dealloc(PyObject *self) {
  queue_object *q = (queue_object *)self;
  PyTypeObject *type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  if (latest == q) latest = NULL;
  abandon(q);
  /* Ctrl-C may have struck before anybody had the queue to close it. */
  unsigned generation = gs_generation_of(q->handle);
  int fd = q->fd;
  if (generation != 0 && generation == gs_alive && fd >= 0) {
    gs_release(gs_number_in(q->handle), generation);
    close(fd);
  }
  gs_end_backlog(&q->backlog, generation);
  Py_CLEAR(q->left);
  Py_CLEAR(q->pending);
  Py_CLEAR(q->awaited);
  Py_CLEAR(q->loop);
  Py_CLEAR(q->future);
  freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
  release(self);
  Py_DECREF(type);
}

static PyMethodDef queue_methods[] = {
    {"new_future", queue_new_future, METH_VARARGS, new_future_doc},
    {"start", queue_start, METH_VARARGS, start_doc},
    {"drain_to", (PyCFunction)(void (*)(void))queue_drain_to, METH_FASTCALL, drain_to_doc},
    {"handle_waiting", (PyCFunction)(void (*)(void))queue_handle_waiting, METH_FASTCALL, handle_waiting_doc},
    {"remind", queue_remind, METH_O, remind_doc},
    {"drained", queue_drained, METH_NOARGS, drained_doc},
    {"wake", queue_wake, METH_NOARGS, wake_doc},
    {"cancel", queue_cancel, METH_O, cancel_doc},
    {"shut", queue_shut, METH_NOARGS, shut_doc},
    {"forget", queue_forget, METH_O, forget_doc},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef queue_members[] = {
    {"handle", T_ULONGLONG, offsetof(queue_object, handle), READONLY, "Its number in Go."},
    {"fd", T_INT, offsetof(queue_object, fd), READONLY, "The descriptor to which Go writes when records wait."},
    {"pending", T_OBJECT, offsetof(queue_object, pending), READONLY, "The futures by token whose reply is to come."},
    {"awaited", T_OBJECT, offsetof(queue_object, awaited), READONLY, "Tokens that somebody outside the loop waits for."},
    {"loop", T_OBJECT, offsetof(queue_object, loop), READONLY, "A weak reference to the event loop, or None."},
    {NULL, 0, 0, 0, NULL},
};

PyDoc_STRVAR(queue_doc, "A queue of Go, and the futures of the calls whose replies arrive there.");

static PyType_Slot queue_slots[] = {
    {Py_tp_doc, (void *)queue_doc},
    {Py_tp_new, queue_new},
    {Py_tp_init, queue_init},
    {Py_tp_dealloc, queue_dealloc},
    {Py_tp_traverse, queue_traverse},
    {Py_tp_clear, queue_clear},
    {Py_tp_methods, queue_methods},
    {Py_tp_members, queue_members},
    {0, NULL},
};

static PyType_Spec queue_spec = {
    .name = "gostitch._bridge.Queue",
    .basicsize = sizeof(queue_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .slots = queue_slots,
};

PyDoc_STRVAR(leave_doc,
             "leave(yes)\n\n"
             "Say that the interpreter ends: threads but the main one are not told of the replies to what they submit "
             "from now on.");

static PyObject *leave(PyObject *module, PyObject *yes) {
  leaving = PyObject_IsTrue(yes);
  if (leaving < 0) return NULL;
  Py_RETURN_NONE;
}

static PyMethodDef queue_functions[] = {
    {"leave", leave, METH_O, leave_doc},
    {NULL, NULL, 0, NULL},
};

int gs_add_queue_type(PyObject *module) {
  queue_type = (PyTypeObject *)PyType_FromSpec(&queue_spec);
  if (queue_type == NULL || PyModule_AddFunctions(module, queue_functions) < 0) return -1;
  return PyModule_AddObject(module, "Queue", (PyObject *)queue_type);
}
