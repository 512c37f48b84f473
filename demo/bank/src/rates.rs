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
    // Branches are polled in order: who raises the rate queues before who looks it up.
    tokio::join!(raise(&bank), receive_visitors(&bank));
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

/// Lets somebody look at the table, and shows the display in the window meanwhile.
async fn receive_visitors(bank: &Arc<Bank>) {
    let visitor = tokio::spawn(look_up(bank.clone()));
    let mut window = bank.display.subscribe();
    // waits: watch
    while window.changed().await.is_ok() {
        println!("in the window: {}", *window.borrow());
    }
    visitor.abort();
}

/// Looks up the rate. The lock is fair: nobody passes the writer who queues.
async fn look_up(bank: Arc<Bank>) -> u32 {
    bank.rates.read().await.basis_points // waits: rwlock
}
