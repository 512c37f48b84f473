//! Two runtimes of monoio: each has a thread of its own, and keeps no list of its tasks.

use std::io::Write;
use std::os::fd::AsRawFd;
use std::time::Duration;

use futures::channel::oneshot;
use monoio::io::{AsyncReadRent, AsyncWriteRent};
use monoio::net::{TcpListener, UnixStream};
use monoio::task::JoinHandle;
use monoio::time::{interval_at, sleep, timeout, Instant};
#[cfg(feature = "uring")]
use monoio::IoUringDriver as Driver;
#[cfg(not(feature = "uring"))]
use monoio::LegacyDriver as Driver;
use monoio::RuntimeBuilder;

use crate::{say_task, say_thread, still};

/// Longer than any run of this program.
const HOUR: Duration = Duration::from_secs(3600);

async fn sleeps() {
    say_task("timer").await;
    sleep(HOUR).await; // [timer.sleep]
}

async fn reads() {
    say_task("read").await;
    let (mut near, far) = UnixStream::pair().expect("sockets");
    println!("fact fd_read {}", near.as_raw_fd());
    let _ = near.read(vec![0u8; 8]).await; // [read.read]
    drop(far);
}

async fn readable() {
    say_task("readable").await;
    let (near, far) = UnixStream::pair().expect("sockets");
    println!("fact fd_readable {}", near.as_raw_fd());
    let _ = near.readable(false).await; // [readable.readable]
    drop(far);
}

/// Writes to a socket whose other end nobody reads.
async fn writes() {
    say_task("write").await;
    let (mut near, far) = std::os::unix::net::UnixStream::pair().expect("sockets");
    near.set_nonblocking(true).expect("a socket");
    while near.write(&[0u8; 4096]).is_ok() {}
    let mut near = UnixStream::from_std(near).expect("a socket");
    println!("fact fd_write {}", near.as_raw_fd());
    let _ = near.write(vec![0u8; 8]).await; // [write.write]
    drop(far);
}

async fn accepts() {
    say_task("accept").await;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("fact fd_accept {}", listener.as_raw_fd());
    let _ = listener.accept().await; // [accept.accept]
}

async fn joined(gate: oneshot::Receiver<u32>) -> u32 {
    say_task("joined").await;
    gate.await.unwrap_or(0) // [joined.gate]
}

async fn joins() {
    say_task("join").await;
    let (keep, gate) = oneshot::channel();
    let _ = monoio::spawn(joined(gate)).await; // [join.await]
    drop(keep);
}

/// Nothing but the channel leads to this task.
async fn rings(gate: oneshot::Receiver<()>) {
    say_task("ring").await;
    let _ = gate.await; // [ring.gate]
}

async fn holds(sender: oneshot::Sender<()>) {
    say_task("holder").await;
    std::future::pending::<()>().await; // [holder.pending]
    drop(sender);
}

async fn waits_at_most() {
    say_task("timeout").await;
    let (keep, gate) = oneshot::channel::<()>();
    let _ = timeout(HOUR, gate).await; // [timeout.await]
    drop(keep);
}

async fn selects() {
    say_task("select").await;
    let (keep, mut gate) = oneshot::channel::<()>();
    monoio::select! { // [select.await]
        _ = sleep(HOUR) => {}
        _ = &mut gate => {}
    }
    drop(keep);
}

async fn ticks() {
    say_task("interval").await;
    let mut interval = interval_at(Instant::now() + HOUR, HOUR);
    interval.tick().await; // [interval.tick]
}

async fn finishes(number: u32) -> u32 {
    say_task("finished").await;
    number * 2
}

/// Stands in the run queue when the program crashes.
async fn never_polled() {
    println!("never");
}

async fn crashes() {
    say_task("crash").await;
    still::wait();
    monoio::spawn(never_polled());
    panic!("all cores stand still"); // [crash.panic]
}

/// Queues the task that crashes behind those that the others have started.
async fn starts_crash() {
    monoio::spawn(crashes());
}

async fn main_leaf(finished: JoinHandle<u32>, holder: JoinHandle<()>) {
    sleep(HOUR).await; // [main.leaf]
    drop((finished, holder));
}

async fn main_root() {
    let finished = monoio::spawn(finishes(21));
    monoio::spawn(sleeps());
    monoio::spawn(reads());
    monoio::spawn(readable());
    monoio::spawn(writes());
    monoio::spawn(accepts());
    monoio::spawn(joins());
    let (sender, gate) = oneshot::channel();
    monoio::spawn(rings(gate));
    let holder = monoio::spawn(holds(sender));
    monoio::spawn(waits_at_most());
    monoio::spawn(selects());
    monoio::spawn(ticks());
    #[cfg(feature = "sync")]
    monoio::spawn(blocking::offloads());
    monoio::spawn(starts_crash());
    main_leaf(finished, holder).await; // [main.root]
}

async fn side_task() {
    say_task("side").await;
    sleep(HOUR).await; // [side.sleep]
}

async fn side_root() {
    let task = monoio::spawn(side_task());
    sleep(HOUR).await; // [side.root]
    task.await;
}

/// Jobs of a thread pool, which is there only with the feature `sync`.
#[cfg(feature = "sync")]
mod blocking {
    use crate::{say_task, say_thread, still};

    pub async fn offloads() {
        say_task("offload").await;
        still::expect(1);
        let job = monoio::spawn_blocking(|| {
            say_thread("job");
            still::entered();
            loop {
                std::thread::park(); // [job.park]
            }
        });
        let _: Result<(), _> = job.await; // [offload.await]
    }

    pub fn pool() -> Box<monoio::blocking::DefaultThreadPool> {
        Box::new(monoio::blocking::DefaultThreadPool::new(1))
    }
}

fn run(root: impl std::future::Future<Output = ()>) {
    let builder = RuntimeBuilder::<Driver>::new();
    #[cfg(feature = "sync")]
    let builder = builder.attach_thread_pool(blocking::pool());
    builder
        .enable_timer()
        .build()
        .expect("a runtime")
        .block_on(root);
}

pub fn side_thread() {
    say_thread("side");
    still::entered();
    run(side_root());
}

pub fn main_thread() {
    run(main_root());
}
