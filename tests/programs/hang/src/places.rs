//! Guards and permits in every place where a task may keep one, each with somebody who waits.
//!
//! `permits_tuple` holds what `permits_tuple_waiter` waits for. A keeper stands still on a bell of
//! its own, so its guards are all that it has.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::{
    mpsc, MappedMutexGuard, Mutex, MutexGuard, Notify, OwnedMutexGuard, OwnedRwLockReadGuard,
    RwLock, RwLockMappedWriteGuard, RwLockWriteGuard, Semaphore,
};
use tokio::task::yield_now;

use crate::{say_thread, start, start_thread, still};

type Ledger = Arc<Mutex<(u64, u64)>>;
type Prices = Arc<RwLock<(u64, u64)>>;

/// Starts a keeper, and once it has the lock a task that waits for that.
macro_rules! kept {
    ($name:ident, $resource:expr, $waits:ident) => {{
        let (resource, taken) = ($resource, Arc::new(Notify::new()));
        start(stringify!($name), $name(resource.clone(), taken.clone()));
        let name = concat!(stringify!($name), "_waiter");
        start(name, $waits(resource, taken));
    }};
}

fn ledger() -> Ledger {
    Arc::new(Mutex::new((1, 2)))
}

fn prices() -> Prices {
    Arc::new(RwLock::new((1, 2)))
}

fn quota() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(10))
}

pub fn permits() {
    kept!(permits_local, ledger(), locks);
    kept!(permits_struct, ledger(), locks);
    kept!(permits_tuple, ledger(), locks);
    kept!(permits_option, ledger(), locks);
    kept!(permits_vec, ledger(), locks);
    kept!(permits_called, ledger(), locks);
    kept!(permits_boxed, ledger(), locks);
    kept!(permits_kept, ledger(), locks);
    kept!(permits_arc, ledger(), locks);
    kept!(permits_owned, ledger(), locks);
    kept!(permits_mapped, ledger(), locks);
    kept!(permits_moved, ledger(), locks_moved);
    kept!(permits_given, ledger(), locks);
    kept!(permits_read, prices(), writes);
    kept!(permits_owned_read, prices(), writes);
    kept!(permits_write, prices(), writes);
    kept!(permits_mapped_write, prices(), writes);
    kept!(permits_many, quota(), acquires);
    kept!(permits_owned_many, quota(), acquires);
    let (sender, receiver) = mpsc::channel(1);
    kept!(permits_reserved, sender, sends);
    start("permits_reserved_receiver", keeps_end(receiver));
    let (sender, receiver) = mpsc::channel(1);
    kept!(permits_owned_reserved, sender, sends);
    start("permits_owned_reserved_receiver", keeps_end(receiver));
    native();
}

async fn never() {
    Notify::new().notified().await // [permits.never]
}

async fn keeps_end<T>(kept: T) {
    never().await;
    drop(kept);
}

async fn locks(ledger: Ledger, taken: Arc<Notify>) {
    taken.notified().await;
    let held = ledger.lock().await; // [permits.locks]
    drop(held);
}

/// Takes the lock that was let go, and keeps it; the next one waits.
async fn locks_moved(ledger: Ledger, taken: Arc<Notify>) {
    taken.notified().await;
    let held = ledger.lock().await; // [permits.moved.takes]
    start("permits_moved_last", locks_last(ledger.clone()));
    never().await;
    drop(held);
}

async fn locks_last(ledger: Ledger) {
    let held = ledger.lock().await; // [permits.moved.waits]
    drop(held);
}

async fn writes(prices: Prices, taken: Arc<Notify>) {
    taken.notified().await;
    let held = prices.write().await; // [permits.writes]
    drop(held);
}

async fn acquires(quota: Arc<Semaphore>, taken: Arc<Notify>) {
    taken.notified().await;
    let permit = quota.acquire_many(9).await; // [permits.acquires]
    drop(permit);
}

async fn sends(sender: mpsc::Sender<u32>, taken: Arc<Notify>) {
    taken.notified().await;
    sender.send(2).await.unwrap(); // [permits.sends]
}

async fn permits_local(ledger: Ledger, taken: Arc<Notify>) {
    let held = ledger.lock().await; // [permits.local]
    taken.notify_one();
    never().await;
    drop(held);
}

struct Desk<'a> {
    number: u32,
    held: MutexGuard<'a, (u64, u64)>,
}

async fn permits_struct(ledger: Ledger, taken: Arc<Notify>) {
    let held = ledger.lock().await;
    let desk = Desk { number: 7, held }; // [permits.struct]
    taken.notify_one();
    never().await;
    drop((desk.number, desk.held));
}

async fn permits_tuple(ledger: Ledger, taken: Arc<Notify>) {
    let pair = (7, ledger.lock().await); // [permits.tuple]
    taken.notify_one();
    never().await;
    drop(pair);
}

async fn permits_option(ledger: Ledger, taken: Arc<Notify>) {
    let maybe = Some(ledger.lock().await); // [permits.option]
    taken.notify_one();
    never().await;
    drop(maybe);
}

/// Of a list the second guard is the one that somebody waits for.
async fn permits_vec(ledger: Ledger, taken: Arc<Notify>) {
    let other = self::ledger();
    let list = vec![other.lock().await, ledger.lock().await]; // [permits.vec]
    taken.notify_one();
    never().await;
    drop(list);
}

async fn called(ledger: &Mutex<(u64, u64)>, taken: &Notify) {
    let inner = ledger.lock().await; // [permits.called]
    taken.notify_one();
    never().await;
    drop(inner);
}

async fn permits_called(ledger: Ledger, taken: Arc<Notify>) {
    called(&ledger, &taken).await;
}

async fn permits_boxed(ledger: Ledger, taken: Arc<Notify>) {
    let boxed: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(called(&ledger, &taken));
    boxed.await;
}

/// A boxed future holds the guard, was polled once and is not polled any more.
async fn permits_kept(ledger: Ledger, taken: Arc<Notify>) {
    let mut kept: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(called(&ledger, &taken)); // [permits.kept]
    let polled = futures::poll!(&mut kept);
    never().await;
    drop((kept, polled));
}

struct Shelf {
    number: u32,
    held: OwnedMutexGuard<(u64, u64)>,
}

async fn permits_arc(ledger: Ledger, taken: Arc<Notify>) {
    let held = ledger.lock_owned().await;
    let shelf = Arc::new(Shelf { number: 7, held }); // [permits.arc]
    taken.notify_one();
    never().await;
    assert_ne!(u64::from(shelf.number), shelf.held.0);
}

async fn permits_owned(ledger: Ledger, taken: Arc<Notify>) {
    let held = ledger.lock_owned().await; // [permits.owned]
    taken.notify_one();
    never().await;
    drop(held);
}

async fn permits_mapped(ledger: Ledger, taken: Arc<Notify>) {
    let held = ledger.lock().await;
    let mapped: MappedMutexGuard<'_, u64> = MutexGuard::map(held, |both| &mut both.1); // [permits.mapped]
    taken.notify_one();
    never().await;
    drop(mapped);
}

/// Has let go of its guard, though its memory is as it was.
async fn permits_moved(ledger: Ledger, taken: Arc<Notify>) {
    let mut stale = ledger.lock().await; // [permits.moved.stale]
    stale.0 += 1;
    yield_now().await;
    drop(stale);
    taken.notify_one();
    never().await;
}

/// Gives its guard to another task.
async fn permits_given(ledger: Ledger, taken: Arc<Notify>) {
    let mut given = ledger.lock_owned().await; // [permits.given.stale]
    given.0 += 1;
    yield_now().await;
    start("permits_given_keeper", given_to(given));
    taken.notify_one();
    never().await;
}

async fn given_to(held: OwnedMutexGuard<(u64, u64)>) {
    never().await;
    drop(held);
}

/// Two guards of one lock: both readers count.
async fn permits_read(prices: Prices, taken: Arc<Notify>) {
    let one = prices.read().await; // [permits.read.one]
    let two = prices.read().await; // [permits.read.two]
    taken.notify_one();
    never().await;
    drop((one, two));
}

async fn permits_owned_read(prices: Prices, taken: Arc<Notify>) {
    let held: OwnedRwLockReadGuard<(u64, u64)> = prices.read_owned().await; // [permits.owned_read]
    taken.notify_one();
    never().await;
    drop(held);
}

async fn permits_write(prices: Prices, taken: Arc<Notify>) {
    let held = prices.write().await; // [permits.write]
    taken.notify_one();
    never().await;
    drop(held);
}

async fn permits_mapped_write(prices: Prices, taken: Arc<Notify>) {
    let held = prices.write().await;
    let mapped: RwLockMappedWriteGuard<'_, u64> = RwLockWriteGuard::map(held, |both| &mut both.1); // [permits.mapped_write]
    taken.notify_one();
    never().await;
    drop(mapped);
}

async fn permits_many(quota: Arc<Semaphore>, taken: Arc<Notify>) {
    let three = quota.acquire_many(3).await.unwrap(); // [permits.many]
    taken.notify_one();
    never().await;
    drop(three);
}

async fn permits_owned_many(quota: Arc<Semaphore>, taken: Arc<Notify>) {
    let four = quota.acquire_many_owned(4).await.unwrap(); // [permits.owned_many]
    taken.notify_one();
    never().await;
    drop(four);
}

async fn permits_reserved(sender: mpsc::Sender<u32>, taken: Arc<Notify>) {
    let permit = sender.reserve().await.unwrap(); // [permits.reserved]
    taken.notify_one();
    never().await;
    permit.send(1);
}

async fn permits_owned_reserved(sender: mpsc::Sender<u32>, taken: Arc<Notify>) {
    let permit = sender.reserve_owned().await.unwrap(); // [permits.owned_reserved]
    taken.notify_one();
    never().await;
    permit.send(1);
}

/// A thread holds a lock that a task waits for.
fn native() {
    let (ledger, taken) = (ledger(), Arc::new(Notify::new()));
    start(
        "permits_native_waiter",
        locks(ledger.clone(), taken.clone()),
    );
    start_thread("keeper", move || permits_native(&ledger, &taken));
}

fn permits_native(ledger: &Mutex<(u64, u64)>, taken: &Notify) {
    say_thread("permits_native");
    let held = ledger.blocking_lock(); // [permits.native]
    taken.notify_one();
    still::entered();
    loop {
        std::thread::park(); // [permits.native.parks]
        println!("{}", held.0);
    }
}
