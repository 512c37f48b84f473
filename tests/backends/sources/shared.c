/* Writes to a mapping of a file, shared or private, and to one of none, then aborts. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int count, char **arguments) {
    char name[] = "mapped-XXXXXX";
    int file = mkstemp(name);
    int how = count > 1 && !strcmp(arguments[1], "shared") ? MAP_SHARED : MAP_PRIVATE;
    if (file < 0 || ftruncate(file, 8192)) return 1;
    char *mapped = mmap(0, 8192, PROT_READ | PROT_WRITE, how, file, 0);
    char *untouched = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED || untouched == MAP_FAILED) return 1;
    /* A file without a name would be saved as memory is (fs/coredump.c, vma_dump_size). */
    strcpy(mapped, "written");
    abort();
}
