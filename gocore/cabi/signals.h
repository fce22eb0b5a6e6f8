/* signals.h: which signals the threads of Go take. */
#ifndef GOSTITCH_SIGNALS_H
#define GOSTITCH_SIGNALS_H

/* Has a thread that Go makes now block what the host does: gives what it is to run instead, and changes the
   argument. Leaves a thread alone that is not Go's own. */
__attribute__((visibility("hidden"))) void *(*gs_quiet(void *(*run)(void *), void **argument))(void *);

/* Ends a thread that could not be made. */
__attribute__((visibility("hidden"))) void gs_not_made(void *(*run)(void *), void *argument);

#endif
