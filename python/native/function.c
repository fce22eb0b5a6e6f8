/*
 * A Go function as a Python object: the type Function.
 *
 * The trip of a call: arguments -> frame -> the library || Go, and back. The
 * object is called through the vectorcall protocol, and nothing is looked up or
 * built that could be done once; what a call costs is the benchmarks call.crossing,
 * call.scalar and call.structured.
 */

#include "bridge.h"

#include <pthread.h>
#include <string.h>

/* Bytes on the C stack for the arguments of a call, and for its reply. A reply
   that does not fit stays where Go made it. */
#define FRAME_ROOM 2048
#define REPLY_ROOM 8192

/* More parameters than this need the heap. */
#define FEW 16

typedef struct {
  PyObject_HEAD
  vectorcallfunc vectorcall;
  PyObject *dict;
  PyObject *weak_references;
  PyObject *name;
  /* Set by prepare, at the first use. */
  PyObject *parameters; /* a tuple of str */
  PyObject *schemas;    /* a tuple of schemas, as long */
  PyObject *defaults;   /* a tuple of bytes: an encoded default for each of the last parameters */
  Py_ssize_t count, required; /* parameters in all, and without a default */
  PyObject *callback;   /* the name of the parameter that takes a callable, or NULL */
  int needs_callback;   /* which then stands after the last positional argument */
  gs_schema *result;
  int bytes_result; /* the reply is the bytes themselves */
  /* Set by bind. */
  int64_t number;    /* in the catalogue */
  unsigned bound_to; /* the generation of the library with that catalogue; 0: not bound */
  gs_pace pace;
} function_object;

static PyTypeObject *function_type;

static PyObject *timeout_name;

/* sys.modules; kept, since at its end the interpreter has none any more. */
static PyObject *all_modules;

static int prepared(function_object *f) {
  if (f->parameters != NULL) return 1;
  PyObject *done = PyObject_CallFunctionObjArgs(gs_hook.prepare, (PyObject *)f, NULL);
  Py_XDECREF(done);
  return done != NULL;
}

/* What a call was given, sorted by parameter; everything is borrowed. */
typedef struct {
  PyObject **values; /* NULL: the default */
  PyObject *timeout, *callback;
} given;

static int same_name(PyObject *a, PyObject *b) { return a == b || PyUnicode_Compare(a, b) == 0; }

/* Sorts the arguments of a call. Those with a default are keyword-only. */
static int sort_arguments(function_object *f, PyObject *const *arguments, Py_ssize_t count, PyObject *names,
                          given *out) {
  Py_ssize_t parameters = f->count, required = f->required;
  Py_ssize_t positional = required + f->needs_callback;
  if (count > positional) {
    PyErr_Format(PyExc_TypeError, "%U() takes %zd positional argument%s but %zd %s given", f->name, positional,
                 positional == 1 ? "" : "s", count, count == 1 ? "was" : "were");
    return -1;
  }
  for (Py_ssize_t i = 0; i < parameters; i++) out->values[i] = i < count && i < required ? arguments[i] : NULL;
  out->timeout = NULL;
  out->callback = count > required ? arguments[required] : NULL;
  Py_ssize_t named = names == NULL ? 0 : PyTuple_Size(names);
  for (Py_ssize_t k = 0; k < named; k++) {
    PyObject *name = PyTuple_GetItem(names, k), *value = arguments[count + k];
    if (same_name(name, timeout_name)) {
      out->timeout = value;
      continue;
    }
    if (f->callback != NULL && same_name(name, f->callback) && out->callback == NULL) {
      out->callback = value;
      continue;
    }
    Py_ssize_t i = 0;
    while (i < parameters && !same_name(name, PyTuple_GetItem(f->parameters, i))) i++;
    if (i == parameters) {
      PyErr_Format(PyExc_TypeError, "%U() got an unexpected keyword argument %R; it takes %S", f->name, name,
                   f->parameters);
      return -1;
    }
    if (out->values[i] != NULL) {
      PyErr_Format(PyExc_TypeError, "%U() got multiple values for argument %R", f->name, name);
      return -1;
    }
    out->values[i] = value;
  }
  for (Py_ssize_t i = 0; i < required; i++) {
    if (out->values[i] == NULL) {
      PyErr_Format(PyExc_TypeError, "%U() is missing the argument %R", f->name, PyTuple_GetItem(f->parameters, i));
      return -1;
    }
  }
  if (f->needs_callback && out->callback == NULL) {
    PyErr_Format(PyExc_TypeError, "%U() is missing the argument %R", f->name, f->callback);
    return -1;
  }
  if (out->callback == Py_None && !f->needs_callback) out->callback = NULL;
  if (out->callback != NULL && !PyCallable_Check(out->callback)) {
    gs_place root = {.name = f->name, .at = GS_AT_FUNCTION};
    gs_place at = {.outer = &root, .name = f->callback, .at = GS_AT_NAME};
    return gs_wrong_type(&at, "a callable", out->callback);
  }
  return 0;
}

/* Writes the frame of the arguments. */
static int write_arguments(function_object *f, const given *in, gs_writer *writer) {
  Py_ssize_t count = f->count;
  gs_place root = {.name = f->name, .at = GS_AT_FUNCTION};
  if (gs_write_list_header(writer, (size_t)count) < 0) return -1;
  for (Py_ssize_t i = 0; i < count; i++) {
    if (in->values[i] == NULL) {
      char *bytes;
      Py_ssize_t length;
      if (PyBytes_AsStringAndSize(PyTuple_GetItem(f->defaults, i - f->required), &bytes, &length) < 0 ||
          gs_write(writer, bytes, (size_t)length) < 0) {
        return -1;
      }
      continue;
    }
    gs_place at = {.outer = &root, .name = PyTuple_GetItem(f->parameters, i), .at = GS_AT_NAME};
    if (gs_encode(writer, (gs_schema *)PyTuple_GetItem(f->schemas, i), in->values[i], &at) < 0) return -1;
  }
  return 0;
}

/* Gives a timeout= in nanoseconds: 0 none, negative passed already. */
static int timeout_of(PyObject *timeout, int64_t *ns) {
  *ns = 0;
  if (timeout == NULL || timeout == Py_None) return 0;
  PyObject *checked = PyObject_CallFunctionObjArgs(gs_hook.timeout, timeout, NULL);
  if (checked == NULL) return -1;
  *ns = PyLong_AsLongLong(checked);
  Py_DECREF(checked);
  return *ns == -1 && PyErr_Occurred() ? -1 : 0;
}

/* Attaches observers when modules were imported since the last look, a library was loaded, or a look is wanted. */
static int look_around(void) {
  static Py_ssize_t modules_seen;
  static unsigned generation_seen, looks_done;
  Py_ssize_t modules = PyDict_Size(all_modules);
  unsigned wanted = gs_looks_wanted;
  if (modules == modules_seen && generation_seen == gs_ready && looks_done == wanted) return 0;
  gs_find_faulthandler(all_modules);
  PyObject *done = PyObject_CallFunctionObjArgs(gs_hook.observe, NULL);
  if (done == NULL) return -1;
  Py_DECREF(done);
  modules_seen = modules;
  generation_seen = gs_ready;
  looks_done = wanted; /* not what was wanted meanwhile */
  return 0;
}

/* Tells whether what Python has kept still counts. */
static int still_counts(void) {
  if (gs_hook.place == NULL || gs_hook.place_key == NULL) return 1;
  PyObject *now = PyDict_GetItemWithError(gs_hook.place, gs_hook.place_key);
  if (now == NULL) PyErr_Clear();
  return now == gs_hook.place_value;
}

/* Looks for the trace context where Python keeps it: 1 and it (NULL for none) if it is there, 0 if Python
   must be asked. */
static int kept_trace(PyObject **trace) {
  static PyObject *name;
  if (gs_hook.context == NULL || !still_counts()) return 0;
  if (name == NULL && (name = PyUnicode_InternFromString("_gostitch_trace")) == NULL) return -1;
  PyObject *context = PyObject_CallFunctionObjArgs(gs_hook.context, NULL);
  if (context == NULL) return -1;
  if (PyDict_Check(context) && PyDict_Size(context) == 0) { /* no span, no baggage */
    Py_DECREF(context);
    return 1;
  }
  PyObject *kept = PyObject_GetAttr(context, name);
  Py_DECREF(context);
  if (kept == NULL) {
    PyErr_Clear();
    return 0;
  }
  int found = PyTuple_Check(kept) && PyTuple_Size(kept) == 2 && PyTuple_GetItem(kept, 0) == gs_hook.age;
  if (found) {
    PyObject *bytes = PyTuple_GetItem(kept, 1);
    found = PyBytes_Check(bytes);
    if (found && PyBytes_Size(bytes) > 0) {
      Py_INCREF(bytes);
      *trace = bytes;
    }
  }
  Py_DECREF(kept);
  return found;
}

/* The caller's trace context for a function: a bytes object, or NULL for none. */
static int trace_of(function_object *f, PyObject **trace) {
  *trace = NULL;
  if (look_around() < 0) return -1;
  if (gs_hook.trace == NULL) return 0;
  int found = kept_trace(trace);
  if (found != 0) return found < 0 ? -1 : 0;
  *trace = PyObject_CallFunctionObjArgs(gs_hook.trace, f->name, NULL);
  if (*trace != NULL && PyBytes_Check(*trace)) return 0;
  if (*trace != NULL) PyErr_SetString(PyExc_TypeError, "the trace context must be bytes");
  Py_CLEAR(*trace);
  return -1;
}

int64_t gs_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return now.tv_sec * (int64_t)1000000000 + now.tv_nsec;
}

static int is_main_thread(void) { return (uint64_t)pthread_self() == gs_main_thread; }

static int bound(function_object *f) {
  if (f->bound_to == gs_ready && gs_ready != 0) return 1;
  PyObject *done = PyObject_CallFunctionObjArgs(gs_hook.bind, (PyObject *)f, NULL);
  Py_XDECREF(done);
  return done != NULL;
}

static PyObject *small_view(const uint8_t *data, size_t length) {
  PyObject *bytes = PyBytes_FromStringAndSize((const char *)data, (Py_ssize_t)length);
  if (bytes == NULL) return NULL;
  PyObject *view = PyMemoryView_FromObject(bytes);
  Py_DECREF(bytes);
  return view;
}

void gs_fail(PyObject *payload, PyObject *trace, int captured) {
  PyObject *known = captured ? Py_True : Py_False;
  PyObject *exception = trace == NULL ? PyObject_CallFunction(gs_hook.fail, "OyO", payload, "", known)
                                      : PyObject_CallFunction(gs_hook.fail, "OOO", payload, trace, known);
  Py_DECREF(payload);
  gs_raise(exception);
}

/* Has a hook handle what came with a reply, bytes or (where there are none) a number, before the call gives
   this result, or raises. */
static __attribute__((noinline)) PyObject *handle(PyObject *hook, const uint8_t *bytes, int64_t number,
                                                  PyObject *result) {
  if (hook == NULL) return result;
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  Py_INCREF(hook); /* another thread may take it out meanwhile */
  PyObject *message = bytes == NULL ? PyLong_FromLongLong(number)
                                    : PyBytes_FromStringAndSize((const char *)bytes, (Py_ssize_t)number);
  PyObject *done = message == NULL ? NULL : PyObject_CallFunctionObjArgs(hook, message, NULL);
  Py_XDECREF(message);
  Py_DECREF(hook);
  if (done != NULL) {
    Py_DECREF(done);
    PyErr_Restore(type, value, traceback);
    return result;
  }
  /* Ctrl-C, which is what the call ends with. */
  Py_XDECREF(type);
  Py_XDECREF(value);
  Py_XDECREF(traceback);
  Py_XDECREF(result);
  return NULL;
}

/* Has the events of a call reported. */
static PyObject *handle_events(gostitch_out *out, PyObject *result) {
  int64_t number = out->events;
  out->events = 0;
  return number == 0 ? result : handle(gs_hook.events, NULL, number, result);
}

/* Has handled what came with a reply. */
static PyObject *handle_beside(gostitch_out *out, const uint8_t *end, PyObject *result) {
  result = handle_events(out, result);
  int32_t length = out->spans < 0 ? 0 : out->spans;
  return out->spans == 0 ? result : handle(gs_hook.spans, end - length, length, result);
}

/* Raises the error of a reply. */
static PyObject *fail(gostitch_out *out, PyObject *trace) {
  PyObject *payload = handle_events(out, gs_payload_of(out)); /* before a panic is reported, which came later */
  /* If Ctrl-C has cancelled the call, KeyboardInterrupt is what it ends with. */
  if (payload != NULL && PyErr_CheckSignals() < 0) Py_CLEAR(payload);
  if (payload != NULL) gs_fail(payload, trace, out->status == GOSTITCH_CAPTURED);
  return NULL;
}

PyObject *gs_result_of(PyObject *function, const uint8_t *data, size_t length) {
  function_object *f = (function_object *)function;
  return f->bytes_result ? small_view(data, length) : gs_decode(f->result, data, length, NULL);
}

/* A call, for a stack that Go cannot be entered on. */
typedef struct {
  gostitch_request *request;
  uint8_t *scratch;
  gostitch_out *out;
  int64_t length;
} calling;

static inline int32_t this_thread(void) { return __builtin_expect(gs_thread != 0, 1) ? gs_thread : gs_find_thread(); }

static void cross_call(void *of) {
  calling *with = of;
  with->request->thread = this_thread(); /* which may be one of ours */
  with->length = gs_go.call(with->request, with->scratch, REPLY_ROOM, with->out);
}

static __attribute__((noinline, cold)) int call_elsewhere(gostitch_request *request, uint8_t *scratch,
                                                          gostitch_out *out, int64_t *length) {
  calling with = {request, scratch, out, 0};
  int refused = gs_cross(cross_call, &with);
  *length = with.length;
  return refused;
}

/* Gives the result of a reply that is no error, or no short one. */
static PyObject *result_in(function_object *f, gostitch_out *out, PyObject *trace) {
  if (out->status != GOSTITCH_OK) return fail(out, trace);
  if (f->bytes_result) {
    return out->handle == 0 ? small_view(out->data, out->length) : gs_hold(out->data, out->length, out->handle);
  }
  gs_memory *memory = gs_memory_of_go(out->handle);
  PyObject *result = memory == NULL ? NULL : gs_decode(f->result, out->data, out->length, memory);
  gs_memory_drop(memory);
  return result;
}

/* Makes the crossing and gives the result. */
static PyObject *cross(function_object *f, gs_writer *writer, int64_t timeout_ns, PyObject *trace) {
  uint8_t scratch[REPLY_ROOM];
  gostitch_out out = {0};
  gostitch_request request = {
      .timeout_ns = timeout_ns,
      .frame = writer->data,
      .frame_length = writer->length,
      .buffers = writer->loan.views,
      .buffer_count = (uint64_t)writer->loan.count,
      .started_ns = gs_now(),
      .thread = this_thread(),
  };
  if (trace != NULL) {
    request.trace = (const uint8_t *)PyBytes_AsString(trace);
    request.trace_length = (uint64_t)PyBytes_Size(trace);
  }
  int on_main = is_main_thread(), armed = 0;
  if (gs_keep_faults(request.started_ns) < 0) return NULL;
  do {
    /* Once more: what ran since may have forked. */
    if (!bound(f)) return NULL;
    if (on_main) armed = gs_arm(&request.number);
    if (armed < 0) return NULL;
  } while (on_main && !armed);
  request.function = (uint32_t)f->number;
  int64_t length;
  uint64_t took = 0;
  int refused = 0;
  Py_BEGIN_ALLOW_THREADS;
  uintptr_t floor = gs_floor;
  if ((uintptr_t)scratch >= floor) {
    gs_floor = GS_INSIDE;
    length = gs_go.call(&request, scratch, sizeof scratch, &out);
    gs_floor = floor;
  } else {
    refused = call_elsewhere(&request, scratch, &out, &length);
  }
  if (on_main) took = gs_disarm();
  Py_END_ALLOW_THREADS;
  if (refused) return gs_refuse(refused), NULL;
  if (on_main) gs_note_inline(&f->pace, took);
  PyObject *result = length >= 0 ? gs_result_of((PyObject *)f, scratch, (size_t)length) : result_in(f, &out, trace);
  if (out.spans == 0 && out.events == 0) return result;
  return handle_beside(&out, scratch + sizeof scratch, result);
}

/* Gives the frame, what is lent beside it (or None), the timeout in nanoseconds
   and the callback (or None), as arguments for the hooks. */
static PyObject *packed(gs_writer *writer, int64_t timeout_ns, PyObject *callback) {
  PyObject *loan = Py_None;
  if (writer->loan.count == 0) Py_INCREF(loan);
  else loan = gs_loan_object(&writer->loan);
  if (loan == NULL) return NULL;
  PyObject *frame = PyBytes_FromStringAndSize((const char *)writer->data, (Py_ssize_t)writer->length);
  if (frame == NULL) {
    Py_DECREF(loan);
    return NULL;
  }
  return Py_BuildValue("(NNLO)", frame, loan, (long long)timeout_ns, callback == NULL ? Py_None : callback);
}

/* Hands the call to a hook: (function, frame, loan, timeout_ns, callback). */
static PyObject *hand_over(PyObject *hook, function_object *f, gs_writer *writer, int64_t timeout_ns,
                           PyObject *callback) {
  PyObject *rest = packed(writer, timeout_ns, callback);
  if (rest == NULL) return NULL;
  Py_INCREF(hook); /* another thread may take it out meanwhile */
  PyObject *result = PyObject_CallFunctionObjArgs(hook, (PyObject *)f, PyTuple_GetItem(rest, 0),
                                                  PyTuple_GetItem(rest, 1), PyTuple_GetItem(rest, 2),
                                                  PyTuple_GetItem(rest, 3), NULL);
  Py_DECREF(hook);
  Py_DECREF(rest);
  return result;
}

/* Tells whether a thread can wait for a call outside of Go: not when the interpreter ends, when there are no
   handlers of signals any more. */
static int can_wait(void) {
  if (gs_hook.own_queue == NULL || gs_hook.waiter == NULL) return 0;
  PyObject *ends = PySys_GetObject("is_finalizing"); /* borrowed */
  PyObject *answer = ends == NULL ? NULL : PyObject_CallNoArgs(ends);
  int goes_on = answer == Py_False;
  Py_XDECREF(answer);
  if (answer == NULL) PyErr_Clear();
  return goes_on;
}

/* Waits for a long call outside of Go; 0 if it is to be made in Go. Apart, so that small calls do not pay for it. */
static __attribute__((noinline, cold)) int wait_outside(function_object *f, gs_writer *writer, int64_t timeout_ns,
                                                        PyObject *trace, PyObject **result) {
  int is_first = f->pace.handed == GS_NEVER_CALLED;
  if (is_first) f->pace.handed = 0;
  if (!can_wait()) return 0;
  PyObject *waiter = PyObject_CallNoArgs(gs_hook.waiter);
  *result = NULL;
  if (waiter == NULL) return 1;
  int64_t begun = gs_clock();
  int ended = waiter != Py_None;
  /* Handlers of signals run on the main thread, and other threads wait here for greenlets only. */
  if (!ended && (is_first || !is_main_thread())) {
    Py_DECREF(waiter);
    return 0;
  }
  if (is_first) gs_hand_first(&f->pace);
  if (ended) *result = hand_over(waiter, f, writer, timeout_ns, NULL);
  else *result = gs_wait_for((PyObject *)f, writer, timeout_ns, trace, &ended);
  Py_DECREF(waiter);
  if (ended) gs_note_waited(&f->pace, gs_clock() - begun);
  return *result != NULL || PyErr_Occurred();
}

/* Runs a call that is sorted; the writer is empty. */
static PyObject *run(function_object *f, const given *in, gs_writer *writer) {
  int64_t timeout_ns;
  if (timeout_of(in->timeout, &timeout_ns) < 0 || write_arguments(f, in, writer) < 0) return NULL;
  if (!bound(f)) return NULL;
  if (in->callback != NULL) {
    return hand_over(gs_hook.converse, f, writer, timeout_ns, in->callback);
  }
  if (gs_hook.wait != NULL && (timeout_ns != 0 || gs_hook.wait_always != NULL || is_main_thread())) {
    return hand_over(gs_hook.wait, f, writer, timeout_ns, NULL);
  }
  PyObject *trace;
  if (trace_of(f, &trace) < 0) return NULL;
  PyObject *result;
  if (__builtin_expect(f->pace.handed == 0, 1) || !wait_outside(f, writer, timeout_ns, trace, &result)) {
    result = cross(f, writer, timeout_ns, trace);
  }
  Py_XDECREF(trace);
  return result;
}

/* Starts a call that is sorted, and gives its future. */
static PyObject *submit(function_object *f, const given *in, gs_writer *writer) {
  gostitch_request request = {0};
  if (timeout_of(in->timeout, &request.timeout_ns) < 0 || write_arguments(f, in, writer) < 0) return NULL;
  if (!bound(f)) return NULL;
  if (in->callback != NULL) {
    return hand_over(gs_hook.converse_later, f, writer, request.timeout_ns, in->callback);
  }
  PyObject *trace;
  if (trace_of(f, &trace) < 0) return NULL;
  request.frame = writer->data;
  request.frame_length = writer->length;
  PyObject *queue = gs_queue_here();
  PyObject *future = queue == NULL ? NULL : gs_submit(queue, (PyObject *)f, writer, &request, trace);
  Py_XDECREF(queue);
  Py_XDECREF(trace);
  return future;
}

/* What is done with sorted arguments. */
typedef PyObject *(*action)(function_object *, const given *, gs_writer *);

static PyObject *with_arguments(function_object *f, PyObject *const *arguments, Py_ssize_t count, PyObject *names,
                                action act) {
  if (!prepared(f)) return NULL;
  PyObject *few[FEW];
  given in = {.values = few};
  if (f->count > FEW) in.values = PyMem_Malloc((size_t)f->count * sizeof *in.values);
  if (in.values == NULL) return PyErr_NoMemory();
  PyObject *result = NULL;
  if (sort_arguments(f, arguments, count, names, &in) == 0) {
    uint8_t room[FRAME_ROOM];
    gs_writer writer;
    gs_start_writer(&writer, room, sizeof room);
    result = act(f, &in, &writer);
    gs_end_writer(&writer);
  }
  if (in.values != few) PyMem_Free(in.values);
  return result;
}

/* Calls what stands in for the library with what the function was called with. */
static PyObject *call_stand_in(PyObject *hook, PyObject *self, PyObject *const *arguments, Py_ssize_t count,
                               PyObject *names) {
  PyObject *args = PyTuple_New(count), *kwargs = PyDict_New(), *result = NULL;
  int ready = args != NULL && kwargs != NULL;
  Py_INCREF(hook); /* another thread may take it out meanwhile */
  for (Py_ssize_t i = 0; ready && i < count; i++) {
    Py_INCREF(arguments[i]);
    ready = PyTuple_SetItem(args, i, arguments[i]) == 0;
  }
  Py_ssize_t named = names == NULL ? 0 : PyTuple_Size(names);
  for (Py_ssize_t i = 0; ready && i < named; i++) {
    ready = PyDict_SetItem(kwargs, PyTuple_GetItem(names, i), arguments[count + i]) == 0;
  }
  if (ready) result = PyObject_CallFunctionObjArgs(hook, self, args, kwargs, NULL);
  Py_XDECREF(args);
  Py_XDECREF(kwargs);
  Py_DECREF(hook);
  return result;
}

static PyObject *function_call(PyObject *self, PyObject *const *arguments, size_t count, PyObject *names) {
  if (gs_hook.stand_in != NULL) {
    return call_stand_in(gs_hook.stand_in, self, arguments, PyVectorcall_NARGS(count), names);
  }
  return with_arguments((function_object *)self, arguments, PyVectorcall_NARGS(count), names, run);
}

PyDoc_STRVAR(submit_doc, "submit(*args, **kwargs) -> future\n\nStart the function and give the future of its result.");

static PyObject *function_submit(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
  if (gs_hook.stand_in_submit != NULL) return call_stand_in(gs_hook.stand_in_submit, self, arguments, count, names);
  return with_arguments((function_object *)self, arguments, count, names, submit);
}

static PyObject *pack(function_object *f, const given *in, gs_writer *writer) {
  int64_t timeout_ns;
  if (timeout_of(in->timeout, &timeout_ns) < 0 || write_arguments(f, in, writer) < 0) return NULL;
  return packed(writer, timeout_ns, in->callback);
}

PyDoc_STRVAR(pack_doc,
             "pack(*args, **kwargs) -> (frame, loan, timeout_ns, callback)\n\n"
             "Check and encode the arguments of a call without making it.");

static PyObject *function_pack(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
  return with_arguments((function_object *)self, arguments, count, names, pack);
}

/* Gives a view of memory that the function may write to. It has one dimension and
   the items of the schema, if that can be: memoryview cannot cast everything. */
static PyObject *writable_view(gs_schema *schema, PyObject *value) {
  char format[2] = {gs_item_format(schema->element), '\0'};
  PyObject *view = PyMemoryView_FromObject(value);
  PyObject *bytes = view == NULL ? NULL : PyObject_CallMethod(view, "cast", "s", "B");
  PyObject *items = bytes == NULL ? NULL : PyObject_CallMethod(bytes, "cast", "s", format);
  Py_XDECREF(bytes);
  if (view != NULL && items == NULL && PyErr_ExceptionMatches(PyExc_TypeError)) {
    PyErr_Clear();
    return view;
  }
  Py_XDECREF(view);
  return items;
}

/* Gives what a value is for Go: what crosses, there and back. */
static PyObject *as_go_sees(gs_writer *writer, gs_schema *schema, PyObject *value, const gs_place *place) {
  if (gs_encode(writer, schema, value, place) < 0) return NULL;
  gs_schema *within = schema->kind == GS_OPTIONAL ? schema->element : schema;
  if (within->kind == GS_MUTABLE && value != Py_None) return writable_view(within, value);
  return gs_decode(schema, writer->data, writer->length, NULL);
}

static PyObject *check(function_object *f, const given *in, gs_writer *writer) {
  int64_t timeout_ns;
  if (timeout_of(in->timeout, &timeout_ns) < 0) return NULL;
  writer->whole = 1;
  Py_ssize_t count = f->count;
  gs_place root = {.name = f->name, .at = GS_AT_FUNCTION};
  PyObject *values = PyTuple_New(count);
  if (values == NULL) return NULL;
  if (count > 0) PyObject_GC_UnTrack(values); /* as in decode.c; the empty tuple is everybody's */
  for (Py_ssize_t i = 0; i < count; i++) {
    gs_schema *schema = (gs_schema *)PyTuple_GetItem(f->schemas, i);
    gs_place at = {.outer = &root, .name = PyTuple_GetItem(f->parameters, i), .at = GS_AT_NAME};
    PyObject *value = NULL;
    writer->length = 0;
    if (in->values[i] == NULL) {
      value = PyObject_CallMethod((PyObject *)schema, "decode", "O", PyTuple_GetItem(f->defaults, i - f->required));
    } else {
      value = as_go_sees(writer, schema, in->values[i], &at);
    }
    if (value == NULL || PyTuple_SetItem(values, i, value) < 0) {
      Py_DECREF(values);
      return NULL;
    }
  }
  if (count > 0) PyObject_GC_Track(values);
  return Py_BuildValue("(NLO)", values, (long long)timeout_ns, in->callback == NULL ? Py_None : in->callback);
}

PyDoc_STRVAR(check_doc,
             "check(*args, **kwargs) -> (values, timeout_ns, callback)\n\n"
             "Check the arguments of a call without making it, and give the value that each parameter has for Go: "
             "a writable memoryview for what the function writes to.");

static PyObject *function_check(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
  return with_arguments((function_object *)self, arguments, count, names, check);
}

int64_t gs_number_of(PyObject *function) {
  if (!PyObject_TypeCheck(function, function_type)) {
    PyErr_Format(PyExc_TypeError, "expected a function of Go, got %R", function);
    return -1;
  }
  function_object *f = (function_object *)function;
  return prepared(f) && bound(f) ? f->number : -1;
}

PyDoc_STRVAR(set_number_doc, "set_number(number)\n\nSay which function of the library it is.");

static PyObject *function_set_number(PyObject *self, PyObject *number) {
  int64_t value = PyLong_AsLongLong(number);
  if (value == -1 && PyErr_Occurred()) return NULL;
  function_object *f = (function_object *)self;
  f->number = value;
  f->bound_to = gs_ready;
  Py_RETURN_NONE;
}

PyDoc_STRVAR(shape_doc,
             "shape(parameters, schemas, defaults, result, bytes_result, callback, needs_callback, long)\n\n"
             "Give the function its parameters, the schemas of what crosses, and the encoded defaults of the "
             "last parameters; say whether its calls take long.");

static PyObject *function_shape(PyObject *self, PyObject *arguments) {
  function_object *f = (function_object *)self;
  PyObject *parameters, *schemas, *defaults, *result, *callback;
  int bytes_result, needs_callback, takes_long;
  if (!PyArg_ParseTuple(arguments, "O!O!O!O!pOpp:shape", &PyTuple_Type, &parameters, &PyTuple_Type, &schemas,
                        &PyTuple_Type, &defaults, gs_schema_type, &result, &bytes_result, &callback,
                        &needs_callback, &takes_long)) {
    return NULL;
  }
  int fits = PyTuple_Size(parameters) == PyTuple_Size(schemas) &&
             PyTuple_Size(defaults) <= PyTuple_Size(parameters) &&
             (callback == Py_None || PyUnicode_Check(callback));
  for (Py_ssize_t i = 0; fits && i < PyTuple_Size(parameters); i++) {
    fits = PyUnicode_Check(PyTuple_GetItem(parameters, i)) &&
           PyObject_TypeCheck(PyTuple_GetItem(schemas, i), gs_schema_type);
  }
  for (Py_ssize_t i = 0; fits && i < PyTuple_Size(defaults); i++) fits = PyBytes_Check(PyTuple_GetItem(defaults, i));
  if (!fits) {
    PyErr_SetString(PyExc_TypeError, "parameters, schemas and defaults do not belong together");
    return NULL;
  }
  if (f->parameters != NULL) Py_RETURN_NONE; /* another thread was faster; both give the same */
  Py_INCREF(schemas);
  Py_INCREF(defaults);
  Py_INCREF(result);
  Py_INCREF(parameters);
  f->count = PyTuple_Size(parameters);
  f->required = f->count - PyTuple_Size(defaults);
  f->schemas = schemas;
  f->defaults = defaults;
  f->result = (gs_schema *)result;
  f->bytes_result = bytes_result;
  if (takes_long) f->pace.handed = GS_ALL_HANDED;
  if (callback != Py_None) {
    Py_INCREF(callback);
    f->callback = callback;
    f->needs_callback = needs_callback;
  }
  f->parameters = parameters;
  Py_RETURN_NONE;
}

PyDoc_STRVAR(result_doc, "result_of(payload)\n\nGive the result that a reply's payload, bytes or a view, holds.");

static PyObject *function_result_of(PyObject *self, PyObject *payload) {
  function_object *f = (function_object *)self;
  if (!f->bytes_result) return PyObject_CallMethod((PyObject *)f->result, "decode", "O", payload);
  if (PyMemoryView_Check(payload)) {
    Py_INCREF(payload);
    return payload;
  }
  return PyMemoryView_FromObject(payload);
}

static PyObject *function_new(PyTypeObject *type, PyObject *arguments, PyObject *named) {
  static char *keywords[] = {"name", NULL};
  PyObject *name;
  if (!PyArg_ParseTupleAndKeywords(arguments, named, "U:Function", keywords, &name)) return NULL;
  allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
  function_object *f = (function_object *)allocate(type, 0);
  if (f == NULL) return NULL;
  Py_INCREF(name);
  f->name = name;
  f->vectorcall = function_call;
  gs_begin_pace(&f->pace);
  return (PyObject *)f;
}

static int function_traverse(PyObject *self, visitproc visit, void *arg) {
  function_object *f = (function_object *)self;
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(f->dict);
  Py_VISIT(f->parameters);
  Py_VISIT(f->schemas);
  Py_VISIT(f->defaults);
  Py_VISIT(f->result);
  return 0;
}

static int function_clear(PyObject *self) {
  /* The schemas stay: a call may be under way, and they refer to no function. */
  Py_CLEAR(((function_object *)self)->dict);
  return 0;
}

static void function_dealloc(PyObject *self) {
  function_object *f = (function_object *)self;
  PyTypeObject *type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  if (f->weak_references != NULL) PyObject_ClearWeakRefs(self);
  Py_CLEAR(f->dict);
  Py_CLEAR(f->name);
  Py_CLEAR(f->parameters);
  Py_CLEAR(f->schemas);
  Py_CLEAR(f->defaults);
  Py_CLEAR(f->callback);
  Py_CLEAR(f->result);
  freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
  release(self);
  Py_DECREF(type);
}

static PyObject *function_repr(PyObject *self) {
  return PyUnicode_FromFormat("<Go function %U>", ((function_object *)self)->name);
}

/* A function has no self to be bound to, but what has __get__ counts as a routine: help() and
   documentation tools then show its signature. */
static PyObject *function_get(PyObject *self, PyObject *Py_UNUSED(instance), PyObject *Py_UNUSED(type)) {
  Py_INCREF(self);
  return self;
}

static PyMethodDef function_methods[] = {
    {"pack", (PyCFunction)(void (*)(void))function_pack, METH_FASTCALL | METH_KEYWORDS, pack_doc},
    {"check", (PyCFunction)(void (*)(void))function_check, METH_FASTCALL | METH_KEYWORDS, check_doc},
    {"submit", (PyCFunction)(void (*)(void))function_submit, METH_FASTCALL | METH_KEYWORDS, submit_doc},
    {"set_number", function_set_number, METH_O, set_number_doc},
    {"shape", function_shape, METH_VARARGS, shape_doc},
    {"result_of", function_result_of, METH_O, result_doc},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef function_members[] = {
    {"name", T_OBJECT, offsetof(function_object, name), READONLY, "The name in the library."},
    {"parameters", T_OBJECT, offsetof(function_object, parameters), READONLY, "The names of the parameters."},
    {"result", T_OBJECT, offsetof(function_object, result), READONLY, "The schema of the result."},
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(function_object, vectorcall), READONLY, NULL},
    {"__dictoffset__", T_PYSSIZET, offsetof(function_object, dict), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(function_object, weak_references), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyObject *definition_of(PyObject *self) {
  PyObject *declaration = PyObject_GetAttrString(self, "_declaration");
  PyObject *definition = declaration == NULL ? NULL : PyObject_GetAttrString(declaration, "definition");
  Py_XDECREF(declaration);
  return definition;
}

static PyObject *get_of_definition(PyObject *self, void *name) {
  PyObject *definition = definition_of(self);
  PyObject *value = definition == NULL ? NULL : PyObject_GetAttrString(definition, (const char *)name);
  Py_XDECREF(definition);
  return value;
}

/* Tells whether a tool asks that takes Python's functions only; its class and code are for nobody else. */
static int is_taken_for_python(PyObject *self) {
  PyObject *declaration = PyObject_GetAttrString(self, "_declaration");
  PyObject *answer = declaration == NULL ? NULL : PyObject_CallMethod(declaration, "is_taken_for_python", NULL);
  int is_taken = answer == NULL ? -1 : answer == Py_True;
  Py_XDECREF(declaration);
  Py_XDECREF(answer);
  return is_taken;
}

static PyObject *get_class(PyObject *self, void *Py_UNUSED(closure)) {
  int is_taken = is_taken_for_python(self);
  if (is_taken < 0 && !PyErr_ExceptionMatches(PyExc_AttributeError)) return NULL; /* a signal's handler raised, say */
  if (is_taken < 0) PyErr_Clear();                                                /* it is being made */
  PyObject *definition = is_taken > 0 ? definition_of(self) : NULL;
  if (is_taken > 0 && definition == NULL) return NULL;
  PyObject *type = (PyObject *)Py_TYPE(definition == NULL ? self : definition);
  Py_INCREF(type);
  Py_XDECREF(definition);
  return type;
}

static PyObject *get_code(PyObject *self, void *name) {
  int is_taken = is_taken_for_python(self);
  if (is_taken > 0) return get_of_definition(self, name);
  if (is_taken == 0) PyErr_Format(PyExc_AttributeError, "a Go function has no %s", (const char *)name);
  return NULL;
}

static PyObject *get_signature(PyObject *self, void *Py_UNUSED(closure)) {
  PyObject *definition = definition_of(self);
  PyObject *inspect = definition == NULL ? NULL : PyImport_ImportModule("inspect");
  PyObject *signature = inspect == NULL ? NULL : PyObject_CallMethod(inspect, "signature", "O", definition);
  Py_XDECREF(inspect);
  Py_XDECREF(definition);
  return signature;
}

static PyGetSetDef function_properties[] = {
    {"__class__", get_class, NULL, NULL, NULL},
    {"__signature__", get_signature, NULL, NULL, NULL},
    {"__code__", get_code, NULL, NULL, "__code__"},
    {"__defaults__", get_of_definition, NULL, NULL, "__defaults__"},
    {"__kwdefaults__", get_of_definition, NULL, NULL, "__kwdefaults__"},
    {"__globals__", get_of_definition, NULL, NULL, "__globals__"},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(function_doc, "A Go function, callable from Python.");

static PyType_Slot function_slots[] = {
    {Py_tp_doc, (void *)function_doc},
    {Py_tp_new, function_new},
    {Py_tp_dealloc, function_dealloc},
    {Py_tp_traverse, function_traverse},
    {Py_tp_clear, function_clear},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_repr, function_repr},
    {Py_tp_descr_get, function_get},
    {Py_tp_methods, function_methods},
    {Py_tp_members, function_members},
    {Py_tp_getset, function_properties},
    {0, NULL},
};

/* No subclasses: up to CPython 3.11 they would be called the slow way. */
static PyType_Spec function_spec = {
    .name = "gostitch._bridge.Function",
    .basicsize = sizeof(function_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .slots = function_slots,
};

int gs_add_function_type(PyObject *module) {
  timeout_name = PyUnicode_InternFromString("timeout");
  all_modules = PyImport_GetModuleDict();
  Py_XINCREF(all_modules);
  function_type = (PyTypeObject *)PyType_FromSpec(&function_spec);
  if (timeout_name == NULL || all_modules == NULL || function_type == NULL) return -1;
  return PyModule_AddObject(module, "Function", (PyObject *)function_type);
}
