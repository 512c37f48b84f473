//! A client that keeps a server busy, and knows of each request how it ended.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use reqwest::Client;
use tokio::time::sleep;

use crate::Answer;

const ROUTES: [&str; 5] = ["echo", "enter", "rest", "hand_over", "limited"];
/// Between an answer and the next question: who debugs needs a processor, too.
const THINKS: Duration = Duration::from_millis(1);
/// Far more than any answer takes.
const PATIENCE: Duration = Duration::from_secs(30);

static OK: AtomicU64 = AtomicU64::new(0);
static FAILED: AtomicU64 = AtomicU64::new(0);
static ENDS: AtomicBool = AtomicBool::new(false);

fn answer(name: &str) -> Option<u64> {
    match name {
        "ok" => Some(OK.load(SeqCst)),
        "failed" => Some(FAILED.load(SeqCst)),
        _ => None,
    }
}

/// Asks once; the answer must be the number.
async fn ask(client: &Client, address: &str, number: usize) -> reqwest::Result<bool> {
    let route = ROUTES[number % ROUTES.len()];
    let url = format!("http://{address}/{route}/{number}");
    let response = client.get(url).send().await?.error_for_status()?;
    Ok(response.text().await? == number.to_string())
}

async fn connection(address: String, first: usize) {
    let client = Client::builder().timeout(PATIENCE).no_proxy().build();
    let client = client.expect("a client");
    for number in first.. {
        if ENDS.load(SeqCst) {
            return;
        }
        match ask(&client, &address, number).await {
            Ok(true) => OK.fetch_add(1, SeqCst),
            other => {
                eprintln!("request {number}: {other:?}");
                FAILED.fetch_add(1, SeqCst)
            }
        };
        sleep(THINKS).await;
    }
}

/// Asks over so many connections until the standard input ends, then says how many were answered.
pub fn run(address: String, connections: usize, listen: fn(Answer)) {
    let runtime = crate::runtime(1);
    // They begin with different routes, and no two send the same numbers.
    let asking: Vec<_> = (0..connections)
        .map(|each| runtime.spawn(connection(address.clone(), each * 1_000_001)))
        .collect();
    crate::ready();
    listen(answer);
    ENDS.store(true, SeqCst);
    for each in asking {
        runtime.block_on(each).expect("no panic");
    }
    println!("fact ok {}", OK.load(SeqCst));
    println!("fact failed {}", FAILED.load(SeqCst));
}
