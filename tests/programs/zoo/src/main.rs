//! One task for each thing that a debugger must show, and a crash at the end.
//!
//! Each await that a test names has a marker comment on its line (see ../../README.md). No task
//! ever gets on: what it waits for never comes. When all stand still, `crashes` panics, and as
//! panics abort, the kernel writes a core.

mod busy;
mod channels;
mod combine;
mod compose;
mod daily;
mod local;
mod locks;
mod sockets;
mod still;
mod values;
mod wrap;

use std::fmt::Debug;
use std::mem::{size_of, transmute_copy};
use std::sync::{mpsc, Arc};
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Longer than any run of this program.
pub const HOUR: Duration = Duration::from_secs(3600);

/// Starts a task and says its id: `fact id_chain 7`.
pub fn start<F>(name: &str, future: F) -> JoinHandle<F::Output>
where
    F: std::future::Future + Send + 'static,
    F::Output: Debug + Send + 'static,
{
    start_on(&Handle::current(), name, future)
}

pub fn start_on<F>(runtime: &Handle, name: &str, future: F) -> JoinHandle<F::Output>
where
    F: std::future::Future + Send + 'static,
    F::Output: Debug + Send + 'static,
{
    let task = runtime.spawn(future);
    say_id(name, &task);
    task
}

/// Reads the id from a handle's `JoinHandle { id: Id(7) }`: in old versions nothing else tells it.
///
/// Before 1.18 tasks have no ids; there a handle is a pointer to its task: `fact at_chain 0x7f…`.
pub fn say_id<H: Debug>(name: &str, task: &H) {
    let text = format!("{task:?}");
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() {
        assert_eq!(size_of::<H>(), size_of::<usize>());
        // SAFETY: both are of that size, and a number may have any bits.
        let address: usize = unsafe { transmute_copy(task) };
        println!("fact at_{name} {address:#x}");
    } else {
        println!("fact id_{name} {digits}");
    }
}

pub fn say_thread(name: &str) {
    let link = std::fs::read_link("/proc/thread-self").expect("procfs");
    let tid = link.file_name().unwrap().to_str().unwrap().to_owned();
    println!("fact tid_{name} {tid}");
}

async fn crashes() {
    say_thread("crash");
    still::wait();
    panic!("the zoo closes"); // [crash.panic]
}

async fn finishes(number: u32) -> u32 {
    number * 2
}

async fn main_leaf(never: oneshot::Receiver<()>) {
    let _ = never.await; // [main.leaf]
}

/// The root of `block_on` on the main thread.
async fn main_root() {
    let finished = start("finished", finishes(21));
    let (_never, gate) = oneshot::channel();
    compose::start_all();
    combine::start_all();
    locks::start_all();
    channels::start_all();
    sockets::start_all().await;
    values::start_all();
    daily::start_all();
    wrap::start_all();
    start("crash", crashes());
    main_leaf(gate).await; // [main.root]
    drop(finished);
}

async fn side_root() {
    say_thread("side");
    start("side_task", side_task());
    tokio::time::sleep(HOUR).await; // [side.root]
}

async fn side_task() {
    std::future::pending::<()>().await // [side.task]
}

/// A current_thread runtime on a thread of its own.
fn side_thread() {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    still::entered();
    runtime.block_on(side_root());
}

fn blocking_job(number: u32) -> u32 {
    let (keep, receiver) = mpsc::channel::<u32>();
    if number == 0 {
        say_thread("blocking");
        still::entered();
    }
    let received = receiver.recv(); // [blocking.job]
    drop(keep);
    received.unwrap_or(number)
}

fn plain_thread() {
    say_thread("plain");
    still::entered();
    loop {
        std::thread::park(); // [plain.park]
    }
}

fn thread(name: &str, body: impl FnOnce() + Send + 'static) {
    still::expect(1);
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .expect("a thread");
}

fn main() {
    tracing::subscriber::set_global_default(compose::Spans::default()).expect("a subscriber");
    say_thread("main");
    thread("plain-thread", plain_thread);
    thread("side-thread", side_thread);
    thread("local-thread", local::thread);
    let busy = busy::runtime();
    let runtime = Builder::new_multi_thread()
        .worker_threads(3)
        .max_blocking_threads(2)
        .thread_name("zoo-worker")
        .enable_all()
        .build()
        .expect("a runtime");
    still::expect(2);
    // The pool has two threads: bridge and the first job take them, the others stay in its queue.
    let bridge = runtime.spawn_blocking(daily::bridge);
    say_id("bridge", &bridge);
    let jobs: Vec<_> = (0..3)
        .map(|number| runtime.spawn_blocking(move || blocking_job(number)))
        .collect();
    for (number, job) in jobs.iter().enumerate() {
        say_id(&format!("job{number}"), job);
    }
    let runtime = Arc::new(runtime);
    let host = daily::host(&runtime);
    thread("guest-thread", move || daily::guest(&host));
    runtime.block_on(main_root());
    drop((busy, bridge, jobs));
}
