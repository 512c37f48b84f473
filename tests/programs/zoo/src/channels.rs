//! Channels: empty ones, and a full one.

use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::start;

// Each task keeps both ends, so that the channel stays open.

async fn receives() {
    let (sender, mut receiver) = mpsc::channel::<u32>(8);
    let received = receiver.recv().await; // [mpsc.recv]
    drop((sender, received));
}

async fn receives_unbounded() {
    let (sender, mut receiver) = mpsc::unbounded_channel::<String>();
    let received = receiver.recv().await; // [mpsc.unbounded]
    drop((sender, received));
}

async fn sends_to_full() {
    let (sender, receiver) = mpsc::channel::<u32>(1);
    sender.send(1).await.expect("an open channel");
    let sent = sender.send(2).await; // [mpsc.send]
    drop((receiver, sent));
}

async fn awaits_oneshot() {
    let (sender, receiver) = oneshot::channel::<u32>();
    let received = receiver.await; // [oneshot.recv]
    std::hint::black_box(received).ok();
    drop(sender);
}

async fn watches() {
    let (sender, mut receiver) = watch::channel(0u32);
    let changed = receiver.changed().await; // [watch.changed]
    changed.ok();
    drop(sender);
}

async fn hears_broadcast() {
    let (sender, mut receiver) = broadcast::channel::<u32>(4);
    let received = receiver.recv().await; // [broadcast.recv]
    received.ok();
    drop(sender);
}

pub fn start_all() {
    start("mpsc_recv", receives());
    start("mpsc_unbounded", receives_unbounded());
    start("mpsc_send", sends_to_full());
    start("oneshot", awaits_oneshot());
    start("watch", watches());
    start("broadcast", hears_broadcast());
}
