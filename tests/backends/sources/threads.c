/* Threads in known places, known bytes in memory, then a signal: `threads HOW [SELF]`.
 * Facts go to stdout, one `fact NAME VALUE` a line. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

unsigned char written[8192] = {1};
unsigned char untouched[16384] = {7, 7, 7};
const char constant[] = "a constant of the program";
static int (*const relocated[])(const char *) = {puts, remove};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int epoll_fd;
static volatile pid_t tids[4];
static volatile long spins;

static void *in_futex(void *unused) {
    tids[0] = syscall(SYS_gettid);
    pthread_mutex_lock(&lock);
    return unused;
}

static void *in_epoll(void *unused) {
    struct epoll_event event;
    tids[1] = syscall(SYS_gettid);
    epoll_wait(epoll_fd, &event, 1, -1);
    return unused;
}

static void *in_sleep(void *unused) {
    struct timespec day = {86400, 0};
    tids[2] = syscall(SYS_gettid);
    nanosleep(&day, NULL);
    return unused;
}

static void *in_loop(void *unused) {
    tids[3] = syscall(SYS_gettid);
    for (;;)
        spins++;
    return unused;
}

/* Wait until a thread is in a system call, as the kernel says. */
static void wait_for(int index, int number) {
    char path[64], text[64];
    for (;;) {
        snprintf(path, sizeof path, "/proc/self/task/%d/syscall", tids[index]);
        int file = tids[index] ? open(path, O_RDONLY) : -1;
        ssize_t size = file < 0 ? 0 : read(file, text, sizeof text - 1);
        if (file >= 0)
            close(file);
        if (size > 0) {
            text[size] = 0;
            if (atoi(text) == number || (number < 0 && !strncmp(text, "running", 7)))
                return;
        }
        sched_yield();
    }
}

int main(int count, char **arguments) {
    static void *(*const bodies[])(void *) = {in_futex, in_epoll, in_sleep, in_loop};
    char *heap = malloc(1 << 20);
    pthread_t thread;
    memset(heap, 0x5a, 1 << 20);
    memset(written, 0xa5, sizeof written);
    epoll_fd = epoll_create1(0);
    pthread_mutex_lock(&lock);
    if (count > 2) {
        struct stat facts;
        int file = open(arguments[2], O_RDONLY);
        fstat(file, &facts);
        printf("fact data %p\n", mmap(NULL, facts.st_size, PROT_READ, MAP_PRIVATE, file, 0));
    }
    for (int i = 0; i < 4; i++)
        pthread_create(&thread, NULL, bodies[i], NULL);
    wait_for(0, SYS_futex);
    wait_for(1, SYS_epoll_wait);
    wait_for(2, SYS_clock_nanosleep);
    while (!spins)
        sched_yield();
    printf("fact pid %d\nfact futex %d\nfact epoll %d\nfact sleep %d\nfact loop %d\n", getpid(),
           tids[0], tids[1], tids[2], tids[3]);
    printf("fact written %p\nfact untouched %p\nfact constant %p\nfact relocated %p\n",
           (void *)written, (void *)untouched, (void *)constant, (void *)relocated);
    printf("fact heap %p\nfact lock %p\nfact epoll_fd %d\nfact main %p\nfact puts %p\n",
           (void *)heap, (void *)&lock, epoll_fd, (void *)main, (void *)puts);
    fflush(stdout);
    const char *how = arguments[1];
    if (!strcmp(how, "abort"))
        abort();
    if (!strcmp(how, "segv"))
        *(volatile int *)0x1238 = 1;
    if (!strcmp(how, "quit"))
        raise(SIGQUIT);
    if (!strcmp(how, "ill"))
        __builtin_trap();
    for (;;)
        pause();
}
