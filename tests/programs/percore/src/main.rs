//! Runtimes that belong to one thread each: two of monoio, and two of embassy's executors.
//!
//! Each await that a test names has a marker comment on its line (see ../../README.md). No task
//! ever gets on: what it waits for never comes. When all stand still, `crashes` panics, and as
//! panics abort, the kernel writes a core.

mod chip;
mod cores;
mod still;

use std::future::{poll_fn, Future};
use std::task::Poll;

/// Says what wakes this task: in both runtimes that is its header's address.
pub fn say_task(name: &'static str) -> impl Future<Output = ()> {
    poll_fn(move |context| {
        println!("fact task_{name} {:#x}", context.waker().data() as usize);
        Poll::Ready(())
    })
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

fn main() {
    say_thread("main");
    thread("side-thread", cores::side_thread);
    thread("chip-thread", chip::thread);
    thread("stuck-thread", chip::stuck_thread);
    cores::main_thread();
}
