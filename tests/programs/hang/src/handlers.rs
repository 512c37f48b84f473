//! A server of which two requests never end.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::Router;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::deadlocks::Bank;
use crate::start;

/// Two handlers of one server take two locks in opposite order.
pub fn start_all() {
    start("handlers_main", serves(Bank::new(2)));
}

async fn serves(bank: Arc<Bank>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    for path in ["pay", "check"] {
        start(&format!("handlers_{path}"), asks(address, path));
    }
    let router = Router::new()
        .route("/pay", get(pays))
        .route("/check", get(checks))
        .with_state(bank);
    axum::serve(listener, router).await.unwrap(); // [handlers.serve]
}

async fn asks(address: std::net::SocketAddr, path: &'static str) {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nhost: bank\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = [0; 64];
    let read = socket.read(&mut answer).await; // [handlers.asks.waits]
    drop(read);
}

async fn pays(State(bank): State<Arc<Bank>>) -> &'static str {
    println!("fact id_handlers_pays {}", tokio::task::id());
    let ledger = bank.ledger.lock().await; // [handlers.pays.holds]
    bank.met.wait().await;
    let audit = bank.audit.lock().await; // [handlers.pays.waits]
    drop((ledger, audit));
    "paid"
}

async fn checks(State(bank): State<Arc<Bank>>) -> &'static str {
    println!("fact id_handlers_checks {}", tokio::task::id());
    let audit = bank.audit.lock().await; // [handlers.checks.holds]
    bank.met.wait().await;
    let ledger = bank.ledger.lock().await; // [handlers.checks.waits]
    drop((audit, ledger));
    "checked"
}
