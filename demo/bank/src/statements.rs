//! The department that prints. It has the printer, the great book and the blocking thread.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, mpsc as std_mpsc};

use futures_util::future::join_all;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::bank::{Account, Bank, Money};

/// Starts everything that the department does; `printing` is told when the printer runs.
pub fn department(bank: &Arc<Bank>, printing: oneshot::Sender<()>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(print_everything(bank.clone(), printing));
    tasks.spawn(monthly_statements(bank.clone()));
    tasks.spawn(add_up_the_region(bank.clone()));
    tasks
}

/// Holds the printer while two jobs go to the one blocking thread: the second one queues.
async fn print_everything(bank: Arc<Bank>, printing: oneshot::Sender<()>) {
    let printer = bank.printer.acquire().await;
    let (supplier, paper) = std_mpsc::channel();
    let book = bank.clone();
    let job = tokio::task::spawn_blocking(move || print_book(&book, paper, printing));
    let archive = tokio::task::spawn_blocking(move || file_away("the great book, 1907 to today"));
    let pages = job.await; // waits: join
    println!("{pages:?} pages printed, {:?} filed", archive.await);
    drop((printer, supplier));
}

/// Prints with the book open, so with the lock of std held, and runs out of paper.
fn print_book(bank: &Bank, paper: std_mpsc::Receiver<u32>, printing: oneshot::Sender<()>) -> usize {
    let mut book = bank.book.lock().expect("the book is torn");
    let _ = printing.send(());
    // blocks
    while let Ok(sheet) = paper.recv() {
        book.pages.push(format!("sheet {sheet}"));
    }
    book.pages.len()
}

/// Would be quick, but the blocking thread is taken.
fn file_away(volume: &str) -> usize {
    volume.len()
}

/// Writes a statement for each account: all at once. Three accounts are locked.
async fn monthly_statements(bank: Arc<Bank>) {
    let statements = join_all(bank.accounts.iter().map(|account| statement(account)));
    for line in statements.await {
        println!("{line}");
    }
}

async fn statement(account: &Account) -> String {
    let balance = account.balance.lock().await; // waits: mutex
    format!("{:>8} {:?}", account.owner, *balance)
}

/// A branch of the bank, with smaller ones below it.
struct Branch {
    name: &'static str,
    account: usize,
    below: Vec<Branch>,
}

/// Adds up what all branches have; the smallest ones come first.
async fn add_up_the_region(bank: Arc<Bank>) {
    let branch = |name, account, below| Branch { name, account, below };
    let village = branch("the village", 1, vec![]);
    let town = branch("the town", 3, vec![village]);
    let region = branch("the region", 3, vec![town]);
    println!("{:?} in all", total(&bank, &region).await);
}

/// An async function that calls itself needs a box: `dyn Future` hides what is inside.
fn total<'a>(
    bank: &'a Bank,
    branch: &'a Branch,
) -> Pin<Box<dyn Future<Output = Money> + Send + 'a>> {
    Box::pin(async move {
        let mut sum = Money { cents: 0 };
        for smaller in &branch.below {
            sum.cents += total(bank, smaller).await.cents;
        }
        sum.cents += bank.accounts[branch.account].balance.lock().await.cents; // waits: mutex
        println!("{}: {sum:?}", branch.name);
        sum
    })
}
