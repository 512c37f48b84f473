//! Futures inside futures: functions, boxes, traits, wrappers.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Instrument, Metadata};

use crate::{start, HOUR};

async fn chain_outer(number: u32) -> u32 {
    let doubled = number * 2;
    chain_middle(doubled).await + doubled // [chain.outer]
}

async fn chain_middle(number: u32) -> u32 {
    let name = String::from("middle");
    let found = chain_leaf(number + 1).await; // [chain.middle]
    found + name.len() as u32
}

async fn chain_leaf(number: u32) -> u32 {
    sleep(HOUR).await; // [chain.leaf]
    number
}

/// Calls itself through a box, down to depth 0.
fn descends(depth: u32) -> Pin<Box<dyn Future<Output = u32> + Send>> {
    Box::pin(async move {
        if depth == 0 {
            descent_leaf().await // [boxed.bottom]
        } else {
            descends(depth - 1).await + 1 // [boxed.step]
        }
    })
}

async fn descent_leaf() -> u32 {
    sleep(HOUR).await; // [boxed.leaf]
    1
}

async fn boxed_root() {
    descends(2).await; // [boxed.root]
}

#[async_trait]
trait Store: Send + Sync {
    async fn fetch(&self, key: u32) -> u32;
}

struct Shelf {
    bell: Notify,
}

#[async_trait]
impl Store for Shelf {
    async fn fetch(&self, key: u32) -> u32 {
        self.bell.notified().await; // [trait.fetch]
        key
    }
}

async fn uses_trait(store: Arc<dyn Store>) {
    store.fetch(9).await; // [trait.root]
}

async fn times_out() {
    let outcome = timeout(HOUR, timed_leaf()).await; // [timeout.root]
    drop(outcome);
}

async fn timed_leaf() {
    let bell = Notify::new();
    bell.notified().await; // [timeout.leaf]
}

async fn is_instrumented() {
    let span = tracing::info_span!("checkout", order = 7);
    span_leaf().instrument(span).await; // [span.root]
}

async fn span_leaf() {
    sleep(HOUR).await; // [span.leaf]
}

/// A future written by hand, as libraries have them.
struct Labelled<F> {
    label: &'static str,
    polls: u32,
    inner: F,
}

impl<F: Future> Future for Labelled<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: `inner` is never moved out of the pinned value.
        let this = unsafe { self.get_unchecked_mut() };
        this.polls += this.label.len() as u32;
        unsafe { Pin::new_unchecked(&mut this.inner) }.poll(context)
    }
}

async fn uses_combinator() {
    let labelled = Labelled {
        label: "by hand",
        polls: 0,
        inner: combined_leaf(),
    };
    labelled.await; // [combinator.root]
}

async fn combined_leaf() {
    sleep(HOUR).await; // [combinator.leaf]
}

async fn generic<T: Send>(value: T) -> T {
    sleep(HOUR).await; // [generic.sleep]
    value
}

async fn uses_closure() {
    let wait = async |seconds: u64| {
        sleep(HOUR * seconds as u32).await; // [closure.body]
    };
    wait(2).await; // [closure.root]
}

pub fn start_all() {
    start("chain", chain_outer(10));
    start("boxed", boxed_root());
    start(
        "trait",
        uses_trait(Arc::new(Shelf {
            bell: Notify::new(),
        })),
    );
    start("timeout", times_out());
    start("span", is_instrumented());
    start("combinator", uses_combinator());
    start("generic", generic(17u64));
    start("closure", uses_closure());
    let bell = Notify::new();
    start("block", async move {
        bell.notified().await; // [block.notified]
    });
}

/// A subscriber that wants every span and keeps nothing: without one, spans are empty.
#[derive(Default)]
pub struct Spans(AtomicU64);

impl tracing::Subscriber for Spans {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
