//! Items that go through four stages, with a bounded channel between each two.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use tokio::sync::mpsc::{channel, Receiver, Sender};
use tokio::time::sleep;

const MS: Duration = Duration::from_millis(1);
const ROOM: usize = 8;

static STORED: AtomicU64 = AtomicU64::new(0);

async fn source(to: Sender<u64>) {
    for number in 0.. {
        if number % 64 == 0 {
            sleep(MS).await; // [pipeline.source]
        }
        to.send(number).await.expect("a parser"); // [pipeline.sent]
    }
}

async fn parse(mut from: Receiver<u64>, to: Sender<String>) {
    loop {
        let next = from.recv().await; // [pipeline.parse]
        let Some(number) = next else { return };
        to.send(number.to_string()).await.expect("a lookup"); // [pipeline.parsed]
    }
}

/// The slowest stage: the channels before it are full most of the time.
async fn look_up(mut from: Receiver<String>, to: Sender<(String, usize)>) {
    loop {
        let next = from.recv().await; // [pipeline.look_up]
        let Some(text) = next else { return };
        if text.ends_with('7') {
            sleep(MS).await; // [pipeline.slow]
        }
        let length = text.len();
        to.send((text, length)).await.expect("a store"); // [pipeline.looked_up]
    }
}

async fn store(mut from: Receiver<(String, usize)>) {
    let mut batch = Vec::with_capacity(ROOM);
    loop {
        let count = from.recv_many(&mut batch, ROOM).await; // [pipeline.store]
        if count == 0 {
            return;
        }
        STORED.fetch_add(batch.len() as u64, SeqCst);
        batch.clear();
    }
}

pub async fn run() {
    let (sent, to_parse) = channel(ROOM);
    let (parsed, to_look_up) = channel(ROOM);
    let (looked_up, to_store) = channel(ROOM);
    let stages = [
        tokio::spawn(source(sent)),
        tokio::spawn(parse(to_parse, parsed)),
        tokio::spawn(look_up(to_look_up, looked_up)),
        tokio::spawn(store(to_store)),
    ];
    crate::ready();
    for stage in stages {
        stage.await.expect("no panic"); // [pipeline.root]
    }
}

pub fn answer(name: &str) -> Option<u64> {
    (name == "stored").then(|| STORED.load(SeqCst))
}
