/* threads.h: what is done where the system refuses Go a thread. */
#ifndef GOSTITCH_THREADS_H
#define GOSTITCH_THREADS_H

/* Names the existing file that is told when no thread can be had, and the process ends. */
__attribute__((visibility("hidden"))) void gs_report_threads_to(const char *path);

#endif
