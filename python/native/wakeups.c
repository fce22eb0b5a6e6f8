/*
 * The wake-ups of one batch of replies: what an event loop is to run for their
 * futures, in one handle of the loop's. A handle for each costs more than a
 * future does in C (benchmark async.await_10k).
 */

#include "bridge.h"

typedef struct {
  PyObject_HEAD
  PyObject *loop;
  PyObject *due;   /* a list of (callback, context, future) */
  Py_ssize_t next; /* index in due of the first that was not run */
  int handles;     /* of the loop's that are to come */
} wakeups_object;

static PyTypeObject *wakeups_type;
static PyObject *run_name;

/* Has the loop run the wake-ups after what it runs already. */
static int schedule(wakeups_object *w) {
  w->handles++; /* before: a signal's handler may run the loop, and the handle, within call_soon */
  PyObject *handle = PyObject_CallMethod(w->loop, "call_soon", "O", (PyObject *)w);
  if (handle == NULL && w->handles > 0) w->handles--;
  Py_XDECREF(handle);
  return handle == NULL ? -1 : 0;
}

/* The same also if Ctrl-C strikes in it, which it then raises. */
static int schedule_surely(wakeups_object *w) {
  if (schedule(w) == 0) return 0;
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  schedule(w);
  PyErr_Clear();
  PyErr_Restore(type, value, traceback);
  return -1;
}

/* In its debug mode asyncio names the task whose step took long, by the handle. */
static int is_debugging(PyObject *loop) {
  PyObject *debug = PyObject_CallMethod(loop, "get_debug", NULL);
  int is = debug == NULL ? -1 : PyObject_IsTrue(debug);
  Py_XDECREF(debug);
  if (is >= 0 || !PyErr_ExceptionMatches(PyExc_NotImplementedError)) return is;
  PyErr_Clear(); /* a loop of somebody's own that has no such mode, as AbstractEventLoop says */
  return 1;
}

int gs_wakeups(PyObject *loop, PyObject **wakeups) {
  *wakeups = NULL;
  int debugging = is_debugging(loop);
  if (debugging != 0) return debugging < 0 ? -1 : 0;
  allocfunc allocate = (allocfunc)PyType_GetSlot(wakeups_type, Py_tp_alloc);
  wakeups_object *w = (wakeups_object *)allocate(wakeups_type, 0);
  if (w == NULL) return -1;
  Py_INCREF(loop);
  w->loop = loop;
  w->due = PyList_New(0);
  /* Before there are any: Ctrl-C may strike in call_soon, and then none may be lost. Two of them:
     it may also strike after the loop has taken a handle off its list and before that runs. */
  if (w->due == NULL || schedule(w) < 0 || schedule(w) < 0) {
    Py_DECREF(w);
    return -1;
  }
  *wakeups = (PyObject *)w;
  return 0;
}

int gs_add_wakeup(PyObject *wakeups, PyObject *callback, PyObject *context, PyObject *future) {
  wakeups_object *w = (wakeups_object *)wakeups;
  PyObject *wakeup = PyTuple_Pack(3, callback, context, future);
  int failed = wakeup == NULL || PyList_Append(w->due, wakeup) < 0;
  Py_XDECREF(wakeup);
  if (failed) return -1;
  /* A signal's handler may have run the loop since, and with it the handle. */
  return w->handles > 0 ? 0 : schedule_surely(w);
}

/* Tells the loop's exception handler of an exception, as its handles do: in the context of what failed. */
static int tell_of_exception(wakeups_object *w, PyObject *wakeup) {
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  if (traceback != NULL) PyException_SetTraceback(value, traceback);
  PyObject *message = PyUnicode_FromFormat("Exception in callback %R", PyTuple_GetItem(wakeup, 0));
  PyObject *what = message == NULL ? NULL
                                   : Py_BuildValue("{sNsOsO}", "message", message, "exception", value, "future",
                                                   PyTuple_GetItem(wakeup, 2));
  PyObject *tell = what == NULL ? NULL : PyObject_GetAttrString(w->loop, "call_exception_handler");
  PyObject *told =
      tell == NULL ? NULL : PyObject_CallMethodObjArgs(PyTuple_GetItem(wakeup, 1), run_name, tell, what, NULL);
  if (told == NULL && tell != NULL && PyErr_ExceptionMatches(PyExc_RuntimeError)) {
    PyErr_Clear(); /* the context is entered already: that was the exception */
    told = PyObject_CallFunctionObjArgs(tell, what, NULL);
  }
  Py_XDECREF(told);
  Py_XDECREF(tell);
  Py_XDECREF(what);
  Py_XDECREF(type);
  Py_XDECREF(value);
  Py_XDECREF(traceback);
  return told == NULL ? -1 : 0;
}

static int run(wakeups_object *w, PyObject *wakeup) {
  PyObject *context = PyTuple_GetItem(wakeup, 1);
  PyObject *done =
      PyObject_CallMethodObjArgs(context, run_name, PyTuple_GetItem(wakeup, 0), PyTuple_GetItem(wakeup, 2), NULL);
  if (done == NULL) {
    int ends = PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) || PyErr_ExceptionMatches(PyExc_SystemExit);
    return ends ? -1 : tell_of_exception(w, wakeup);
  }
  Py_DECREF(done);
  return 0;
}

static Py_ssize_t left(const wakeups_object *w) { return PyList_Size(w->due) - w->next; }

/* Takes the next wake-up out of the list: owned. */
static PyObject *take(wakeups_object *w) {
  PyObject *wakeup = PyList_GetItem(w->due, w->next);
  Py_INCREF(wakeup);
  Py_INCREF(Py_None);
  PyList_SetItem(w->due, w->next++, Py_None);
  return wakeup;
}

static PyObject *wakeups_call(PyObject *self, PyObject *arguments, PyObject *named) {
  wakeups_object *w = (wakeups_object *)self;
  if (w->handles > 0) w->handles--;
  /* Whoever ends this early, or runs the loop within one of them, leaves the others to
     another handle. */
  if (left(w) > 1 && w->handles == 0 && schedule_surely(w) < 0) return NULL;
  while (left(w) > 0) {
    PyObject *wakeup = take(w);
    int failed = run(w, wakeup) < 0;
    Py_DECREF(wakeup);
    if (failed) return NULL;
  }
  Py_RETURN_NONE;
}

static int wakeups_traverse(PyObject *self, visitproc visit, void *arg) {
  wakeups_object *w = (wakeups_object *)self;
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(w->loop);
  Py_VISIT(w->due);
  return 0;
}

static int wakeups_clear(PyObject *self) {
  Py_CLEAR(((wakeups_object *)self)->loop);
  return 0; /* the list, whose length is read, stays */
}

static void wakeups_dealloc(PyObject *self) {
  wakeups_object *w = (wakeups_object *)self;
  PyTypeObject *type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  Py_CLEAR(w->loop);
  Py_CLEAR(w->due);
  freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
  release(self);
  Py_DECREF(type);
}

PyDoc_STRVAR(wakeups_doc, "What an event loop is to run for the futures of one batch of replies.");

static PyType_Slot wakeups_slots[] = {
    {Py_tp_doc, (void *)wakeups_doc},
    {Py_tp_call, wakeups_call},
    {Py_tp_traverse, wakeups_traverse},
    {Py_tp_clear, wakeups_clear},
    {Py_tp_dealloc, wakeups_dealloc},
    {0, NULL},
};

static PyType_Spec wakeups_spec = {
    .name = "gostitch._bridge.Wakeups",
    .basicsize = sizeof(wakeups_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = wakeups_slots,
};

int gs_add_wakeups_type(void) {
  run_name = PyUnicode_InternFromString("run");
  wakeups_type = (PyTypeObject *)PyType_FromSpec(&wakeups_spec);
  return run_name == NULL || wakeups_type == NULL ? -1 : 0;
}
