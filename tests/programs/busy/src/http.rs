//! An axum server whose handlers wait in the usual ways, none of them for long.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, Mutex, Semaphore};
use tokio::time::sleep;

const MS: Duration = Duration::from_millis(1);
/// Fewer than the load has connections, so that some requests wait for a permit.
const PERMITS: usize = 4;

static SERVED: AtomicU64 = AtomicU64::new(0);

#[derive(Default)]
struct Ledger {
    entries: u64,
    sum: u64,
}

struct Job {
    number: u64,
    answer: oneshot::Sender<u64>,
}

struct Shop {
    ledger: Mutex<Ledger>,
    permits: Semaphore,
    jobs: mpsc::Sender<Job>,
}

type Shared = State<Arc<Shop>>;

/// Answers what was sent, so that the client can check it.
fn served(number: u64) -> String {
    SERVED.fetch_add(1, SeqCst);
    number.to_string()
}

async fn echo(Path(number): Path<u64>) -> String {
    served(number)
}

async fn enter(State(shop): Shared, Path(number): Path<u64>) -> String {
    let mut ledger = shop.ledger.lock().await; // [http.lock]
    ledger.entries += 1;
    ledger.sum = ledger.sum.wrapping_add(number);
    if ledger.entries.is_multiple_of(8) {
        // Every eighth entry is written somewhere.
        sleep(MS).await; // [http.written]
    }
    served(number)
}

async fn rest(Path(number): Path<u64>) -> String {
    sleep(MS * (1 + number as u32 % 5)).await; // [http.sleep]
    served(number)
}

async fn hand_over(State(shop): Shared, Path(number): Path<u64>) -> Result<String, StatusCode> {
    let gone = StatusCode::INTERNAL_SERVER_ERROR;
    let (answer, answered) = oneshot::channel();
    let job = Job { number, answer };
    shop.jobs.send(job).await.map_err(|_| gone)?; // [http.send]
    let number = answered.await.map_err(|_| gone)?; // [http.answered]
    Ok(served(number))
}

async fn limited(State(shop): Shared, Path(number): Path<u64>) -> Result<String, StatusCode> {
    let permit = shop.permits.acquire().await; // [http.acquire]
    let _permit = permit.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    sleep(MS).await; // [http.limited]
    Ok(served(number))
}

/// Does the jobs one after the other.
async fn worker(mut jobs: mpsc::Receiver<Job>) {
    loop {
        let next = jobs.recv().await; // [http.worker]
        let Some(job) = next else { return };
        if job.number % 16 == 0 {
            sleep(MS).await; // [http.job]
        }
        // A client that has gone needs no answer.
        let _ = job.answer.send(job.number);
    }
}

pub async fn serve() {
    let (jobs, to_do) = mpsc::channel(8);
    tokio::spawn(worker(to_do));
    let shop = Arc::new(Shop {
        ledger: Mutex::default(),
        permits: Semaphore::new(PERMITS),
        jobs,
    });
    let routes = Router::new()
        .route("/echo/{number}", get(echo))
        .route("/enter/{number}", get(enter))
        .route("/rest/{number}", get(rest))
        .route("/hand_over/{number}", get(hand_over))
        .route("/limited/{number}", get(limited))
        .with_state(shop);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    println!("fact port {}", listener.local_addr().expect("bound").port());
    crate::ready();
    axum::serve(listener, routes).await.expect("never ends"); // [http.serve]
}

pub fn answer(name: &str) -> Option<u64> {
    (name == "served").then(|| SERVED.load(SeqCst))
}
