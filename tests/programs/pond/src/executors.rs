//! Executors that no static leads to, and other runtimes in the same process.

use async_std::task::Builder;
use futures::channel::oneshot;
use futures_lite::future;
use smol::{Executor, LocalExecutor, Timer};

use crate::{say_address, say_task, say_thread, still, HOUR};

async fn leaked_task() {
    say_task("leaked").await;
    Timer::after(HOUR).await; // [leaked.after]
}

async fn leaked_pending() {
    say_task("leaked_pending").await;
    std::future::pending::<()>().await // [leaked.pending]
}

async fn leaked_root() {
    say_thread("leaked");
    Timer::after(HOUR).await; // [leaked.root]
}

/// Drives an executor that is in a leaked box.
pub fn leaked_thread() {
    let executor: &'static Executor = Box::leak(Box::new(Executor::new()));
    say_address("leaked", executor);
    executor.spawn(leaked_task()).detach();
    executor.spawn(leaked_pending()).detach();
    still::entered();
    async_io::block_on(executor.run(leaked_root()));
}

async fn local_task() {
    say_task("local").await;
    let (_never, gate) = oneshot::channel::<()>();
    let _ = gate.await; // [local.task]
}

async fn local_root() {
    say_thread("local");
    let (_never, gate) = oneshot::channel::<()>();
    let _ = gate.await; // [local.root]
}

/// Drives an executor on its own stack.
pub fn local_thread() {
    let executor = LocalExecutor::new();
    let task = executor.spawn(local_task());
    still::entered();
    future::block_on(executor.run(local_root()));
    drop(task);
}

async fn std_sleeper() {
    say_task("std_sleep").await;
    async_std::task::sleep(HOUR).await; // [std.sleep]
}

async fn std_joiner() {
    say_task("std_join").await;
    let handle = async_std::task::spawn(std_joined());
    handle.await // [std.join]
}

async fn std_joined() {
    say_task("std_joined").await;
    let (keep, receiver) = async_std::channel::bounded::<u32>(1);
    let _ = receiver.recv().await; // [std.recv]
    drop(keep);
}

async fn std_root() {
    say_thread("std");
    let sleeper = Builder::new()
        .name("sleeper".to_owned())
        .spawn(std_sleeper())
        .expect("a task");
    async_std::task::spawn(std_joiner());
    sleeper.await; // [std.root]
}

/// Blocks on a future with async-std.
pub fn async_std_thread() {
    still::entered();
    async_std::task::block_on(std_root());
}

async fn tokio_task() {
    tokio::time::sleep(HOUR).await; // [tokio.sleep]
}

async fn tokio_root() {
    say_thread("tokio");
    let task = tokio::spawn(tokio_task());
    println!("fact id_tokio {}", task.id());
    let _ = task.await; // [tokio.root]
}

pub fn tokio_thread() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .expect("a runtime");
    still::entered();
    runtime.block_on(tokio_root());
}
