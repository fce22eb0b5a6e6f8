/*
 * Calls with messages: what has arrived for them, and who handles it. Their class is in Python
 * (gostitch/_queue.py).
 *
 * A hand holds the record that Python handles: a list of the record, and of the thread or greenlet whose
 * it is. If an exception ends the handling, the hand itself joins a chain of those that are left, with the
 * next one in the second place, for which nothing is allocated: the exception may be MemoryError. Taking,
 * handling and keeping are steps of one C function, or an exception of a signal's handler, which Python may
 * raise between any two of its own, could lose a record. What is left of a conversation, or waits there while
 * its holder has let go, is told of by a reminder in the chain of the queue: one at most, made beforehand.
 *
 * One hand at a time takes what has arrived for a conversation, its holder, or messages would
 * overtake each other wherever the handling of one waits: what runs there may handle replies, as
 * may other threads. Whoever comes meanwhile leaves it to the holder, which looks again before it
 * lets go; but a reply behind no message does not wait for the end of a callback. A holder that waits
 * for its own call lets go at once, since nobody else could take the reply.
 *
 * Every object is owned here before another one is dropped, for that may run any code.
 */

#include "bridge.h"

/* In a chain: each is of a thread whose handling was interrupted. More are a circle that Python made. */
#define MOST_HANDS 65536

static PyObject *append_name, *popleft_name, *clear_name, *waiting_name, *traces_name, *left_name, *future_name,
    *holder_name, *is_calling_name, *is_reminded_name, *is_told_name, *reminder_name, *token_name, *get_ident_name;

static PyObject *threading;

static int looks_like_hand(PyObject *hand) { return PyList_Check(hand) && PyList_Size(hand) == 2; }

PyObject *gs_new_hand(PyObject *thread) {
  PyObject *hand = PyList_New(2);
  if (hand == NULL) return NULL;
  Py_INCREF(Py_None);
  PyList_SetItem(hand, 0, Py_None);
  Py_INCREF(thread);
  PyList_SetItem(hand, 1, thread);
  return hand;
}

/* Gives the number of the thread, or of the greenlet where gevent has replaced threads. */
static PyObject *ident(void) { return PyObject_CallMethodObjArgs(threading, get_ident_name, NULL); }

int gs_put_in_hand(PyObject *hand, PyObject *record) { return PyList_SetItem(hand, 0, record); }

/* Gives an item of a hand, owned; NULL if Python has made it shorter. */
static PyObject *item_of(PyObject *hand, Py_ssize_t place) {
  PyObject *item = PyList_Check(hand) && PyList_Size(hand) > place ? PyList_GetItem(hand, place) : NULL;
  Py_XINCREF(item);
  return item;
}

PyObject *gs_record_in(PyObject *hand, long *kind) {
  PyObject *record = item_of(hand, 0);
  if (record != NULL && PyTuple_Check(record) && PyTuple_Size(record) == 4) {
    *kind = PyLong_AsLong(PyTuple_GetItem(record, 0));
    if (*kind != -1 || !PyErr_Occurred()) return record;
    PyErr_Clear();
  }
  Py_XDECREF(record);
  return NULL;
}

int gs_handle_in_hand(PyObject *handler, PyObject *of, PyObject *hand) {
  long kind;
  PyObject *record = gs_record_in(hand, &kind);
  if (record != NULL) {
    PyObject *done =
        PyObject_CallFunctionObjArgs(handler, of, PyTuple_GetItem(record, 0), PyTuple_GetItem(record, 1),
                                     PyTuple_GetItem(record, 2), PyTuple_GetItem(record, 3), NULL);
    Py_DECREF(record);
    if (done == NULL) return -1;
    Py_DECREF(done);
  }
  Py_INCREF(Py_None);
  return gs_put_in_hand(hand, Py_None);
}

int gs_chain_hand(PyObject **chain, PyObject *hand) {
  Py_INCREF(Py_None);
  if (PyList_SetItem(hand, 1, Py_None) < 0) return -1; /* first: what was there may run code, which may come here */
  PyObject *before = *chain;
  Py_INCREF(hand);
  *chain = hand;
  if (before == NULL) return 0;
  return PyList_SetItem(hand, 1, before);
}

int gs_unchain_hand(PyObject **chain, PyObject *hand) {
  PyObject *first = *chain;
  PyObject *record = looks_like_hand(first) ? item_of(first, 0) : NULL;
  PyObject *next = record == NULL ? NULL : item_of(first, 1);
  if (next == Py_None) Py_CLEAR(next);
  *chain = next;
  if (record != NULL) { /* a reminder is used again */
    Py_INCREF(Py_None);
    (void)PyList_SetItem(first, 1, Py_None);
  }
  int failed = record != NULL && gs_put_in_hand(hand, record) < 0;
  Py_DECREF(first);
  return failed ? -1 : record != NULL;
}

uint64_t gs_count_hands(PyObject *chain) {
  uint64_t count = 0;
  for (; count < MOST_HANDS && chain != NULL && looks_like_hand(chain); count++) chain = PyList_GetItem(chain, 1);
  return count;
}

/* Gives the chain of what is left of a conversation: NULL if it is empty; -1: there is no such. */
static int get_left(PyObject *of, PyObject **chain) {
  *chain = PyObject_GetAttr(of, left_name);
  if (*chain == NULL) return -1;
  if (*chain == Py_None) Py_CLEAR(*chain);
  return 0;
}

/* Takes over the chain. */
static int set_left(PyObject *of, PyObject *chain) {
  int failed = PyObject_SetAttr(of, left_name, chain == NULL ? Py_None : chain) < 0;
  Py_XDECREF(chain);
  return failed ? -1 : 0;
}

/* Tells whether a hand may take what has arrived for a conversation, and if so makes it the holder. */
static int hold(PyObject *of, PyObject *hand) {
  PyObject *holder = PyObject_GetAttr(of, holder_name);
  if (holder == NULL) return -1;
  int is_free = holder == Py_None;
  int is_ours = holder == hand;
  Py_DECREF(holder);
  if (is_ours) return 1;
  if (!is_free) return 0;
  if (PyObject_SetAttr(of, is_calling_name, Py_False) < 0) return -1; /* the holder before may have let go in a callback */
  return PyObject_SetAttr(of, holder_name, hand) < 0 ? -1 : 1;
}

/* Ends what a hand holds of a conversation. */
static int let_go(PyObject *of, PyObject *hand) {
  PyObject *holder = PyObject_GetAttr(of, holder_name);
  int failed = holder == NULL || (holder == hand && PyObject_SetAttr(of, holder_name, Py_None) < 0);
  Py_XDECREF(holder);
  return failed ? -1 : 0;
}

int gs_let_go(PyObject *conversation) {
  PyObject *holder = PyObject_GetAttr(conversation, holder_name);
  PyObject *its = holder == NULL ? NULL : item_of(holder, 1), *thread = holder == NULL ? NULL : ident();
  int is_here = its != NULL && thread != NULL && PyLong_Check(its) && PyLong_Check(thread) &&
                PyLong_AsUnsignedLongMask(its) == PyLong_AsUnsignedLongMask(thread);
  int failed = thread == NULL || (is_here && PyObject_SetAttr(conversation, holder_name, Py_None) < 0);
  Py_XDECREF(thread);
  Py_XDECREF(its);
  Py_XDECREF(holder);
  return failed ? -1 : 0;
}

/* Takes what is first in a deque; 0 if there is nothing, which is looked for first: an IndexError takes longer. */
static int take_oldest(PyObject *deque, PyObject *hand) {
  Py_ssize_t count = PySequence_Size(deque);
  if (count <= 0) return (int)count;
  PyObject *record = PyObject_CallMethodObjArgs(deque, popleft_name, NULL);
  if (record == NULL) return -1;
  return gs_put_in_hand(hand, record) < 0 ? -1 : 1;
}

/* Takes the reply, if it is next and the holder is in a callback of the program's; 0: it is not so. */
static int take_reply(PyObject *of, PyObject *hand) {
  PyObject *is_calling = PyObject_GetAttr(of, is_calling_name);
  PyObject *left = PyObject_GetAttr(of, left_name), *deque = PyObject_GetAttr(of, waiting_name);
  int failed = is_calling == NULL || left == NULL || deque == NULL, is_next = 0;
  if (!failed && is_calling == Py_True && left == Py_None && PySequence_Size(deque) > 0) {
    PyObject *first = PySequence_GetItem(deque, 0);
    PyObject *kind = first == NULL || !PyTuple_Check(first) || PyTuple_Size(first) == 0 ? NULL : PyTuple_GetItem(first, 0);
    is_next = kind != NULL && PyLong_Check(kind) && PyLong_AsLong(kind) == GS_REPLY;
    Py_XDECREF(first);
  }
  failed = failed || PyErr_Occurred() != NULL;
  if (is_next && !failed) is_next = take_oldest(deque, hand);
  Py_XDECREF(is_calling);
  Py_XDECREF(left);
  Py_XDECREF(deque);
  return failed ? -1 : is_next;
}

/* Moves the oldest record that waits for a conversation into a hand; 0 if there is none, or if another hand takes
   them. */
static int take_record(PyObject *of, PyObject *hand) {
  PyObject *chain;
  int may = hold(of, hand), found = 0;
  if (may < 0) return -1;
  if (may == 0) return take_reply(of, hand);
  if (get_left(of, &chain) < 0) return -1;
  if (chain != NULL) {
    found = gs_unchain_hand(&chain, hand);
    if (set_left(of, chain) < 0) return -1;
  }
  if (found == 0) {
    PyObject *deque = PyObject_GetAttr(of, waiting_name);
    found = deque == NULL ? -1 : take_oldest(deque, hand);
    Py_XDECREF(deque);
  }
  return found == 0 ? let_go(of, hand) : found;
}

/* Tells whether the callback has no use for the message in hand: it has had it, or the call has an outcome, or will
   have one. */
static int is_over(PyObject *conversation) {
  PyObject *future = PyObject_GetAttr(conversation, future_name);
  PyObject *is_told = PyObject_GetAttr(conversation, is_told_name);
  int over = future == NULL || !gs_is_future(future) || gs_is_claimed(future) || is_told == NULL || is_told == Py_True;
  Py_XDECREF(future);
  Py_XDECREF(is_told);
  return over;
}

/* Tells whether the record of a hand must be taken again. */
static int is_left(PyObject *of, PyObject *pending, PyObject *hand) {
  long kind = 0;
  PyObject *record = gs_record_in(hand, &kind);
  int is = record != NULL;
  if (is && kind == GS_REPLY) is = PyDict_Contains(pending, PyTuple_GetItem(record, 1));
  else if (is) is = !is_over(of);
  Py_XDECREF(record);
  return is;
}

/* Ends the handling of a hand's record, which an exception has ended: it is taken again, first, unless it is of a call
   that is over. Allocates nothing. */
static int keep_record(PyObject *of, PyObject *pending, PyObject *hand) {
  PyObject *chain;
  int is = is_left(of, pending, hand);
  if (is > 0) {
    if (get_left(of, &chain) < 0) return -1;
    is = gs_chain_hand(&chain, hand);
    if (set_left(of, chain) < 0) return -1;
  }
  return let_go(of, hand) < 0 ? -1 : is;
}

/* Forgets a call whose reply was handled. */
static int end(PyObject *of, PyObject *conversations) {
  PyObject *token = PyObject_GetAttr(of, token_name);
  if (token == NULL) return -1;
  if (PyDict_DelItem(conversations, token) < 0) PyErr_Clear();
  Py_DECREF(token);
  /* It may hold an exception whose traceback holds the conversation. */
  if (PyObject_SetAttr(of, future_name, Py_None) < 0 || set_left(of, NULL) < 0) return -1;
  /* Of goroutines that outlived the call. */
  PyObject *deque = PyObject_GetAttr(of, waiting_name);
  PyObject *cleared = deque == NULL ? NULL : PyObject_CallMethodObjArgs(deque, clear_name, NULL);
  Py_XDECREF(deque);
  Py_XDECREF(cleared);
  return cleared == NULL ? -1 : 0;
}

/* Ends the handling after an exception, which stays. */
static void end_failed(PyObject *of, PyObject *conversations, PyObject *pending, PyObject *hand) {
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  (void)keep_record(of, pending, hand);
  PyErr_Clear();
  PyObject *token = PyObject_GetAttr(of, token_name);
  if (token != NULL && PyDict_Contains(pending, token) == 0) (void)end(of, conversations);
  Py_XDECREF(token);
  PyErr_Clear();
  PyErr_Restore(type, value, traceback);
}

int gs_handle_conversation(PyObject *of, PyObject *conversations, PyObject *pending, PyObject *handler) {
  PyObject *thread = ident();
  PyObject *hand = thread == NULL ? NULL : gs_new_hand(thread);
  Py_XDECREF(thread);
  if (hand == NULL) return -1;
  int found;
  while ((found = take_record(of, hand)) > 0) {
    long kind = 0;
    Py_XDECREF(gs_record_in(hand, &kind));
    if (PyObject_SetAttr(of, is_told_name, Py_False) < 0 || gs_handle_in_hand(handler, of, hand) < 0 ||
        (kind == GS_REPLY && end(of, conversations) < 0)) {
      found = -1;
      break;
    }
  }
  if (found < 0) end_failed(of, conversations, pending, hand);
  Py_DECREF(hand);
  return found;
}

/* Tells whether something has arrived that was not handled. */
static int has_more(PyObject *of) {
  PyObject *left = PyObject_GetAttr(of, left_name), *deque = left == NULL ? NULL : PyObject_GetAttr(of, waiting_name);
  Py_ssize_t count = deque == NULL ? -1 : PySequence_Size(deque);
  int has = count < 0 ? -1 : left != Py_None || count > 0;
  Py_XDECREF(left);
  Py_XDECREF(deque);
  return has;
}

/* Puts the reminder of a conversation into a chain unless it is there. */
static int chain_reminder(PyObject **chain, PyObject *of) {
  PyObject *is_there = PyObject_GetAttr(of, is_reminded_name);
  Py_XDECREF(is_there);
  if (is_there == NULL || is_there == Py_True) return is_there == NULL ? -1 : 0;
  PyObject *hand = PyObject_GetAttr(of, reminder_name);
  if (hand == NULL) return -1;
  int failed = !looks_like_hand(hand);
  if (failed) PyErr_SetString(PyExc_TypeError, "the reminder of a conversation is a list of two items");
  else failed = PyObject_SetAttr(of, is_reminded_name, Py_True) < 0 || gs_chain_hand(chain, hand) < 0;
  Py_DECREF(hand);
  return failed ? -1 : 0;
}

int gs_remind(PyObject **chain, PyObject *conversation) {
  int has = has_more(conversation);
  return has > 0 && chain_reminder(chain, conversation) < 0 ? -1 : has;
}

int gs_was_reminded(PyObject *conversation) { return PyObject_SetAttr(conversation, is_reminded_name, Py_False); }

PyDoc_STRVAR(let_go_doc,
             "let_go(conversation)\n\n"
             "Have others take what has arrived for a conversation if this thread or greenlet does: it is about to wait for "
             "the reply.");

static PyObject *let_go_here(PyObject *module, PyObject *conversation) {
  if (gs_let_go(conversation) < 0) return NULL;
  Py_RETURN_NONE;
}

int gs_give_record(PyObject *conversation, const gs_record *record, PyObject *tuple) {
  PyObject *name = record->kind == GS_TRACE ? traces_name : waiting_name;
  PyObject *of = PyObject_GetAttr(conversation, name), *done = NULL;
  if (of != NULL && record->kind == GS_TRACE) {
    /* By the number of the question. */
    int failed = PyObject_SetItem(of, PyTuple_GetItem(tuple, 2), PyTuple_GetItem(tuple, 3)) < 0;
    Py_DECREF(of);
    return failed ? -1 : 0;
  }
  if (of != NULL) done = PyObject_CallMethodObjArgs(of, append_name, tuple, NULL);
  Py_XDECREF(of);
  Py_XDECREF(done);
  return done == NULL ? -1 : 0;
}

static PyMethodDef functions[] = {
    {"let_go", let_go_here, METH_O, let_go_doc},
    {NULL, NULL, 0, NULL},
};

int gs_add_conversations(PyObject *module) {
  static const struct {
    PyObject **name;
    const char *text;
  } names[] = {{&append_name, "append"},           {&popleft_name, "popleft"},   {&clear_name, "clear"},
               {&waiting_name, "waiting"},         {&traces_name, "traces"},     {&left_name, "left"},
               {&future_name, "future"},           {&holder_name, "holder"},     {&is_calling_name, "is_calling"},
               {&is_reminded_name, "is_reminded"}, {&reminder_name, "reminder"}, {&token_name, "token"},
               {&is_told_name, "is_told"},         {&get_ident_name, "get_ident"}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    *names[i].name = PyUnicode_InternFromString(names[i].text);
    if (*names[i].name == NULL) return -1;
  }
  threading = PyImport_ImportModule("threading");
  return threading == NULL ? -1 : PyModule_AddFunctions(module, functions);
}
