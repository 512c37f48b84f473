//! Named threads that are parked, then an abort.
use std::{process, thread};

#[path = "../../programs/still.rs"]
mod still;

fn main() {
    still::expect(3);
    for index in 0..3 {
        let named = thread::Builder::new().name(format!("parked-{index}"));
        let body = || {
            still::entered();
            loop {
                thread::park();
            }
        };
        named.spawn(body).unwrap();
    }
    still::wait();
    println!("fact pid {}", process::id());
    process::abort();
}
