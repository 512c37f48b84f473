/* Types, functions and thread-locals of C, for the readers of ELF and DWARF. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct Pt { int32_t x; int32_t y; } Pt;

union Either { uint64_t whole; uint8_t bytes[8]; };

enum Colour { RED = -1, GREEN = 5, BLUE = 70000 };

struct Node {
    struct Node *next;
    const Pt *where;
    union Either either;
    enum Colour colour;
    char name[3][5];
    void (*call)(struct Node *);
    volatile short last;
};

_Thread_local int counted = 7;
_Thread_local _Alignas(64) char aligned_block[40] = "aligned";
struct Node first_node;

static __attribute__((noinline)) int twice(int value) { return value * 2; }

__attribute__((noinline)) int worked(struct Node *node)
{
    node->where = NULL;
    counted += twice(node->colour);
    return counted;
}

int main(int argc, char **argv)
{
    (void)argv;
    first_node.colour = argc > 1 ? BLUE : GREEN;
    printf("%d %s\n", worked(&first_node), aligned_block);
    printf("fact counted %p\nfact aligned %p\n", (void *)&counted, (void *)aligned_block);
    fflush(stdout);
    abort();
}
