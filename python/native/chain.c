/*
 * Signal handlers on top of whatever handles a signal, and below what comes later.
 *
 * Who sets a handler keeps the one before, and may put it back at any time
 * (faulthandler.disable does). So each layer remembers what it was put upon, and
 * a layer is only put upon that: a handler that is put back passes signals on to
 * what was there when it was covered, and no chain runs in a circle.
 */

#include "bridge.h"

#include <errno.h>
#include <string.h>

/* How many different handlers of one signal can be covered. */
#define LAYERS 6

static struct {
  gs_link link;
  int used;
  struct sigaction below[LAYERS];
} chains[NSIG];

static void act(int layer, int number, siginfo_t *info, void *context) {
  int before = errno;
  chains[number].link(number, info, context, &chains[number].below[layer]);
  errno = before;
}

#define LAYER(n) \
  static void layer_##n(int number, siginfo_t *info, void *context) { act(n, number, info, context); }
LAYER(0)
LAYER(1)
LAYER(2)
LAYER(3)
LAYER(4)
LAYER(5)

static void (*const layers[LAYERS])(int, siginfo_t *, void *) = {layer_0, layer_1, layer_2,
                                                                 layer_3, layer_4, layer_5};

/* Gives which layer an action is, or -1. */
static int layer_of(const struct sigaction *action) {
  for (int i = 0; i < LAYERS; i++) {
    if (action->sa_flags & SA_SIGINFO && action->sa_sigaction == layers[i]) return i;
  }
  return -1;
}

void gs_pass_on(const struct sigaction *below, int number, siginfo_t *info, void *context) {
  if (below->sa_flags & SA_SIGINFO) {
    below->sa_sigaction(number, info, context);
  } else if (below->sa_handler == SIG_DFL || (below->sa_handler == SIG_IGN && info->si_code > 0)) {
    /* A fault strikes again on return and ends the process where it is, with a
       core dump; a signal that was sent must be sent again. */
    struct sigaction none = {.sa_handler = SIG_DFL};
    sigaction(number, &none, NULL);
    if (info->si_code <= 0) raise(number);
  } else if (below->sa_handler != SIG_IGN) {
    below->sa_handler(number);
  }
}

int gs_is_on_top(int number) {
  struct sigaction now;
  return sigaction(number, NULL, &now) == 0 && layer_of(&now) >= 0;
}

int gs_cover(int number, gs_link link, const struct sigaction *top, const sigset_t *mask, int flags) {
  int layer = 0;
  while (layer < chains[number].used && chains[number].below[layer].sa_sigaction != top->sa_sigaction) layer++;
  if (layer == LAYERS) return 0;
  if (layer == chains[number].used) {
    chains[number].link = link;
    chains[number].below[layer] = *top;
    chains[number].used++;
  }
  struct sigaction ours = {.sa_sigaction = layers[layer], .sa_mask = *mask, .sa_flags = flags};
  return sigaction(number, &ours, NULL) == 0;
}

void gs_uncover(int number) {
  struct sigaction now;
  if (sigaction(number, NULL, &now) != 0) return;
  int layer = layer_of(&now);
  if (layer >= 0) sigaction(number, &chains[number].below[layer], NULL);
}
