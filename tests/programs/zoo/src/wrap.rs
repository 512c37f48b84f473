//! Wrappers that libraries and macros put around futures, and streams that hold several.

use std::future::{poll_fn, Future};
use std::pin::pin;

use futures::future::{join_all, FutureExt};
use futures::stream::{self, StreamExt};
#[cfg(not(feature = "oldest"))]
use tokio::task::unconstrained;
#[cfg(not(feature = "older"))]
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::{start, HOUR};

tokio::task_local! {
    static USER: u32;
}

async fn wrapped(number: u32) -> u32 {
    sleep(HOUR).await; // [wrapped.sleep]
    number
}

async fn scopes() -> u32 {
    USER.scope(7, wrapped(1)).await // [scope.root]
}

#[cfg(not(feature = "oldest"))]
async fn unconstrains() -> u32 {
    unconstrained(wrapped(2)).await // [unconstrained.root]
}

#[tracing::instrument] // [traced.attribute]
async fn traced(order: u32) -> u32 {
    wrapped(order).await // [traced.inner]
}

async fn calls_traced() {
    traced(5).await; // [traced.root]
}

async fn polls_by_closure() -> u32 {
    let mut inner = pin!(wrapped(3));
    poll_fn(|context| inner.as_mut().poll(context)).await // [poll_fn.root]
}

async fn for_each() {
    let numbers = stream::iter(0..5);
    let all = numbers.for_each_concurrent(2, |number| async move {
        wrapped(number).await; // [each.inner]
    });
    all.await // [each.root]
}

async fn ordered() {
    let results = stream::iter(0..5).map(wrapped).buffered(2);
    let all: Vec<u32> = results.collect().await; // [ordered.collect]
    std::hint::black_box(all);
}

async fn crew(number: u32) -> u32 {
    sleep(HOUR).await; // [crew.sleep]
    number
}

async fn awaits_handles() {
    let handles = [start("crew1", crew(1)), start("crew2", crew(2))];
    let all = join_all(handles).await; // [handles.join_all]
    std::hint::black_box(all);
}

async fn selects_handle() {
    let mut handle = start("crew3", crew(3));
    tokio::select! { // [handle.select]
        done = &mut handle => drop(done),
        _ = sleep(HOUR) => handle.abort(),
    }
}

async fn at_once(number: u32) -> u32 {
    number
}

/// Keeps tasks that have ended: one by itself, one aborted.
async fn keeps_results() {
    #[cfg(feature = "older")]
    let done = start("done_member", at_once(5));
    #[cfg(not(feature = "older"))]
    let mut done = JoinSet::new();
    #[cfg(not(feature = "older"))]
    crate::say_id("done_member", &done.spawn(at_once(5)));
    let stopped = start("stopped", crew(6));
    stopped.abort();
    sleep(HOUR).await; // [results.sleep]
    std::hint::black_box((done, stopped));
}

/// Files are read by the blocking pool, whose threads are busy.
async fn reads_file() {
    let text = tokio::fs::read_to_string("/proc/version").await; // [file.read]
    drop(text);
}

pub fn start_all() {
    start("scope", scopes());
    #[cfg(not(feature = "oldest"))]
    start("unconstrained", unconstrains());
    start("traced", calls_traced());
    start("poll_fn", polls_by_closure());
    start("for_each", for_each());
    start("ordered", ordered());
    start("handles", awaits_handles());
    start("select_handle", selects_handle());
    start("results", keeps_results());
    start("file", reads_file());
    start("boxed_task", wrapped(8).boxed());
}
