//! Those who queue for the transfer desk, and those who come over the network.
//!
//! The desk takes nothing from its slot any more. Two orders fit into it; their customers
//! wait for receipts. The others wait for room, with limited patience.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::bank::{Bank, Money, Order, Receipt};

const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// How a customer leaves.
pub enum Mood {
    Happy(Receipt),
    Cross { after: Duration },
    Puzzled,
}

impl Mood {
    pub fn words(&self) -> String {
        match self {
            Mood::Happy(Receipt { number, amount }) => format!("{amount:?}, number {number}: fine"),
            Mood::Cross { after } => format!("{after:?} and nothing happened!"),
            Mood::Puzzled => "so what was that?".to_string(),
        }
    }
}

/// Gives an order to the transfer desk and waits for the receipt.
pub async fn queue(bank: Arc<Bank>, name: String) -> Mood {
    let (receipt, answer) = oneshot::channel();
    let order = Order {
        from: bank.accounts[3].clone(),
        to: bank.accounts[0].clone(),
        amount: Money { cents: 5_00 },
        receipt: Some(receipt),
    };
    // waits: mpsc timer
    match timeout(PATIENCE, bank.orders.send(order)).await {
        Err(_) => Mood::Cross { after: PATIENCE },
        Ok(Err(_)) => Mood::Puzzled,
        // waits: oneshot
        Ok(Ok(())) => match answer.await {
            Ok(receipt) => Mood::Happy(receipt),
            Err(_) => {
                println!("{name} got no receipt");
                Mood::Puzzled
            }
        },
    }
}

/// Sends two customers to the counter, and sees to it that both have been heard.
pub async fn at_the_counter(bank: &Bank, counter: SocketAddr, customers: &mut JoinSet<Mood>) {
    for question in ["rates", "statement"] {
        let mut display = bank.display.subscribe();
        customers.spawn(online(counter, question));
        display.changed().await.expect("the display is dark");
    }
}

/// Asks one question at the counter, and stays on the line after the answer.
async fn online(counter: SocketAddr, question: &'static str) -> Mood {
    let Ok(mut line) = TcpStream::connect(counter).await else {
        return Mood::Puzzled;
    };
    let mut answer = [0; 64];
    if line.write_all(question.as_bytes()).await.is_err() {
        return Mood::Puzzled;
    }
    // waits: io
    while let Ok(length @ 1..) = line.read(&mut answer).await {
        println!("{question}? {}", String::from_utf8_lossy(&answer[..length]));
    }
    Mood::Puzzled
}
