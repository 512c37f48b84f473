//! Healthy programs that never rest: nothing in them is stuck, whenever one looks.
//!
//! Each runs until its standard input ends. Before that, a line `NAME` there is answered by
//! `fact NAME NUMBER`: every program counts the real-time signals it got (`signals`).

mod http;
mod idle;
mod joinset;
mod load;
mod pipeline;
mod select;
mod signals;
mod ticker;
mod timers;

use std::future::Future;
use std::process;
use std::thread;

use tokio::runtime::{Builder, Runtime};

/// What a program answers to a line on its standard input: the number of this name.
type Answer = fn(&str) -> Option<u64>;

pub fn runtime(workers: usize) -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Says that everything runs: what is counted from now on counts.
pub fn ready() {
    println!("fact ready 1");
}

/// Answers until the standard input ends.
fn listen(answer: Answer) {
    for line in std::io::stdin().lines().map_while(Result::ok) {
        let name = line.trim();
        if let Some(number) = signals::answer(name).or_else(|| answer(name)) {
            println!("fact {name} {number}");
        }
    }
}

/// Runs a program that has no end of its own.
fn run<F: Future<Output = ()>>(workers: usize, answer: Answer, program: F) {
    thread::spawn(move || {
        listen(answer);
        process::exit(0);
    });
    runtime(workers).block_on(program);
}

fn number(words: &[String], at: usize) -> usize {
    let word = words.get(at).and_then(|it| it.parse().ok());
    word.unwrap_or_else(|| panic!("word {at} is no number: {words:?}"))
}

fn main() {
    signals::count();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let nothing: Answer = |_| None;
    match words.first().map(String::as_str) {
        Some("http") => run(2, http::answer, http::serve()),
        Some("load") => load::run(words[1].clone(), number(&words, 2), listen),
        Some("pipeline") => run(2, pipeline::answer, pipeline::run()),
        Some("timers") => run(2, nothing, timers::run()),
        Some("joinset") => run(2, nothing, joinset::run()),
        Some("select") => run(2, nothing, select::run()),
        Some("idle") => run(
            4,
            ticker::answer,
            idle::run(number(&words, 1), number(&words, 2)),
        ),
        _ => panic!(
            "busy http|load ADDRESS CONNECTIONS|pipeline|timers|joinset|select|idle TASKS THREADS"
        ),
    }
}
