//! A pool that spawns tasks, joins those that are done, and sometimes gives up the rest.

use std::time::Duration;

use tokio::task::{spawn_blocking, yield_now, JoinSet};
use tokio::time::sleep;

const AT_ONCE: u64 = 24;
const ROUND: u64 = 400;

fn digest(number: u64) -> u64 {
    (0..2000).fold(number, |sum, each| sum.rotate_left(7) ^ each)
}

async fn yields(number: u64) -> u64 {
    for _ in 0..number % 7 {
        yield_now().await; // [joinset.yield]
    }
    number
}

async fn sleeps(number: u64) -> u64 {
    sleep(Duration::from_millis(1 + number % 4)).await; // [joinset.sleep]
    number
}

async fn computes(number: u64) -> u64 {
    spawn_blocking(move || digest(number))
        .await
        .expect("no panic") // [joinset.blocking]
}

async fn asks_another(number: u64) -> u64 {
    tokio::spawn(sleeps(number)).await.expect("no panic") // [joinset.join]
}

fn spawn(pool: &mut JoinSet<u64>, number: u64) {
    match number % 4 {
        0 => pool.spawn(yields(number)),
        1 => pool.spawn(sleeps(number)),
        2 => pool.spawn(computes(number)),
        _ => pool.spawn(asks_another(number)),
    };
}

async fn round(pool: &mut JoinSet<u64>) {
    for number in 0..ROUND {
        if pool.len() as u64 >= AT_ONCE {
            let done = pool.join_next().await; // [joinset.next]
            done.expect("tasks").expect("no panic");
        }
        spawn(pool, number);
    }
}

pub async fn run() {
    crate::ready();
    for number in 0_u64.. {
        let mut pool = JoinSet::new();
        round(&mut pool).await; // [joinset.round]
        if number.is_multiple_of(2) {
            pool.shutdown().await; // [joinset.shutdown]
        } else {
            pool.join_all().await; // [joinset.all]
        }
    }
}
