//! One runtime with one task, which sleeps while the main thread aborts.

use std::sync::{Arc, Barrier};
use std::time::Duration;

async fn naps() {
    let nap = (String::from("siesta"), 3600);
    tokio::time::sleep(Duration::from_secs(nap.1)).await; // [naps.sleep]
    drop(nap);
}

fn main() {
    let started = Arc::new(Barrier::new(2));
    let there = started.clone();
    let other = move || {
        there.wait();
        loop {
            std::thread::park();
        }
    };
    std::thread::Builder::new()
        .name("other".into())
        .spawn(other)
        .unwrap();
    started.wait();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::spawn(naps());
        // The other task is polled while this one yields.
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        std::process::abort();
    });
}
