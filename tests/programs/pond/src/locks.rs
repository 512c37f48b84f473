//! Locks of async-lock.

use std::sync::Arc;

use async_lock::{Barrier, Mutex, OnceCell, RwLock, Semaphore};
use smol::Timer;

use crate::{say_task, HOUR};

struct Locks {
    mutex: Mutex<u32>,
    owned: Arc<Mutex<u32>>,
    rwlock: RwLock<u32>,
    written: RwLock<u32>,
    semaphore: Semaphore,
    owned_semaphore: Arc<Semaphore>,
    barrier: Barrier,
    once: OnceCell<u32>,
}

/// Holds what the others wait for.
async fn keeper(locks: Arc<Locks>, ready: async_channel::Sender<()>) {
    say_task("keeper").await;
    let guard = locks.mutex.lock().await; // [keeper.mutex]
    let owned = locks.owned.lock_arc().await; // [keeper.owned]
    let reading = locks.rwlock.read().await; // [keeper.read]
    let writing = locks.written.write().await; // [keeper.write]
    let permit = locks.semaphore.acquire().await; // [keeper.permit]
    let owned_permit = locks.owned_semaphore.acquire_arc().await; // [keeper.owned_permit]
    ready.close();
    Timer::after(HOUR).await; // [keeper.after]
    drop((guard, owned, reading, writing, permit, owned_permit));
}

async fn locks_mutex(locks: Arc<Locks>) {
    say_task("mutex").await;
    *locks.mutex.lock().await += 1; // [mutex.lock]
}

async fn locks_owned(locks: Arc<Locks>) {
    say_task("mutex_arc").await;
    *locks.owned.lock_arc().await += 1; // [mutex.lock_arc]
}

async fn reads(locks: Arc<Locks>) {
    say_task("rwlock_read").await;
    let value = *locks.written.read().await; // [rwlock.read]
    println!("{value}");
}

async fn writes(locks: Arc<Locks>) {
    say_task("rwlock_write").await;
    *locks.rwlock.write().await += 1; // [rwlock.write]
}

async fn takes_permit(locks: Arc<Locks>) {
    say_task("semaphore").await;
    let permit = locks.semaphore.acquire().await; // [semaphore.acquire]
    drop(permit);
}

async fn takes_owned_permit(locks: Arc<Locks>) {
    say_task("semaphore_arc").await;
    let permit = locks.owned_semaphore.acquire_arc().await; // [semaphore.acquire_arc]
    drop(permit);
}

async fn meets(locks: Arc<Locks>) {
    say_task("barrier").await;
    locks.barrier.wait().await; // [barrier.wait]
}

async fn slow_value(locks: Arc<Locks>) -> u32 {
    // Whoever polls first initialises: the second one starts when the first one does.
    smol::spawn(wants_value(locks)).detach();
    Timer::after(HOUR).await; // [once_cell.init]
    7
}

async fn initialises(locks: Arc<Locks>) {
    say_task("once_cell_first").await;
    let slow = || slow_value(locks.clone());
    let value = locks.once.get_or_init(slow).await; // [once_cell.first]
    println!("{value}");
}

async fn wants_value(locks: Arc<Locks>) {
    say_task("once_cell_second").await;
    let value = locks.once.get_or_init(|| async { 8 }).await; // [once_cell.second]
    println!("{value}");
}

/// Starts those that wait when the others hold what they wait for.
async fn starts_waiters(locks: Arc<Locks>, ready: async_channel::Receiver<()>) {
    let _ = ready.recv().await;
    smol::spawn(locks_mutex(locks.clone())).detach();
    smol::spawn(locks_owned(locks.clone())).detach();
    smol::spawn(reads(locks.clone())).detach();
    smol::spawn(writes(locks.clone())).detach();
    smol::spawn(takes_permit(locks.clone())).detach();
    smol::spawn(takes_owned_permit(locks.clone())).detach();
    smol::spawn(meets(locks.clone())).detach();
    smol::spawn(initialises(locks.clone())).detach();
}

pub fn start_all() {
    let locks = Arc::new(Locks {
        mutex: Mutex::new(0),
        owned: Arc::new(Mutex::new(0)),
        rwlock: RwLock::new(0),
        written: RwLock::new(0),
        semaphore: Semaphore::new(1),
        owned_semaphore: Arc::new(Semaphore::new(1)),
        barrier: Barrier::new(2),
        once: OnceCell::new(),
    });
    let (sender, receiver) = async_channel::bounded(1);
    smol::spawn(keeper(locks.clone(), sender)).detach();
    smol::spawn(starts_waiters(locks, receiver)).detach();
}
