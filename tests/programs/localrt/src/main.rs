//! A LocalRuntime (tokio 1.51): its tasks need not be Send. A blocking job crashes it when its
//! only thread stands still.

use std::cell::Cell;
use std::fs;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::Notify;
use tokio::task::{spawn_blocking, spawn_local};
use tokio::time::sleep;

const HOUR: Duration = Duration::from_secs(3600);

fn own_tid() -> String {
    let link = fs::read_link("/proc/thread-self").expect("procfs");
    link.file_name().unwrap().to_str().unwrap().to_owned()
}

/// Returns what a thread's status says of its state and of how often it was scheduled.
fn status(tid: &str) -> (bool, String) {
    let text = fs::read_to_string(format!("/proc/self/task/{tid}/status")).expect("a thread");
    let switches = text.lines().filter(|line| line.contains("ctxt_switches"));
    (text.contains("State:\tS"), switches.collect())
}

/// Panics when the thread sleeps and has not run between several looks.
fn crashes(watched: String) {
    println!("fact tid_crash {}", own_tid());
    let mut before = (false, String::new());
    let mut same = 0;
    while same < 20 {
        thread::sleep(Duration::from_millis(2));
        let now = status(&watched);
        same = if now.0 && now == before { same + 1 } else { 0 };
        before = now;
    }
    panic!("the runtime closes"); // [crash.panic]
}

async fn keeps(shared: Rc<Cell<u32>>) -> u32 {
    Notify::new().notified().await; // [keeps.notified]
    shared.get()
}

async fn sleeps(shared: Rc<Cell<u32>>) {
    sleep(HOUR).await; // [sleeps.sleep]
    shared.set(1);
}

async fn root(main: String) {
    let shared = Rc::new(Cell::new(5));
    let kept = spawn_local(keeps(shared.clone()));
    println!("fact id_keeps {}", kept.id());
    let slept = spawn_local(sleeps(shared));
    println!("fact id_sleeps {}", slept.id());
    let job = spawn_blocking(move || crashes(main));
    println!("fact id_crash {}", job.id());
    kept.await.unwrap(); // [root.await]
    slept.abort();
}

fn main() {
    let main = own_tid();
    println!("fact tid_main {main}");
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
        .expect("a runtime");
    runtime.block_on(root(main));
}
