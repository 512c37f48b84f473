//! A bank after closing time. Something is wrong with it; find out what.
//!
//! This is the program behind `adp-tui demo`. Nobody has moved any money for a while, and
//! then the auditor came, found that the books can't be closed, and panicked. What is left
//! is a crash dump. The questions to ask of it:
//!
//! * Which thread crashed, and in which task?                      (`auditor.rs`)
//! * Which transfers wait for each other, in a circle?             (`transfers.rs`)
//! * Who else is stuck, only because those are?                    (`customers.rs`, `statements.rs`)
//! * Why does the vault do nothing, though a task is scheduled?    (`vault.rs`)
//!
//! The other tasks are innocent: they wait for what a healthy service waits for. A comment
//! `waits: KIND`, at the end of a line or above it, says that a task waits there at the end of
//! the day.

mod auditor;
mod bank;
mod counter;
mod customers;
mod post;
mod rates;
mod spans;
mod statements;
mod transfers;
mod vault;

use std::sync::Arc;

use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use crate::bank::{Bank, Order};

/// Three threads for tasks, and one for what blocks: `statements.rs` keeps that one busy.
const WORKERS: usize = 3;

fn main() {
    spans::subscribe();
    let (bank, orders) = Bank::new();
    let runtime = Builder::new_multi_thread()
        .thread_name("bank-worker")
        .worker_threads(WORKERS)
        .max_blocking_threads(1)
        .enable_all()
        .build()
        .expect("a bank without a runtime");
    runtime.block_on(business_day(bank, orders));
}

/// Everybody whom the bank employs. Whoever holds the handle of a task is its boss.
struct Staff {
    desk: JoinHandle<()>,
    counter: JoinHandle<()>,
    customers: JoinSet<customers::Mood>,
    statements: JoinSet<()>,
    rates: JoinHandle<()>,
    post: JoinSet<()>,
    ceremony: JoinHandle<&'static str>,
}

/// Opens the bank and waits for the auditor's verdict. This runs on the main thread.
async fn business_day(bank: Arc<Bank>, orders: mpsc::Receiver<Order>) {
    let (listener, address) = counter::listen().await;
    let (approved, under_way) = oneshot::channel();
    let desk = tokio::spawn(transfers::desk(bank.clone(), orders, approved));
    // From here on three accounts are locked, and stay so.
    under_way.await.expect("no transfer is under way");
    let (printing, printer_runs) = oneshot::channel();
    let mut staff = Staff {
        desk,
        counter: tokio::spawn(counter::open(bank.clone(), listener)),
        customers: JoinSet::new(),
        statements: statements::department(&bank, printing),
        rates: tokio::spawn(rates::department(bank.clone())),
        post: post::office(),
        ceremony: tokio::spawn(open_ceremonially()),
    };
    for name in ["Dora", "Emil", "Frida", "Gustav"] {
        staff.customers.spawn(customers::queue(bank.clone(), name.to_string()));
    }
    // The vault counts its gold against the book, and so comes after the printer has it.
    printer_runs.await.expect("the printer doesn't run");
    let vault = vault::open(bank.clone());
    customers::at_the_counter(&bank, address, &mut staff.customers).await;

    let (close, doors) = oneshot::channel();
    let auditor = tokio::spawn(auditor::audit(bank, doors));
    close.send(()).expect("the auditor did not come");
    let verdict = auditor.await; // waits: join

    println!("the auditor says: {verdict:?}");
    staff.close().await;
    vault.join().expect("the vault is shut");
}

impl Staff {
    /// Sends everybody home. It never comes to this.
    async fn close(mut self) {
        println!("we opened with {:?}", self.ceremony.await);
        for department in [self.desk, self.counter, self.rates] {
            department.abort();
        }
        while let Some(Ok(mood)) = self.customers.try_join_next() {
            println!("{}", mood.words());
        }
        self.customers.shutdown().await;
        self.statements.shutdown().await;
        self.post.shutdown().await;
    }
}

/// Is over at once, but nobody has asked for the result yet.
async fn open_ceremonially() -> &'static str {
    "a speech, and sparkling wine"
}
