//! The scheduler: two workers that share a queue.

use std::cell::Cell;
use std::collections::VecDeque;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Condvar, Mutex};
use std::task::Context;
use std::thread;

use crate::task::{self, Header, Join, AGAIN, DONE, IDLE, POLLED, QUEUED};
use crate::timer;

const WORKERS: usize = 2;

pub(crate) struct Pool {
    /// Only a debugger asks.
    #[allow(dead_code)]
    name: &'static str,
    all: Mutex<Vec<&'static Header>>,
    queue: Mutex<VecDeque<&'static Header>>,
    filled: Condvar,
    next: AtomicU64,
}

pub(crate) static POOL: Pool = Pool {
    name: "toys",
    all: Mutex::new(Vec::new()),
    queue: Mutex::new(VecDeque::new()),
    filled: Condvar::new(),
    next: AtomicU64::new(101),
};

struct Worker {
    pool: &'static Pool,
    #[allow(dead_code)]
    index: usize,
    polls: Cell<u64>,
}

thread_local! {
    static WORKER: Cell<Option<&'static Worker>> = const { Cell::new(None) };
}

/// Starts the workers and the timer.
pub fn start() {
    for index in 0..WORKERS {
        let named = thread::Builder::new().name(format!("toy-worker-{index}"));
        named.spawn(move || work(index)).expect("a thread");
    }
    timer::start();
}

fn work(index: usize) {
    let worker: &'static Worker =
        Box::leak(Box::new(Worker { pool: &POOL, index, polls: Cell::new(0) }));
    WORKER.set(Some(worker));
    loop {
        run(next(worker.pool));
    }
}

fn next(pool: &Pool) -> &'static Header {
    let mut queue = pool.queue.lock().unwrap();
    loop {
        if let Some(header) = queue.pop_front() {
            return header;
        }
        queue = pool.filled.wait(queue).unwrap();
    }
}

/// Polls a task; what it finds in its thread-local is what a debugger finds.
#[inline(never)]
fn run(header: &'static Header) {
    let worker = WORKER.get().expect("a worker");
    header.state.store(POLLED, SeqCst);
    worker.polls.set(header.id);
    let waker = task::waker(header);
    let done = unsafe { (header.vtable.poll)(header, &mut Context::from_waker(&waker)) };
    worker.polls.set(0);
    if done {
        header.state.store(DONE, SeqCst);
        if let Some(joiner) = header.joiner.lock().unwrap().take() {
            joiner.wake();
        }
    } else if header.state.compare_exchange(POLLED, IDLE, SeqCst, SeqCst) == Err(AGAIN) {
        header.state.store(QUEUED, SeqCst);
        push(header);
    }
}

pub(crate) fn push(header: &'static Header) {
    POOL.queue.lock().unwrap().push_back(header);
    POOL.filled.notify_one();
}

fn add<F>(name: &'static str, future: F) -> &'static Header
where
    F: Future<Output = ()> + Send + 'static,
{
    let header = task::make(name, POOL.next.fetch_add(1, SeqCst), future);
    POOL.all.lock().unwrap().push(header);
    header
}

/// Starts a task.
pub fn spawn<F>(name: &'static str, future: F) -> Join
where
    F: Future<Output = ()> + Send + 'static,
{
    let header = add(name, future);
    push(header);
    Join { header }
}

/// Queues a task and tells no worker: it stays scheduled while nothing else is woken.
pub fn spawn_unseen<F>(name: &'static str, future: F) -> Join
where
    F: Future<Output = ()> + Send + 'static,
{
    let header = add(name, future);
    POOL.queue.lock().unwrap().push_back(header);
    Join { header }
}
