//! The transfer desk, where it goes wrong.
//!
//! A transfer locks the account that pays, has the amount approved, then locks the account
//! that is paid. Alice pays Bob, Bob pays Carol, Carol pays Alice: each holds one account
//! and waits for the next one, for ever. To lock two accounts always in the same order,
//! the lower number first, would have saved the day.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tracing::{Instrument, info_span};

use crate::bank::{Account, Bank, Money, Order, Receipt};

/// The clearing house approves transfers three at a time.
const BATCH: usize = 3;

/// What the clearing house is asked.
struct Request {
    amount: Money,
    reply: oneshot::Sender<Approval>,
}

/// The clearing house's answer.
struct Approval {
    number: u32,
}

enum Refusal {
    TooPoor { missing: Money },
    Closed,
}

/// Works through the standing orders, then through what customers put into the slot.
///
/// `under_way` is told when the standing orders are approved.
pub async fn desk(
    bank: Arc<Bank>,
    mut slot: mpsc::Receiver<Order>,
    under_way: oneshot::Sender<()>,
) {
    let (clearing, requests) = mpsc::channel(BATCH);
    let house = tokio::spawn(clearing_house(requests, under_way));
    let mut transfers = JoinSet::new();
    for order in standing_orders(&bank.accounts) {
        let span = info_span!("transfer", from = order.from.owner, to = order.to.owner);
        transfers.spawn(transfer(order, clearing.clone()).instrument(span));
    }
    // The slot fills up while the desk waits here.
    // waits: join
    while let Some(done) = transfers.join_next().await {
        if let Ok(Err(Refusal::TooPoor { missing })) = done {
            println!("no transfer: {missing:?} missing");
        }
    }
    while let Some(order) = slot.recv().await {
        transfers.spawn(transfer(order, clearing.clone()).instrument(info_span!("transfer")));
    }
    house.abort();
}

/// Alice pays Bob, Bob pays Carol, Carol pays Alice.
fn standing_orders(accounts: &[Arc<Account>]) -> Vec<Order> {
    let in_a_circle = accounts.iter().take(BATCH).zip(accounts.iter().take(BATCH).cycle().skip(1));
    in_a_circle
        .zip([25_00, 12_50, 99_99])
        .map(|((from, to), cents)| Order {
            from: from.clone(),
            to: to.clone(),
            amount: Money { cents },
            receipt: None,
        })
        .collect()
}

/// Moves money from one account to another.
async fn transfer(order: Order, clearing: mpsc::Sender<Request>) -> Result<(), Refusal> {
    let mut paying = order.from.balance.lock().await;
    if *paying < order.amount {
        let cents = order.amount.cents - paying.cents;
        return Err(Refusal::TooPoor { missing: Money { cents } });
    }
    let approval = approve(&clearing, order.amount).await?;
    let receipt = deposit(&order.to, order.amount, approval.number).await;
    paying.cents -= order.amount.cents;
    if let Some(customer) = order.receipt {
        let _ = customer.send(receipt);
    }
    Ok(())
}

/// Puts money into an account. The caller still holds the other one: that is the mistake.
async fn deposit(account: &Account, amount: Money, number: u32) -> Receipt {
    let mut balance = account.balance.lock().await; // waits: mutex
    balance.cents += amount.cents;
    Receipt { number, amount }
}

/// Asks the clearing house. It answers when a batch is full: by then three accounts are locked.
async fn approve(clearing: &mpsc::Sender<Request>, amount: Money) -> Result<Approval, Refusal> {
    let (reply, answer) = oneshot::channel();
    clearing.send(Request { amount, reply }).await.map_err(|_| Refusal::Closed)?;
    answer.await.map_err(|_| Refusal::Closed)
}

/// Approves all requests of a batch at once.
async fn clearing_house(mut requests: mpsc::Receiver<Request>, under_way: oneshot::Sender<()>) {
    let mut batch: Vec<Request> = Vec::with_capacity(BATCH);
    let mut under_way = Some(under_way);
    let mut turnover = Money { cents: 0 };
    let mut number = 4100;
    // waits: mpsc
    while let Some(request) = requests.recv().await {
        batch.push(request);
        if batch.len() == BATCH {
            for Request { amount, reply } in batch.drain(..) {
                number += 1;
                turnover.cents += amount.cents;
                let _ = reply.send(Approval { number });
            }
            under_way.take().map(|desk| desk.send(()));
        }
    }
    println!("{turnover:?} cleared");
}
