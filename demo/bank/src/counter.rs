//! The counter: customers connect to it over TCP and ask questions.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::bank::Bank;

/// Something that can be asked for at the counter.
#[async_trait]
trait Service: Send + Sync {
    async fn serve(&self, bank: &Bank) -> String;
}

/// Tells today's rate.
struct Quote;

/// Prints a statement: `statements.rs` has the printer all day.
struct Statement {
    copies: u32,
}

#[async_trait]
impl Service for Quote {
    async fn serve(&self, bank: &Bank) -> String {
        format!("{} basis points", *bank.display.borrow())
    }
}

#[async_trait]
impl Service for Statement {
    async fn serve(&self, bank: &Bank) -> String {
        let printer = bank.printer.acquire().await; // waits: semaphore
        format!("{} copies, printed: {}", self.copies, printer.is_ok())
    }
}

/// Finds a place for the counter: any free port of this machine.
pub async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("no port is free");
    let address = listener.local_addr().expect("a listener has an address");
    (listener, address)
}

/// Gives each customer a teller, until the closing bell.
pub async fn open(bank: Arc<Bank>, listener: TcpListener) {
    let mut bell = bank.closing_bell.subscribe();
    let mut tellers = JoinSet::new();
    loop {
        tokio::select! { // waits: broadcast io
            _ = bell.recv() => break,
            Ok((line, _)) = listener.accept() => {
                tellers.spawn(teller(bank.clone(), line));
            }
        }
    }
    tellers.shutdown().await;
}

/// Answers the questions of one customer.
async fn teller(bank: Arc<Bank>, mut line: TcpStream) {
    let mut question = [0; 32];
    // waits: io
    while let Ok(length @ 1..) = line.read(&mut question).await {
        // The display changes with each question: `customers.rs` waits for that.
        bank.display.send_modify(|rate| *rate += 25);
        let service: Box<dyn Service> = match &question[..length] {
            b"rates" => Box::new(Quote),
            _ => Box::new(Statement { copies: 2 }),
        };
        let answer = service.serve(&bank).await;
        if line.write_all(answer.as_bytes()).await.is_err() {
            break;
        }
    }
}
