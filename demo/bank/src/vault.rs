//! The vault: a runtime of its own, on one thread, with a second mistake.
//!
//! Its tasks share things with `Rc`, so they live in a `LocalSet`. One of them locks the
//! great book with a lock of std. The printer has the book, so the *thread* sleeps, and
//! with it every task of the vault: `seal` is scheduled, and nobody will ever poll it.
//! The two who turn their keys wait for a third one; that wait is healthy.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::runtime::Builder;
use tokio::task::{LocalSet, spawn_local, yield_now};

use crate::bank::Bank;

/// Starts the vault's thread.
pub fn open(bank: Arc<Bank>) -> JoinHandle<()> {
    let thread = thread::Builder::new().name("bank-vault".to_string());
    thread.spawn(move || run(bank)).expect("the vault has no thread")
}

fn run(bank: Arc<Bank>) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("no runtime");
    LocalSet::new().block_on(&runtime, guard(bank));
}

/// Sends everybody to work. The thread blocks when it comes to counting.
async fn guard(bank: Arc<Bank>) {
    let bars = Rc::new(Cell::new(400));
    let keys = [1, 2].map(|key| spawn_local(turn_key(bank.clone(), key)));
    yield_now().await; // lets both put their keys in
    let count = spawn_local(count_gold(bank, bars.clone()));
    let seal = spawn_local(seal(bars));
    for key in keys {
        let _ = key.await; // waits: join
    }
    println!("counted {:?}, sealed {:?}", count.await, seal.await);
}

/// Turns one of three keys. Nobody has the third one.
async fn turn_key(bank: Arc<Bank>, number: u32) -> bool {
    let turned = bank.keys.wait().await; // waits: barrier
    println!("key {number} is turned");
    turned.is_leader()
}

/// Counts the gold bars and writes it down.
async fn count_gold(bank: Arc<Bank>, bars: Rc<Cell<u32>>) {
    write_down(&bank, bars.get());
}

/// Waits with the whole thread for a book that is not free.
#[inline(never)]
fn write_down(bank: &Bank, bars: u32) {
    let mut book = bank.book.lock().expect("the book is torn"); // blocks
    book.pages.push(format!("{bars} bars"));
}

/// Is ready to run; it shows the arguments that it was called with.
async fn seal(bars: Rc<Cell<u32>>) -> u32 {
    bars.replace(0)
}
