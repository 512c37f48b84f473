//! Ten thousand tasks that came and went, and forty that stay: what is freed must not be found.
//!
//! The allocator is glibc's, or the one of the feature `jemalloc` or `mimalloc`. Each allocator
//! leaves what was freed as it was, but for a word or two.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot, Mutex, Notify};
use tokio::task::{JoinHandle, LocalSet};

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TASKS: usize = 10_000;
const AT_ONCE: usize = 250;
const HOUR: Duration = Duration::from_secs(3600);

static STARTED: AtomicUsize = AtomicUsize::new(0);
static ALIVE: AtomicUsize = AtomicUsize::new(0);

/// Counts the futures of tasks that are not dropped yet.
struct Counted;

impl Counted {
    fn new() -> Self {
        STARTED.fetch_add(1, SeqCst);
        ALIVE.fetch_add(1, SeqCst);
        Counted
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, SeqCst);
    }
}

/// A task of `N` bytes, so that freed ones are of many sizes.
async fn yields<const N: usize>(_counted: Counted) -> usize {
    let bytes = [7_u8; N];
    tokio::task::yield_now().await;
    bytes.iter().map(|each| usize::from(*each)).sum()
}

async fn sleeps(_counted: Counted) -> usize {
    tokio::time::sleep(Duration::from_millis(2)).await;
    1
}

async fn is_answered(_counted: Counted) -> usize {
    let (answer, answered) = oneshot::channel();
    let asked = tokio::spawn(async move { answer.send(3) });
    asked.await.unwrap().unwrap();
    answered.await.unwrap()
}

async fn receives(_counted: Counted) -> usize {
    let (sender, mut receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        for number in 0..3 {
            sender.send(number).await.unwrap();
        }
    });
    let mut sum = 0;
    while let Some(number) = receiver.recv().await {
        sum += number;
    }
    sum
}

async fn locks(_counted: Counted, lock: Arc<Mutex<usize>>) -> usize {
    let mut guard = lock.lock().await;
    tokio::task::yield_now().await;
    *guard += 1;
    *guard
}

async fn reads(_counted: Counted) -> usize {
    let (mut here, mut there) = UnixStream::pair().unwrap();
    let writer = tokio::spawn(async move { there.write_all(b"four").await });
    let mut bytes = [0; 4];
    here.read_exact(&mut bytes).await.unwrap();
    writer.await.unwrap().unwrap();
    bytes.len()
}

/// A task that would never end; it is aborted.
async fn is_aborted(_counted: Counted) -> usize {
    tokio::time::sleep(HOUR).await;
    0
}

async fn stays_for_a_timer(_counted: Counted) {
    tokio::time::sleep(HOUR).await; // [stays.timer]
}

async fn stays_for_a_word(_counted: Counted, never: Arc<Notify>) {
    never.notified().await; // [stays.notified]
}

fn one(number: usize, lock: &Arc<Mutex<usize>>) -> JoinHandle<usize> {
    let counted = Counted::new();
    match number % 8 {
        0 => tokio::spawn(yields::<8>(counted)),
        1 => tokio::spawn(yields::<500>(counted)),
        2 => tokio::spawn(yields::<9000>(counted)),
        3 => tokio::spawn(sleeps(counted)),
        4 => tokio::spawn(is_answered(counted)),
        5 => tokio::spawn(receives(counted)),
        6 => tokio::spawn(locks(counted, lock.clone())),
        _ => {
            let task = tokio::spawn(is_aborted(counted));
            task.abort();
            task
        }
    }
}

/// Says the id of a task: `fact id_stays_7 4711`. Its `Debug` is `JoinHandle { id: Id(4711) }`.
fn say(number: usize, task: &JoinHandle<()>) {
    let text = format!("{task:?}");
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    println!("fact id_stays_{number} {digits}");
}

async fn comes_and_goes() {
    let lock = Arc::new(Mutex::new(0));
    let never = Arc::new(Notify::new());
    for start in (0..TASKS).step_by(AT_ONCE) {
        let mut tasks: Vec<_> = (start..start + AT_ONCE).map(|n| one(n, &lock)).collect();
        tasks.push(tokio::spawn(reads(Counted::new())));
        // One of them stays, in the midst of what will be free.
        let stays = match start / AT_ONCE % 2 {
            0 => tokio::spawn(stays_for_a_timer(Counted::new())),
            _ => tokio::spawn(stays_for_a_word(Counted::new(), never.clone())),
        };
        say(start / AT_ONCE, &stays);
        for task in tasks {
            let _ = task.await;
        }
    }
}

/// Two runtimes and a set of local tasks that are dropped with all that waits in them.
fn whole_runtimes() {
    let many = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    for _ in 0..100 {
        many.spawn(is_aborted(Counted::new()));
    }
    drop(many);
    let single = Builder::new_current_thread().enable_all().build().unwrap();
    let set = LocalSet::new();
    set.block_on(&single, async {
        for _ in 0..100 {
            tokio::task::spawn_local(is_aborted(Counted::new()));
            tokio::spawn(is_aborted(Counted::new()));
        }
        tokio::task::yield_now().await;
    });
}

/// Returns when every other thread sleeps: nothing of what has ended is still being cleared up.
fn wait_until_all_sleep() {
    let own = fs::read_link("/proc/thread-self").expect("procfs");
    let mut looks = 0;
    while looks < 20 {
        thread::sleep(Duration::from_millis(2));
        let asleep = fs::read_dir("/proc/self/task")
            .expect("procfs")
            .flatten()
            .filter(|each| own.file_name() != Some(&each.file_name()))
            .filter_map(|each| fs::read_to_string(each.path().join("stat")).ok())
            .all(|stat| {
                stat.rsplit(") ")
                    .next()
                    .is_some_and(|rest| rest.starts_with('S'))
            });
        looks = if asleep { looks + 1 } else { 0 };
    }
}

fn counts_and_crashes() {
    wait_until_all_sleep();
    println!("fact started {}", STARTED.load(SeqCst));
    println!("fact alive {}", ALIVE.load(SeqCst));
    std::process::abort();
}

fn main() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        comes_and_goes().await;
        thread::spawn(whole_runtimes).join().unwrap();
        thread::spawn(counts_and_crashes);
        Notify::new().notified().await; // [root.notified]
    });
}
