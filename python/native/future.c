/*
 * The reply of a submitted call that is to come: its outcome, and who in its
 * event loop waits for it.
 *
 * The classes in Python (gostitch/_future.py, gostitch/_loop_future.py) inherit
 * from the type Future and add what takes longer: waiting on a thread, and all
 * that needs a condition variable. What is done once for every await is here; it is
 * most of the benchmark async.await_10k.
 *
 * The GIL makes each step atomic: no lock is taken, and a signal's handler runs
 * only where Python is called.
 */

#include "bridge.h"

typedef enum { RUNNING, CANCELLED, FINISHED } outcome;

/* As concurrent.futures spells them, whose functions read them. */
static const char *const names[] = {"RUNNING", "CANCELLED_AND_NOTIFIED", "FINISHED"};
static PyObject *states[3];
static PyObject *settle_condition_name, *tell_others_name, *release_name, *call_soon_name, *call_soon_threadsafe_name;

typedef struct {
  PyObject_HEAD
  PyObject *queue; /* sends, cancels and watches for the future */
  unsigned long long token;
  outcome state, chosen; /* chosen first, and then told */
  enum { NEW, BEGUN, OVER } call;
  unsigned long long begun_as; /* the token then, which Python cannot change */
  char plain;     /* its reply is all that arrives: there are no messages before it */
  char claimed;   /* somebody has claimed to set the outcome */
  char taken;     /* the reply is being handled */
  char abandoned; /* the interpreter ends: nobody must be told */
  char blocking;  /* a task is about to wait: asyncio's protocol */
  PyObject *result, *exception;
  PyObject *function, *loan, *trace; /* of the call */
  PyObject *caller;                  /* its context; NULL where nobody would ask */
  PyObject *loop;                    /* a weak reference; NULL outside of loops */
  PyObject *in_loop;                 /* a list of (callback, context) that the loop is to run */
  PyObject *blocked; /* a list of locks, which threads wait to be released */
  PyObject *condition, *awaiting, *callbacks; /* the slower ways to wait, of _future.py */
} gs_future;

static PyTypeObject *future_type, *wait_type;
static PyObject *copy_context; /* contextvars.copy_context */

/* A member that Python has set to None is as good as never set. */
static int is_set(PyObject *member) { return member != NULL && member != Py_None; }

/* Gives a member another value, and only then drops the old one, whose destructor may look. */
static void set(PyObject **member, PyObject *value) {
  PyObject *old = *member;
  Py_XINCREF(value);
  *member = value;
  Py_XDECREF(old);
}

/* Gives what a member is for Python, owned. */
static PyObject *value_of(PyObject *member) {
  PyObject *value = member == NULL ? Py_None : member;
  Py_INCREF(value);
  return value;
}

PyObject *gs_running_loop(void) {
  static PyObject *get; /* asyncio's own function, once somebody has imported it */
  if (get == NULL) {
    PyObject *events = PyDict_GetItemString(PyImport_GetModuleDict(), "asyncio.events");
    if (events == NULL) return NULL;
    get = PyObject_GetAttrString(events, "_get_running_loop");
    if (get == NULL) {
      PyErr_Clear(); /* another thread is in the middle of importing it */
      return NULL;
    }
  }
  PyObject *loop = PyObject_CallNoArgs(get);
  if (loop == NULL) {
    PyErr_Clear();
    return NULL;
  }
  Py_DECREF(loop);
  return loop == Py_None ? NULL : loop;
}

PyObject *gs_weak_target(PyObject *reference) {
  if (!PyWeakref_CheckRefExact(reference)) return NULL; /* calling a class of Python's could run anything */
  /* Not PyWeakref_GetObject, which the headers of CPython 3.15 do not have, nor PyWeakref_GetRef,
     which CPython 3.10 does not have. */
  PyObject *object = PyObject_CallNoArgs(reference);
  if (object == NULL) PyErr_Clear();
  if (object == Py_None) Py_CLEAR(object);
  return object;
}

/* The loop of the future: owned; NULL if there is none any more. */
static PyObject *loop_of(gs_future *f) { return f->loop == NULL ? NULL : gs_weak_target(f->loop); }

static int is_here(gs_future *f) {
  PyObject *loop = loop_of(f);
  int is = loop != NULL && loop == gs_running_loop();
  Py_XDECREF(loop);
  return is;
}

/* Has the loop run one callback soon. The method is its call_soon, or call_soon_threadsafe. */
static int tell_of_one(gs_future *f, PyObject *pair, PyObject *soon, PyObject *wakeups) {
  if (!PyTuple_Check(pair) || PyTuple_Size(pair) != 2) return 0; /* Python can change the list */
  PyObject *callback = PyTuple_GetItem(pair, 0), *context = PyTuple_GetItem(pair, 1);
  if (wakeups != NULL) return gs_add_wakeup(wakeups, callback, context, (PyObject *)f);
  PyObject *named = Py_BuildValue("{sO}", "context", context);
  PyObject *arguments = PyTuple_Pack(2, callback, (PyObject *)f);
  PyObject *handle = named == NULL || arguments == NULL ? NULL : PyObject_Call(soon, arguments, named);
  Py_XDECREF(arguments);
  Py_XDECREF(named);
  Py_XDECREF(handle);
  return handle == NULL ? -1 : 0;
}

/* Puts callbacks back that the loop could not be told of, as there was no memory. */
static void keep_for_later(gs_future *f, PyObject *waiting) {
  PyObject *since = f->in_loop;
  f->in_loop = waiting;
  for (Py_ssize_t i = 0; is_set(since) && i < PyList_Size(since); i++) {
    if (PyList_Append(waiting, PyList_GetItem(since, i)) < 0) PyErr_Clear();
  }
  Py_XDECREF(since);
}

/* Tells the loop of all callbacks, whatever one raises. */
static int tell_of_all(gs_future *f, PyObject *waiting, PyObject *soon, PyObject *wakeups) {
  PyObject *type = NULL, *value = NULL, *traceback = NULL;
  int left = 0;
  for (Py_ssize_t i = 0; i < PyList_Size(waiting); i++) {
    PyObject *pair = PyList_GetItem(waiting, i);
    if (pair == Py_None) continue; /* it was told before */
    Py_INCREF(pair);
    Py_INCREF(Py_None);
    PyList_SetItem(waiting, i, Py_None);
    int failed = tell_of_one(f, pair, soon, wakeups) < 0;
    if (failed && PyErr_ExceptionMatches(PyExc_MemoryError)) {
      left = 1;
      Py_INCREF(pair);
      PyList_SetItem(waiting, i, pair);
    }
    Py_DECREF(pair);
    if (failed && wakeups == NULL && PyErr_ExceptionMatches(PyExc_RuntimeError)) {
      PyErr_Clear(); /* the loop is closed: nobody waits there */
      break;
    }
    if (failed && type == NULL) PyErr_Fetch(&type, &value, &traceback); /* the others still must know */
    else if (failed) PyErr_Clear();
  }
  if (left) keep_for_later(f, waiting);
  else Py_DECREF(waiting);
  if (type != NULL) PyErr_Restore(type, value, traceback);
  return type == NULL ? 0 : -1;
}

/* Hands the callbacks to the loop of the future. If that runs on this thread and there are
   wake-ups of a batch, they are added to those. A loop that is gone or closed has nobody who
   waits. */
static int tell_loop(gs_future *f, PyObject *running, PyObject *wakeups) {
  PyObject *loop = loop_of(f);
  int is_here = loop != NULL && loop == running;
  PyObject *soon = NULL;
  if (loop != NULL && (wakeups == NULL || !is_here)) {
    soon = PyObject_GetAttr(loop, is_here ? call_soon_name : call_soon_threadsafe_name);
    if (soon == NULL) {
      Py_DECREF(loop);
      return -1;
    }
  }
  PyObject *waiting = f->in_loop; /* whoever sees it again, in the middle, must find it taken */
  f->in_loop = NULL;
  int failed = 0;
  if (is_set(waiting) && loop != NULL) failed = tell_of_all(f, waiting, soon, soon == NULL ? wakeups : NULL) < 0;
  else Py_XDECREF(waiting);
  Py_XDECREF(soon);
  Py_XDECREF(loop);
  return failed ? -1 : 0;
}

/* Sets the state under the condition, and wakes the threads that wait for it: 1; 0 if somebody holds
   the condition, and another thread will settle. Ctrl-C that strikes in the middle must not leave one that
   waits for ever: what it has interrupted is then taken up again. */
static int settle_condition(gs_future *f, outcome state, int may_leave) {
  PyObject *arguments[] = {(PyObject *)f, states[state], may_leave ? Py_True : Py_False};
  PyObject *done = PyObject_CallMethodObjArgs(arguments[0], settle_condition_name, arguments[1], arguments[2], NULL);
  if (done == NULL) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    done = PyObject_CallMethodObjArgs(arguments[0], settle_condition_name, arguments[1], arguments[2], NULL);
    PyErr_Clear();
    Py_XDECREF(done);
    PyErr_Restore(type, value, traceback);
    return -1;
  }
  int settled = done == Py_True;
  Py_DECREF(done);
  return settled;
}

/* Releases the locks of the threads that wait. */
static void wake_threads(gs_future *f) {
  PyObject *locks = f->blocked;
  f->blocked = NULL;
  for (Py_ssize_t i = 0; is_set(locks) && i < PyList_Size(locks); i++) {
    PyObject *lock = PyList_GetItem(locks, i);
    Py_INCREF(lock);
    PyObject *done = PyObject_CallMethodObjArgs(lock, release_name, NULL);
    if (done == NULL) PyErr_Clear(); /* it was released already */
    Py_XDECREF(done);
    Py_DECREF(lock);
  }
  Py_XDECREF(locks);
}

/* Tells everybody who waits of the outcome, which is set. */
static int announce(gs_future *f, PyObject *running, PyObject *wakeups) {
  wake_threads(f);
  if (f->in_loop != NULL && tell_loop(f, running, wakeups) < 0) return -1;
  if (is_set(f->awaiting) || is_set(f->callbacks)) {
    PyObject *done = PyObject_CallMethodObjArgs((PyObject *)f, tell_others_name, NULL);
    if (done == NULL) return -1;
    Py_DECREF(done);
  }
  return 0;
}

/* Makes the outcome that is chosen count, and tells everybody who waits. What an exception has
   interrupted can be taken up again. */
static int finish(gs_future *f, int may_leave, PyObject *running, PyObject *wakeups) {
  if (f->state == RUNNING && is_set(f->condition)) {
    int settled = settle_condition(f, f->chosen, may_leave);
    if (settled <= 0) return settled;
  }
  f->state = f->chosen;
  return announce(f, running, wakeups);
}

/* Sets the outcome, which the caller has claimed, and tells everybody who waits. */
static int settle(gs_future *f, outcome state, PyObject *result, PyObject *exception, int may_leave, PyObject *running,
                  PyObject *wakeups) {
  set(&f->result, result);
  set(&f->exception, exception);
  f->chosen = state;
  return finish(f, may_leave, running, wakeups);
}

static int claim(gs_future *f) {
  if (f->claimed) return 0;
  f->claimed = 1;
  return 1;
}

static void end_loan(gs_future *f) {
  if (is_set(f->loan) && gs_end_loan_object(f->loan)) Py_CLEAR(f->loan);
}

int gs_is_settled_at_once(PyObject *object) {
  gs_future *f = (gs_future *)object;
  /* What runs code of others is left to Python. */
  return f->plain && !f->abandoned && !f->taken && !is_set(f->condition) && !is_set(f->awaiting) &&
         !is_set(f->callbacks);
}

PyObject *gs_result_for(PyObject *object, const uint8_t *data, size_t length) {
  gs_future *f = (gs_future *)object;
  if (!f->claimed) return gs_result_of(f->function, data, length);
  Py_INCREF(Py_None);
  return Py_None;
}

int gs_settle_at_once(PyObject *object, unsigned long long token, PyObject *result, PyObject *running,
                      PyObject *wakeups) {
  gs_future *f = (gs_future *)object;
  f->taken = 1;
  gs_take_back(object, token);
  end_loan(f);
  return claim(f) ? settle(f, FINISHED, result, NULL, 0, running, wakeups) : 0;
}

PyObject *gs_new_future(PyTypeObject *type, PyObject *queue, PyObject *loop, PyObject *function, PyObject *trace,
                        PyObject *loan) {
  static unsigned long long last_token;
  allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
  gs_future *f = (gs_future *)allocate(type, 0);
  if (f == NULL) return NULL;
  if (gs_hook.caller != NULL && (f->caller = PyObject_CallNoArgs(gs_hook.caller)) == NULL) {
    Py_DECREF(f);
    return NULL;
  }
  Py_INCREF(queue);
  Py_XINCREF(loop);
  Py_XINCREF(function);
  Py_XINCREF(trace);
  Py_XINCREF(loan);
  f->queue = queue;
  f->loop = loop;
  f->function = function;
  f->trace = trace;
  f->loan = loan;
  f->token = ++last_token;
  return (PyObject *)f;
}

int gs_describe_call(PyObject *future, gostitch_request *request) {
  gs_future *f = (gs_future *)future;
  if (f->function == NULL) {
    PyErr_SetString(PyExc_TypeError, "this future was not made for a call");
    return -1;
  }
  int64_t number = gs_number_of(f->function);
  if (number < 0) return -1;
  request->function = (uint32_t)number;
  request->started_ns = gs_now();
  if (is_set(f->trace)) {
    request->trace = (const uint8_t *)PyBytes_AsString(f->trace);
    request->trace_length = (uint64_t)PyBytes_Size(f->trace);
  }
  if (is_set(f->loan)) {
    gs_loan *loan = gs_loan_of(f->loan);
    request->buffers = loan->views;
    request->buffer_count = (uint64_t)loan->count;
  }
  return 0;
}

unsigned long long gs_token_of(PyObject *future) { return ((gs_future *)future)->token; }

PyObject *gs_caller_of(PyObject *future) {
  gs_future *f = (gs_future *)future;
  return f->caller == NULL ? Py_None : f->caller;
}

int gs_begin_call(PyObject *future) {
  gs_future *f = (gs_future *)future;
  if (f->call != NEW) {
    PyErr_SetString(PyExc_RuntimeError, "the call of this future was started before");
    return -1;
  }
  f->call = BEGUN;
  f->begun_as = f->token;
  if (is_set(f->loan)) gs_loan_runs(f->loan, 1);
  return 0;
}

void gs_take_back(PyObject *future, unsigned long long token) {
  gs_future *f = (gs_future *)future;
  if (f->begun_as != token) return;
  if (f->call == BEGUN && is_set(f->loan)) gs_loan_runs(f->loan, -1);
  f->call = OVER;
}

int gs_is_done(PyObject *future) { return ((gs_future *)future)->state != RUNNING; }

PyObject *gs_outcome(PyObject *future) {
  gs_future *f = (gs_future *)future;
  if (f->state != FINISHED) return PyObject_CallMethod(future, "result", NULL); /* raises that it was cancelled */
  if (is_set(f->exception)) {
    Py_INCREF(f->exception);
    gs_raise(f->exception);
    return NULL;
  }
  return value_of(f->result);
}

int gs_is_claimed(PyObject *future) { return ((gs_future *)future)->claimed; }

int gs_is_future(PyObject *object) { return PyObject_TypeCheck(object, future_type); }

int gs_is_future_type(PyObject *type) { return PyType_IsSubtype((PyTypeObject *)type, future_type); }

void gs_expect_reply_only(PyObject *future) { ((gs_future *)future)->plain = 1; }

void gs_abandon(PyObject *future) { ((gs_future *)future)->abandoned = 1; }

static int future_init(PyObject *self, PyObject *arguments, PyObject *named) {
  static char *keywords[] = {"queue", "token", "loop", NULL};
  gs_future *f = (gs_future *)self;
  PyObject *queue, *loop = Py_None;
  if (!PyArg_ParseTupleAndKeywords(arguments, named, "OK|O:Future", keywords, &queue, &f->token, &loop)) return -1;
  set(&f->queue, queue);
  if (loop != Py_None) set(&f->loop, loop);
  return 0;
}

PyDoc_STRVAR(done_doc, "done()\n\nTell whether the reply is there or the future was cancelled.");

static PyObject *future_done(PyObject *self, PyObject *nothing) {
  return PyBool_FromLong(((gs_future *)self)->state != RUNNING);
}

PyDoc_STRVAR(cancelled_doc, "cancelled()\n\nTell whether the future was cancelled.");

static PyObject *future_cancelled(PyObject *self, PyObject *nothing) {
  return PyBool_FromLong(((gs_future *)self)->state == CANCELLED);
}

PyDoc_STRVAR(running_doc, "running()\n\nTell whether the reply is still to come; a Go function starts at once.");

static PyObject *future_running(PyObject *self, PyObject *nothing) {
  return PyBool_FromLong(((gs_future *)self)->state == RUNNING);
}

PyDoc_STRVAR(result_doc,
             "result(timeout=None)\n\n"
             "Give the result, waiting for it at most ``timeout`` seconds, or raise the error.");

static PyObject *future_result(PyObject *self, PyObject *arguments, PyObject *named) {
  gs_future *f = (gs_future *)self;
  if (f->state == FINISHED && !is_set(f->exception)) return value_of(f->result);
  PyObject *wait = PyObject_GetAttrString(self, "_wait_for_result");
  PyObject *result = wait == NULL ? NULL : PyObject_Call(wait, arguments, named);
  Py_XDECREF(wait);
  return result;
}

PyDoc_STRVAR(exception_doc,
             "exception(timeout=None)\n\n"
             "Give the error or None, waiting for the reply at most ``timeout`` seconds.");

static PyObject *future_exception(PyObject *self, PyObject *arguments, PyObject *named) {
  gs_future *f = (gs_future *)self;
  if (f->state == FINISHED) return value_of(f->exception);
  PyObject *wait = PyObject_GetAttrString(self, "_wait_for_exception");
  PyObject *exception = wait == NULL ? NULL : PyObject_Call(wait, arguments, named);
  Py_XDECREF(wait);
  return exception;
}

PyDoc_STRVAR(add_doc,
             "add_done_callback(fn, *, context=None)\n\n"
             "Call ``fn`` with the future when it is done: through ``call_soon`` of the future's event loop, in the "
             "context or a copy of the present one, if that runs here, else on the thread that handles the reply.");

static PyObject *future_add_done_callback(PyObject *self, PyObject *arguments, PyObject *named) {
  static char *keywords[] = {"fn", "context", NULL};
  gs_future *f = (gs_future *)self;
  PyObject *callback, *context = Py_None;
  if (!PyArg_ParseTupleAndKeywords(arguments, named, "O|$O:add_done_callback", keywords, &callback, &context)) {
    return NULL;
  }
  if (!is_here(f)) return PyObject_CallMethod(self, "_add_done_callback", "O", callback);
  PyObject *own = context == Py_None ? PyObject_CallNoArgs(copy_context) : NULL;
  if (own != NULL) context = own;
  PyObject *pair = context == Py_None ? NULL : PyTuple_Pack(2, callback, context);
  PyObject *fresh = pair == NULL ? NULL : PyList_New(0);
  /* A collection in one of these may have settled the future: nothing is made from here on. */
  if (fresh != NULL && !is_set(f->in_loop)) set(&f->in_loop, fresh);
  int failed = fresh == NULL || PyList_Append(f->in_loop, pair) < 0;
  Py_XDECREF(fresh);
  Py_XDECREF(own);
  Py_XDECREF(pair);
  if (failed || (f->state != RUNNING && tell_loop(f, gs_running_loop(), NULL) < 0)) return NULL;
  Py_RETURN_NONE;
}

PyDoc_STRVAR(add_early_doc,
             "_add_early(fn) -> bool\n\nAdd a callback if the outcome is not set and nobody has asked for the condition.");

static PyObject *future_add_early(PyObject *self, PyObject *callback) {
  gs_future *f = (gs_future *)self;
  PyObject *fresh = PyList_New(0); /* a collection here may settle the future: before the look */
  if (fresh == NULL) return NULL;
  int is_early = f->state == RUNNING && !is_set(f->condition);
  if (is_early && !is_set(f->callbacks)) set(&f->callbacks, fresh);
  int failed = is_early && PyList_Append(f->callbacks, callback) < 0;
  Py_DECREF(fresh);
  return failed ? NULL : PyBool_FromLong(is_early);
}

PyDoc_STRVAR(adopt_doc, "_adopt(condition)\n\nGive the condition of the future, which is the given one if it had none.");

static PyObject *future_adopt(PyObject *self, PyObject *condition) {
  gs_future *f = (gs_future *)self;
  PyObject *fresh = PyList_New(0); /* for concurrent.futures, from now on */
  if (fresh == NULL) return NULL;
  if (!is_set(f->callbacks)) set(&f->callbacks, fresh); /* another thread may have been faster */
  Py_DECREF(fresh);
  if (!is_set(f->condition)) set(&f->condition, condition);
  return value_of(f->condition);
}

PyDoc_STRVAR(get_loop_doc, "get_loop()\n\nGive the loop in which the call was submitted.");

static PyObject *future_get_loop(PyObject *self, PyObject *nothing) {
  PyObject *loop = loop_of((gs_future *)self);
  if (loop == NULL) PyErr_SetString(PyExc_RuntimeError, "the event loop of this future is gone");
  return loop;
}

static int state_of(PyObject *name, outcome *state) {
  for (int i = RUNNING; i <= FINISHED; i++) {
    if (PyUnicode_Check(name) && PyUnicode_Compare(name, states[i]) == 0) {
      *state = (outcome)i;
      return 0;
    }
  }
  PyErr_Format(PyExc_ValueError, "a future cannot be %R", name);
  return -1;
}

PyDoc_STRVAR(settle_doc,
             "settle(state, result, exception, may_leave=False)\n\n"
             "Set the outcome, unless somebody else has claimed that, and tell everybody who waits. Where somebody holds "
             "the condition of concurrent.futures for long, this may be left to another thread.");

static PyObject *future_settle(PyObject *self, PyObject *arguments) {
  gs_future *f = (gs_future *)self;
  outcome state;
  PyObject *name, *result, *exception;
  int may_leave = 0;
  if (!PyArg_ParseTuple(arguments, "OOO|p:settle", &name, &result, &exception, &may_leave)) return NULL;
  if (state_of(name, &state) < 0) return NULL;
  if (claim(f) && settle(f, state, result, exception, may_leave, gs_running_loop(), NULL) < 0) return NULL;
  Py_RETURN_NONE;
}

PyDoc_STRVAR(resume_doc,
             "_resume(may_leave)\n\n"
             "Go on where settling was interrupted: by an exception, or since somebody held the condition.");

static PyObject *future_resume(PyObject *self, PyObject *may_leave) {
  gs_future *f = (gs_future *)self;
  int may = PyObject_IsTrue(may_leave);
  if (may < 0 || (f->chosen != RUNNING && finish(f, may, gs_running_loop(), NULL) < 0)) return NULL;
  Py_RETURN_NONE;
}

PyDoc_STRVAR(is_told_doc, "_is_told() -> bool\n\nTell whether nobody has to be told of an outcome.");

static PyObject *future_is_told(PyObject *self, PyObject *nothing) {
  gs_future *f = (gs_future *)self;
  int settled = f->state != RUNNING && !is_set(f->in_loop) && !is_set(f->blocked);
  return PyBool_FromLong(f->chosen == RUNNING || settled);
}

PyDoc_STRVAR(block_doc,
             "_block(lock) -> bool\n\n"
             "Have a lock released when there is an outcome; false if there is one.");

static PyObject *future_block(PyObject *self, PyObject *lock) {
  gs_future *f = (gs_future *)self;
  PyObject *fresh = PyList_New(0); /* which may settle the future */
  if (fresh == NULL) return NULL;
  if (f->state == RUNNING && !is_set(f->blocked)) set(&f->blocked, fresh);
  Py_DECREF(fresh);
  if (f->state != RUNNING) Py_RETURN_FALSE;
  if (PyList_Append(f->blocked, lock) < 0) return NULL;
  Py_RETURN_TRUE;
}

PyDoc_STRVAR(unblock_doc, "_unblock(lock)\n\nForget a lock that nobody waits for any more.");

static PyObject *future_unblock(PyObject *self, PyObject *lock) {
  PyObject *locks = ((gs_future *)self)->blocked;
  for (Py_ssize_t i = 0; is_set(locks) && i < PyList_Size(locks); i++) {
    if (PyList_GetItem(locks, i) == lock) {
      if (PyList_SetSlice(locks, i, i + 1, NULL) < 0) return NULL;
      break;
    }
  }
  Py_RETURN_NONE;
}

PyDoc_STRVAR(add_awaiting_doc,
             "_add_awaiting(waiter) -> bool\n\n"
             "Note who awaits in another loop, as (loop, future of that); false if there is an outcome.");

static PyObject *future_add_awaiting(PyObject *self, PyObject *waiter) {
  gs_future *f = (gs_future *)self;
  PyObject *fresh = PyList_New(0);
  if (fresh == NULL) return NULL;
  if (!is_set(f->awaiting)) set(&f->awaiting, fresh);
  Py_DECREF(fresh);
  if (PyList_Append(f->awaiting, waiter) < 0) return NULL;
  return PyBool_FromLong(f->state == RUNNING);
}

PyDoc_STRVAR(cancel_doc,
             "_cancel() -> bool\n\n"
             "Cancel the call and the future, unless it has an outcome; tell whether it had none. In one step: Ctrl-C "
             "must not leave a function running whose future says that it was cancelled.");

static PyObject *future_cancel(PyObject *self, PyObject *nothing) {
  gs_future *f = (gs_future *)self;
  /* Claimed first: the function's own reply to being cancelled must not win. */
  if (!claim(f)) Py_RETURN_FALSE;
  PyObject *type = NULL, *value = NULL, *traceback = NULL;
  PyObject *done = PyObject_CallMethod(f->queue, "cancel", "K", f->token);
  if (done == NULL) PyErr_Fetch(&type, &value, &traceback);
  Py_XDECREF(done);
  int failed = settle(f, CANCELLED, NULL, NULL, 0, gs_running_loop(), NULL) < 0;
  if (type != NULL) {
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
    return NULL;
  }
  if (failed) return NULL;
  Py_RETURN_TRUE;
}

PyDoc_STRVAR(end_loan_doc, "_end_loan()\n\nTake back the memory that was lent to the call, unless Go may still read it.");

static PyObject *future_end_loan(PyObject *self, PyObject *nothing) {
  end_loan((gs_future *)self);
  Py_RETURN_NONE;
}

static PyObject *get_state(PyObject *self, void *closure) {
  PyObject *name = states[((gs_future *)self)->state];
  Py_INCREF(name);
  return name;
}

static int set_state(PyObject *self, PyObject *name, void *closure) {
  if (name == NULL) {
    PyErr_SetString(PyExc_AttributeError, "_state cannot be deleted");
    return -1;
  }
  return state_of(name, &((gs_future *)self)->state);
}

/* A step of ``await``: first the future itself, for the task, then the outcome. */
typedef struct {
  PyObject_HEAD
  gs_future *future;
  PyObject *elsewhere; /* what waits where the driver is not asyncio, or NULL */
  int asked;
} wait_object;

static PyObject *future_await(PyObject *self) {
  gs_future *f = (gs_future *)self;
  if (f->state == RUNNING && !is_here(f)) return PyObject_CallMethod(self, "_await_elsewhere", NULL);
  allocfunc allocate = (allocfunc)PyType_GetSlot(wait_type, Py_tp_alloc);
  wait_object *wait = (wait_object *)allocate(wait_type, 0);
  if (wait == NULL) return NULL;
  Py_INCREF(self);
  wait->future = f;
  return (PyObject *)wait;
}

static PyObject *wait_next(PyObject *self) {
  wait_object *wait = (wait_object *)self;
  gs_future *f = wait->future;
  if (wait->elsewhere != NULL) return PyObject_CallMethod(wait->elsewhere, "send", "O", Py_None);
  if (f->state == RUNNING && wait->asked) {
    PyErr_SetString(PyExc_RuntimeError, "await wasn't used with future");
    return NULL;
  }
  if (f->state == RUNNING) {
    wait->asked = f->blocking = 1;
    Py_INCREF(f);
    return (PyObject *)f;
  }
  if (f->state == CANCELLED) return PyObject_CallMethod((PyObject *)f, "_raise_cancelled", NULL);
  if (is_set(f->exception)) {
    Py_INCREF(f->exception);
    gs_raise(f->exception);
    return NULL;
  }
  /* As an object, since a tuple or an exception would be taken apart. */
  PyObject *result = value_of(f->result);
  PyObject *stop = PyObject_CallFunctionObjArgs(PyExc_StopIteration, result, NULL);
  Py_DECREF(result);
  if (stop != NULL) PyErr_SetObject(PyExc_StopIteration, stop);
  Py_XDECREF(stop);
  return NULL;
}

PyDoc_STRVAR(wait_send_doc, "send(value)\n\nGo on with the wait.");

/* asyncio sends nothing but None. Twisted gives back what is no Deferred of its: the future. */
static PyObject *wait_send(PyObject *self, PyObject *value) {
  wait_object *wait = (wait_object *)self;
  if (wait->elsewhere != NULL) return PyObject_CallMethod(wait->elsewhere, "send", "O", value);
  if (value == (PyObject *)wait->future && wait->asked) {
    wait->future->blocking = 0;
    wait->elsewhere = PyObject_CallMethod(value, "_await_in_twisted", NULL);
    if (wait->elsewhere == NULL) return NULL;
  }
  return wait_next(self);
}

static PyMethodDef wait_methods[] = {
    {"send", wait_send, METH_O, wait_send_doc},
    {NULL, NULL, 0, NULL},
};

static int wait_traverse(PyObject *self, visitproc visit, void *arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(((wait_object *)self)->future);
  Py_VISIT(((wait_object *)self)->elsewhere);
  return 0;
}

static void wait_dealloc(PyObject *self) {
  PyTypeObject *type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  Py_XDECREF(((wait_object *)self)->future);
  Py_XDECREF(((wait_object *)self)->elsewhere);
  freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
  release(self);
  Py_DECREF(type);
}

static PyType_Slot wait_slots[] = {
    {Py_tp_dealloc, wait_dealloc},
    {Py_tp_traverse, wait_traverse},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, wait_next},
    {Py_tp_methods, wait_methods},
    {0, NULL},
};

static PyType_Spec wait_spec = {
    .name = "gostitch._bridge.Wait",
    .basicsize = sizeof(wait_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = wait_slots,
};

static int future_traverse(PyObject *self, visitproc visit, void *arg) {
  gs_future *f = (gs_future *)self;
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(f->queue);
  Py_VISIT(f->result);
  Py_VISIT(f->exception);
  Py_VISIT(f->function);
  Py_VISIT(f->caller);
  Py_VISIT(f->loop);
  Py_VISIT(f->in_loop);
  Py_VISIT(f->blocked);
  Py_VISIT(f->condition);
  Py_VISIT(f->awaiting);
  Py_VISIT(f->callbacks);
  return 0;
}

static int future_clear(PyObject *self) {
  gs_future *f = (gs_future *)self;
  Py_CLEAR(f->queue);
  Py_CLEAR(f->result);
  Py_CLEAR(f->exception);
  Py_CLEAR(f->function);
  Py_CLEAR(f->caller);
  Py_CLEAR(f->loop);
  Py_CLEAR(f->in_loop);
  Py_CLEAR(f->blocked);
  Py_CLEAR(f->condition);
  Py_CLEAR(f->awaiting);
  Py_CLEAR(f->callbacks);
  return 0;
}

static void future_dealloc(PyObject *self) {
  gs_future *f = (gs_future *)self;
  PyTypeObject *type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  future_clear(self);
  Py_CLEAR(f->loan);
  Py_CLEAR(f->trace);
  freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
  release(self);
  Py_DECREF(type);
}

static PyMethodDef future_methods[] = {
    {"done", future_done, METH_NOARGS, done_doc},
    {"cancelled", future_cancelled, METH_NOARGS, cancelled_doc},
    {"running", future_running, METH_NOARGS, running_doc},
    {"result", (PyCFunction)(void (*)(void))future_result, METH_VARARGS | METH_KEYWORDS, result_doc},
    {"exception", (PyCFunction)(void (*)(void))future_exception, METH_VARARGS | METH_KEYWORDS, exception_doc},
    {"add_done_callback", (PyCFunction)(void (*)(void))future_add_done_callback, METH_VARARGS | METH_KEYWORDS, add_doc},
    {"_add_early", future_add_early, METH_O, add_early_doc},
    {"_adopt", future_adopt, METH_O, adopt_doc},
    {"settle", future_settle, METH_VARARGS, settle_doc},
    {"_resume", future_resume, METH_O, resume_doc},
    {"_is_told", future_is_told, METH_NOARGS, is_told_doc},
    {"_block", future_block, METH_O, block_doc},
    {"_unblock", future_unblock, METH_O, unblock_doc},
    {"_add_awaiting", future_add_awaiting, METH_O, add_awaiting_doc},
    {"_get_loop", future_get_loop, METH_NOARGS, get_loop_doc},
    {"_cancel", future_cancel, METH_NOARGS, cancel_doc},
    {"_end_loan", future_end_loan, METH_NOARGS, end_loan_doc},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef future_members[] = {
    {"_queue", T_OBJECT, offsetof(gs_future, queue), READONLY, NULL},
    {"_token", T_ULONGLONG, offsetof(gs_future, token), READONLY, NULL},
    {"_claimed", T_BOOL, offsetof(gs_future, claimed), 0, "Somebody has claimed to set the outcome."},
    {"_taken", T_BOOL, offsetof(gs_future, taken), 0, "The reply is being handled."},
    {"_abandoned", T_BOOL, offsetof(gs_future, abandoned), 0, "Nobody must be told of the reply."},
    {"_blocking", T_BOOL, offsetof(gs_future, blocking), 0, "A task is about to wait."},
    {"_result", T_OBJECT, offsetof(gs_future, result), 0, NULL},
    {"_exception", T_OBJECT, offsetof(gs_future, exception), 0, NULL},
    {"_function", T_OBJECT, offsetof(gs_future, function), READONLY, "What is called."},
    {"_trace", T_OBJECT, offsetof(gs_future, trace), READONLY, "The trace context of the call."},
    {"_caller", T_OBJECT, offsetof(gs_future, caller), READONLY, "The context of the call, if it is kept."},
    {"_loop_ref", T_OBJECT, offsetof(gs_future, loop), READONLY, NULL},
    {"_in_loop", T_OBJECT, offsetof(gs_future, in_loop), READONLY, "Callbacks for the loop, with their contexts."},
    {"_blocked", T_OBJECT, offsetof(gs_future, blocked), READONLY, "Locks that threads wait to be released."},
    {"_own_condition", T_OBJECT, offsetof(gs_future, condition), 0, NULL},
    {"_awaiting", T_OBJECT, offsetof(gs_future, awaiting), 0, NULL},
    {"_done_callbacks", T_OBJECT, offsetof(gs_future, callbacks), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef future_properties[] = {
    {"_state", get_state, set_state, "As concurrent.futures spells it.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(future_doc, "The reply of a submitted call that is to come.");

static PyType_Slot future_slots[] = {
    {Py_tp_doc, (void *)future_doc},
    {Py_tp_new, PyType_GenericNew},
    {Py_tp_init, future_init},
    {Py_tp_dealloc, future_dealloc},
    {Py_tp_traverse, future_traverse},
    {Py_tp_clear, future_clear},
    {Py_tp_methods, future_methods},
    {Py_tp_members, future_members},
    {Py_tp_getset, future_properties},
    {Py_am_await, future_await},
    {0, NULL},
};

static PyType_Spec future_spec = {
    .name = "gostitch._bridge.Future",
    .basicsize = sizeof(gs_future),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .slots = future_slots,
};

int gs_add_future_type(PyObject *module) {
  for (int i = RUNNING; i <= FINISHED; i++) {
    states[i] = PyUnicode_InternFromString(names[i]);
    if (states[i] == NULL) return -1;
  }
  static const struct {
    PyObject **name;
    const char *text;
  } interned[] = {
      {&settle_condition_name, "_settle_condition"}, {&tell_others_name, "_tell_others"},
      {&release_name, "release"},                    {&call_soon_name, "call_soon"},
      {&call_soon_threadsafe_name, "call_soon_threadsafe"},
  };
  for (size_t i = 0; i < sizeof interned / sizeof interned[0]; i++) {
    *interned[i].name = PyUnicode_InternFromString(interned[i].text);
    if (*interned[i].name == NULL) return -1;
  }
  PyObject *contextvars = PyImport_ImportModule("contextvars");
  copy_context = contextvars == NULL ? NULL : PyObject_GetAttrString(contextvars, "copy_context");
  Py_XDECREF(contextvars);
  if (copy_context == NULL) return -1;
  future_type = (PyTypeObject *)PyType_FromSpec(&future_spec);
  wait_type = (PyTypeObject *)PyType_FromSpec(&wait_spec);
  if (future_type == NULL || wait_type == NULL) return -1;
  return PyModule_AddObject(module, "Future", (PyObject *)future_type);
}
