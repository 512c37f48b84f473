//! Four threads at known depths: three parked in `deep`, the first one aborts in a closure.

use std::sync::{Arc, Barrier};

#[path = "../../programs/still.rs"]
mod still;

struct Point {
    x: u32,
    y: u64,
}

enum Shape {
    Empty,
    Wide { width: u16 },
}

#[inline(never)]
fn deep(level: u32, point: &Point, barrier: &Barrier) -> u64 {
    let triple = u64::from(level) * 3;
    if level == 0 {
        let shape = Shape::Wide { width: 4321 };
        let shapes = [Shape::Empty, shape];
        std::hint::black_box(&shapes);
        barrier.wait();
        still::entered();
        loop {
            std::thread::park(); // line: parked
        }
    }
    let rest = deep(level - 1, point, barrier); // line: deeper
    std::hint::black_box(triple + rest + point.y)
}

#[inline(always)]
fn middle(level: u32, barrier: &Barrier) -> u64 {
    let point = Point { x: level + 100, y: 77 };
    std::hint::black_box(&point);
    deep(level, &point, barrier) + u64::from(point.x) // line: middle
}

#[inline(never)]
fn generic<F: Fn(u32) -> u32>(apply: F) -> u32 {
    let seed = std::hint::black_box(40u32);
    apply(seed) // line: generic
}

fn main() {
    still::expect(3);
    let barrier = Arc::new(Barrier::new(4));
    for number in 1..4u32 {
        let barrier = barrier.clone();
        std::thread::Builder::new()
            .name(format!("deep-{number}"))
            .spawn(move || {
                std::hint::black_box(middle(number * 3, &barrier)); // line: spawned
            })
            .unwrap();
    }
    barrier.wait();
    still::wait();
    let numbers: Vec<u32> = (0..3).collect();
    let sum: u32 = numbers
        .iter()
        .map(|number| {
            if *number == 2 {
                generic(|seed| {
                    std::hint::black_box(seed + *number);
                    std::process::abort() // line: abort
                });
            }
            number + 1
        })
        .sum();
    println!("{sum}");
}
