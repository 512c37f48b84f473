/* Loaded before the C library: a program that would abort stops itself instead, and stays. */
#include <signal.h>
#include <unistd.h>

void abort(void) {
    raise(SIGSTOP);
    for (;;) pause();
}
