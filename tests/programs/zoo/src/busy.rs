//! A runtime whose only worker is kept busy, so that tasks stay in its queues.

use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use crate::{say_thread, start, start_on, still};

/// Blocks its worker: it is `running` for ever.
async fn keeps_busy(bell: Arc<Notify>) {
    say_thread("busy");
    // One after the other these go to the worker's own queue.
    start("queued1", queued(1));
    start("queued2", queued(2));
    bell.notify_one();
    still::entered();
    loop {
        std::thread::park(); // [busy.park]
    }
}

/// Is woken, but there is nobody to poll it.
async fn woken(bell: Arc<Notify>) {
    bell.notified().await; // [busy.woken]
}

/// Is never polled.
async fn queued(number: u32) -> u32 {
    tokio::task::yield_now().await;
    number
}

/// Three tasks in the local queue, two in the global one, one of them aborted.
pub fn runtime() -> Runtime {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("busy-worker")
        .enable_all()
        .build()
        .expect("a runtime");
    let bell = Arc::new(Notify::new());
    still::expect(1);
    start_on(runtime.handle(), "woken", woken(bell.clone()));
    // One worker: it starts with this task when the one before has reached its await.
    start_on(runtime.handle(), "busy", keeps_busy(bell));
    still::wait_entered();
    start_on(runtime.handle(), "queued3", queued(3));
    start_on(runtime.handle(), "aborted", queued(4)).abort();
    runtime
}
