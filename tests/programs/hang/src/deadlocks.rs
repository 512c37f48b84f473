//! Tasks and threads in a ring: each holds what the next one waits for.

use std::sync::{mpsc as std_mpsc, Arc};

use tokio::sync::{mpsc, oneshot, Barrier, Mutex, RwLock, Semaphore};
use tokio::task::JoinHandle;

use crate::{say_thread, start, start_thread, still};

/// What the tasks of a ring share. Each takes its own lock, meets the others, takes the next.
pub struct Bank {
    pub ledger: Mutex<u64>,
    pub audit: Mutex<u64>,
    prices: RwLock<u64>,
    quota: Semaphore,
    pub met: Barrier,
}

impl Bank {
    pub fn new(tasks: usize) -> Arc<Bank> {
        Arc::new(Bank {
            ledger: Mutex::new(1),
            audit: Mutex::new(2),
            prices: RwLock::new(3),
            quota: Semaphore::new(1),
            met: Barrier::new(tasks),
        })
    }
}

/// Two tasks take two locks in opposite order.
pub fn two() {
    let bank = Bank::new(2);
    start("two_first", two_first(bank.clone()));
    start("two_second", two_second(bank));
}

async fn two_first(bank: Arc<Bank>) {
    let ledger = bank.ledger.lock().await; // [two.first.holds]
    bank.met.wait().await;
    two_first_audits(&bank, *ledger).await; // [two.first.calls]
    drop(ledger);
}

async fn two_first_audits(bank: &Bank, amount: u64) {
    let mut audit = bank.audit.lock().await; // [two.first.waits]
    *audit += amount;
}

async fn two_second(bank: Arc<Bank>) {
    let audit = bank.audit.lock().await; // [two.second.holds]
    bank.met.wait().await;
    let ledger = bank.ledger.lock().await; // [two.second.waits]
    drop((audit, ledger));
}

/// A ring over a mutex, a read-write lock and a semaphore.
pub fn three() {
    let bank = Bank::new(3);
    start("three_first", three_first(bank.clone()));
    start("three_second", three_second(bank.clone()));
    start("three_third", three_third(bank));
}

async fn three_first(bank: Arc<Bank>) {
    let ledger = bank.ledger.lock().await; // [three.first.holds]
    bank.met.wait().await;
    let prices = bank.prices.write().await; // [three.first.waits]
    drop((ledger, prices));
}

async fn three_second(bank: Arc<Bank>) {
    let prices = bank.prices.read().await; // [three.second.holds]
    bank.met.wait().await;
    let permit = bank.quota.acquire().await.unwrap(); // [three.second.waits]
    drop((prices, permit));
}

async fn three_third(bank: Arc<Bank>) {
    let permit = bank.quota.acquire().await.unwrap(); // [three.third.holds]
    bank.met.wait().await;
    let ledger = bank.ledger.lock().await; // [three.third.waits]
    drop((permit, ledger));
}

/// A ring over a semaphore, a read-write lock, a join and a bounded channel.
pub fn ring() {
    let bank = Bank::new(3);
    let (sender, receiver) = mpsc::channel(1);
    start("ring_receiver", ring_receiver(bank.clone(), receiver));
    let sending = start("ring_sender", ring_sender(bank.clone(), sender));
    start("ring_joiner", ring_joiner(bank, sending));
}

async fn ring_receiver(bank: Arc<Bank>, mut receiver: mpsc::Receiver<u32>) {
    bank.met.wait().await;
    let prices = bank.prices.write().await; // [ring.receiver.waits]
    let received = receiver.recv().await;
    drop((prices, received));
}

async fn ring_sender(bank: Arc<Bank>, sender: mpsc::Sender<u32>) {
    sender.send(1).await.unwrap();
    bank.met.wait().await;
    sender.send(2).await.unwrap(); // [ring.sender.waits]
}

async fn ring_joiner(bank: Arc<Bank>, sending: JoinHandle<()>) {
    let prices = bank.prices.read().await; // [ring.joiner.holds]
    bank.met.wait().await;
    sending.await.unwrap(); // [ring.joiner.waits]
    drop(prices);
}

/// A task joins one that waits for its lock.
pub fn join() {
    let ledger = Arc::new(Mutex::new(1));
    start("join_keeper", join_keeper(ledger));
}

async fn join_keeper(ledger: Arc<Mutex<u64>>) {
    let held = ledger.lock().await; // [join.keeper.holds]
    let other = start("join_other", join_other(ledger.clone()));
    other.await.unwrap(); // [join.keeper.waits]
    drop(held);
}

async fn join_other(ledger: Arc<Mutex<u64>>) {
    let taken = ledger.lock().await; // [join.other.waits]
    drop(taken);
}

/// The receiver of a full channel waits for the sender's lock.
pub fn channel() {
    let bank = Bank::new(2);
    let (sender, receiver) = mpsc::channel(1);
    start("channel_sender", channel_sender(bank.clone(), sender));
    start("channel_receiver", channel_receiver(bank, receiver));
}

async fn channel_sender(bank: Arc<Bank>, sender: mpsc::Sender<u32>) {
    let ledger = bank.ledger.lock().await; // [channel.sender.holds]
    bank.met.wait().await;
    for number in 0..2 {
        sender.send(number).await.unwrap(); // [channel.sender.waits]
    }
    drop(ledger);
}

async fn channel_receiver(bank: Arc<Bank>, mut receiver: mpsc::Receiver<u32>) {
    bank.met.wait().await;
    let ledger = bank.ledger.lock().await; // [channel.receiver.waits]
    let received = receiver.recv().await;
    drop((ledger, received));
}

/// Tasks hold locks that threads wait for, and wait for what those threads would send.
pub fn thread() {
    let ledger = Arc::new(Mutex::new(1));
    let (answer, question) = oneshot::channel();
    let (taken, ready) = std_mpsc::channel();
    start(
        "thread_tokio",
        thread_tokio(ledger.clone(), taken, question),
    );
    start_thread("of-tokio", move || of_tokio(&ledger, &ready, answer));

    let ledger = Arc::new(parking_lot::Mutex::new(1));
    let (answer, question) = oneshot::channel();
    let (taken, ready) = std_mpsc::channel();
    start("thread_lot", thread_lot(ledger.clone(), taken, question));
    start_thread("of-lot", move || of_lot(&ledger, &ready, answer));

    start_thread("std-runtime", std_runtime);
}

async fn thread_tokio(
    ledger: Arc<Mutex<u64>>,
    taken: std_mpsc::Sender<()>,
    question: oneshot::Receiver<u64>,
) {
    let held = ledger.lock().await; // [thread.tokio.holds]
    taken.send(()).unwrap();
    question.await.unwrap(); // [thread.tokio.waits]
    drop(held);
}

fn of_tokio(ledger: &Mutex<u64>, ready: &std_mpsc::Receiver<()>, answer: oneshot::Sender<u64>) {
    say_thread("of_tokio");
    ready.recv().unwrap();
    still::entered();
    let amount = *ledger.blocking_lock(); // [thread.of_tokio.waits]
    answer.send(amount).unwrap();
}

async fn thread_lot(
    ledger: Arc<parking_lot::Mutex<u64>>,
    taken: std_mpsc::Sender<()>,
    question: oneshot::Receiver<u64>,
) {
    let held = ledger.lock(); // [thread.lot.holds]
    taken.send(()).unwrap();
    question.await.unwrap(); // [thread.lot.waits]
    drop(held);
}

fn of_lot(
    ledger: &parking_lot::Mutex<u64>,
    ready: &std_mpsc::Receiver<()>,
    answer: oneshot::Sender<u64>, // [thread.of_lot.given]
) {
    say_thread("of_lot");
    ready.recv().unwrap();
    still::entered();
    let amount = *ledger.lock(); // [thread.of_lot.waits]
    answer.send(amount).unwrap();
}

/// A guard of std can't be sent: its task stays on one thread.
fn std_runtime() {
    say_thread("std_runtime");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let ledger = Arc::new(std::sync::Mutex::new(1));
    let (answer, question) = oneshot::channel(); // [thread.std.moved]
    let (taken, ready) = std_mpsc::channel();
    let others = ledger.clone();
    start_thread("of-std", move || of_std(&others, &ready, answer));
    still::entered();
    runtime.block_on(async {
        let local = tokio::task::LocalSet::new();
        let task = local.spawn_local(thread_std(ledger, taken, question));
        crate::say_id("thread_std", &task);
        local.await;
    });
}

async fn thread_std(
    ledger: Arc<std::sync::Mutex<u64>>,
    taken: std_mpsc::Sender<()>,
    question: oneshot::Receiver<u64>,
) {
    let held = ledger.lock().unwrap(); // [thread.std.holds]
    taken.send(()).unwrap();
    question.await.unwrap(); // [thread.std.waits]
    drop(held);
}

fn of_std(
    ledger: &std::sync::Mutex<u64>,
    ready: &std_mpsc::Receiver<()>,
    answer: oneshot::Sender<u64>, // [thread.of_std.given]
) {
    say_thread("of_std");
    ready.recv().unwrap();
    still::entered();
    let amount = *ledger.lock().unwrap(); // [thread.of_std.waits]
    answer.send(amount).unwrap();
}

/// A task waits to write what it reads.
pub fn rwself() {
    start("rwself", rwself_task(Arc::new(RwLock::new(1))));
}

async fn rwself_task(prices: Arc<RwLock<u64>>) {
    let read = prices.read().await; // [rwself.holds]
    let mut write = prices.write().await; // [rwself.waits]
    *write += *read;
}
