//! Tasks that wait for what is lost, forgotten or taken.

use std::future::Future;
use std::pin::{pin, Pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::{mpsc, Mutex, Notify, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::start;

const HOUR: Duration = Duration::from_secs(3600);

/// Rings when a lock is to be let go, and when it was.
#[derive(Default)]
struct Bells {
    queued: Notify,
    released: Notify,
}

/// A lock is granted to a branch of select! that nobody polls any more.
pub fn futurelock() {
    let (lock, bells) = (Arc::new(Mutex::new(1)), Arc::new(Bells::default()));
    start(
        "futurelock_keeper",
        futurelock_keeper(lock.clone(), bells.clone()),
    );
    start("futurelock_victim", futurelock_victim(lock, bells));
}

async fn futurelock_keeper(lock: Arc<Mutex<u64>>, bells: Arc<Bells>) {
    let held = lock.lock().await;
    bells.released.notify_one();
    bells.queued.notified().await;
    bells.released.notify_one();
    drop(held);
}

async fn futurelock_victim(lock: Arc<Mutex<u64>>, bells: Arc<Bells>) {
    bells.released.notified().await;
    let mut first = pin!(futurelock_adds(&lock, 1)); // [futurelock.first]
    // [futurelock.select]
    tokio::select! {
        biased;
        () = futurelock_rings(&bells) => {
            futurelock_adds(&lock, 2).await; // [futurelock.victim]
        }
        () = &mut first => {}
    }
}

async fn futurelock_rings(bells: &Bells) {
    bells.queued.notify_one();
    bells.released.notified().await;
}

async fn futurelock_adds(lock: &Mutex<u64>, amount: u64) {
    let mut held = lock.lock().await; // [futurelock.waits]
    *held += amount;
}

/// Drops the waker that it should have kept.
struct Forgets(u32);

impl Future for Forgets {
    type Output = u32;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u32> {
        if self.0 == 0 {
            Poll::Ready(0)
        } else {
            Poll::Pending
        }
    }
}

/// One task can never be woken again; another one sleeps for good by intent.
pub fn lostwake() {
    start("lostwake", lostwake_task());
    start("lostwake_intent", lostwake_intent());
}

async fn lostwake_task() {
    let number = Forgets(7).await; // [lostwake.waits]
    assert_eq!(number, 0);
}

async fn lostwake_intent() {
    std::future::pending::<()>().await // [lostwake.intent]
}

/// Sleeping tasks hold all permits that others wait for.
pub fn exhausted() {
    let permits = Arc::new(Semaphore::new(3));
    let held = Arc::new(Notify::new());
    start(
        "exhausted_one",
        exhausted_sleeps(permits.clone(), 1, held.clone()),
    );
    start(
        "exhausted_two",
        exhausted_sleeps(permits.clone(), 2, held.clone()),
    );
    start("exhausted_main", exhausted_main(permits, held));
}

async fn exhausted_sleeps(permits: Arc<Semaphore>, number: u32, held: Arc<Notify>) {
    let permit = permits.acquire_many(number).await.unwrap(); // [exhausted.holds]
    held.notify_one();
    sleep(HOUR).await; // [exhausted.sleeps]
    drop(permit);
}

/// The task that was started last is the first one in the queue.
async fn exhausted_main(permits: Arc<Semaphore>, held: Arc<Notify>) {
    while permits.available_permits() > 0 {
        held.notified().await;
    }
    let turn = Arc::new(Notify::new());
    start(
        "exhausted_second",
        exhausted_second(permits.clone(), turn.clone()),
    );
    start("exhausted_first", exhausted_first(permits, turn));
}

async fn exhausted_first(permits: Arc<Semaphore>, turn: Arc<Notify>) {
    let mut acquire = pin!(permits.acquire_many(2));
    assert!(futures::poll!(&mut acquire).is_pending());
    turn.notify_one();
    let permit = acquire.await; // [exhausted.first.waits]
    drop(permit);
}

async fn exhausted_second(permits: Arc<Semaphore>, turn: Arc<Notify>) {
    turn.notified().await;
    let permit = permits.acquire().await; // [exhausted.second.waits]
    drop(permit);
}

/// All permits were forgotten, as pools of connections do.
pub fn forgotten() {
    let permits = Arc::new(Semaphore::new(10));
    permits.try_acquire_many(10).unwrap().forget();
    start("forgotten", forgotten_waits(permits));
}

async fn forgotten_waits(permits: Arc<Semaphore>) {
    let permit = permits.acquire().await.unwrap(); // [forgotten.waits]
    drop(permit);
}

/// The receiver of a full channel waits for something else.
pub fn full() {
    let (sender, receiver) = mpsc::channel(2);
    start("full_receiver", full_receiver(receiver));
    start("full_sender1", full_sender1(sender));
}

async fn full_receiver(mut receiver: mpsc::Receiver<u32>) {
    let never = Notify::new();
    never.notified().await; // [full.receiver.waits]
    receiver.recv().await;
}

/// Starts the other sender once it stands in the queue itself.
async fn full_sender1(sender: mpsc::Sender<u32>) {
    sender.send(1).await.unwrap();
    sender.send(2).await.unwrap();
    let mut send = pin!(sender.send(3));
    assert!(futures::poll!(&mut send).is_pending());
    start("full_sender2", full_sender2(sender.clone()));
    send.await.unwrap(); // [full.sender1.waits]
}

async fn full_sender2(sender: mpsc::Sender<u32>) {
    sender.send(4).await.unwrap(); // [full.sender2.waits]
}

/// What a task of a pool is known by.
struct Member {
    number: u32,
    handle: JoinHandle<u32>,
}

/// A task has panicked, and the one that has its handle waits for something else.
pub fn panicked() {
    start("panicked_keeper", panicked_keeper());
}

async fn panicked_keeper() {
    let handle = start("panicked", panics(13));
    let member = Member { number: 1, handle };
    let never = Notify::new();
    never.notified().await; // [panicked.keeper.waits]
    let result = member.handle.await;
    drop((member.number, result));
}

async fn panics(number: u32) -> u32 {
    assert!(number % 2 == 0, "{number} is odd"); // [panicked.panics]
    number
}
