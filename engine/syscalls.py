"""System calls of Linux on x86-64: their names, and what a thread in one waits on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Call", "describe", "name_of"]

# arch/x86/entry/syscalls/syscall_64.tbl of Linux 6.17, by first number.
_TABLE = {
    0: """
        read write open close stat fstat lstat poll lseek mmap mprotect munmap brk rt_sigaction
        rt_sigprocmask rt_sigreturn ioctl pread64 pwrite64 readv writev access pipe select
        sched_yield mremap msync mincore madvise shmget shmat shmctl dup dup2 pause nanosleep
        getitimer alarm setitimer getpid sendfile socket connect accept sendto recvfrom sendmsg
        recvmsg shutdown bind listen getsockname getpeername socketpair setsockopt getsockopt
        clone fork vfork execve exit wait4 kill uname semget semop semctl shmdt msgget msgsnd
        msgrcv msgctl fcntl flock fsync fdatasync truncate ftruncate getdents getcwd chdir fchdir
        rename mkdir rmdir creat link unlink symlink readlink chmod fchmod chown fchown lchown
        umask gettimeofday getrlimit getrusage sysinfo times ptrace getuid syslog getgid setuid
        setgid geteuid getegid setpgid getppid getpgrp setsid setreuid setregid getgroups
        setgroups setresuid getresuid setresgid getresgid getpgid setfsuid setfsgid getsid capget
        capset rt_sigpending rt_sigtimedwait rt_sigqueueinfo rt_sigsuspend sigaltstack utime mknod
        uselib personality ustat statfs fstatfs sysfs getpriority setpriority sched_setparam
        sched_getparam sched_setscheduler sched_getscheduler sched_get_priority_max
        sched_get_priority_min sched_rr_get_interval mlock munlock mlockall munlockall vhangup
        modify_ldt pivot_root _sysctl prctl arch_prctl adjtimex setrlimit chroot sync acct
        settimeofday mount umount2 swapon swapoff reboot sethostname setdomainname iopl ioperm
        create_module init_module delete_module get_kernel_syms query_module quotactl nfsservctl
        getpmsg putpmsg afs_syscall tuxcall security gettid readahead setxattr lsetxattr fsetxattr
        getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr removexattr lremovexattr
        fremovexattr tkill time futex sched_setaffinity sched_getaffinity set_thread_area io_setup
        io_destroy io_getevents io_submit io_cancel get_thread_area lookup_dcookie epoll_create
        epoll_ctl_old epoll_wait_old remap_file_pages getdents64 set_tid_address restart_syscall
        semtimedop fadvise64 timer_create timer_settime timer_gettime timer_getoverrun
        timer_delete clock_settime clock_gettime clock_getres clock_nanosleep exit_group
        epoll_wait epoll_ctl tgkill utimes vserver mbind set_mempolicy get_mempolicy mq_open
        mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr kexec_load waitid add_key
        request_key keyctl ioprio_set ioprio_get inotify_init inotify_add_watch inotify_rm_watch
        migrate_pages openat mkdirat mknodat fchownat futimesat newfstatat unlinkat renameat
        linkat symlinkat readlinkat fchmodat faccessat pselect6 ppoll unshare set_robust_list
        get_robust_list splice tee sync_file_range vmsplice move_pages utimensat epoll_pwait
        signalfd timerfd_create eventfd fallocate timerfd_settime timerfd_gettime accept4
        signalfd4 eventfd2 epoll_create1 dup3 pipe2 inotify_init1 preadv pwritev rt_tgsigqueueinfo
        perf_event_open recvmmsg fanotify_init fanotify_mark prlimit64 name_to_handle_at
        open_by_handle_at clock_adjtime syncfs sendmmsg setns getcpu process_vm_readv
        process_vm_writev kcmp finit_module sched_setattr sched_getattr renameat2 seccomp
        getrandom memfd_create kexec_file_load bpf execveat userfaultfd membarrier mlock2
        copy_file_range preadv2 pwritev2 pkey_mprotect pkey_alloc pkey_free statx io_pgetevents
        rseq uretprobe
    """,
    424: """
        pidfd_send_signal io_uring_setup io_uring_enter io_uring_register open_tree move_mount
        fsopen fsconfig fsmount fspick pidfd_open clone3 close_range openat2 pidfd_getfd
        faccessat2 process_madvise epoll_pwait2 mount_setattr quotactl_fd landlock_create_ruleset
        landlock_add_rule landlock_restrict_self memfd_secret process_mrelease futex_waitv
        set_mempolicy_home_node cachestat fchmodat2 map_shadow_stack futex_wake futex_wait
        futex_requeue statmount listmount lsm_get_self_attr lsm_set_self_attr lsm_list_modules
        mseal setxattrat getxattrat listxattrat removexattrat open_tree_attr file_getattr
        file_setattr
    """,
}  # fmt: skip

_NAMES = {
    first + index: name
    for first, names in _TABLE.items()
    for index, name in enumerate(names.split())
}

# Calls whose first argument is a file descriptor (of a file, socket, epoll, timer, ring).
_FD_FIRST = frozenset(
    """
    read write close fstat lseek ioctl pread64 pwrite64 readv writev dup dup2 dup3 sendfile
    connect accept accept4 sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg shutdown bind listen
    getsockname getpeername setsockopt getsockopt fcntl flock fsync fdatasync ftruncate getdents
    getdents64 fchdir fchmod fchown fstatfs readahead fsetxattr fgetxattr flistxattr fremovexattr
    fadvise64 epoll_wait epoll_ctl epoll_pwait epoll_pwait2 epoll_wait_old epoll_ctl_old
    inotify_add_watch inotify_rm_watch fanotify_mark mq_timedsend mq_timedreceive mq_notify
    mq_getsetattr sync_file_range splice tee vmsplice fallocate timerfd_settime timerfd_gettime
    signalfd signalfd4 preadv pwritev preadv2 pwritev2 syncfs setns finit_module copy_file_range
    io_uring_enter io_uring_register pidfd_send_signal pidfd_getfd quotactl_fd cachestat
    """.split()  # noqa: SIM905 - a list of 80 strings, one a line, is no easier to read
)

# Calls in which a thread may stay for as long as nothing happens.
_PARKS = frozenset(
    """
    read write pread64 pwrite64 readv writev preadv pwritev preadv2 pwritev2 poll ppoll select
    pselect6 epoll_wait epoll_pwait epoll_pwait2 epoll_wait_old io_getevents io_pgetevents
    io_uring_enter nanosleep clock_nanosleep pause rt_sigsuspend rt_sigtimedwait wait4 waitid
    accept accept4 connect sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg sendfile splice tee
    vmsplice flock fcntl msgrcv msgsnd semop semtimedop mq_timedsend mq_timedreceive futex_waitv
    restart_syscall getrandom fsync fdatasync
    """.split()  # noqa: SIM905
)

# linux/futex.h: the operations that wait; the low seven bits without the flags.
_FUTEX_OPERATION = 0x7F
_FUTEX_WAITS = frozenset({0, 6, 9, 11, 13})  # WAIT LOCK_PI WAIT_BITSET WAIT_REQUEUE_PI LOCK_PI2


class Call(NamedTuple):
    """A system call that a thread is in."""

    name: str
    fd: int | None
    """The file descriptor that it is about."""
    futex: int | None
    """The address that it waits at, where it is a futex call that waits."""

    @property
    def parks(self) -> bool:
        """True when the thread may stay in the call for as long as nothing happens."""
        return self.futex is not None or self.name in _PARKS


def name_of(number: int) -> str:
    """Return the name of a system call; ``syscall_999`` for one that is not known."""
    return _NAMES.get(number, f"syscall_{number}")


def describe(number: int, arguments: Sequence[int]) -> Call:
    """Say what a system call is about, from its number and its arguments in order."""
    name = name_of(number)
    first = arguments[0] if arguments else 0
    if name == "futex":
        waits = len(arguments) > 1 and (arguments[1] & _FUTEX_OPERATION) in _FUTEX_WAITS
        return Call(name, None, first if waits else None)
    if name == "futex_wait":
        return Call(name, None, first)
    return Call(name, _descriptor(first) if name in _FD_FIRST else None, None)


def _descriptor(argument: int) -> int | None:
    """Return a descriptor: the kernel takes the low 32 bits as a signed number."""
    value = argument & 0xFFFFFFFF
    return value if value < 1 << 31 else None
