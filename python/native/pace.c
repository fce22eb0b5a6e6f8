/*
 * How long the calls of a function take, which decides whether the main thread
 * makes them in Go or waits for them outside, where handlers of signals can run.
 *
 * Waiting outside costs as much as fifty small calls, so a small function must be
 * back in Go at once when the system took the processor away in the middle of one
 * of its calls, which then looked long. A function that is often long must stay
 * outside, although some of its calls are short.
 */

#include "bridge.h"

/* A call that takes longer in Go is long. */
#define LONG_NS 1000000

/* One that is waited for outside still is from here on: its time includes two changes of
   threads, which take a millisecond themselves where processors are busy. */
#define STILL_LONG_NS 4000000

/* After so many short calls in a row, a long one is no habit. */
#define HABIT 64

/* How many calls a long one hands over: the first of a function; one that is no habit; at most. */
#define FIRST 8
#define ONCE 1
#define MOST 64

void gs_begin_pace(gs_pace *pace) {
  pace->grant = FIRST / 4;
  pace->handed = GS_NEVER_CALLED;
}

void gs_hand_first(gs_pace *pace) { pace->handed = FIRST; }

/* Hands the next calls over, and the more the more long ones come close together. */
static void hand_over(gs_pace *pace) {
  pace->grant = pace->short_calls >= HABIT ? ONCE : pace->grant * 4;
  if (pace->grant > MOST) pace->grant = MOST;
  if (pace->handed != GS_ALL_HANDED && pace->handed < pace->grant) pace->handed = pace->grant;
  pace->short_calls = 0;
}

void gs_note_ticks(gs_pace *pace, uint64_t ticks) {
  if (gs_nanoseconds(ticks) > LONG_NS) hand_over(pace);
  else pace->short_calls++;
}

void gs_note_waited(gs_pace *pace, int64_t ns) {
  if (pace->handed > 0) pace->handed--;
  if (ns > STILL_LONG_NS) hand_over(pace);
  else pace->short_calls++;
}
