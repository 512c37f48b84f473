//! A service of the crates that people run, with every task at rest, and a crash at the end.
//!
//! Nothing that a task waits for ever comes. Each await that a test names has a marker comment
//! on its line (see ../../README.md).

mod calls;
mod codecs;
mod remote;
mod still;
mod web;
mod work;

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

/// Longer than any run of this program.
pub const HOUR: Duration = Duration::from_secs(3600);

/// Starts a task and says its id: `fact id_call 7`.
pub fn start<F>(name: &str, future: F)
where
    F: Future + Send + 'static,
    F::Output: Debug + Send + 'static,
{
    let task = Handle::current().spawn(future);
    println!("fact id_{name} {}", task.id());
}

pub fn say_thread(name: &str) {
    let link = std::fs::read_link("/proc/thread-self").expect("procfs");
    let tid = link.file_name().unwrap().to_str().unwrap().to_owned();
    println!("fact tid_{name} {tid}");
}

/// Says that what a task is about to await is the last thing it does.
pub async fn never() {
    still::entered();
    let (_keep, gate) = oneshot::channel::<()>();
    let _ = gate.await; // [never.gate]
}

pub fn listen(runtime: &Runtime) -> TcpListener {
    let bound = TcpListener::bind(("127.0.0.1", 0));
    runtime.block_on(bound).expect("a port")
}

async fn main_root() {
    say_thread("main");
    work::start_all();
    codecs::start_all().await;
    never().await; // [main.root]
}

fn main() {
    tracing::subscriber::set_global_default(work::Spans::default()).expect("a subscriber");
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let idle = web::start(&runtime);
    calls::start(&runtime);
    remote::start(&runtime);
    still::expect(1);
    std::thread::spawn(|| {
        say_thread("crash");
        still::wait();
        panic!("the service is down"); // [crash.panic]
    });
    runtime.block_on(main_root());
    drop(idle);
}
