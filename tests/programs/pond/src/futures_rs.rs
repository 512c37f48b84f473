//! The executors of the futures crate.

use futures::channel::oneshot;
use futures::executor::{block_on, LocalPool, ThreadPool};
use futures::task::LocalSpawnExt;

use crate::{say_task, say_thread, still};

async fn pooled(name: &'static str) {
    say_task(name).await;
    let (_never, gate) = oneshot::channel::<()>();
    let _ = gate.await; // [pooled.recv]
}

async fn local_pool_task(name: &'static str) {
    say_task(name).await;
    let (_never, gate) = oneshot::channel::<()>();
    let _ = gate.await; // [local_pool.task]
}

async fn local_pool_root() {
    say_thread("pool");
    let (_never, gate) = oneshot::channel::<()>();
    let _ = gate.await; // [local_pool.root]
}

/// Drives a pool on its own stack.
pub fn local_pool_thread() {
    let mut pool = LocalPool::new();
    let spawner = pool.spawner();
    spawner.spawn_local(local_pool_task("local_pool1")).expect("room");
    spawner.spawn_local(local_pool_task("local_pool2")).expect("room");
    still::entered();
    pool.run_until(local_pool_root());
}

async fn block_leaf() {
    let (_never, gate) = oneshot::channel::<()>();
    let _ = gate.await; // [block.leaf]
}

async fn block_root() {
    say_thread("block");
    block_leaf().await // [block.root]
}

pub fn block_on_thread() {
    still::entered();
    block_on(block_root());
}

pub fn start_thread_pool() {
    let pool = ThreadPool::builder()
        .pool_size(2)
        .name_prefix("pond-pool-")
        .create()
        .expect("threads");
    pool.spawn_ok(pooled("pooled1"));
    pool.spawn_ok(pooled("pooled2"));
    std::mem::forget(pool);
}
