/*
 * The queue that replies of submitted calls arrive on, as far as each call needs
 * it: starting a call under a token, and draining. The class in Python
 * (gostitch/_queue.py) inherits from the type Queue.
 */

#include "bridge.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

typedef struct {
  PyObject_HEAD
  unsigned long long handle; /* of its library, and the number there */
  int fd;                    /* Go writes to it when records wait; -1: closed */
  PyObject *pending;         /* a dict: token -> future of a call whose reply is to come */
  PyObject *awaited;         /* a set: tokens that somebody outside the event loop may wait for */
  PyObject *loop;            /* a weak reference to the event loop, or None */
  PyObject *future;          /* the class of its futures */
} queue_object;

static PyTypeObject *queue_type;

/* Set at the end of the interpreter: threads but the main one are not told of replies any more. */
static int leaving;

static int drop(queue_object *q, PyObject *token) {
  if (PyDict_DelItem(q->pending, token) < 0) PyErr_Clear();
  return PySet_Size(q->awaited) > 0 ? PySet_Discard(q->awaited, token) : 0;
}

/* Registers a future and starts its call. Gives None, or the payload of the error
   with which Go refused it. */
static PyObject *start(queue_object *q, PyObject *future, gostitch_request *request) {
  uint64_t own = gs_queue_of(q->handle);
  if (own == 0 || gs_keep_faults(request->started_ns) < 0) return NULL;
  if (leaving && (uint64_t)pthread_self() != gs_main_thread) gs_abandon(future);
  uint64_t number = gs_token_of(future);
  PyObject *token = PyLong_FromUnsignedLongLong(number);
  /* Before the crossing: another thread may drain the reply before it is over. */
  if (token == NULL || PyDict_SetItem(q->pending, token, future) < 0) {
    Py_XDECREF(token);
    return NULL;
  }
  gostitch_out out = {0};
  int32_t status;
  Py_BEGIN_ALLOW_THREADS;
  status = gs_go.submit(request, number, own, &out);
  Py_END_ALLOW_THREADS;
  PyObject *refused = Py_None;
  if (status == GOSTITCH_OK) {
    gs_begun(future);
    Py_INCREF(refused);
  } else {
    drop(q, token);
    refused = gs_payload_of(&out);
  }
  Py_DECREF(token);
  return refused;
}

/* The queue of an event loop that was asked for last: nearly always the next one's too.
   Not owned, or the queue of a loop that is gone would stay; whoever frees it forgets it. */
static queue_object *latest;

void gs_forget_queue(void) { latest = NULL; }

PyObject *gs_queue_here(void) {
  if (latest != NULL) {
    PyObject *loop = PyWeakref_GetObject(latest->loop);
    if (loop != Py_None && loop == gs_running_loop()) {
      Py_INCREF(latest);
      return (PyObject *)latest;
    }
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

PyObject *gs_submit(PyObject *queue, PyObject *function, gs_writer *writer, gostitch_request *request, PyObject *trace) {
  queue_object *q = (queue_object *)queue;
  PyObject *loan = NULL;
  if (writer->loan.count > 0) {
    loan = gs_loan_object(&writer->loan);
    if (loan == NULL) return NULL;
  }
  PyObject *loop = q->loop == Py_None ? NULL : q->loop;
  PyObject *future = gs_new_future((PyTypeObject *)q->future, queue, loop, function, trace, loan);
  Py_XDECREF(loan);
  if (future == NULL) return NULL;
  gs_expect_reply_only(future);
  PyObject *refused = gs_describe_call(future, request) < 0 ? NULL : start(q, future, request);
  if (refused == Py_None) {
    Py_DECREF(refused);
    return future;
  }
  Py_DECREF(future); /* the loan ends with it */
  if (refused != NULL) gs_fail(refused, trace);
  return NULL;
}

PyDoc_STRVAR(new_future_doc,
             "new_future(function, trace, loan) -> future\n\nMake the future of a call that is to be started.");

static PyObject *queue_new_future(PyObject *self, PyObject *arguments) {
  queue_object *q = (queue_object *)self;
  PyObject *function, *trace, *loan;
  if (!PyArg_ParseTuple(arguments, "OSO:new_future", &function, &trace, &loan)) return NULL;
  if (loan != Py_None && gs_loan_of(loan) == NULL) return NULL;
  return gs_new_future((PyTypeObject *)q->future, self, q->loop == Py_None ? NULL : q->loop, function, trace,
                       loan == Py_None ? NULL : loan);
}

PyDoc_STRVAR(start_doc,
             "start(future, flags, timeout_ns, frame) -> error payload or None\n\n"
             "Start the call of a future; its reply arrives on this queue.");

static PyObject *queue_start(PyObject *self, PyObject *arguments) {
  PyObject *future;
  unsigned int flags;
  long long timeout_ns;
  const char *frame;
  Py_ssize_t length;
  if (!PyArg_ParseTuple(arguments, "OILy#:start", &future, &flags, &timeout_ns, &frame, &length)) return NULL;
  if (!gs_is_future(future)) return PyErr_Format(PyExc_TypeError, "expected a future of this queue, got %R", future);
  gostitch_request request = {
      .flags = flags,
      .timeout_ns = timeout_ns,
      .frame = (const uint8_t *)frame,
      .frame_length = (uint64_t)length,
  };
  queue_object *q = (queue_object *)self;
  if (gs_queue_of(q->handle) == 0 || gs_describe_call(future, &request) < 0) return NULL;
  return start(q, future, &request);
}

static PyObject *append_name, *popleft_name, *waiting_name, *traces_name;

static int append_to(PyObject *deque, PyObject *item) {
  PyObject *done = PyObject_CallMethodObjArgs(deque, append_name, item, NULL);
  Py_XDECREF(done);
  return done == NULL ? -1 : 0;
}

/* Notes the trace context of a question, by its number. */
static int note_trace(PyObject *conversation, PyObject *tuple) {
  PyObject *traces = PyObject_GetAttr(conversation, traces_name);
  PyObject *bytes = traces == NULL ? NULL : PyBytes_FromObject(PyTuple_GetItem(tuple, 3));
  int failed = bytes == NULL || PyObject_SetItem(traces, PyTuple_GetItem(tuple, 2), bytes) < 0;
  Py_XDECREF(bytes);
  Py_XDECREF(traces);
  return failed ? -1 : 0;
}

PyDoc_STRVAR(take_record_doc,
             "take_record(deque, hand) -> bool\n\n"
             "Move the oldest record of a deque into a list; false if there is none. What popleft gives could be lost: "
             "Ctrl-C may strike before Python has stored it.");

static PyObject *take_record(PyObject *module, PyObject *arguments) {
  PyObject *deque, *hand;
  if (!PyArg_ParseTuple(arguments, "OO!:take_record", &deque, &PyList_Type, &hand)) return NULL;
  PyObject *record = PyObject_CallMethodObjArgs(deque, popleft_name, NULL);
  if (record == NULL) {
    if (!PyErr_ExceptionMatches(PyExc_IndexError)) return NULL;
    PyErr_Clear();
    Py_RETURN_FALSE;
  }
  int failed = PyList_Append(hand, record) < 0;
  Py_DECREF(record);
  if (failed) return NULL;
  Py_RETURN_TRUE;
}

/* Gives a record to the conversation that it is of, if it is of one. */
static int give_to_conversation(PyObject *conversations, int kind, PyObject *tuple) {
  PyObject *conversation = PyDict_GetItemWithError(conversations, PyTuple_GetItem(tuple, 1));
  if (conversation == NULL) return PyErr_Occurred() ? -1 : 0;
  if (kind == GS_TRACE) return note_trace(conversation, tuple);
  PyObject *waiting = PyObject_GetAttr(conversation, waiting_name);
  int failed = waiting == NULL || append_to(waiting, tuple) < 0;
  Py_XDECREF(waiting);
  return failed ? -1 : 0;
}

/* Where records go that are left to Python: all of them to one deque, and those of a
   call with messages to one of its own too, for two threads may drain. */
typedef struct {
  PyObject *records, *conversations;
} destination;

/* Appends a record as a tuple (kind, token, status, payload). */
static int append(const destination *to, gs_record *record) {
  PyObject *payload = gs_payload_of_record(record);
  if (payload == NULL) return -1;
  PyObject *tuple = Py_BuildValue("(iKiN)", record->kind, (unsigned long long)record->token, record->status, payload);
  int failed = tuple == NULL || give_to_conversation(to->conversations, record->kind, tuple) < 0 ||
               append_to(to->records, tuple) < 0;
  Py_XDECREF(tuple);
  return failed ? -1 : 0;
}

/* Settles the future of a record, if it is the reply of a call and nothing but the
   outcome has to be set: 1. Otherwise 0, or -1 and an exception; *taken tells
   whether the record is done with in spite of it. */
static int settle(queue_object *q, const gs_record *record, PyObject *running, PyObject *wakeups, int *taken) {
  *taken = 0;
  PyObject *token = PyLong_FromUnsignedLongLong(record->token);
  if (token == NULL) return -1;
  PyObject *future = PyDict_GetItemWithError(q->pending, token);
  int settled = 0;
  if (future != NULL && gs_is_future(future)) {
    Py_INCREF(future);
    settled = gs_settle_at_once(future, record->data, (size_t)record->length, running, wakeups, taken);
    if (*taken) drop(q, token);
    Py_DECREF(future);
  }
  Py_DECREF(token);
  return settled;
}

/* Bytes of one batch of records. */
#define BATCH_SIZE (64 * 1024)

/* Tells whether a record is the reply of a call for which nothing but the outcome may
   have to be set. Runs no Python code. */
static int is_plain(const gs_record *record) {
  return record->kind == GS_REPLY && record->status == GOSTITCH_OK && record->handle == 0;
}

/* Leaves to Python what is behind the first record that is not plain, in order: a log
   record comes before the reply of its call. Gives how many stand before it, or -1. */
static int64_t sort(const destination *to, const uint8_t *data, size_t size) {
  gs_reader in = {data, data + size, NULL};
  uint64_t count;
  int64_t plain = 0;
  int here = 1;
  if (gs_read_batch(&in, &count) < 0) return -1;
  for (uint64_t i = 0; i < count; i++) {
    gs_record record;
    if (gs_read_record(&in, &record) < 0) return -1;
    here = here && is_plain(&record);
    if (here) plain++;
    else if (append(to, &record) < 0) return -1;
  }
  return plain;
}

/* Tells whether the queue's event loop runs here and is to be told of several replies. */
static int wakes_many(queue_object *q, PyObject *running, int64_t plain) {
  return plain > 1 && running != NULL && q->loop != Py_None && PyWeakref_GetObject(q->loop) == running;
}

/* Settles the futures of the first records of a batch; those that cannot be settled
   here are left to Python. */
static int settle_all(queue_object *q, const destination *to, const uint8_t *data, size_t size, int64_t plain) {
  gs_reader in = {data, data + size, NULL};
  uint64_t count;
  if (gs_read_batch(&in, &count) < 0) return -1;
  PyObject *running = gs_running_loop(), *wakeups = NULL;
  PyObject *type = NULL, *value = NULL, *traceback = NULL;
  if (wakes_many(q, running, plain) && gs_wakeups(running, &wakeups) < 0) PyErr_Fetch(&type, &value, &traceback);
  for (int64_t i = 0; i < plain; i++) {
    gs_record record;
    int taken = 0, settled = 0;
    if (gs_read_record(&in, &record) < 0) break;
    if (type == NULL) {
      /* Now, rather than in the middle of the event loop's call_soon, which would leave a
         future settled whose task is never woken (without wake-ups of a batch, that is). */
      settled = PyErr_CheckSignals() < 0 ? -1 : settle(q, &record, running, wakeups, &taken);
      /* What is left must not be lost. */
      if (settled < 0) PyErr_Fetch(&type, &value, &traceback);
    }
    if (settled <= 0 && !taken && append(to, &record) < 0) break;
  }
  Py_XDECREF(wakeups);
  if (type != NULL) {
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
  }
  return PyErr_Occurred() ? -1 : 0;
}

PyDoc_STRVAR(take_doc,
             "take_batch(records, conversations, order) -> more\n\n"
             "Clear the descriptor, settle futures, and append what else waits to a deque, one batch of it; what is of a "
             "conversation to its 'waiting' too (a trace context to its 'traces'), in the order in which it was drained, for which there is a lock. Records "
             "are not returned: Ctrl-C may strike before Python has stored a returned value, and no Python code runs "
             "from draining until they are where they cannot be lost, nor any while the lock is held.");

/* Drains one batch and sorts it; gives what sort does. */
static int64_t drain(queue_object *q, uint64_t own, const destination *to, uint8_t *batch, int64_t *length,
                     int32_t *more) {
  int fd = q->fd;
  if (fd < 0) return 0;
  Py_BEGIN_ALLOW_THREADS;
  /* Cleared before draining, so that a record which arrives in between wakes
     again. EAGAIN: another thread has cleared it. */
  uint64_t signals;
  while (read(fd, &signals, sizeof signals) < 0 && errno == EINTR) {
  }
  *length = gs_go.drain(own, batch, BATCH_SIZE, more);
  Py_END_ALLOW_THREADS;
  return *length == 0 ? 0 : sort(to, batch, (size_t)*length);
}

static PyObject *queue_take_batch(PyObject *self, PyObject *arguments) {
  queue_object *q = (queue_object *)self;
  destination to;
  PyObject *order;
  if (!PyArg_ParseTuple(arguments, "OO!O:take_batch", &to.records, &PyDict_Type, &to.conversations, &order)) return NULL;
  if (q->fd < 0) Py_RETURN_FALSE;
  uint64_t own = gs_queue_of(q->handle);
  if (own == 0) return NULL;
  uint8_t *batch = PyMem_Malloc(BATCH_SIZE);
  if (batch == NULL) return PyErr_NoMemory();
  int64_t length = 0, plain = -1;
  int32_t more = 0;
  PyObject *held = PyObject_CallMethod(order, "acquire", NULL);
  if (held != NULL) {
    plain = drain(q, own, &to, batch, &length, &more);
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    Py_DECREF(held);
    held = PyObject_CallMethod(order, "release", NULL);
    Py_XDECREF(held);
    if (type != NULL) PyErr_Restore(type, value, traceback);
  }
  int failed = plain < 0 || (plain > 0 && settle_all(q, &to, batch, (size_t)length, plain) < 0);
  PyMem_Free(batch);
  if (failed || PyErr_Occurred()) return NULL;
  return PyBool_FromLong(more);
}

/* Gives the queue and its descriptor back. Runs no Python code, so that Ctrl-C cannot
   strike in between and leave half of it. */
static void shut(queue_object *q) {
  int fd = q->fd;
  q->fd = -1;
  if (fd < 0) return;
  gs_release(gs_number_in(q->handle), gs_generation_of(q->handle));
  close(fd);
}

PyDoc_STRVAR(cancel_doc,
             "cancel(token)\n\nCancel the context of a call that replies to this queue, unless it is a parent's.");

static PyObject *queue_cancel(PyObject *self, PyObject *token) {
  unsigned long long number = PyLong_AsUnsignedLongLong(token);
  if (PyErr_Occurred()) return NULL;
  gs_cancel(((queue_object *)self)->handle, number);
  Py_RETURN_NONE;
}

PyDoc_STRVAR(shut_doc,
             "shut(order)\n\n"
             "Give the queue and its descriptor back, under the lock that who uses the descriptor holds.");

static PyObject *queue_shut(PyObject *self, PyObject *order) {
  PyObject *held = PyObject_CallMethod(order, "acquire", NULL);
  if (held == NULL) return NULL;
  Py_DECREF(held);
  shut((queue_object *)self);
  return PyObject_CallMethod(order, "release", NULL);
}

static int queue_init(PyObject *self, PyObject *arguments, PyObject *named) {
  static char *keywords[] = {"roles", "loop", "future", NULL};
  queue_object *q = (queue_object *)self;
  int roles;
  PyObject *loop, *future;
  if (!PyArg_ParseTupleAndKeywords(arguments, named, "iOO!:Queue", keywords, &roles, &loop, &PyType_Type, &future)) {
    return -1;
  }
  if (q->pending != NULL) return 0;
  Py_INCREF(loop);
  Py_INCREF(future);
  q->loop = loop;
  q->future = future;
  q->fd = -1;
  q->pending = PyDict_New();
  q->awaited = PySet_New(NULL);
  if (q->pending == NULL || q->awaited == NULL) return -1;
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
  return 0;
}

static int queue_traverse(PyObject *self, visitproc visit, void *arg) {
  queue_object *q = (queue_object *)self;
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(q->pending);
  Py_VISIT(q->awaited);
  Py_VISIT(q->loop);
  Py_VISIT(q->future);
  return 0;
}

/* Cancels the calls of a queue that nobody has any more: Ctrl-C has kept a destructor from it. */
static void abandon(queue_object *q) {
  PyObject *tokens = q->pending == NULL || PyDict_Size(q->pending) == 0 ? NULL : PyDict_Keys(q->pending);
  for (Py_ssize_t i = 0; tokens != NULL && i < PyList_Size(tokens); i++) {
    gs_cancel(q->handle, PyLong_AsUnsignedLongLong(PyList_GetItem(tokens, i)));
  }
  Py_XDECREF(tokens);
}

static int queue_clear(PyObject *self) {
  /* The containers stay as long as the object: a drain may be under way. */
  queue_object *q = (queue_object *)self;
  abandon(q);
  if (q->pending != NULL) PyDict_Clear(q->pending);
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
  if (generation != 0 && generation == gs_alive) shut(q);
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
    {"take_batch", queue_take_batch, METH_VARARGS, take_doc},
    {"cancel", queue_cancel, METH_O, cancel_doc},
    {"shut", queue_shut, METH_O, shut_doc},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef queue_members[] = {
    {"handle", T_ULONGLONG, offsetof(queue_object, handle), READONLY, "Its number in Go."},
    {"fd", T_INT, offsetof(queue_object, fd), 0, "The descriptor to which Go writes when records wait."},
    {"pending", T_OBJECT, offsetof(queue_object, pending), READONLY, "The futures by token whose reply is to come."},
    {"awaited", T_OBJECT, offsetof(queue_object, awaited), READONLY, "Tokens that somebody outside the loop waits for."},
    {"loop", T_OBJECT, offsetof(queue_object, loop), READONLY, "A weak reference to the event loop, or None."},
    {NULL, 0, 0, 0, NULL},
};

PyDoc_STRVAR(queue_doc, "A queue of Go, and the futures of the calls whose replies arrive there.");

static PyType_Slot queue_slots[] = {
    {Py_tp_doc, (void *)queue_doc},
    {Py_tp_new, PyType_GenericNew},
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
             "Say that the interpreter ends: threads but the main one are not told of the replies to what they start "
             "from now on.");

static PyObject *leave(PyObject *module, PyObject *yes) {
  leaving = PyObject_IsTrue(yes);
  if (leaving < 0) return NULL;
  Py_RETURN_NONE;
}

static PyMethodDef queue_functions[] = {
    {"leave", leave, METH_O, leave_doc},
    {"take_record", take_record, METH_VARARGS, take_record_doc},
    {NULL, NULL, 0, NULL},
};

int gs_add_queue_type(PyObject *module) {
  append_name = PyUnicode_InternFromString("append");
  popleft_name = PyUnicode_InternFromString("popleft");
  waiting_name = PyUnicode_InternFromString("waiting");
  traces_name = PyUnicode_InternFromString("traces");
  if (append_name == NULL || popleft_name == NULL || waiting_name == NULL || traces_name == NULL) return -1;
  queue_type = (PyTypeObject *)PyType_FromSpec(&queue_spec);
  if (queue_type == NULL || PyModule_AddFunctions(module, queue_functions) < 0) return -1;
  return PyModule_AddObject(module, "Queue", (PyObject *)queue_type);
}
