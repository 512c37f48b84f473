//! Channels and bells: one task waits at one end, another has the other end.

use std::sync::Arc;

use tokio::sync::{broadcast, mpsc, oneshot, watch, Notify};

use crate::start;

pub fn ends() {
    let (sender, receiver) = mpsc::channel(1);
    start("ends_mpsc_waiter", receives(receiver));
    start("ends_mpsc", keeps(sender));

    let (sender, receiver) = mpsc::unbounded_channel();
    start("ends_unbounded_waiter", receives_unbounded(receiver));
    start(
        "ends_unbounded",
        keeps_both(sender.clone(), Arc::new(sender)),
    );

    let (sender, receiver) = oneshot::channel();
    start("ends_oneshot_waiter", awaits(receiver));
    start(
        "ends_oneshot",
        keeps_question(Question {
            number: 7,
            answer: sender,
        }),
    );

    let (sender, receiver) = oneshot::channel();
    start("ends_closed_waiter", awaits_closed(sender));
    start("ends_closed", keeps(receiver));

    let (sender, receiver) = watch::channel(1);
    start("ends_watch_waiter", watches(receiver));
    start("ends_watch", keeps(sender));

    let (sender, receiver) = broadcast::channel(1);
    start("ends_broadcast_waiter", hears(receiver));
    start("ends_broadcast", keeps(sender));

    let bell = Arc::new(Notify::new());
    start("ends_notify_waiter", rings(bell.clone()));
    start("ends_notify", keeps(bell));

    let (sender, receiver) = mpsc::channel(1);
    sender.try_send(1).unwrap();
    start("ends_full_waiter", sends(sender));
    start("ends_full", keeps(receiver));
}

struct Question {
    number: u32,
    answer: oneshot::Sender<u32>,
}

async fn keeps<T>(kept: T) {
    std::future::pending::<()>().await;
    drop(kept);
}

async fn keeps_both<T>(first: T, second: Arc<T>) {
    std::future::pending::<()>().await;
    drop((first, second));
}

async fn keeps_question(question: Question) {
    std::future::pending::<()>().await;
    question.answer.send(question.number).unwrap();
}

async fn receives(mut receiver: mpsc::Receiver<u32>) {
    receiver.recv().await; // [ends.receives]
}

async fn receives_unbounded(mut receiver: mpsc::UnboundedReceiver<u32>) {
    receiver.recv().await; // [ends.unbounded]
}

async fn awaits(receiver: oneshot::Receiver<u32>) {
    let answer = receiver.await; // [ends.awaits]
    drop(answer);
}

async fn awaits_closed(mut sender: oneshot::Sender<u32>) {
    sender.closed().await; // [ends.closed]
}

async fn watches(mut receiver: watch::Receiver<u32>) {
    let changed = receiver.changed().await; // [ends.watches]
    drop(changed);
}

async fn hears(mut receiver: broadcast::Receiver<u32>) {
    let heard = receiver.recv().await; // [ends.hears]
    drop(heard);
}

async fn rings(bell: Arc<Notify>) {
    bell.notified().await; // [ends.rings]
}

async fn sends(sender: mpsc::Sender<u32>) {
    sender.send(2).await.unwrap(); // [ends.sends]
}
