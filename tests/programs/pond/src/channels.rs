//! Channels of async-channel and futures, and event-listener.

use std::sync::Arc;

use async_channel::{Receiver, Sender};
use event_listener::Event;
use futures::channel::{mpsc, oneshot};
use futures::StreamExt;

use crate::say_task;

async fn receives(receiver: Receiver<u32>) {
    say_task("chan_recv").await;
    let _ = receiver.recv().await; // [chan.recv]
}

async fn streams(receiver: Receiver<u32>) {
    say_task("chan_stream").await;
    let mut receiver = Box::pin(receiver);
    let _ = receiver.next().await; // [chan.stream]
}

async fn sends(sender: Sender<u32>) {
    say_task("chan_send").await;
    let _ = sender.send(1).await;
    let _ = sender.send(2).await; // [chan.send]
}

/// Has the other ends of the channels.
async fn owner(
    sender: Sender<u32>,
    second: Sender<u32>,
    receiver: Receiver<u32>,
    event: Arc<Event>,
) {
    say_task("owner").await;
    std::future::pending::<()>().await; // [owner.pending]
    drop((sender, second, receiver, event));
}

async fn listens(event: Arc<Event>) {
    say_task("event").await;
    let listener = event.listen();
    listener.await; // [event.listen]
}

async fn awaits_oneshot(receiver: oneshot::Receiver<u32>) {
    say_task("oneshot").await;
    let _ = receiver.await; // [oneshot.recv]
}

async fn receives_mpsc(mut receiver: mpsc::Receiver<u32>) {
    say_task("mpsc_recv").await;
    let _ = receiver.next().await; // [mpsc.next]
}

async fn receives_unbounded(mut receiver: mpsc::UnboundedReceiver<u32>) {
    say_task("mpsc_unbounded").await;
    let _ = receiver.next().await; // [mpsc.unbounded]
}

/// Has the senders of the channels of futures.
async fn feeder(
    one: oneshot::Sender<u32>,
    many: mpsc::Sender<u32>,
    unbounded: mpsc::UnboundedSender<u32>,
) {
    say_task("feeder").await;
    std::future::pending::<()>().await; // [feeder.pending]
    drop((one, many, unbounded));
}

pub fn start_all() {
    let (to_receive, receiver) = async_channel::unbounded();
    let (to_stream, stream) = async_channel::unbounded();
    let (full, kept) = async_channel::bounded(1);
    smol::spawn(receives(receiver)).detach();
    smol::spawn(streams(stream)).detach();
    smol::spawn(sends(full)).detach();
    let event = Arc::new(Event::new());
    smol::spawn(owner(to_receive, to_stream, kept, event.clone())).detach();
    smol::spawn(listens(event)).detach();
    let (one, awaited) = oneshot::channel();
    let (many, next) = mpsc::channel(4);
    let (unbounded, next_unbounded) = mpsc::unbounded();
    smol::spawn(awaits_oneshot(awaited)).detach();
    smol::spawn(receives_mpsc(next)).detach();
    smol::spawn(receives_unbounded(next_unbounded)).detach();
    smol::spawn(feeder(one, many, unbounded)).detach();
}
