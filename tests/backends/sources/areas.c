/* Memory of every kind, then a stop: `areas FILE`, where FILE is 8192 bytes of 'f'.
 * Facts go to stdout, one `fact NAME VALUE` a line; each is an address. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096

static unsigned char *map(const char *name, size_t size, int access, int flags, int file) {
    unsigned char *address = mmap(NULL, size, access, flags, file, 0);
    if (address == MAP_FAILED) {
        perror(name);
        exit(1);
    }
    printf("fact %s %p\n", name, (void *)address);
    return address;
}

int main(int count, char **words) {
    const int rw = PROT_READ | PROT_WRITE, own = MAP_PRIVATE | MAP_ANONYMOUS;
    int file = open(words[count - 1], O_RDWR);
    int memory = memfd_create("memory", 0);
    if (ftruncate(memory, 2 * PAGE))
        return 1;

    /* Its second page of four is touched. */
    memset(map("own", 4 * PAGE, rw, own, -1) + PAGE, 'o', PAGE);
    map("untouched", 4 * PAGE, rw, own, -1);
    map("forbidden", 4 * PAGE, PROT_NONE, own, -1);
    /* Reserved and never used: more than the disk holds. */
    map("reserved", 1UL << 43, PROT_NONE, own | MAP_NORESERVE, -1);
    map("huge", 1UL << 43, rw, own | MAP_NORESERVE, -1);

    unsigned char *closed = map("closed", PAGE, rw, own, -1);
    memset(closed, 'c', PAGE);
    mprotect(closed, PAGE, PROT_NONE);

    unsigned char *secret = map("secret", PAGE, rw, own, -1);
    memset(secret, 's', PAGE);
    madvise(secret, PAGE, MADV_DONTDUMP);

    memset(map("together", 2 * PAGE, rw, MAP_SHARED | MAP_ANONYMOUS, -1), 't', PAGE);
    /* Another process would write to it like this: the page is in no table of this one. */
    map("nameless", 2 * PAGE, rw, MAP_SHARED, memory);
    if (pwrite(memory, "written", 7, 0) != 7)
        return 1;

    memset(map("written", 2 * PAGE, rw, MAP_PRIVATE, file), 'w', PAGE);
    map("file", 2 * PAGE, PROT_READ, MAP_PRIVATE, file);
    map("shared", 2 * PAGE, rw, MAP_SHARED, file);
    fflush(stdout);
    raise(SIGSTOP);
    return 0;
}
