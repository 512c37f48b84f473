//! Loops that wait for the first of several things, until they are cancelled and begin anew.

use std::time::Duration;

use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, Instant};
use tokio_util::sync::CancellationToken;

const LOOPS: u64 = 12;

fn ms(number: u64) -> Duration {
    Duration::from_millis(number)
}

/// Hands on what comes, and ticks in between, until it is cancelled.
async fn hands_on(
    mut from: mpsc::Receiver<u64>,
    to: broadcast::Sender<u64>,
    cancelled: CancellationToken,
) {
    let mut clock = interval(ms(5));
    loop {
        tokio::select! { // [select.hands_on]
            () = cancelled.cancelled() => return,
            item = from.recv() => match item {
                // Nobody listens any more when all is about to end.
                Some(number) => drop(to.send(number)),
                None => return,
            },
            _ = clock.tick() => {}
        }
    }
}

async fn sends(number: u64, to: mpsc::Sender<u64>, cancelled: CancellationToken) {
    loop {
        let sent = async {
            sleep(ms(1 + number % 3)).await; // [select.pace]
            to.send(number).await // [select.send]
        };
        tokio::select! { // [select.sends]
            biased;
            () = cancelled.cancelled() => return,
            sent = sent => if sent.is_err() {
                return;
            }
        }
    }
}

/// Sums up what it hears; a timer that stays from round to round says when to tell the sum.
async fn sums(mut heard: broadcast::Receiver<u64>, sum: watch::Sender<u64>) {
    let mut known = 0;
    let quiet = sleep(ms(3));
    tokio::pin!(quiet);
    loop {
        tokio::select! { // [select.sums]
            item = heard.recv() => match item {
                Ok(number) => known += number,
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return,
            },
            () = &mut quiet => {
                sum.send_replace(known);
                quiet.as_mut().reset(Instant::now() + ms(3));
            }
        }
    }
}

async fn watches(mut sum: watch::Receiver<u64>, cancelled: CancellationToken) {
    let run = async {
        while sum.changed().await.is_ok() {} // [select.changed]
    };
    cancelled.run_until_cancelled(run).await; // [select.watches]
}

async fn generation() {
    let cancelled = CancellationToken::new();
    let (heard, _) = broadcast::channel(16);
    let mut all = JoinSet::new();
    for number in 0..LOOPS {
        let (to, from) = mpsc::channel(2);
        let (sum, summed) = watch::channel(0);
        all.spawn(sends(number, to, cancelled.clone()));
        all.spawn(hands_on(from, heard.clone(), cancelled.clone()));
        all.spawn(sums(heard.subscribe(), sum));
        all.spawn(watches(summed, cancelled.child_token()));
    }
    drop(heard);
    tokio::select! { // [select.generation]
        () = sleep(ms(80)) => cancelled.cancel(),
        ended = all.join_next() => panic!("nothing ends by itself: {ended:?}"),
    }
    all.join_all().await; // [select.end]
}

pub async fn run() {
    crate::ready();
    loop {
        generation().await; // [select.root]
    }
}
