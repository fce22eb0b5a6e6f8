/* What loading Go leaves in a process, and how a forked child gets rid of it. */

#define _GNU_SOURCE 1 /* as pyconfig.h of CPython 3.10 has it, or that redefines it */
#include "bridge.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

unsigned gs_alive, gs_ready;

/* Libraries loaded by this process and by those it descends from. */
static unsigned generations;

/* The Go runtime raises the limit of open files for the whole process and so
   for its children, some of which (select, old daemons) cannot bear it. It does
   so on a thread of its own after dlopen has returned, so the limit is restored
   after the first call, which waits until the runtime is up. */
static struct rlimit limit_before;
static int limit_known;

/* What handled each signal before Go took some of them. */
static struct sigaction handlers_before[NSIG];

/* Where the library lies: a handler in there is Go's. */
static uintptr_t library_start, library_end;

/* The key under which Go keeps what a thread ends with. */
static pthread_key_t thread_key;
static int thread_key_known;

/* Runs in the child of every fork, also of one that Python does not know of.
   A handler or destructor of the runtime that has died with the other threads
   would hang or crash. */
static void in_child(void) {
  gs_alive = gs_ready = 0;
  gs_floor = GS_UNKNOWN;
  gs_thread = 0;
  gs_forget_masks();
  gs_forget_queue();
  gs_forget_interrupts();
  if (thread_key_known) pthread_key_delete(thread_key);
  thread_key_known = 0;
  if (library_end == 0) return;
  for (int number = 1; number < NSIG; number++) {
    struct sigaction now;
    if (sigaction(number, NULL, &now) != 0) continue;
    if (gs_is_go((uintptr_t)now.sa_sigaction)) sigaction(number, &handlers_before[number], NULL);
  }
  library_start = library_end = 0;
}

void gs_before_load(void) {
  static int registered;
  if (!registered) registered = pthread_atfork(NULL, NULL, in_child) == 0;
  gs_uncover_faults(); /* of a parent: Go must not come to pass faults on to us */
  limit_known = getrlimit(RLIMIT_NOFILE, &limit_before) == 0;
  for (int number = 1; number < NSIG; number++) sigaction(number, NULL, &handlers_before[number]);
}

/* Notes how far an object reaches that begins at library_start. */
static int note_extent(struct dl_phdr_info *object, size_t size, void *address) {
  if (object->dlpi_addr != *(ElfW(Addr) *)address) return 0;
  library_start = UINTPTR_MAX, library_end = 0;
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
    if (segment->p_type != PT_LOAD) continue;
    uintptr_t start = (uintptr_t)(object->dlpi_addr + segment->p_vaddr), end = start + segment->p_memsz;
    if (start < library_start) library_start = start;
    if (end > library_end) library_end = end;
  }
  return 1;
}

void gs_after_load(void *library) {
  struct link_map *object;
  if (dlinfo(library, RTLD_DI_LINKMAP, &object) == 0) {
    gs_note_own(object->l_addr);
    dl_iterate_phdr(note_extent, &object->l_addr);
  }
}

int gs_is_go(uintptr_t address) { return address >= library_start && address < library_end; }

const struct sigaction *gs_handler_before(int number) { return &handlers_before[number]; }

void gs_set_alive(void) { gs_alive = ++generations; }

void gs_bind_thread(void) {
  sigset_t all, mask;
  /* The mask that a thread has now Go gives it back when it ends, whatever it blocks by then: so everything. */
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &mask);
  /* Go opens these, and no others that a thread may want to block. */
  int opens = sigismember(&mask, SIGCHLD) || sigismember(&mask, SIGPROF);
  if (opens) gs_go.block(gs_bits_of(&mask), (int32_t)syscall(SYS_gettid));
  /* Go binds the thread by a key of its own, which it tells nobody. */
  void *before[PTHREAD_KEYS_MAX];
  int is_wanted = !thread_key_known;
  for (pthread_key_t key = 0; is_wanted && key < PTHREAD_KEYS_MAX; key++) before[key] = pthread_getspecific(key);
  gs_go.cancel(0); /* which does nothing */
  for (pthread_key_t key = 0; is_wanted && key < PTHREAD_KEYS_MAX && !thread_key_known; key++) {
    thread_key_known = before[key] == NULL && pthread_getspecific(key) != NULL;
    thread_key = key;
  }
  static const int needed[] = {SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGSTKFLT, SIGSYS, SIGURG};
  for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) sigdelset(&mask, needed[i]);
  pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

int32_t gs_first_call(int32_t (*call)(void *), void *with) {
  int32_t status = call(with);
  gs_cover_faults();
  if (limit_known) setrlimit(RLIMIT_NOFILE, &limit_before);
  limit_known = 0; /* later ones, with other settings, find a limit that the host may have set since */
  return status;
}
