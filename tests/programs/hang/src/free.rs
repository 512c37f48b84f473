//! The rings of `deadlocks` that are none: something outside of each can still end it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, Barrier, Mutex, Semaphore};
use tokio::time::{sleep, timeout as tokio_timeout};

use crate::start;

const HOUR: Duration = Duration::from_secs(3600);

struct Bank {
    ledger: Mutex<u64>,
    audit: Mutex<u64>,
    quota: Semaphore,
    met: Barrier,
}

impl Bank {
    fn new(tasks: usize, quota: usize) -> Arc<Bank> {
        Arc::new(Bank {
            ledger: Mutex::new(1),
            audit: Mutex::new(2),
            quota: Semaphore::new(quota),
            met: Barrier::new(tasks),
        })
    }
}

/// One of the two gives up after an hour.
pub fn timeout() {
    let bank = Bank::new(2, 1);
    start("free_timeout_first", free_timeout_first(bank.clone()));
    start("free_timeout_second", takes_ledger(bank));
}

async fn free_timeout_first(bank: Arc<Bank>) {
    let ledger = bank.ledger.lock().await; // [free.timeout.holds]
    bank.met.wait().await;
    let audit = tokio_timeout(HOUR, bank.audit.lock()).await; // [free.timeout.waits]
    drop((ledger, audit));
}

async fn takes_ledger(bank: Arc<Bank>) {
    let audit = bank.audit.lock().await; // [free.second.holds]
    bank.met.wait().await;
    let ledger = bank.ledger.lock().await; // [free.second.waits]
    drop((audit, ledger));
}

/// One of the two also waits for a timer.
pub fn select() {
    let bank = Bank::new(2, 1);
    start("free_select_first", free_select_first(bank.clone()));
    start("free_select_second", takes_ledger(bank));
}

async fn free_select_first(bank: Arc<Bank>) {
    let ledger = bank.ledger.lock().await; // [free.select.holds]
    bank.met.wait().await;
    tokio::select! { // [free.select.waits]
        audit = bank.audit.lock() => drop(audit),
        () = sleep(HOUR) => {}
    }
    drop(ledger);
}

/// Another sender can fill the channel that the holder of the lock reads.
pub fn sender() {
    let bank = Bank::new(2, 1);
    let (sender, receiver) = mpsc::channel(1);
    start("free_sender_other", free_sender_other(sender.clone()));
    start("free_sender_first", free_sender_first(bank.clone(), sender));
    start("free_sender_receiver", free_sender_receiver(bank, receiver));
}

async fn free_sender_other(sender: mpsc::Sender<u32>) {
    sleep(HOUR).await; // [free.sender.other]
    sender.send(1).await.unwrap();
}

async fn free_sender_first(bank: Arc<Bank>, sender: mpsc::Sender<u32>) {
    bank.met.wait().await;
    let ledger = bank.ledger.lock().await; // [free.sender.waits]
    sender.send(*ledger as u32).await.unwrap();
}

async fn free_sender_receiver(bank: Arc<Bank>, mut receiver: mpsc::Receiver<u32>) {
    let ledger = bank.ledger.lock().await; // [free.sender.holds]
    bank.met.wait().await;
    let received = receiver.recv().await; // [free.sender.receives]
    drop((ledger, received));
}

/// Another task has a permit of the two that there are, and will give it back.
pub fn permit() {
    let bank = Bank::new(3, 2);
    start("free_permit_other", free_permit_other(bank.clone()));
    start("free_permit_first", free_permit_first(bank.clone()));
    start("free_permit_second", free_permit_second(bank));
}

async fn free_permit_other(bank: Arc<Bank>) {
    let permit = bank.quota.acquire().await.unwrap(); // [free.permit.other.holds]
    bank.met.wait().await;
    sleep(HOUR).await; // [free.permit.other]
    drop(permit);
}

async fn free_permit_first(bank: Arc<Bank>) {
    let permit = bank.quota.acquire().await.unwrap(); // [free.permit.first.holds]
    bank.met.wait().await;
    let ledger = bank.ledger.lock().await; // [free.permit.first.waits]
    drop((permit, ledger));
}

async fn free_permit_second(bank: Arc<Bank>) {
    let ledger = bank.ledger.lock().await; // [free.permit.second.holds]
    bank.met.wait().await;
    let permit = bank.quota.acquire().await.unwrap(); // [free.permit.second.waits]
    drop((ledger, permit));
}
