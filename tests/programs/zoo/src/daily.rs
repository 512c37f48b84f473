//! What real programs do all day: borrowed and boxed futures, adapters, owned guards, roots of
//! `block_on` in odd places.

use std::sync::Arc;
#[cfg(not(feature = "oldest"))]
use std::time::Duration;

use futures::future::{self, BoxFuture, FutureExt};
#[cfg(not(feature = "oldest"))]
use tokio::runtime::Handle;
use tokio::runtime::Runtime;
use tokio::signal::unix::{signal, SignalKind};
use tokio::sync::{mpsc, Mutex, Notify, Semaphore};
use tokio::time::{sleep, timeout};

use crate::{say_thread, start, still, HOUR};

async fn rests(number: u32) -> u32 {
    sleep(HOUR).await; // [rests.sleep]
    number
}

async fn hears(bell: &Notify) -> u32 {
    bell.notified().await; // [hears.notified]
    1
}

/// Polls a future that lives on, as loops with a deadline do.
async fn selects_pinned() {
    let bell = Notify::new();
    let deadline = sleep(HOUR);
    tokio::pin!(deadline);
    let mut turns = 0u32;
    loop {
        tokio::select! { // [pinned.select]
            _ = &mut deadline => break,
            heard = hears(&bell) => turns = std::hint::black_box(turns + heard),
        }
    }
}

/// A branch inside a branch.
#[cfg(not(feature = "oldest"))]
async fn nested_select() {
    let bell = Notify::new();
    tokio::select! { // [nested.select]
        biased;
        _ = outer_branch(&bell) => {}
        _ = rests(2) => {}
    }
}

#[cfg(not(feature = "oldest"))]
async fn outer_branch(bell: &Notify) -> u32 {
    tokio::select! { // [nested.inner]
        heard = hears(bell) => heard,
        number = rests(3) => number,
    }
}

async fn fails_later() -> Result<u32, String> {
    sleep(HOUR).await; // [try.sleep]
    Err(String::from("late"))
}

async fn succeeds() -> Result<u32, String> {
    Ok(1)
}

async fn tries_join() {
    let outcome = tokio::try_join!(fails_later(), succeeds()); // [try.join]
    outcome.ok();
}

async fn joins_with_futures() {
    future::join(rests(1), rests(2)).await; // [futures.join]
}

async fn selects_with_futures() {
    let bell = Notify::new();
    let first = Box::pin(rests(1));
    let second = Box::pin(hears(&bell));
    drop(future::select(first, second).await); // [futures.select]
}

async fn maps() -> u32 {
    let mapped = rests(4).map(|number| number + 1).fuse();
    mapped.await // [map.root]
}

async fn boxes_in_fields() {
    let handlers: Vec<BoxFuture<'static, u32>> = vec![rests(5).boxed()];
    for handler in handlers {
        handler.await; // [field.await]
    }
}

async fn shares() {
    let shared = rests(6).shared();
    shared.await; // [shared.await]
}

async fn joins_many() {
    future::join_all((0..40).map(rests)).await; // [many.join_all]
}

async fn locks_owned(lock: Arc<Mutex<u32>>) {
    let first = lock.clone().lock_owned().await;
    let second = timeout(HOUR, lock.lock_owned()).await; // [owned.lock]
    drop((first, second.is_ok()));
}

async fn acquires_owned(permits: Arc<Semaphore>) {
    let permit = permits.acquire_owned().await; // [owned.permit]
    permit.ok();
}

async fn reserves() {
    let (sender, receiver) = mpsc::channel::<u32>(1);
    sender.send(1).await.expect("an open channel");
    let permit = sender.reserve().await; // [reserve.reserve]
    drop((permit.is_ok(), receiver));
}

#[cfg(not(feature = "old"))]
async fn receives_many() {
    let (sender, mut receiver) = mpsc::channel::<u32>(4);
    let mut many = Vec::new();
    let count = receiver.recv_many(&mut many, 4).await; // [many.recv]
    drop((sender, count));
}

#[cfg(not(feature = "old"))]
async fn waits_for_value() {
    let (sender, mut receiver) = tokio::sync::watch::channel(0u32);
    let seen = receiver.wait_for(|value| *value > 3).await.is_ok(); // [watch.wait_for]
    drop((sender, seen));
}

async fn hears_closing() {
    let (sender, receiver) = mpsc::channel::<u32>(1);
    sender.closed().await; // [mpsc.closed]
    drop(receiver);
}

async fn hears_signal() {
    let mut hangups = signal(SignalKind::hangup()).expect("a signal");
    hangups.recv().await; // [signal.recv]
}

async fn within_timeouts() {
    let outcome = timeout(HOUR, timeout(HOUR / 2, rests(8))).await; // [timeouts.root]
    outcome.ok();
}

async fn guest_leaf(bell: Arc<Notify>) {
    bell.notified().await; // [guest.leaf]
}

async fn guest_root() {
    guest_leaf(Arc::new(Notify::new())).await; // [guest.root]
}

/// What a second thread blocks on: a handle, where that can be.
#[cfg(not(feature = "oldest"))]
pub type Host = Handle;
#[cfg(feature = "oldest")]
pub type Host = Arc<Runtime>;

pub fn host(runtime: &Arc<Runtime>) -> Host {
    #[cfg(not(feature = "oldest"))]
    let runtime = runtime.handle();
    runtime.clone()
}

/// A second thread that blocks on the main runtime.
pub fn guest(runtime: &Host) {
    say_thread("guest");
    still::entered();
    runtime.block_on(guest_root()); // [guest.block_on]
}

#[cfg(not(feature = "oldest"))]
async fn nested_root(patience: Duration) {
    sleep(patience).await; // [bridge.sleep]
}

/// A blocking job that blocks on a future: synchronous code between two asynchronous layers.
#[cfg(not(feature = "oldest"))]
pub fn bridge() {
    say_thread("bridge");
    still::entered();
    Handle::current().block_on(nested_root(HOUR)); // [bridge.block_on]
}

/// Here there is a job only: a handle can't block on anything.
#[cfg(feature = "oldest")]
pub fn bridge() {
    say_thread("bridge");
    still::entered();
    loop {
        std::thread::park();
    }
}

pub fn start_all() {
    start("pinned", selects_pinned());
    #[cfg(not(feature = "oldest"))]
    start("nested", nested_select());
    start("try_join", tries_join());
    start("futures_join", joins_with_futures());
    start("futures_select", selects_with_futures());
    start("map", maps());
    start("field", boxes_in_fields());
    start("shared", shares());
    start("many", joins_many());
    start("lock_owned", locks_owned(Arc::new(Mutex::new(1))));
    start("acquire_owned", acquires_owned(Arc::new(Semaphore::new(0))));
    start("reserve", reserves());
    #[cfg(not(feature = "old"))]
    {
        start("recv_many", receives_many());
        start("wait_for", waits_for_value());
    }
    start("closed", hears_closing());
    start("signal", hears_signal());
    start("timeouts", within_timeouts());
}
