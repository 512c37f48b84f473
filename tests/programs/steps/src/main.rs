//! Does one thing for each word that it is told: a task moves, one ends, one is new.
//!
//! `steps SOCKET` makes a datagram socket of that name and takes its words from there; without one
//! it crashes at once.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};

/// Stands still.
async fn stands(number: u32) {
    tokio::time::sleep(Duration::from_secs(3600)).await; // [stands.sleep]
    drop(number);
}

/// Comes back to the same await, with another number.
async fn turns(mut words: mpsc::Receiver<()>) {
    let mut turn = 0;
    while words.recv().await.is_some() {
        turn += 1;
        println!("turn {turn}");
    }
}

/// Ends when it is told.
async fn ends(word: oneshot::Receiver<()>) {
    word.await.ok(); // [ends.word]
    println!("ended");
}

fn main() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    let (turn, turned) = mpsc::channel(1);
    let (end, ended) = oneshot::channel();
    let mut end = Some(end);
    runtime.spawn(stands(0));
    runtime.spawn(turns(turned));
    runtime.spawn(ends(ended));
    let Some(path) = std::env::args().nth(1) else {
        std::process::abort()
    };
    let words = UnixDatagram::bind(path).unwrap();
    println!("ready");
    let mut number = 0;
    let mut word = [0; 4];
    loop {
        let size = words.recv(&mut word).unwrap();
        match &word[..size] {
            b"turn" => turn.blocking_send(()).unwrap(),
            b"end" => drop(end.take()),
            b"new" => {
                number += 1;
                runtime.spawn(stands(number));
                println!("new {number}");
            }
            other => panic!("no such word: {other:?}"),
        }
    }
}
