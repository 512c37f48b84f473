//! Knows when everything in this process has come to rest.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

static EXPECTED: AtomicUsize = AtomicUsize::new(0);
static ENTERED: AtomicUsize = AtomicUsize::new(0);

/// Announces that so many threads will call `entered`.
pub fn expect(number: usize) {
    EXPECTED.fetch_add(number, SeqCst);
}

/// Says that a thread is about to do the last thing it does.
pub fn entered() {
    ENTERED.fetch_add(1, SeqCst);
}

/// Returns when every announced thread has entered.
pub fn wait_entered() {
    while ENTERED.load(SeqCst) < EXPECTED.load(SeqCst) {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Returns when every announced thread has entered and every other thread sleeps for good.
///
/// A worker that has a task to poll does not sleep, so when all threads sleep, and none ran
/// between several looks, every task stands at its await.
pub fn wait() {
    wait_entered();
    let mut same = 0;
    let mut before = BTreeMap::new();
    while same < 20 {
        thread::sleep(Duration::from_millis(2));
        let now = others();
        let asleep = now.values().all(|each| each.starts_with('S'));
        same = if asleep && now == before { same + 1 } else { 0 };
        before = now;
    }
}

/// State and number of context switches of each other thread.
fn others() -> BTreeMap<String, String> {
    let own = fs::read_link("/proc/thread-self").expect("procfs");
    let mut found = BTreeMap::new();
    for entry in fs::read_dir("/proc/self/task").expect("procfs").flatten() {
        let tid = entry.file_name().to_string_lossy().into_owned();
        if own.file_name() == Some(entry.file_name().as_os_str()) {
            continue;
        }
        let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        let line = |key: &str| {
            let found = status.lines().find_map(|line| line.strip_prefix(key));
            found.unwrap_or_default().trim().to_owned()
        };
        let state = line("State:");
        let switches = line("voluntary_ctxt_switches:");
        let forced = line("nonvoluntary_ctxt_switches:");
        found.insert(tid, format!("{state} {switches} {forced}"));
    }
    found
}
