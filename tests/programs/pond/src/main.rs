//! Runtimes and executors beside tokio, several in one process, and a crash at the end.
//!
//! Each await that a test names has a marker comment on its line (see ../../README.md). No task
//! ever gets on: what it waits for never comes. When all stand still, `crashes` panics, and as
//! panics abort, the kernel writes a core.

mod channels;
mod combine;
mod executors;
mod futures_rs;
mod locks;
mod own;
mod sockets;
mod still;

use std::future::{poll_fn, Future};
use std::task::Poll;
use std::time::Duration;

use smol::{Task, Timer};

/// Longer than any run of this program.
pub const HOUR: Duration = Duration::from_secs(3600);

/// Says what wakes this task: for most executors that is its header's address.
pub fn say_task(name: &'static str) -> impl Future<Output = ()> {
    poll_fn(move |context| {
        println!("fact task_{name} {:#x}", context.waker().data() as usize);
        Poll::Ready(())
    })
}

pub fn say_address<T: ?Sized>(name: &str, value: &T) {
    println!("fact at_{name} {:#x}", value as *const T as *const () as usize);
}

pub fn say_thread(name: &str) {
    let link = std::fs::read_link("/proc/thread-self").expect("procfs");
    let tid = link.file_name().unwrap().to_str().unwrap().to_owned();
    println!("fact tid_{name} {tid}");
}

/// Starts a thread that calls `still::entered` before it does the last thing it does.
pub fn thread(name: &str, body: impl FnOnce() + Send + 'static) {
    still::expect(1);
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .expect("a thread");
}

async fn sleeps() {
    say_task("timer").await;
    Timer::after(HOUR).await; // [timer.after]
}

async fn is_detached() {
    say_task("detached").await;
    std::future::pending::<()>().await // [detached.pending]
}

async fn finishes(number: u32) -> u32 {
    say_task("finished").await;
    number * 2
}

async fn crashes() {
    say_task("crash").await;
    say_thread("crash");
    still::wait();
    panic!("the pond dries up"); // [crash.panic]
}

async fn main_leaf(finished: Task<u32>) {
    Timer::after(HOUR).await; // [main.leaf]
    drop(finished);
}

/// The root of `async_io::block_on` on the main thread.
async fn main_root() {
    let finished = smol::spawn(finishes(21));
    smol::spawn(sleeps()).detach();
    smol::spawn(is_detached()).detach();
    locks::start_all();
    channels::start_all();
    combine::start_all();
    sockets::start_all();
    smol::spawn(crashes()).detach();
    main_leaf(finished).await; // [main.root]
}

fn main() {
    std::env::set_var("SMOL_THREADS", "2");
    std::env::set_var("ASYNC_STD_THREAD_COUNT", "1");
    say_thread("main");
    thread("leaked-thread", executors::leaked_thread);
    thread("local-thread", executors::local_thread);
    thread("std-thread", executors::async_std_thread);
    thread("tokio-thread", executors::tokio_thread);
    thread("pool-thread", futures_rs::local_pool_thread);
    thread("block-thread", futures_rs::block_on_thread);
    thread("own-thread", own::thread);
    futures_rs::start_thread_pool();
    smol::block_on(main_root());
}
