//! What everybody in the bank shares.

use std::sync::{Arc, Mutex as StdMutex};

use tokio::sync::{Barrier, Mutex, Notify, RwLock, Semaphore, broadcast, mpsc, oneshot, watch};

use crate::rates::Rates;

/// An amount, in cents.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Money {
    pub cents: i64,
}

/// What one customer owns. A transfer locks two of these.
pub struct Account {
    pub owner: String,
    pub balance: Mutex<Money>,
}

/// A customer's wish to move money.
pub struct Order {
    pub from: Arc<Account>,
    pub to: Arc<Account>,
    pub amount: Money,
    pub receipt: Option<oneshot::Sender<Receipt>>,
}

/// Proof that money was moved. Nobody gets one today.
pub struct Receipt {
    pub number: u32,
    pub amount: Money,
}

/// The great book, written with a pen: a lock of std, not of tokio.
#[derive(Default)]
pub struct Book {
    pub pages: Vec<String>,
}

pub struct Bank {
    pub accounts: [Arc<Account>; 4],
    /// The slot of the transfer desk: two orders fit into it.
    pub orders: mpsc::Sender<Order>,
    /// There is one printer.
    pub printer: Semaphore,
    pub book: StdMutex<Book>,
    pub rates: RwLock<Rates>,
    /// Shows the newest rates to whoever looks.
    pub display: watch::Sender<u32>,
    /// Rings when the doors close.
    pub closing_bell: broadcast::Sender<()>,
    /// Tells that the central bank has called.
    pub telephone: Notify,
    /// The vault opens only when three keys are turned at once.
    pub keys: Barrier,
}

impl Bank {
    /// Builds the bank; the receiver is for the transfer desk.
    pub fn new() -> (Arc<Bank>, mpsc::Receiver<Order>) {
        let account = |owner: &str, cents| {
            let balance = Mutex::new(Money { cents });
            Arc::new(Account { owner: owner.to_string(), balance })
        };
        let (orders, desk) = mpsc::channel(2);
        let bank = Bank {
            accounts: [
                account("Alice", 120_00),
                account("Bob", 75_50),
                account("Carol", 310_25),
                account("Dora", 8_99),
            ],
            orders,
            printer: Semaphore::new(1),
            book: StdMutex::new(Book::default()),
            rates: RwLock::new(Rates::default()),
            display: watch::Sender::new(0),
            closing_bell: broadcast::Sender::new(4),
            telephone: Notify::new(),
            keys: Barrier::new(3),
        };
        (Arc::new(bank), desk)
    }
}
