//! The auditor, who comes when it is quiet, and panics.

use std::fs;
use std::sync::Arc;
use std::thread;

use tokio::sync::oneshot;

use crate::bank::{Account, Bank, Money};

/// Audits the bank after everybody else has fallen asleep.
pub async fn audit(bank: Arc<Bank>, doors: oneshot::Receiver<()>) -> Money {
    doors.await.expect("nobody closes the doors");
    wait_for_silence();
    close_the_books(&bank.accounts)
}

/// Adds up all accounts.
#[inline(never)]
fn close_the_books(accounts: &[Arc<Account>]) -> Money {
    let mut total = Money { cents: 0 };
    for account in accounts {
        total.cents += inspect(account).cents;
    }
    total
}

/// Reads an account that nobody should be using at this hour.
#[inline(never)]
fn inspect(account: &Account) -> Money {
    match account.balance.try_lock() {
        Ok(balance) => *balance,
        Err(_) => panic!("{}'s account is locked after closing time", account.owner), // crashes
    }
}

/// Waits until every other thread sleeps in the kernel, so that the dump tells a settled story.
///
/// A thread that sleeps now and has not run since the last look slept in between. If that holds
/// for all of them at once, nothing moves any more. (This blocks a worker. Don't do it at home.)
fn wait_for_silence() {
    let mut before = None;
    loop {
        let now = sleepers();
        if now.is_some() && now == before {
            return;
        }
        before = now;
        thread::yield_now();
    }
}

/// Returns how often each other thread has gone to sleep; None when one of them is awake.
fn sleepers() -> Option<Vec<(String, String)>> {
    let me = fs::read_link("/proc/thread-self").ok()?;
    let mut asleep = Vec::new();
    for entry in fs::read_dir("/proc/self/task").ok()? {
        let thread = entry.ok()?.file_name().into_string().ok()?;
        if me.ends_with(&thread) {
            continue;
        }
        let status = fs::read_to_string(format!("/proc/self/task/{thread}/status")).ok()?;
        let line = |name: &str| status.lines().find_map(|l| l.strip_prefix(name));
        if !line("State:")?.trim_start().starts_with('S') {
            return None;
        }
        asleep.push((thread, line("voluntary_ctxt_switches:")?.trim().to_string()));
    }
    Some(asleep)
}
