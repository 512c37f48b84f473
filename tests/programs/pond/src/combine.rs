//! Futures that poll others, tasks that await tasks, and the blocking pool.

use std::sync::{mpsc, Arc};

use futures::channel::oneshot;
use futures::stream::FuturesUnordered;
use futures::StreamExt;
use futures_lite::future;
use smol::{Task, Timer};

use crate::{say_address, say_task, say_thread, still, HOUR};

async fn naps() {
    Timer::after(HOUR).await; // [naps.after]
}

async fn rings() {
    let (_never, bell) = oneshot::channel::<()>();
    let _ = bell.await; // [rings.recv]
}

async fn awaited() {
    say_task("awaited").await;
    naps().await // [awaited.naps]
}

async fn awaits_task(task: Task<()>) {
    say_task("join").await;
    task.await // [join.await]
}

async fn races() {
    say_task("or").await;
    future::or(naps(), rings()).await // [or.await]
}

async fn zips() {
    say_task("zip").await;
    let _ = future::zip(naps(), rings()).await; // [zip.await]
}

async fn selects() {
    say_task("select").await;
    let first = Box::pin(naps());
    let second = Box::pin(rings());
    let _ = futures::future::select(first, second).await; // [select.await]
}

async fn unordered() {
    say_task("unordered").await;
    let mut naps_: FuturesUnordered<_> = (0..2).map(|_| naps()).collect();
    naps_.next().await; // [unordered.next]
}

fn blocking_job() {
    let (keep, receiver) = mpsc::channel::<u32>();
    say_thread("blocking");
    still::entered();
    let _ = receiver.recv(); // [blocking.job]
    drop(keep);
}

async fn unblocks() {
    say_task("unblock").await;
    blocking::unblock(|| blocking_job()).await // [unblock.await]
}

async fn futures_keeper(lock: Arc<futures::lock::Mutex<u32>>) {
    say_task("futures_keeper").await;
    let guard = lock.lock().await; // [futures_keeper.lock]
    smol::spawn(futures_waiter(lock.clone())).detach();
    naps().await; // [futures_keeper.naps]
    drop(guard);
}

async fn futures_waiter(lock: Arc<futures::lock::Mutex<u32>>) {
    say_task("futures_waiter").await;
    *lock.lock().await += 1; // [futures_waiter.lock]
}

/// Nobody drives the executor of the task that it awaits.
async fn awaits_stranded() {
    say_task("stranded_joiner").await;
    let executor: &'static smol::Executor = Box::leak(Box::new(smol::Executor::new()));
    let task = executor.spawn(never_polled());
    say_address("stranded", executor);
    task.await // [stranded.await]
}

async fn never_polled() {
    naps().await
}

pub fn start_all() {
    still::expect(1);
    smol::spawn(awaits_task(smol::spawn(awaited()))).detach();
    smol::spawn(races()).detach();
    smol::spawn(zips()).detach();
    smol::spawn(selects()).detach();
    smol::spawn(unordered()).detach();
    smol::spawn(unblocks()).detach();
    smol::spawn(futures_keeper(Arc::new(futures::lock::Mutex::new(1)))).detach();
    smol::spawn(awaits_stranded()).detach();
}
