/* A chain of calls that ends in abort(); the flags say what the compiler tells of frames. */

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

volatile int sink, zero;
static void (*volatile nowhere)(void);

__attribute__((noinline)) void third(int depth) {
    char room[64];
    memset(room, depth, sizeof room);
    sink = room[depth];
    abort(); /* line: third */
}

__attribute__((noinline)) void second(int depth) {
    char room[256];
    memset(room, depth, sizeof room);
    third(depth + 1); /* line: second */
    sink = room[depth];
}

__attribute__((noinline)) void first(int depth) {
    second(depth + 1); /* line: first */
    sink = depth;
}

__attribute__((noinline)) void falls(int depth) {
    sink = depth;
    nowhere(); /* line: falls */
    sink = depth + 1;
}

static void handler(int number) {
    sink = number;
    first(number); /* line: handler */
    sink = 0;
}

__attribute__((noinline)) void raises(int depth) {
    sink = depth;
    sink = depth / zero; /* line: raises */
    sink = depth + 1;
}

static void *spawned(void *argument) {
    first(*(int *)argument); /* line: spawned */
    sink = 1;
    return NULL;
}

int main(int count, char **arguments) {
    const char *how = count > 1 ? arguments[1] : "";
    static char stack[65536];
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_handler = handler};
    if (!strcmp(how, "signal") || !strcmp(how, "altstack")) {
        if (!strcmp(how, "altstack")) {
            sigaltstack(&other, NULL);
            action.sa_flags = SA_ONSTACK;
        }
        sigaction(SIGFPE, &action, NULL);
        raises(count);
    } else if (!strcmp(how, "thread")) {
        pthread_t thread;
        pthread_create(&thread, NULL, spawned, &count);
        pthread_join(thread, NULL);
    } else if (!strcmp(how, "null")) {
        falls(count);
    } else {
        first(count); /* line: main */
    }
    sink = count;
    return 0;
}
