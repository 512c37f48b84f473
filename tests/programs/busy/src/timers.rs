//! Hundreds of timers: sleeps, ticks, and limits of time that are kept or not.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout, MissedTickBehavior};

const EACH: u64 = 80;

fn ms(number: u64) -> Duration {
    Duration::from_millis(number)
}

async fn sleeps(number: u64) {
    loop {
        sleep(ms(20 + number)).await; // [timers.sleep]
    }
}

async fn ticks(number: u64) {
    let mut clock = interval(ms(50 + number));
    clock.set_missed_tick_behavior(match number % 3 {
        0 => MissedTickBehavior::Burst,
        1 => MissedTickBehavior::Delay,
        _ => MissedTickBehavior::Skip,
    });
    loop {
        clock.tick().await; // [timers.tick]
    }
}

async fn answers(number: u64) -> u64 {
    sleep(ms(10 + number)).await; // [timers.answer]
    number
}

/// The answer comes in time.
async fn is_in_time(number: u64) {
    loop {
        let answer = timeout(ms(30_000), answers(number)).await; // [timers.in_time]
        assert_eq!(answer, Ok(number));
    }
}

/// The answer would come too late.
async fn is_too_late(number: u64) {
    loop {
        let answer = timeout(ms(30 + number), answers(60_000)).await; // [timers.too_late]
        assert!(answer.is_err());
    }
}

/// What is watched reports twice as often as it must.
async fn is_watched(number: u64) {
    let (beat, mut beats) = mpsc::channel(1);
    tokio::spawn(async move {
        loop {
            let heard = beat.send(number).await; // [timers.beat]
            if heard.is_err() {
                return;
            }
            sleep(ms(20)).await; // [timers.between]
        }
    });
    loop {
        // A machine may be slow; a program that only is late is no broken one.
        let _ = timeout(ms(40), beats.recv()).await; // [timers.watch]
    }
}

pub async fn run() {
    let mut all = JoinSet::new();
    for number in 0..EACH {
        all.spawn(sleeps(number));
        all.spawn(ticks(number));
        all.spawn(is_in_time(number));
        all.spawn(is_too_late(number));
        all.spawn(is_watched(number));
    }
    crate::ready();
    all.join_next().await.expect("tasks").expect("no panic"); // [timers.root]
}
