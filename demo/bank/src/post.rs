//! What happens by the clock: the post goes out, and interest is paid at midnight.

use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep};

const MINUTE: Duration = Duration::from_secs(60);

/// Starts the tasks of the post room.
pub fn office() -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(send_letters());
    tasks.spawn(pay_interest());
    tasks
}

/// Sends three letters; two postmen are on their way at a time.
async fn send_letters() {
    let letters = [("Alice", 20), ("Bob", 35), ("Carol", 50)];
    let letters = letters.map(|(to, minutes)| Letter { to, way: minutes * MINUTE });
    let mut delivered = stream::iter(letters).map(deliver).buffer_unordered(2);
    while let Some(to) = delivered.next().await {
        println!("{to} got a letter");
    }
}

/// Is `way` away from whom it is for.
struct Letter {
    to: &'static str,
    way: Duration,
}

async fn deliver(letter: Letter) -> &'static str {
    let left_at = Instant::now();
    sleep(letter.way).await; // waits: timer
    println!("{}: {:?} on the way", letter.to, left_at.elapsed());
    letter.to
}

/// Pays interest once a day.
async fn pay_interest() {
    let mut midnight = interval(24 * 60 * MINUTE);
    let mut days = 0u32;
    loop {
        midnight.tick().await; // waits: timer
        days += 1;
        println!("interest for day {days}");
    }
}
