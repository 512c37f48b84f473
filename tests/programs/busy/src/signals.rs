//! Counts real-time signals: these queue, so each one that was sent must arrive.

use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static GOT: AtomicU64 = AtomicU64::new(0);

extern "C" fn got(_number: libc::c_int) {
    GOT.fetch_add(1, SeqCst);
}

/// Counts SIGRTMIN+5 from now on.
pub fn count() {
    // SAFETY: the handler only adds to an atomic number, which a handler may.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = got as extern "C" fn(libc::c_int) as usize;
        action.sa_flags = libc::SA_RESTART;
        let failed = libc::sigaction(libc::SIGRTMIN() + 5, &action, ptr::null_mut());
        assert_eq!(failed, 0);
    }
}

pub fn answer(name: &str) -> Option<u64> {
    (name == "signals").then(|| GOT.load(SeqCst))
}
