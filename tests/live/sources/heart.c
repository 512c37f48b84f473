/* Threads that show whether they run, whether signals reach them, and whether calls are cut short.
 *
 * heart FILE [THREADS]: FILE holds an array of counters, which the threads count up.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BEATS, SIGNALS, CUT_SHORT, ERRORS, COUNTERS = 512 };
static volatile uint64_t *counters;

static void got_signal(int number) {
    (void)number;
    __atomic_fetch_add(&counters[SIGNALS], 1, __ATOMIC_SEQ_CST);
}

static void *waits(void *unused) {
    (void)unused;
    int set = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event;
    for (;;) {
        if (epoll_wait(set, &event, 1, 100000) >= 0) continue;
        int which = errno == EINTR ? CUT_SHORT : ERRORS;
        __atomic_fetch_add(&counters[which], 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

static void *reads(void *end) {
    /* A call that the kernel restarts: it must never return. */
    char byte;
    for (;;) {
        read(*(int *)end, &byte, 1);
        __atomic_fetch_add(&counters[ERRORS], 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

int main(int count, char **words) {
    int file = open(words[1], O_RDWR | O_CREAT, 0600);
    ftruncate(file, COUNTERS * sizeof *counters);
    counters = mmap(NULL, COUNTERS * sizeof *counters, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    int threads = count > 2 ? atoi(words[2]) : 2;

    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGRTMIN + 5);
    pthread_sigmask(SIG_BLOCK, &ours, NULL);
    int ends[2];
    pipe(ends);
    pthread_t thread;
    for (int i = 0; i < threads; i++)
        pthread_create(&thread, NULL, i % 2 ? reads : waits, &ends[0]);
    pthread_sigmask(SIG_UNBLOCK, &ours, NULL);

    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = got_signal;
    action.sa_flags = SA_RESTART;
    sigaction(SIGRTMIN + 5, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    puts("ready");
    fflush(stdout);
    for (;;) {
        __atomic_fetch_add(&counters[BEATS], 1, __ATOMIC_SEQ_CST);
        usleep(500);
    }
}
