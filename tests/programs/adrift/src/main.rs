//! Tasks that nothing can wake of executors that do not count who could (see ../../README.md):
//! embassy's and futures' LocalPool.

// It need not wait for threads that announce themselves.
#[allow(dead_code)]
mod still;

use std::future::{pending, Future};
use std::pin::Pin;
use std::process;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::thread;

use embassy_executor::Executor;
use embassy_time::{Duration, Timer};
use futures::executor::LocalPool;
use futures::task::LocalSpawnExt;

static KEPT: Mutex<Vec<Waker>> = Mutex::new(Vec::new());

/// Is never ready, and keeps its waker or not.
struct Waits {
    keeps: bool,
}

impl Future for Waits {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.keeps {
            KEPT.lock().unwrap().push(context.waker().clone());
        }
        Poll::Pending
    }
}

#[embassy_executor::task]
async fn chip_forgets() {
    Waits { keeps: false }.await; // [chip.forgets]
}

#[embassy_executor::task]
async fn chip_keeps() {
    Waits { keeps: true }.await; // [chip.keeps]
}

#[embassy_executor::task]
async fn chip_intends() {
    pending::<()>().await; // [chip.intends]
}

#[embassy_executor::task]
async fn chip_naps() {
    Timer::after(Duration::from_secs(3600)).await; // [chip.naps]
}

async fn pool_forgets() {
    Waits { keeps: false }.await; // [pool.forgets]
}

async fn pool_keeps() {
    Waits { keeps: true }.await; // [pool.keeps]
}

async fn pool_intends() {
    pending::<()>().await; // [pool.intends]
}

fn chip() {
    let executor = Box::leak(Box::new(Executor::new()));
    executor.run(|spawner| {
        spawner.spawn(chip_keeps().unwrap());
        spawner.spawn(chip_intends().unwrap());
        spawner.spawn(chip_forgets().unwrap());
        // What was polled last may stand on the stack.
        spawner.spawn(chip_naps().unwrap());
    });
}

fn pool() {
    let mut pool = LocalPool::new();
    let spawner = pool.spawner();
    spawner.spawn_local(pool_intends()).unwrap();
    spawner.spawn_local(pool_forgets()).unwrap();
    spawner.spawn_local(pool_keeps()).unwrap();
    pool.run();
}

fn main() {
    thread::spawn(chip);
    thread::spawn(pool);
    while KEPT.lock().unwrap().len() < 2 {
        thread::yield_now();
    }
    still::wait();
    process::abort();
}
