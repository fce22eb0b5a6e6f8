/* The module gostitch._bridge, which only gostitch/_abi.py imports. */

#include "bridge.h"

PyDoc_STRVAR(module_doc, "The boundary between Python and the Go library of this process.");

PyDoc_STRVAR(is_main_doc, "is_main_interpreter() -> bool\n\nTell whether this is no sub-interpreter.");

static PyObject *is_main_interpreter(PyObject *module, PyObject *nothing) {
  return PyBool_FromLong(PyInterpreterState_GetID(PyInterpreterState_Get()) == 0);
}

static PyMethodDef own_methods[] = {
    {"is_main_interpreter", is_main_interpreter, METH_NOARGS, is_main_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "gostitch._bridge",
    .m_doc = module_doc,
    .m_size = -1,
    .m_methods = gs_library_methods,
};

PyMODINIT_FUNC PyInit__bridge(void) {
  gs_note_importer();
  PyObject *module = PyModule_Create(&definition);
  if (module == NULL) return NULL;
  if (PyModule_AddFunctions(module, own_methods) < 0 || PyModule_AddFunctions(module, gs_hook_methods) < 0 ||
      PyModule_AddFunctions(module, gs_object_methods) < 0 ||
      PyModule_AddFunctions(module, gs_interrupt_methods) < 0 ||
      PyModule_AddFunctions(module, gs_fault_methods) < 0 || PyModule_AddFunctions(module, gs_host_methods) < 0 ||
      PyModule_AddFunctions(module, gs_entry_methods) < 0 ||
      PyModule_AddFunctions(module, gs_memory_file_methods) < 0 ||
      PyModule_AddFunctions(module, gs_trial_methods) < 0 ||
      PyModule_AddFunctions(module, gs_environment_methods) < 0 || gs_add_schema_type(module) < 0 ||
      gs_add_loan_type(module) < 0 || gs_add_buffer_type(module) < 0 || gs_add_table_type(module) < 0 ||
      gs_add_function_type(module) < 0 || gs_add_future_type(module) < 0 || gs_add_wakeups_type() < 0 ||
      gs_add_conversations(module) < 0 || gs_add_queue_type(module) < 0 || gs_set_up_waiting() < 0) {
    Py_DECREF(module);
    return NULL;
  }
  return module;
}
