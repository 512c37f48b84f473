/* A function whose unlikely part the compiler moves to another place. */

#include <stdio.h>
#include <stdlib.h>

__attribute__((cold, noinline)) void complain(const char *what, int number) {
    fprintf(stderr, "%s %d\n", what, number);
}

static inline int twice(int number) {
    if (__builtin_expect(number > 1000, 0)) {
        complain("too large", number);
        complain("really", number + 1);
        abort();
    }
    return 2 * number;
}

__attribute__((noinline)) int works(int number) {
    int sum = 0;
    for (int i = 0; i < number; i++) {
        if (__builtin_expect(i == 12345, 0)) {
            complain("unlikely", i);
            complain("indeed", sum);
            sum += number;
        }
        sum += twice(i);
    }
    return sum;
}

__attribute__((noinline)) int works_too(int number) {
    return twice(number) + works(number);
}

int main(int count, char **arguments) {
    (void)arguments;
    printf("%d %d\n", works(count), works_too(count));
    return 0;
}
