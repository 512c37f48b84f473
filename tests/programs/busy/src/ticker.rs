//! A thread that never sleeps and knows how long it was kept from running.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Instant;

static GAP_NS: AtomicU64 = AtomicU64::new(0);

/// Keeps the largest time between two readings of the clock.
fn ticks() {
    let mut before = Instant::now();
    loop {
        let now = Instant::now();
        let gap = (now - before).as_nanos() as u64;
        if gap > GAP_NS.load(SeqCst) {
            GAP_NS.fetch_max(gap, SeqCst);
        }
        before = now;
    }
}

pub fn start() {
    let named = thread::Builder::new().name("ticker".to_owned());
    named.spawn(ticks).expect("a thread");
}

/// The largest gap since it was asked for the last time.
pub fn answer(name: &str) -> Option<u64> {
    (name == "gap_ns").then(|| GAP_NS.swap(0, SeqCst))
}
