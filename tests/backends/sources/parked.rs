//! Named threads that are parked, then an abort.
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{process, thread};

static READY: AtomicUsize = AtomicUsize::new(0);

fn sleepers() -> usize {
    std::fs::read_dir("/proc/self/task")
        .unwrap()
        .filter(|task| {
            let stat = task.as_ref().unwrap().path().join("stat");
            std::fs::read_to_string(stat).unwrap().contains(") S ")
        })
        .count()
}

fn main() {
    for index in 0..3 {
        let named = thread::Builder::new().name(format!("parked-{index}"));
        let body = || loop {
            READY.fetch_add(1, Ordering::SeqCst);
            thread::park();
        };
        named.spawn(body).unwrap();
    }
    while READY.load(Ordering::SeqCst) < 3 || sleepers() < 3 {
        thread::yield_now();
    }
    println!("fact pid {}", process::id());
    process::abort();
}
