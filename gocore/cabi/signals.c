/* Signals that the host blocks, on the threads of Go.

   A signal to the process is for any thread that does not block it. A host that waits for one (sigwait,
   signalfd) blocks it in all of its threads; those of Go would take it, and its default action then ends
   the process (golang.org/issue/55066). So they block what the main thread does, and have their masks
   changed when that changes its own. Not everything for ever: what a Go function starts as a process has
   the mask of the thread that started it.

   Go sets the mask of each thread itself, after the thread has begun, and leaves SIGCHLD and SIGPROF open,
   whatever the mask was before. Only a handler can change it behind that: one of SIGURG, which Go needs
   open too, stands in front of Go's and changes the mask that the kernel restores. A new thread is sent
   one before Go opens it, so that it comes in between. */

#define _GNU_SOURCE
#include "gostitch.h"
#include "signals.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define BIT(number) (UINT64_C(1) << ((number)-1))

/* Faults, the signal of Go's scheduler, and those of glibc's threads (32, 33). */
#define NEEDED                                                                                                \
  (BIT(SIGILL) | BIT(SIGTRAP) | BIT(SIGBUS) | BIT(SIGFPE) | BIT(SIGSEGV) | BIT(SIGSTKFLT) | BIT(SIGSYS) | \
   BIT(SIGURG) | BIT(32) | BIT(33))

/* Marks the SIGURG that brings a thread of the host its mask; no other sender has such a code. */
#define FOR_HOST (-0x6753)

/* How long threads are waited for that are to change their masks. */
#define WAIT_NS 1000000000LL
#define PAUSE_NS 20000L

/* A thread of Go, on its own stack. */
typedef struct thread {
  struct thread *next, **link;
  pid_t id;
  atomic_uint has; /* the generation of the mask that it has; 0: Go has not opened it yet */
} thread;

/* What such a thread is to run. */
typedef struct {
  void *(*run)(void *);
  void *argument;
  int is_first; /* which runs with the mask of the thread that loads, all others with everything blocked */
} start;

/* A generation that is none. */
#define LATE UINT_MAX

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int has_key;
static struct sigaction of_go;

/* Guards the list; whoever has it blocks all signals, as a handler must not wait for it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static thread *threads;

static _Atomic uint64_t blocked;
static atomic_uint generation;

static uint64_t as_bits(const sigset_t *set) {
  uint64_t bits;
  memcpy(&bits, set, sizeof bits);
  return bits;
}

static void send(pid_t to, int code, uint64_t bits) {
  siginfo_t info = {.si_signo = SIGURG, .si_code = code};
  info.si_pid = getpid();
  info.si_uid = getuid();
  info.si_value.sival_ptr = (void *)(uintptr_t)bits;
  syscall(SYS_rt_tgsigqueueinfo, getpid(), to, SIGURG, &info);
}

static void urgent(int number, siginfo_t *info, void *context) {
  sigset_t *mask = &((ucontext_t *)context)->uc_sigmask;
  thread *own = pthread_getspecific(key);
  if (own != NULL) {
    unsigned wanted = atomic_load(&generation);
    if (atomic_load(&own->has) != wanted) {
      uint64_t bits = atomic_load(&blocked) & ~NEEDED;
      memcpy(mask, &bits, sizeof bits);
      atomic_store(&own->has, wanted);
    }
  } else if (info->si_code == FOR_HOST) {
    uint64_t bits = (uint64_t)(uintptr_t)info->si_value.sival_ptr & ~NEEDED;
    memcpy(mask, &bits, sizeof bits);
  }
  /* Always: the kernel makes one signal of two that come together, and Go waits for its own. */
  if (of_go.sa_flags & SA_SIGINFO) of_go.sa_sigaction(number, info, context);
}

/* The first thread is made when Go has set its handlers and runs nothing yet, by the thread that loads. */
static void begin(void) {
  sigset_t now;
  pthread_sigmask(SIG_SETMASK, NULL, &now);
  atomic_store(&blocked, as_bits(&now));
  atomic_store(&generation, 1);
  if (sigaction(SIGURG, NULL, &of_go) != 0 || !(of_go.sa_flags & SA_SIGINFO)) return;
  if (pthread_key_create(&key, NULL) != 0) return;
  struct sigaction ours = of_go;
  ours.sa_sigaction = urgent;
  has_key = sigaction(SIGURG, &ours, NULL) == 0;
}

/* Go opens SIGURG on its threads only if it needs it, and else leaves it as the first one had it. */
static int opens_urgent(void) {
  const char *settings = getenv("GODEBUG");
  return settings == NULL || strstr(settings, "asyncpreemptoff=1") == NULL;
}

static void *run_quietly(void *of) {
  start what = *(start *)of;
  free(of);
  thread own = {.id = (pid_t)syscall(SYS_gettid), .has = what.is_first && !opens_urgent() ? LATE : 0};
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_setspecific(key, &own);
  pthread_mutex_lock(&lock);
  own.next = threads, own.link = &threads;
  if (threads != NULL) threads->link = &own.next;
  threads = &own;
  pthread_mutex_unlock(&lock);
  if (atomic_load(&own.has) == 0) {
    sigaddset(&before, SIGURG); /* until Go opens it */
    send(own.id, SI_QUEUE, 0);
  } else {
    sigdelset(&before, SIGURG); /* for all that come */
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  void *result = what.run(what.argument);
  pthread_sigmask(SIG_SETMASK, &all, NULL);
  pthread_mutex_lock(&lock);
  *own.link = own.next;
  if (own.next != NULL) own.next->link = own.link;
  pthread_mutex_unlock(&lock);
  pthread_setspecific(key, NULL);
  return result;
}

/* Go blocks everything while it makes a thread of its own. */
static int blocks_everything(void) {
  sigset_t now;
  pthread_sigmask(SIG_SETMASK, NULL, &now);
  return (as_bits(&now) | BIT(SIGKILL) | BIT(SIGSTOP) | BIT(32) | BIT(33)) == UINT64_MAX;
}

void *(*gs_quiet(void *(*run)(void *), void **argument))(void *) {
  static atomic_flag has_first = ATOMIC_FLAG_INIT;
  pthread_once(&once, begin);
  if (!has_key) return run;
  int is_first = !atomic_flag_test_and_set(&has_first);
  if (!is_first && !blocks_everything()) return run; /* of C code that is in the library */
  start *what = malloc(sizeof *what);
  if (what == NULL) return run;
  *what = (start){run, *argument, is_first};
  *argument = what;
  return run_quietly;
}

void gs_not_made(void *(*run)(void *), void *argument) {
  if (run == run_quietly) free(argument);
}

/* Tells whether a thread has its old mask still. One that Go has not opened blocks everything. */
static int is_late(const thread *one) {
  unsigned has = atomic_load(&one->has);
  return has != 0 && has != atomic_load(&generation);
}

/* Sends those what makes them change that have not changed; tells whether there are any. */
static int hurry(int is_to_send) {
  int late = 0;
  pthread_mutex_lock(&lock);
  for (const thread *one = threads; one != NULL; one = one->next) {
    if (!is_late(one)) continue;
    late = 1;
    if (is_to_send) send(one->id, SI_QUEUE, 0);
  }
  pthread_mutex_unlock(&lock);
  return late;
}

int64_t gostitch_block(uint64_t signals, int32_t of) {
  if (!has_key) return -1;
  if (of != 0) {
    send((pid_t)of, FOR_HOST, signals);
    return (int64_t)key;
  }
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  if ((atomic_exchange(&blocked, signals) ^ signals) & ~NEEDED) atomic_fetch_add(&generation, 1);
  const struct timespec pause = {0, PAUSE_NS};
  int late = hurry(1);
  for (int64_t waited = 0; late && waited < WAIT_NS; waited += PAUSE_NS) {
    nanosleep(&pause, NULL);
    late = hurry(0);
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return (int64_t)key;
}
