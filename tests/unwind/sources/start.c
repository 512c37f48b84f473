/* A program without a libc. It begins as with musl: _start has no tables, or those of musl's __clone,
 * which tell of the stack before it was changed. */

void begins(void);

static char stack[4096];
char *volatile top = stack + sizeof stack - 64;

#ifdef THREAD
__asm__(".globl _start\n.type _start, @function\n_start:\n.cfi_startproc\n"
        "mov top(%rip), %rsp\n"
        "xor %ebp, %ebp\n"
        ".cfi_adjust_cfa_offset -8\n"
        "call begins\n"
        "hlt\n.cfi_endproc\n.size _start, . - _start\n");
#else
__asm__(".globl _start\n.type _start, @function\n_start:\n"
        "xor %ebp, %ebp\n"
        "and $-16, %rsp\n"
        "call begins\n"
        "hlt\n.size _start, . - _start\n");
#endif

__attribute__((noinline)) void fails(int depth) {
    if (depth)
        __builtin_trap();
}

__attribute__((noinline)) void begins(void) {
    fails(3);
    top = 0;
}
