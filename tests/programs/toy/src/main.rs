//! One task for each thing that the runtime beside this program has (see ../../README.md).

// It need not wait for threads that announce themselves.
#[allow(dead_code)]
mod still;

use std::future::Future;
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use toy_rt::{sleep, spawn, spawn_unseen, start, Baton, Join, Slot};

const HOUR: Duration = Duration::from_secs(3600);

static LEDGER: Baton<u32> = Baton::new(7);
static LEFT: Baton<u32> = Baton::new(1);
static RIGHT: Baton<u32> = Baton::new(2);
static FULL: Slot<u32> = Slot::new();
static EMPTY: Slot<String> = Slot::new();
/// How many of the two that cross have their first lock.
static MET: AtomicUsize = AtomicUsize::new(0);

/// Starts a task and says its id.
fn task<F>(name: &'static str, future: F) -> Join
where
    F: Future<Output = ()> + Send + 'static,
{
    let join = spawn(name, future);
    println!("fact id_{name} {}", join.id());
    join
}

async fn sleeps() {
    nap().await; // [sleeps.nap]
}

async fn nap() {
    sleep(HOUR).await; // [nap.sleep]
}

async fn keeps() {
    let mut held = LEDGER.acquire().await;
    *held += 1;
    sleep(HOUR).await; // [keeps.sleep]
    *held += 1;
}

async fn wants(amount: u32) {
    let mut held = LEDGER.acquire().await; // [wants.acquire]
    *held += amount;
}

async fn crosses(first: &'static Baton<u32>, second: &'static Baton<u32>) {
    let mut one = first.acquire().await;
    MET.fetch_add(1, SeqCst);
    loop {
        sleep(Duration::from_millis(20)).await;
        if MET.load(SeqCst) == 2 {
            break;
        }
    }
    let other = second.acquire().await; // [crosses.acquire]
    *one += *other;
}

async fn gives() {
    FULL.give(5).await; // [gives.give]
}

async fn takes() {
    println!("{}", EMPTY.take().await); // [takes.take]
}

async fn joins() {
    let child = task("child", nap());
    child.await; // [joins.join]
}

async fn ends() {}

fn main() {
    start();
    // Each comes to rest before the next one starts: so all runs give the same ids.
    let keeper = task("keeps", keeps());
    still::wait();
    let others = [
        task("sleeps", sleeps()),
        task("wants", wants(3)),
        task("left", crosses(&LEFT, &RIGHT)),
        task("right", crosses(&RIGHT, &LEFT)),
        task("gives", gives()),
        task("takes", takes()),
        task("ends", ends()),
        task("joins", joins()),
    ];
    // Longer than the locks are apart that two of them take.
    thread::sleep(Duration::from_millis(200));
    still::wait();
    let unseen = spawn_unseen("unseen", sleeps());
    println!("fact id_unseen {}", unseen.id());
    drop((keeper, others));
    process::abort();
}
