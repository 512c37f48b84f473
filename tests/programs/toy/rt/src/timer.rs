//! The timer: a thread that sleeps until the next deadline.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) struct Entry {
    when: Instant,
    waker: Mutex<Option<Waker>>,
}

static ENTRIES: Mutex<Vec<Arc<Entry>>> = Mutex::new(Vec::new());
static ADDED: Condvar = Condvar::new();

pub(crate) fn start() {
    thread::Builder::new().name("toy-timer".to_owned()).spawn(keep_time).expect("a thread");
}

fn keep_time() {
    let mut entries = ENTRIES.lock().unwrap();
    loop {
        let now = Instant::now();
        entries.retain(|entry| {
            let due = entry.when <= now;
            if due {
                if let Some(waker) = entry.waker.lock().unwrap().take() {
                    waker.wake();
                }
            }
            !due
        });
        let next = entries.iter().map(|entry| entry.when - now).min();
        let far = next.unwrap_or(Duration::from_secs(86_400));
        entries = ADDED.wait_timeout(entries, far).unwrap().0;
    }
}

/// Waits for some time.
pub struct Sleep {
    entry: Arc<Entry>,
}

pub fn sleep(time: Duration) -> Sleep {
    let entry = Arc::new(Entry { when: Instant::now() + time, waker: Mutex::new(None) });
    Sleep { entry }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.entry.when <= Instant::now() {
            return Poll::Ready(());
        }
        let waker = Some(context.waker().clone());
        let before = std::mem::replace(&mut *self.entry.waker.lock().unwrap(), waker);
        if before.is_none() {
            ENTRIES.lock().unwrap().push(self.entry.clone());
            ADDED.notify_one();
        }
        Poll::Pending
    }
}
