/* Go runtimes in this process that are not ours. */

#include "bridge.h"

#include <link.h>
#include <string.h>

/* Where our libraries begin: that of this process, and those of the processes
   it descends from, which stay mapped. Static thread-local storage is used up
   long before this is full. */
static ElfW(Addr) own[1024];
static size_t own_count;

void gs_note_own(uintptr_t address) {
  if (own_count < sizeof own / sizeof own[0]) own[own_count++] = address;
}

static int is_own(ElfW(Addr) address) {
  for (size_t i = 0; i < own_count; i++) {
    if (own[i] == address) return 1;
  }
  return 0;
}

/* Go's linker gives every binary a note with its build id. */
#define GO_BUILD_ID 4

static int has_go_note(const struct dl_phdr_info *object, const ElfW(Phdr) *segment) {
  const char *at = (const char *)(object->dlpi_addr + segment->p_vaddr), *end = at + segment->p_memsz;
  while (at + sizeof(ElfW(Nhdr)) <= end) {
    const ElfW(Nhdr) *note = (const ElfW(Nhdr) *)at;
    const char *name = at + sizeof *note;
    if (note->n_type == GO_BUILD_ID && note->n_namesz == 4 && name + 4 <= end && memcmp(name, "Go\0", 4) == 0) return 1;
    at = name + ((note->n_namesz + 3) & ~(size_t)3) + ((note->n_descsz + 3) & ~(size_t)3);
  }
  return 0;
}

/* Adds the path of an object to a list if it is a Go binary. */
static int look_at(struct dl_phdr_info *object, size_t size, void *found) {
  if (is_own(object->dlpi_addr)) return 0;
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
    if (segment->p_type != PT_NOTE || !has_go_note(object, segment)) continue;
    PyObject *path = PyUnicode_DecodeFSDefault(object->dlpi_name);
    int failed = path == NULL || PyList_Append(found, path) < 0;
    Py_XDECREF(path);
    return failed;
  }
  return 0;
}

PyDoc_STRVAR(others_doc,
             "other_runtimes() -> list\n\n"
             "Give the paths of Go binaries in this process that are not ours; empty for the program itself.");

static PyObject *other_runtimes(PyObject *module, PyObject *nothing) {
  PyObject *found = PyList_New(0);
  if (found != NULL && dl_iterate_phdr(look_at, found) != 0) Py_CLEAR(found);
  return found;
}

PyMethodDef gs_object_methods[] = {
    {"other_runtimes", other_runtimes, METH_NOARGS, others_doc},
    {NULL, NULL, 0, NULL},
};
