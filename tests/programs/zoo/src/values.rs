//! A task that holds a value of each kind while it waits.

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::{start, HOUR};

#[derive(Clone, Debug)]
struct Point {
    x: i32,
    y: i32,
}

#[derive(Debug)]
struct Order {
    id: u64,
    place: Point,
    note: Option<String>,
}

#[derive(Debug)]
enum Payment {
    #[allow(dead_code)]
    Cash,
    Card {
        number: u32,
        holder: String,
    },
    #[allow(dead_code)]
    Bill(u8),
}

#[derive(Clone, Copy, Debug)]
enum Colour {
    #[allow(dead_code)]
    Red,
    Green,
}

async fn holds_values() {
    let small: u8 = 200;
    let negative: i32 = -42;
    let large: u64 = 18_000_000_000_000_000_000;
    let half: f64 = 2.5;
    let yes: bool = true;
    let letter: char = 'ß';
    let text: String = String::from("grüße");
    let slice: &str = "static text";
    let empty: String = String::new();
    let numbers: Vec<u32> = vec![10, 20, 30];
    let names: Vec<String> = vec![String::from("ann"), String::from("bob")];
    let array: [u16; 3] = [7, 8, 9];
    let pair: (u8, i64) = (1, -2);
    let point = Point { x: 3, y: -4 };
    let order = Order {
        id: 77,
        place: point.clone(),
        note: Some(String::from("fragile")),
    };
    let card = Payment::Card {
        number: 4711,
        holder: String::from("carol"),
    };
    let colour = Colour::Green;
    let some: Option<u32> = Some(5);
    let none: Option<u32> = None;
    let no_text: Option<String> = None;
    let good: Result<u32, String> = Ok(6);
    let bad: Result<u32, String> = Err(String::from("broken"));
    let shared: Arc<Point> = Arc::new(Point { x: 1, y: 2 });
    let also_shared = shared.clone();
    let boxed: Box<Point> = Box::new(Point { x: 5, y: 6 });
    let counter = AtomicU32::new(99);
    let total = Arc::new(AtomicU64::new(1_000));
    let flag = AtomicBool::new(true);
    let span: Duration = Duration::from_millis(1_500);
    let began: Instant = Instant::now();
    let queue: VecDeque<u8> = VecDeque::from([1, 2]);
    let reference: &Point = &point;

    sleep(HOUR).await; // [values.sleep]

    black_box((
        small, negative, large, half, yes, letter, &text, slice, &empty,
    ));
    black_box((
        &numbers, &names, &array, &pair, &order, &card, colour, &queue,
    ));
    black_box((
        some,
        none,
        &no_text,
        &good,
        &bad,
        &shared,
        &also_shared,
        &boxed,
    ));
    black_box((
        counter.load(Ordering::Relaxed),
        total.load(Ordering::Relaxed),
        &flag,
    ));
    black_box((span, began, reference));
    black_box(reads_all(&order, &card));
}

fn reads_all(order: &Order, card: &Payment) -> u64 {
    let number = match card {
        Payment::Card { number, holder } => *number as u64 + holder.len() as u64,
        _ => 0,
    };
    let note = order.note.as_ref().map_or(0, |note| note.len() as u64);
    order.id + number + note + (order.place.x + order.place.y) as u64
}

pub fn start_all() {
    start("values", holds_values());
}
