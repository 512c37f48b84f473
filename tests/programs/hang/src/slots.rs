//! A primitive that no descriptor knows: tasks wait in it, and others could end their waits.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

use crate::start;

/// Where a value is handed over, once somebody brings it.
struct Slot {
    inner: Mutex<Inner>,
}

struct Inner {
    value: Option<u64>,
    waiting: Vec<Waker>,
}

impl Slot {
    fn new() -> Arc<Self> {
        let inner = Inner {
            value: None,
            waiting: Vec::new(),
        };
        Arc::new(Slot {
            inner: Mutex::new(inner),
        })
    }

    fn bring(&self, value: u64) {
        let mut inner = self.inner.lock().unwrap();
        inner.value = Some(value);
        for waker in inner.waiting.drain(..) {
            waker.wake();
        }
    }

    fn taken(self: &Arc<Self>) -> Taken {
        Taken { slot: self.clone() }
    }
}

/// What `Slot::taken` returns: ready once there is a value.
struct Taken {
    slot: Arc<Slot>,
}

impl Future for Taken {
    type Output = u64;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u64> {
        let mut inner = self.slot.inner.lock().unwrap();
        match inner.value.take() {
            Some(value) => Poll::Ready(value),
            None => {
                inner.waiting.push(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// Two tasks wait in one slot; a third one has it and sleeps.
pub fn slots() {
    let slot = Slot::new();
    start("slots_first", slots_takes(slot.clone()));
    start("slots_second", slots_takes(slot.clone()));
    start("slots_other", slots_brings(slot, Arc::new(Notify::new())));
    start("slots_alone", slots_takes(Slot::new()));
}

async fn slots_takes(slot: Arc<Slot>) -> u64 {
    slot.taken().await // [slots.takes]
}

async fn slots_brings(slot: Arc<Slot>, bell: Arc<Notify>) {
    bell.notified().await; // [slots.brings]
    slot.bring(1);
}
