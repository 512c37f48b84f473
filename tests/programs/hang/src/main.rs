//! Programs that hang, each for a reason that its source tells.
//!
//! Each argument names a constellation; all of them stand still when the program aborts. A marker
//! `// [two.first.holds]` stands where a guard is taken, `// [two.first.waits]` where its task
//! then waits for good (see ../../README.md).

mod blocked;
mod deadlocks;
mod ends;
mod free;
#[cfg(feature = "handlers")]
mod handlers;
mod places;
mod slots;
mod still;
mod stuck;

use std::fmt::Debug;
use std::future::Future;
use std::thread;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

type Start = fn();

const ALL: &[(&str, Start)] = &[
    ("two", deadlocks::two),
    ("three", deadlocks::three),
    ("ring", deadlocks::ring),
    ("join", deadlocks::join),
    ("channel", deadlocks::channel),
    ("thread", deadlocks::thread),
    ("rwself", deadlocks::rwself),
    #[cfg(feature = "handlers")]
    ("handlers", handlers::start_all),
    ("futurelock", stuck::futurelock),
    ("lostwake", stuck::lostwake),
    ("exhausted", stuck::exhausted),
    ("forgotten", stuck::forgotten),
    ("full", stuck::full),
    ("panicked", stuck::panicked),
    ("stdlock", blocked::stdlock),
    ("blocked", blocked::blocked),
    ("nested", blocked::nested),
    ("busyworkers", blocked::busyworkers),
    ("pool", blocked::pool),
    ("overdue", blocked::overdue),
    ("crash", blocked::crash),
    ("permits", places::permits),
    ("ends", ends::ends),
    ("slots", slots::slots),
    ("free_timeout", free::timeout),
    ("free_select", free::select),
    ("free_sender", free::sender),
    ("free_permit", free::permit),
];

/// Starts a task and says its id: `fact id_two_first 7`.
pub fn start<F>(name: &str, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Debug + Send + 'static,
{
    start_on(&Handle::current(), name, future)
}

pub fn start_on<F>(runtime: &Handle, name: &str, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Debug + Send + 'static,
{
    let task = runtime.spawn(future);
    say_id(name, &task);
    task
}

/// Reads the id from `JoinHandle { id: Id(7) }`: in older versions nothing else tells it.
pub fn say_id<T: Debug>(name: &str, task: &JoinHandle<T>) {
    let text = format!("{task:?}");
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    println!("fact id_{name} {digits}");
}

pub fn say_thread(name: &str) {
    let link = std::fs::read_link("/proc/thread-self").expect("procfs");
    let tid = link.file_name().unwrap().to_str().unwrap().to_owned();
    println!("fact tid_{name} {tid}");
}

/// Starts a thread that calls `still::entered` before it does the last thing it does.
pub fn start_thread(name: &str, body: impl FnOnce() + Send + 'static) {
    still::expect(1);
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .expect("a thread");
}

/// Makes a runtime that nobody shuts down, for what must not block the other tasks.
pub fn runtime(name: &str, workers: usize) -> &'static Runtime {
    let runtime = Builder::new_multi_thread()
        .worker_threads(workers)
        .max_blocking_threads(2)
        .thread_name(name)
        .enable_all()
        .build()
        .expect("a runtime");
    Box::leak(Box::new(runtime))
}

async fn main_root() {
    tokio::sync::Notify::new().notified().await // [main.root]
}

fn main() {
    say_thread("main");
    let runtime = runtime("hang-worker", 4);
    let entered = runtime.enter();
    for name in std::env::args().skip(1) {
        let (_, start) = ALL.iter().find(|each| each.0 == name).expect(&name);
        start();
    }
    drop(entered);
    if !std::env::args().any(|name| name == "crash") {
        thread::spawn(|| {
            still::wait();
            blocked::keep_the_time();
            std::process::abort();
        });
    }
    runtime.block_on(main_root());
}
