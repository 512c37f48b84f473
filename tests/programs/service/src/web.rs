//! An axum server: connections that idle, and handlers that never answer.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::Arc;

use async_trait::async_trait;
use axum::error_handling::HandleErrorLayer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::serve::ListenerExt;
use axum::Router;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tower::timeout::TimeoutLayer;
use tower::{BoxError, ServiceBuilder};
use tower_http::timeout::TimeoutLayer as HttpTimeoutLayer;

use crate::{never, still, HOUR};

/// Connections on which one request was answered and the next one does not come.
const IDLE: usize = 50;
/// Whose handlers never answer.
const PATHS: [&str; 4] = ["stuck", "late", "price", "mended"];

#[async_trait]
trait Prices: Send + Sync {
    async fn price(&self, of: &str) -> u32;
}

struct Ledger {
    opened: Notify,
}

#[async_trait]
impl Prices for Ledger {
    async fn price(&self, of: &str) -> u32 {
        still::entered();
        self.opened.notified().await; // [price.notified]
        of.len() as u32
    }
}

async fn health() -> &'static str {
    "fine"
}

async fn stuck() -> &'static str {
    never().await; // [stuck.never]
    "at last"
}

async fn late() -> &'static str {
    never().await; // [late.never]
    "at last"
}

async fn price(State(prices): State<Arc<dyn Prices>>) -> String {
    let found = prices.price("tea").await; // [price.root]
    found.to_string()
}

#[tracing::instrument] // [mended.span]
async fn mended() -> &'static str {
    never().await; // [mended.never]
    "at last"
}

async fn timed_out(error: BoxError) -> (StatusCode, String) {
    (StatusCode::GATEWAY_TIMEOUT, error.to_string())
}

fn app() -> Router {
    let prices: Arc<dyn Prices> = Arc::new(Ledger {
        opened: Notify::new(),
    });
    let by_http = HttpTimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, HOUR);
    let by_tower = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(timed_out))
        .layer(TimeoutLayer::new(HOUR));
    Router::new()
        .route("/health", get(health))
        .route("/stuck", get(stuck).layer(by_http))
        .route("/late", get(late).layer(by_tower))
        .route("/price", get(price))
        .route("/mended", get(mended))
        .with_state(prices)
}

/// Serves, and says the descriptor of each connection: `fact fd_idle0 12`.
async fn serves(listener: TcpListener) {
    println!("fact fd_serves {}", listener.as_raw_fd());
    let mut accepted = 0;
    let listener = listener.tap_io(move |stream| {
        let name = match accepted {
            number if number < IDLE => format!("idle{number}"),
            number => PATHS[number - IDLE].to_owned(),
        };
        accepted += 1;
        println!("fact fd_{name} {}", stream.as_raw_fd());
    });
    axum::serve(listener, app()).await.expect("a server"); // [serves.accept]
}

/// Sends a request, on a connection of its own.
fn ask(address: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("a connection");
    let head = format!("GET /{path} HTTP/1.1\r\nhost: shop\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("a request");
    stream
}

/// Reads the answer, and leaves the connection open.
fn answered(mut stream: TcpStream) -> TcpStream {
    let mut answer = Vec::new();
    while !answer.ends_with(b"fine") {
        let mut bytes = [0; 256];
        let read = stream.read(&mut bytes).expect("an answer");
        assert_ne!(read, 0, "the server closed the connection");
        answer.extend(&bytes[..read]);
    }
    stream
}

/// Starts the server and returns the clients' ends of its connections.
pub fn start(runtime: &Runtime) -> Vec<TcpStream> {
    let listener = crate::listen(runtime);
    let address = listener.local_addr().expect("an address");
    let _entered = runtime.enter();
    crate::start("serves", serves(listener));
    let idle = (0..IDLE).map(|_| answered(ask(address, "health")));
    let mut clients: Vec<_> = idle.collect();
    for path in PATHS {
        still::expect(1);
        clients.push(ask(address, path));
    }
    clients
}
