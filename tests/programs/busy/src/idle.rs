//! As many parked tasks as one likes, and threads that stand blocked, beside one that ticks.

use std::sync::mpsc as std_mpsc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot, watch, Notify};
use tokio::task::spawn_blocking;
use tokio::time::{interval_at, sleep, timeout, Instant};

use crate::ticker;

const HOUR: Duration = Duration::from_secs(3600);

/// The other ends of all that the tasks wait for; they are only dropped with the program.
struct Ends {
    bell: Arc<Notify>,
    news: watch::Sender<u64>,
    calls: broadcast::Sender<u64>,
    senders: Vec<mpsc::Sender<u64>>,
    answers: Vec<oneshot::Sender<u64>>,
}

async fn notified(bell: Arc<Notify>) {
    bell.notified().await; // [idle.notified]
}

async fn ticks() {
    interval_at(Instant::now() + HOUR, HOUR).tick().await; // [idle.tick]
}

async fn changes(mut news: watch::Receiver<u64>) {
    let _ = news.changed().await; // [idle.changed]
}

async fn hears(mut calls: broadcast::Receiver<u64>) {
    let _ = calls.recv().await; // [idle.hears]
}

async fn receives(mut items: mpsc::Receiver<u64>) {
    let _ = items.recv().await; // [idle.receives]
}

async fn is_answered(answer: oneshot::Receiver<u64>) {
    let _ = timeout(HOUR, answer).await; // [idle.answered]
}

async fn sleeps(number: u64) -> u64 {
    sleep(HOUR).await; // [idle.sleep]
    number
}

async fn chooses(number: u64, bell: Arc<Notify>) -> u64 {
    tokio::select! { // [idle.chooses]
        deep = calls(number) => deep,
        () = bell.notified() => number,
    }
}

async fn calls(number: u64) -> u64 {
    let kept = [number; 8];
    sleeps(number).await + kept[0] // [idle.calls]
}

impl Ends {
    fn spawn(&mut self, number: u64) {
        match number % 8 {
            0 => drop(tokio::spawn(notified(self.bell.clone()))),
            1 => drop(tokio::spawn(ticks())),
            2 => drop(tokio::spawn(changes(self.news.subscribe()))),
            3 => drop(tokio::spawn(hears(self.calls.subscribe()))),
            4 => {
                let (sender, items) = mpsc::channel(1);
                self.senders.push(sender);
                drop(tokio::spawn(receives(items)));
            }
            5 => {
                let (sender, answer) = oneshot::channel();
                self.answers.push(sender);
                drop(tokio::spawn(is_answered(answer)));
            }
            6 => drop(tokio::spawn(sleeps(number))),
            _ => drop(tokio::spawn(chooses(number, self.bell.clone()))),
        }
    }
}

/// Blocks threads of the pool: each waits for a word of its own.
fn block(threads: usize) -> Vec<std_mpsc::Sender<()>> {
    let (standing, stand) = std_mpsc::channel();
    let mut all = Vec::new();
    for _ in 0..threads {
        let (word, words) = std_mpsc::channel::<()>();
        let standing = standing.clone();
        all.push(word);
        drop(spawn_blocking(move || {
            standing.send(()).expect("somebody counts");
            words.recv() // [idle.blocked]
        }));
    }
    for _ in 0..threads {
        stand.recv().expect("as many as there are threads");
    }
    all
}

pub async fn run(tasks: usize, threads: usize) {
    let mut ends = Ends {
        bell: Arc::default(),
        news: watch::Sender::new(0),
        calls: broadcast::Sender::new(4),
        senders: Vec::new(),
        answers: Vec::new(),
    };
    for number in 0..tasks {
        ends.spawn(number as u64);
    }
    let words = block(threads);
    ticker::start();
    crate::ready();
    ends.bell.notified().await; // [idle.root]
    drop((ends, words));
}
