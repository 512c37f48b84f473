//! Locks and the like: each held by `keeper`, each with a task that waits.

use std::sync::Arc;

#[cfg(not(feature = "oldest"))]
use tokio::sync::OnceCell;
use tokio::sync::{Barrier, Mutex, Notify, RwLock, Semaphore};
use tokio::time::{interval, sleep};

use crate::{start, HOUR};

#[derive(Default)]
struct Held {
    mutex: Mutex<u32>,
    for_write: RwLock<u32>,
    for_read: RwLock<u32>,
}

/// Holds every lock that the others wait for; `ring` is rung when it has them all.
async fn keeper(held: Arc<Held>, permits: Arc<Semaphore>, ring: Arc<Notify>) {
    let mutex = held.mutex.lock().await;
    let written = held.for_write.write().await;
    let read = held.for_read.read().await;
    let permit = permits.acquire_many(3).await;
    ring.notify_waiters();
    sleep(HOUR).await; // [keeper.sleep]
    drop((mutex, written, read, permit));
}

/// Starts the tasks that find the locks taken.
async fn after_keeper(held: Arc<Held>, permits: Arc<Semaphore>, ring: Arc<Notify>) {
    let taken = ring.notified();
    tokio::pin!(taken);
    // From its first poll on it is told of what rings.
    assert!(futures::poll!(taken.as_mut()).is_pending());
    start(
        "keeper",
        keeper(held.clone(), permits.clone(), ring.clone()),
    );
    taken.await;
    start("mutex", locks_mutex(held.clone()));
    start("rwlock_read", reads(held.clone()));
    start("rwlock_write", writes(held.clone()));
    start("semaphore", takes_permits(permits));
}

async fn locks_mutex(held: Arc<Held>) {
    let mut guard = held.mutex.lock().await; // [mutex.lock]
    *guard += 1;
}

async fn reads(held: Arc<Held>) {
    let guard = held.for_write.read().await; // [rwlock.read]
    std::hint::black_box(*guard);
}

async fn writes(held: Arc<Held>) {
    let mut guard = held.for_read.write().await; // [rwlock.write]
    *guard += 1;
}

/// One permit is left of four; two are wanted.
async fn takes_permits(permits: Arc<Semaphore>) {
    let permit = permits.acquire_many(2).await; // [semaphore.acquire]
    drop(permit);
}

async fn sleeps() {
    sleep(HOUR).await; // [timer.sleep]
}

async fn ticks() {
    let mut clock = interval(HOUR);
    clock.tick().await;
    clock.tick().await; // [timer.tick]
}

async fn is_notified(bell: Arc<Notify>) {
    bell.notified().await; // [notify.notified]
    bell.notify_one();
}

async fn meets(barrier: Arc<Barrier>) {
    barrier.wait().await; // [barrier.wait]
}

#[cfg(not(feature = "oldest"))]
async fn slow_value(cell: Arc<OnceCell<u32>>) -> u32 {
    // Whoever polls first initialises: the second one starts when the first one does.
    start("once_cell_second", wants_value(cell));
    sleep(HOUR).await; // [once_cell.init]
    7
}

#[cfg(not(feature = "oldest"))]
async fn initialises(cell: Arc<OnceCell<u32>>) {
    let value = || slow_value(cell.clone());
    cell.get_or_init(value).await; // [once_cell.first]
}

#[cfg(not(feature = "oldest"))]
async fn wants_value(cell: Arc<OnceCell<u32>>) {
    let value = || std::future::ready(8);
    cell.get_or_init(value).await; // [once_cell.second]
}

async fn waits_forever() {
    std::future::pending::<()>().await // [unknown.pending]
}

pub fn start_all() {
    let held = Arc::new(Held::default());
    let permits = Arc::new(Semaphore::new(4));
    tokio::spawn(after_keeper(held, permits, Arc::new(Notify::new())));
    start("timer", sleeps());
    start("interval", ticks());
    start("notify", is_notified(Arc::new(Notify::new())));
    let barrier = Arc::new(Barrier::new(3));
    start("barrier", meets(barrier));
    #[cfg(not(feature = "oldest"))]
    start("once_cell_first", initialises(Arc::new(OnceCell::new())));
    start("unknown", waits_forever());
}
