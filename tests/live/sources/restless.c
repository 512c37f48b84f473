/* restless WAY: a process that changes all the time.
 *
 * threads: two threads that start others, which end at once.
 * exec:    starts itself anew after some milliseconds, again and again, from a thread.
 * fork:    starts children that end at once.
 * leader:  its first thread ends, another one goes on.
 * told:    a thread, the last one, starts another program at the first SIGUSR1.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *self;

static void *ends(void *unused) { return unused; }

static void *starts(void *unused) {
    for (;;) {
        pthread_t thread;
        if (!pthread_create(&thread, NULL, ends, NULL)) pthread_join(thread, NULL);
    }
    return unused;
}

static void *sleeps(void *unused) {
    for (;;) pause();
    return unused;
}

static void *obeys(void *unused) {
    sigset_t told;
    int number;
    sigemptyset(&told);
    sigaddset(&told, SIGUSR1);
    sigwait(&told, &number);
    execl("/proc/self/exe", self, "fork", (char *)NULL);
    return unused;
}

static void *renews(void *unused) {
    usleep(3000);
    execl("/proc/self/exe", self, "exec", (char *)NULL);
    return unused;
}

int main(int count, char **words) {
    (void)count;
    pthread_t thread;
    self = words[0];
    puts("ready");
    fflush(stdout);
    if (!strcmp(words[1], "threads")) {
        pthread_create(&thread, NULL, starts, NULL);
        starts(NULL);
    } else if (!strcmp(words[1], "exec")) {
        for (int i = 0; i < 4; i++) pthread_create(&thread, NULL, sleeps, NULL);
        pthread_create(&thread, NULL, renews, NULL);
        sleeps(NULL);
    } else if (!strcmp(words[1], "told")) {
        sigset_t told;
        sigemptyset(&told);
        sigaddset(&told, SIGUSR1);
        pthread_sigmask(SIG_BLOCK, &told, NULL);
        for (int i = 0; i < 4; i++) pthread_create(&thread, NULL, sleeps, NULL);
        pthread_create(&thread, NULL, obeys, NULL);
        sleeps(NULL);
    } else if (!strcmp(words[1], "fork")) {
        for (;;) {
            pid_t child = fork();
            if (!child) _exit(0);
            waitpid(child, NULL, 0);
        }
    } else if (!strcmp(words[1], "leader")) {
        pthread_create(&thread, NULL, sleeps, NULL);
        pthread_exit(NULL);
    }
}
