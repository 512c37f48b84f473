//! A program without an async runtime: two threads, then an abort.

use std::sync::{Arc, Barrier};

fn rests(there: Arc<Barrier>) {
    there.wait();
    loop {
        std::thread::park();
    }
}

fn main() {
    let started = Arc::new(Barrier::new(2));
    let there = started.clone();
    std::thread::Builder::new()
        .name("rester".into())
        .spawn(move || rests(there))
        .unwrap();
    started.wait();
    std::process::abort();
}
