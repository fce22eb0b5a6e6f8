/* Trying what the Go runtime takes when it is loaded: it ends the process where the system refuses. */

#include "bridge.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Little, since the number of threads is tried and not their memory; above what libraries keep in each. */
#define STACK (256u << 10)

/* The threads of a trial wait here for one another. */
typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t over;
  int is_over;
} gathering;

static void *wait_for_end(void *of) {
  gathering *with = of;
  pthread_mutex_lock(&with->lock);
  while (!with->is_over) pthread_cond_wait(&with->over, &with->lock);
  pthread_mutex_unlock(&with->lock);
  return NULL;
}

/* Starts threads that are there at the same time, and ends them; gives the number that started. */
static int start_threads(pthread_t *threads, int wanted, int *error) {
  gathering with = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
  pthread_attr_t small;
  sigset_t all, before;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, STACK);
  sigfillset(&all); /* no handler of the host's is to run there */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int made = 0;
  while (made < wanted && (*error = pthread_create(&threads[made], &small, wait_for_end, &with)) == 0) made++;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&small);
  pthread_mutex_lock(&with.lock);
  with.is_over = 1;
  pthread_cond_broadcast(&with.over);
  pthread_mutex_unlock(&with.lock);
  for (int i = 0; i < made; i++) pthread_join(threads[i], NULL);
  return made;
}

PyDoc_STRVAR(try_threads_doc,
             "try_threads(count) -> (threads that could be started, errno, bytes of a usual thread's stack)");

static PyObject *try_threads(PyObject *module, PyObject *arguments) {
  int wanted, made, error = 0;
  size_t stack = 0;
  if (!PyArg_ParseTuple(arguments, "i:try_threads", &wanted)) return NULL;
  pthread_t *threads = PyMem_Calloc((size_t)(wanted > 0 ? wanted : 1), sizeof *threads);
  if (threads == NULL) return PyErr_NoMemory();
  Py_BEGIN_ALLOW_THREADS;
  made = start_threads(threads, wanted, &error);
  Py_END_ALLOW_THREADS;
  PyMem_Free(threads);
  pthread_attr_t usual;
  pthread_attr_init(&usual);
  pthread_attr_getstacksize(&usual, &stack);
  pthread_attr_destroy(&usual);
  return Py_BuildValue("(iin)", made, error, (Py_ssize_t)stack);
}

/* Tries what Go waits by; gives the call that was refused, with errno, or NULL. */
static const char *refused_wait(int event, int *set) {
  struct epoll_event wanted = {.events = EPOLLIN};
  struct pollfd watched = {.fd = event, .events = POLLIN};
  if (poll(&watched, 1, 0) < 0 && errno != EINTR) return "poll";
  if ((*set = epoll_create1(EPOLL_CLOEXEC)) < 0) return "epoll_create1";
  if (epoll_ctl(*set, EPOLL_CTL_ADD, event, &wanted) != 0) return "epoll_ctl";
  if (syscall(SYS_epoll_pwait, *set, &wanted, 1, 0, NULL, (size_t)8) < 0 && errno != EINTR) return "epoll_pwait";
  return NULL;
}

/* The same for how Go handles signals. */
static const char *refused_signals(void) {
  stack_t stack;
  sigset_t mask;
  struct sigaction action;
  if (sigaltstack(NULL, &stack) != 0) return "sigaltstack";
  if (sigprocmask(SIG_SETMASK, NULL, &mask) != 0) return "rt_sigprocmask";
  if (sigaction(SIGURG, NULL, &action) != 0) return "rt_sigaction";
  return NULL;
}

static const char *refused_call(void) {
  int ends[2], event, set = -1;
  char random;
  const char *refused = refused_signals();
  if (refused != NULL) return refused;
  /* Where there is none Go reads a file; over any other error it ends the process. */
  if (syscall(SYS_getrandom, &random, (size_t)1, 1 /* GRND_NONBLOCK */) < 0 && errno != ENOSYS && errno != EAGAIN) {
    return "getrandom";
  }
  if (pipe2(ends, O_CLOEXEC) != 0) return "pipe2";
  if ((event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0) {
    refused = "eventfd2";
  } else {
    refused = refused_wait(event, &set);
  }
  int error = errno;
  const int used[] = {ends[0], ends[1], event, set};
  for (size_t i = 0; i < sizeof used / sizeof used[0]; i++) {
    if (used[i] >= 0) close(used[i]);
  }
  errno = error;
  return refused;
}

PyDoc_STRVAR(try_calls_doc, "try_calls() -> (name of the system call that is refused, errno) or None");

static PyObject *try_calls(PyObject *module, PyObject *nothing) {
  const char *refused = refused_call();
  if (refused == NULL) Py_RETURN_NONE;
  return Py_BuildValue("(si)", refused, errno);
}

PyMethodDef gs_trial_methods[] = {
    {"try_threads", try_threads, METH_VARARGS, try_threads_doc},
    {"try_calls", try_calls, METH_NOARGS, try_calls_doc},
    {NULL, NULL, 0, NULL},
};
