/* Files that exist in memory only, from which code may be loaded. */

#include "bridge.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of linux/memfd.h, which old headers have not or without the last. */
#define CLOSE_ON_EXEC 1u
#define ALLOW_SEALING 2u
#define EXECUTABLE 0x10u

PyDoc_STRVAR(memory_file_doc,
             "memory_file(name) -> descriptor\n\n"
             "Make a file in memory. Unlike os.memfd_create it is there in Pythons built for old systems, and makes "
             "executable files where that must be asked for.");

static PyObject *memory_file(PyObject *module, PyObject *arguments) {
  const char *name;
  if (!PyArg_ParseTuple(arguments, "y:memory_file", &name)) return NULL;
  unsigned flags = CLOSE_ON_EXEC | ALLOW_SEALING;
  long fd = syscall(SYS_memfd_create, name, flags | EXECUTABLE);
  if (fd < 0 && errno == EINVAL) fd = syscall(SYS_memfd_create, name, flags); /* before Linux 6.3 */
  if (fd < 0) return PyErr_SetFromErrno(PyExc_OSError);
  return PyLong_FromLong(fd);
}

PyMethodDef gs_memory_file_methods[] = {
    {"memory_file", memory_file, METH_VARARGS, memory_file_doc},
    {NULL, NULL, 0, NULL},
};
