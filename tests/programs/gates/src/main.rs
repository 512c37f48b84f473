//! A lock that a team has written itself, and two tasks that wait for each other through it.
//!
//! Nobody but the team's own descriptor (../../macros/gates/.adp) knows what a gate is.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// Lets one in at a time.
struct Gate {
    inner: Mutex<Inner>,
}

struct Inner {
    closed: bool,
    queue: VecDeque<Ticket>,
}

struct Ticket {
    #[allow(dead_code)]
    number: u64,
    waker: Waker,
}

/// Waits until the gate is open.
struct Passing {
    gate: Arc<Gate>,
    queued: bool,
}

/// Whoever has it is in; the gate opens when it is dropped.
struct Pass {
    gate: Arc<Gate>,
}

impl Gate {
    fn new() -> Arc<Gate> {
        Arc::new(Gate {
            inner: Mutex::new(Inner {
                closed: false,
                queue: VecDeque::new(),
            }),
        })
    }
}

fn enter(gate: &Arc<Gate>) -> Passing {
    Passing {
        gate: gate.clone(),
        queued: false,
    }
}

impl Future for Passing {
    type Output = Pass;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Pass> {
        let gate = self.gate.clone();
        let mut inner = gate.inner.lock().unwrap();
        if !inner.closed {
            inner.closed = true;
            return Poll::Ready(Pass { gate: gate.clone() });
        }
        if !self.queued {
            let number = inner.queue.len() as u64 + 1;
            let waker = context.waker().clone();
            inner.queue.push_back(Ticket { number, waker });
            self.queued = true;
        }
        Poll::Pending
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut inner = self.gate.inner.lock().unwrap();
        inner.closed = false;
        if let Some(ticket) = inner.queue.pop_front() {
            ticket.waker.wake();
        }
    }
}

async fn first(left: Arc<Gate>, right: Arc<Gate>) {
    let inside = enter(&left).await; // [first.holds]
    tokio::task::yield_now().await;
    let both = enter(&right).await; // [first.waits]
    drop((inside, both));
}

async fn second(left: Arc<Gate>, right: Arc<Gate>) {
    let inside = enter(&right).await; // [second.holds]
    tokio::task::yield_now().await;
    let both = enter(&left).await; // [second.waits]
    drop((inside, both));
}

async fn third(left: Arc<Gate>) {
    let inside = enter(&left).await; // [third.waits]
    drop(inside);
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (left, right) = (Gate::new(), Gate::new());
        for (name, task) in [
            ("first", tokio::spawn(first(left.clone(), right.clone()))),
            ("second", tokio::spawn(second(left.clone(), right))),
            ("third", tokio::spawn(third(left))),
        ] {
            println!("fact id_{name} {}", task.id());
        }
        // Each of them is polled while this one yields.
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
        std::process::abort();
    });
}
