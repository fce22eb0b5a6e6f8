/* What the bridge leaves to Python: errors, loading, observers. */

#include "bridge.h"

#include <string.h>

gs_hooks gs_hook;

/* A hook by the name under which it is installed. */
static const struct {
  const char *name;
  PyObject **hook;
} hooks[] = {
    {"refuse", &gs_hook.refuse},     {"damaged", &gs_hook.damaged},   {"prepare", &gs_hook.prepare},
    {"bind", &gs_hook.bind},         {"stand_in", &gs_hook.stand_in}, {"converse", &gs_hook.converse},
    {"timeout", &gs_hook.timeout},   {"fail", &gs_hook.fail},         {"observe", &gs_hook.observe},
    {"trace", &gs_hook.trace},       {"queue", &gs_hook.queue},
    {"context", &gs_hook.context},   {"age", &gs_hook.age},
    {"converse_later", &gs_hook.converse_later},
    {"stand_in_submit", &gs_hook.stand_in_submit}, {"wait", &gs_hook.wait},
    {"wait_always", &gs_hook.wait_always}, {"own_queue", &gs_hook.own_queue},
    {"let_go", &gs_hook.let_go},     {"waiter", &gs_hook.waiter},
    {"touch", &gs_hook.touch},       {"spans", &gs_hook.spans},
    {"place", &gs_hook.place},       {"place_key", &gs_hook.place_key},
    {"place_value", &gs_hook.place_value}, {"caller", &gs_hook.caller},
    {"events", &gs_hook.events},
};

PyDoc_STRVAR(install_doc, "install(**hooks)\n\nSet hooks; None takes one out.");

static PyObject *install(PyObject *module, PyObject *arguments, PyObject *named) {
  if (!PyArg_ParseTuple(arguments, ":install")) return NULL;
  Py_ssize_t position = 0;
  PyObject *key, *value;
  while (named != NULL && PyDict_Next(named, &position, &key, &value)) {
    size_t i = 0;
    while (i < sizeof hooks / sizeof hooks[0] && PyUnicode_CompareWithASCIIString(key, hooks[i].name) != 0) i++;
    if (i == sizeof hooks / sizeof hooks[0]) return PyErr_Format(PyExc_TypeError, "there is no hook %R", key);
    PyObject *before = *hooks[i].hook;
    if (value == Py_None) value = NULL;
    Py_XINCREF(value);
    *hooks[i].hook = value;
    Py_XDECREF(before);
  }
  Py_RETURN_NONE;
}

unsigned gs_looks_wanted;

PyDoc_STRVAR(look_again_doc, "look_again()\n\nHave the hook 'observe' called by the next call of a function.");

static PyObject *look_again(PyObject *module, PyObject *nothing) {
  gs_looks_wanted++;
  Py_RETURN_NONE;
}

PyMethodDef gs_hook_methods[] = {
    {"install", (PyCFunction)(void (*)(void))install, METH_VARARGS | METH_KEYWORDS, install_doc},
    {"look_again", look_again, METH_NOARGS, look_again_doc},
    {NULL, NULL, 0, NULL},
};
