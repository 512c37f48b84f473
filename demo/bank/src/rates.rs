//! The department that sets the rates. Its tasks are healthy: they wait for the central bank.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::bank::Bank;

#[derive(Clone, Copy, Debug, Default)]
pub struct Rates {
    pub basis_points: u32,
}

/// Runs the department: somebody reads the table, somebody would like to write it.
pub async fn department(bank: Arc<Bank>) {
    let (took, taken) = oneshot::channel();
    let reader = tokio::spawn(discuss(bank.clone(), took));
    taken.await.expect("nobody has the table");
    let display = tokio::spawn(follow_the_display(bank.clone()));
    // Branches are polled in order: the writer queues first, so the reader queues behind it.
    let (_, rate) = tokio::join!(raise(&bank), look_up(&bank));
    println!("the rate is {rate}");
    display.abort();
    reader.abort();
}

/// Reads the table, and goes on holding it while waiting for a call.
async fn discuss(bank: Arc<Bank>, took: oneshot::Sender<()>) {
    let table = bank.rates.read().await;
    let _ = took.send(());
    bank.telephone.notified().await; // waits: notify
    println!("the central bank says {}", table.basis_points);
}

/// Raises the rate, when all readers have left the table.
async fn raise(bank: &Bank) {
    let mut table = bank.rates.write().await; // waits: rwlock
    table.basis_points += 25;
}

/// Looks up the rate; a lock that is fair lets nobody pass the writer.
async fn look_up(bank: &Bank) -> u32 {
    bank.rates.read().await.basis_points // waits: rwlock
}

/// Follows what the display in the window shows, as long as the bank stands.
async fn follow_the_display(bank: Arc<Bank>) {
    let mut window = bank.display.subscribe();
    // waits: watch
    while window.changed().await.is_ok() {
        println!("in the window: {}", *window.borrow());
    }
}
