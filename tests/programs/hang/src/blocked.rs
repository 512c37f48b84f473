//! Threads that block where they should poll, and what waits behind them.

use std::sync::{mpsc as std_mpsc, Arc, OnceLock};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::{Mutex, Notify};
use tokio::task::{block_in_place, JoinHandle};
use tokio::time::sleep;

use crate::{runtime, say_id, say_thread, start, start_on, start_thread, still};

const HOUR: Duration = Duration::from_secs(3600);

/// The runtime that runs on where timers are late.
static RUNS_ON: OnceLock<Handle> = OnceLock::new();

/// Lets a worker begin to poll when some timers should have fired a second ago: it notes the time.
pub fn keep_the_time() {
    if let Some(runtime) = RUNS_ON.get() {
        thread::sleep(Duration::from_millis(1500));
        let (taken, ready) = std_mpsc::channel();
        start_on(runtime, "overdue_later", overdue_later(taken));
        ready.recv().unwrap();
        still::wait();
    }
}

async fn overdue_later(taken: std_mpsc::Sender<()>) {
    taken.send(()).unwrap();
    thread::sleep(HOUR); // [overdue.later]
}

/// Guards of std and of parking_lot that are held across an await.
pub fn stdlock() {
    start(
        "stdlock_lot",
        stdlock_lot(Arc::new(parking_lot::Mutex::new(1))),
    );
    start_thread("local", stdlock_runtime);
}

async fn stdlock_lot(ledger: Arc<parking_lot::Mutex<u64>>) {
    let held = ledger.lock(); // [stdlock.lot.holds]
    Notify::new().notified().await; // [stdlock.lot.waits]
    drop(held);
}

fn stdlock_runtime() {
    say_thread("local");
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    still::entered();
    runtime.block_on(async {
        let local = tokio::task::LocalSet::new();
        let task = local.spawn_local(stdlock_std(Arc::new(std::sync::Mutex::new(1))));
        say_id("stdlock_std", &task);
        local.await;
    });
}

async fn stdlock_std(ledger: Arc<std::sync::Mutex<u64>>) {
    let held = ledger.lock().unwrap(); // [stdlock.std.holds]
    Notify::new().notified().await; // [stdlock.std.waits]
    drop(held);
}

/// Tasks that block the threads that poll them: in a sleep, in a channel of std.
pub fn blocked() {
    let runtime = runtime("blocked-worker", 4);
    still::expect(2);
    start_on(runtime.handle(), "blocked_sleep", blocked_sleep());
    start_on(runtime.handle(), "blocked_recv", blocked_recv());
}

async fn blocked_sleep() {
    say_thread("blocked_sleep");
    still::entered();
    thread::sleep(HOUR); // [blocked.sleep]
}

async fn blocked_recv() {
    let (sender, receiver) = std_mpsc::channel::<u32>();
    say_thread("blocked_recv");
    still::entered();
    let received = receiver.recv(); // [blocked.recv]
    drop((sender, received));
}

/// Tasks that block their thread until another future is ready.
pub fn nested() {
    let runtime = runtime("nested-worker", 4);
    still::expect(2);
    start_on(runtime.handle(), "nested_futures", nested_futures(taken()));
    start_on(runtime.handle(), "nested_handle", nested_handle(taken()));
}

/// A lock whose guard nobody has any more.
fn taken() -> Arc<Mutex<u64>> {
    let lock = Arc::new(Mutex::new(1));
    std::mem::forget(lock.clone().try_lock_owned().unwrap());
    lock
}

async fn nested_futures(lock: Arc<Mutex<u64>>) {
    say_thread("nested_futures");
    still::entered();
    futures::executor::block_on(nested_inner(&lock)); // [nested.futures]
}

async fn nested_handle(lock: Arc<Mutex<u64>>) {
    say_thread("nested_handle");
    still::entered();
    block_in_place(|| Handle::current().block_on(nested_inner(&lock))); // [nested.handle]
}

async fn nested_inner(lock: &Mutex<u64>) {
    let held = lock.lock().await; // [nested.waits]
    drop(held);
}

/// Two workers are blocked, and five tasks wait for one.
pub fn busyworkers() {
    let runtime = runtime("busy-worker", 2);
    still::expect(2);
    for number in 1..=2 {
        let name = format!("busyworkers_{number}");
        start_on(runtime.handle(), &name, busyworkers_blocks(number));
    }
    // What is spawned now is queued: both workers are inside a poll.
    still::wait_entered();
    for number in 1..=5 {
        let name = format!("busyworkers_queued{number}");
        start_on(runtime.handle(), &name, busyworkers_queued(number));
    }
}

async fn busyworkers_blocks(number: u32) {
    say_thread(&format!("busyworkers_{number}"));
    still::entered();
    thread::sleep(HOUR); // [busyworkers.sleep]
}

async fn busyworkers_queued(number: u32) -> u32 {
    number
}

/// Two jobs take both threads of the pool, three are queued.
pub fn pool() {
    let runtime = runtime("pool-worker", 1);
    still::expect(2);
    let jobs: Vec<_> = (1..=5)
        .map(|number| {
            let job = runtime.spawn_blocking(move || pool_job(number));
            say_id(&format!("pool_job{number}"), &job);
            job
        })
        .collect();
    start_on(runtime.handle(), "pool_joiner", pool_joins(jobs));
}

fn pool_job(number: u32) -> u32 {
    let (keep, receiver) = std_mpsc::channel::<u32>();
    still::entered();
    let received = receiver.recv(); // [pool.job]
    drop(keep);
    received.unwrap_or(number)
}

async fn pool_joins(jobs: Vec<JoinHandle<u32>>) {
    for job in jobs {
        let result = job.await; // [pool.joins]
        drop(result);
    }
}

/// Timers that should have fired while the thread that drives them sleeps.
pub fn overdue() {
    RUNS_ON.set(Handle::current()).unwrap();
    start_thread("overdue", overdue_thread);
}

fn overdue_thread() {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    say_thread("overdue");
    runtime.block_on(async {
        start("overdue_short", overdue_naps(20));
        start("overdue_long", overdue_naps(3_600_000));
        tokio::task::yield_now().await;
        start("overdue_blocks", overdue_blocks());
        Notify::new().notified().await; // [overdue.root]
    });
}

async fn overdue_naps(milliseconds: u64) {
    sleep(Duration::from_millis(milliseconds)).await; // [overdue.naps]
}

async fn overdue_blocks() {
    still::entered();
    thread::sleep(HOUR); // [overdue.blocks]
}

/// A task panics, and the program ends inside its poll.
pub fn crash() {
    std::panic::set_hook(Box::new(|_| std::process::abort()));
    start("crash", crash_task(vec![3, 5, 8]));
}

async fn crash_task(numbers: Vec<usize>) {
    say_thread("crash");
    tokio::task::yield_now().await;
    crash_inner(&numbers).await; // [crash.calls]
}

async fn crash_inner(numbers: &[usize]) {
    still::wait();
    assert!(numbers.is_empty(), "{} numbers are left", numbers.len()); // [crash.panics]
    tokio::task::yield_now().await;
}
