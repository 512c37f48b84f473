//! Several futures at once, and tasks that wait for tasks.

use futures::future::join_all;
use futures::stream::{self, FuturesUnordered, StreamExt};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
#[cfg(not(feature = "older"))]
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::{start, HOUR};

/// Uses a value, so that it is not optimised away.
fn keep<T>(value: T) {
    std::hint::black_box(value);
}

async fn naps(number: u32) -> u32 {
    sleep(HOUR).await; // [naps.sleep]
    number
}

async fn rings() -> u32 {
    let bell = Notify::new();
    bell.notified().await; // [rings.notified]
    0
}

async fn at_once(number: u32) -> u32 {
    number
}

async fn selects(third: bool) {
    tokio::select! { // [select.root]
        value = naps(1) => keep(value),
        value = rings() => keep(value),
        value = at_once(3), if third => keep(value),
    }
}

async fn joins() {
    let both = tokio::join!(naps(1), rings(), at_once(3)); // [join.root]
    keep(both);
}

/// The second is done, the others sleep.
async fn joins_all() {
    let one = |number| async move {
        if number == 1 {
            at_once(number).await
        } else {
            naps(number).await // [join_all.branch]
        }
    };
    join_all((0..3).map(one)).await; // [join_all.root]
}

async fn unordered() {
    let mut set: FuturesUnordered<_> = (0..3).map(naps).collect();
    let first = set.next().await; // [unordered.next]
    keep(first);
}

async fn buffered() {
    let many = stream::iter(0..5).map(naps).buffer_unordered(2);
    let all: Vec<u32> = many.collect().await; // [buffered.collect]
    keep(all);
}

async fn joined() -> u32 {
    sleep(HOUR).await; // [joined.sleep]
    1
}

async fn awaits_handle() {
    let handle = start("joined", joined());
    let value = handle.await; // [handle.await]
    value.ok();
}

#[cfg(not(feature = "older"))]
async fn member(number: u32) -> u32 {
    sleep(HOUR).await; // [member.sleep]
    number
}

#[cfg(not(feature = "older"))]
async fn awaits_set() {
    let mut set = JoinSet::new();
    crate::say_id("member1", &set.spawn(member(1)));
    crate::say_id("member2", &set.spawn(member(2)));
    let first = set.join_next().await; // [set.join_next]
    keep(first);
}

async fn awaits_blocking(job: JoinHandle<u32>) {
    let value = job.await; // [blocking.await]
    value.ok();
}

pub fn start_all() {
    start("select", selects(false));
    start("join", joins());
    start("join_all", joins_all());
    start("unordered", unordered());
    start("buffered", buffered());
    start("handle", awaits_handle());
    #[cfg(not(feature = "older"))]
    start("set", awaits_set());
    let job = tokio::task::spawn_blocking(|| crate::blocking_job(9));
    crate::say_id("job9", &job);
    start("blocking_joiner", awaits_blocking(job));
}
