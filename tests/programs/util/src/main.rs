//! One task for each thing of tokio-util that tasks wait for, and a crash when all stand still.

mod still;

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::channel::mpsc as futures_mpsc;
use futures::{SinkExt, StreamExt};
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, OwnedSemaphorePermit, Semaphore};
use tokio::task::Id;
use tokio::time::sleep;
use tokio_util::io::{ReaderStream, StreamReader};
use tokio_util::sync::{CancellationToken, PollSemaphore, PollSender};
use tokio_util::task::{AbortOnDropHandle, JoinMap, JoinQueue, TaskTracker};
use tokio_util::time::DelayQueue;

/// Longer than any run of this program.
const HOUR: Duration = Duration::from_secs(3600);

fn say(name: &str, id: Id) {
    println!("fact id_{name} {id}");
}

fn start<F>(name: &str, future: F)
where
    F: std::future::Future + Send + 'static,
    F::Output: Send + 'static,
{
    say(name, tokio::spawn(future).id());
}

fn say_thread(name: &str) {
    let link = std::fs::read_link("/proc/thread-self").expect("procfs");
    println!(
        "fact tid_{name} {}",
        link.file_name().unwrap().to_str().unwrap()
    );
}

async fn rests(number: u32) -> u32 {
    sleep(HOUR).await; // [rests.sleep]
    number
}

/// A JoinMap does not tell whom it has started.
async fn member(name: &str) -> u32 {
    say(name, tokio::task::id());
    sleep(HOUR).await; // [member.sleep]
    0
}

/// Can cancel what `cancelled`, `owned` and `until` wait for, and so `child` too.
async fn keeps_tokens(one: CancellationToken, two: CancellationToken, three: CancellationToken) {
    sleep(HOUR).await; // [keeper.sleep]
    one.cancel();
    two.cancel();
    three.cancel();
}

async fn is_cancelled(token: CancellationToken) {
    token.cancelled().await; // [cancelled.await]
}

async fn is_cancelled_owned(token: CancellationToken) {
    token.cancelled_owned().await; // [owned.await]
}

async fn runs_until(token: CancellationToken) {
    let ended = token.run_until_cancelled(rests(1)).await; // [until.await]
    std::hint::black_box(ended);
}

/// Waits for a token that is cancelled when the guard of `guards` is dropped.
async fn is_guarded(token: CancellationToken) {
    token.cancelled().await; // [guarded.await]
}

async fn guards(token: CancellationToken) {
    let guard = token.drop_guard();
    sleep(HOUR).await; // [guards.sleep]
    drop(guard);
}

async fn tracks() {
    let tracker = TaskTracker::new();
    say("tracked", tracker.spawn(rests(2)).id());
    tracker.close();
    tracker.wait().await; // [tracker.wait]
}

async fn keeps_permits(held: OwnedSemaphorePermit) {
    sleep(HOUR).await; // [permits.sleep]
    drop(held);
}

async fn polls_semaphore(permits: Arc<Semaphore>) {
    let mut permits = PollSemaphore::new(permits);
    let permit = poll_fn(|context| permits.poll_acquire(context)).await; // [semaphore.poll]
    drop(permit);
}

async fn polls_sender() {
    let (sender, receiver) = mpsc::channel::<u32>(1);
    let mut sender = PollSender::new(sender);
    sender.send(1).await.expect("an open channel");
    let sent = sender.send(2).await; // [sender.send]
    drop((sent, receiver));
}

async fn delays() {
    let mut queue = DelayQueue::new();
    queue.insert("later", HOUR * 2);
    queue.insert("sooner", HOUR);
    let expired = queue.next().await; // [delays.next]
    drop(expired);
}

async fn joins_map() {
    let mut map = JoinMap::new();
    map.spawn("first", member("first"));
    map.spawn("second", member("second"));
    let joined = map.join_next().await; // [map.join_next]
    drop(joined);
}

async fn joins_queue() {
    let mut queue = JoinQueue::new();
    say("queued", queue.spawn(rests(5)).id());
    let joined = queue.join_next().await; // [queue.join_next]
    drop(joined);
}

async fn aborts_on_drop() {
    let handle = tokio::spawn(rests(6));
    say("aborted", handle.id());
    let ended = AbortOnDropHandle::new(handle).await; // [abort.await]
    drop(ended);
}

async fn reads_stream() {
    let (sender, receiver) = futures_mpsc::unbounded::<io::Result<Bytes>>();
    let mut reader = StreamReader::new(receiver);
    let mut buffer = [0u8; 16];
    let read = reader.read(&mut buffer).await; // [stream.read]
    drop((read, sender));
}

async fn streams_reader() {
    let (near, far) = UnixStream::pair().expect("a pair");
    println!("fact fd_reader {}", std::os::fd::AsRawFd::as_raw_fd(&near));
    let mut stream = ReaderStream::new(near);
    let chunk = stream.next().await; // [reader.next]
    drop((chunk, far));
}

async fn crashes() {
    say_thread("crash");
    still::wait();
    panic!("the tools are put away"); // [crash.panic]
}

/// No async fn: there a token that was moved would stay in the future.
fn start_cancelled() {
    let [one, two, three, four] = std::array::from_fn(|_| CancellationToken::new());
    start("child", is_cancelled(one.child_token()));
    start("cancelled", is_cancelled(one.clone()));
    start("owned", is_cancelled_owned(two.clone()));
    start("until", runs_until(three.clone()));
    start("keeper", keeps_tokens(one, two, three));
    start("guarded", is_guarded(four.clone()));
    start("guards", guards(four));
}

async fn start_semaphore() {
    let permits = Arc::new(Semaphore::new(2));
    let held = permits.clone().acquire_many_owned(2).await;
    start(
        "permit_keeper",
        keeps_permits(held.expect("an open semaphore")),
    );
    start("poll_semaphore", polls_semaphore(permits));
}

async fn root() {
    start_cancelled();
    start_semaphore().await;
    start("tracker", tracks());
    start("poll_sender", polls_sender());
    start("delays", delays());
    start("map", joins_map());
    start("queue", joins_queue());
    start("abort", aborts_on_drop());
    start("stream", reads_stream());
    start("reader", streams_reader());
    start("crash", crashes());
    still::entered();
    sleep(HOUR).await; // [root.sleep]
}

fn main() {
    say_thread("main");
    still::expect(1);
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(root());
}
