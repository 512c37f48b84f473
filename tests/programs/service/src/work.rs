//! What services do between their sockets: spans, streams of futures, layers of tower.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use futures::{stream, StreamExt};
use tower::{service_fn, BoxError, Service, ServiceBuilder, ServiceExt};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Instrument, Metadata};

use crate::{never, start, still, HOUR};

#[async_trait]
trait Store {
    async fn load(&mut self, key: u64) -> u64;
}

struct Disk;

#[async_trait]
impl Store for Disk {
    async fn load(&mut self, key: u64) -> u64 {
        never().await; // [load.never]
        key
    }
}

async fn loads(mut store: Box<dyn Store + Send>) {
    store.load(7).await; // [loads.load]
}

async fn checks_out() {
    let span = tracing::info_span!("checkout", order = 7);
    pays().instrument(span).await; // [checkout.instrument]
}

#[tracing::instrument] // [pays.span]
async fn pays() {
    never().await; // [pays.never]
}

async fn fetches(number: u64) -> u64 {
    never().await; // [fetches.never]
    number
}

async fn fetches_many() {
    let fetching = stream::iter(0..9).map(fetches).buffer_unordered(3);
    let all: Vec<u64> = fetching.collect().await; // [many.collect]
    drop(all);
}

async fn handles(_: ()) -> Result<(), BoxError> {
    never().await; // [handles.never]
    Ok(())
}

async fn times_out() {
    let mut service = ServiceBuilder::new()
        .timeout(HOUR)
        .service(service_fn(handles));
    let ready = service.ready().await.expect("a ready service");
    let outcome = ready.call(()).await; // [times_out.call]
    outcome.ok();
}

async fn awaits_turn() {
    let mut service = ServiceBuilder::new()
        .concurrency_limit(1)
        .service(service_fn(handles));
    let mut first = service.clone();
    let first = first.ready().await.expect("a ready service").call(());
    let ready = service.ready().await; // [turn.ready]
    ready.ok();
    drop(first);
}

pub fn start_all() {
    still::expect(6);
    start("loads", loads(Box::new(Disk)));
    start("checks_out", checks_out());
    start("fetches_many", fetches_many());
    start("times_out", times_out());
    start("awaits_turn", awaits_turn());
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
