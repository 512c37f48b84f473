//! Programs that end by a panic in a task, or without one: the argument says how.
//!
//! A marker `// [panics.literal]` names the line that the panic tells as its place; what it says
//! stands in ../../../support/panics.py (see ../../README.md).

use std::hint::black_box;
use std::panic;
use std::process;

use tokio::runtime::Builder;

type Start = fn();

const ALL: &[(&str, Start)] = &[
    ("literal", literal),
    ("arguments", arguments),
    ("empty", empty),
    ("long", long),
    ("steering", steering),
    ("bounds", bounds),
    ("unwrap", unwrap),
    ("any_literal", any_literal),
    ("any_string", any_string),
    ("any_number", any_number),
    ("foreign", foreign),
    ("dropped", dropped),
    ("in_hook", in_hook),
    ("again", again),
    ("caught", caught),
    ("fault", fault),
];

/// What the compiler must not know.
fn numbers() -> Vec<usize> {
    black_box(vec![3, 5, 8])
}

fn literal() {
    panic!("the ledger is closed"); // [panics.literal]
}

fn arguments() {
    let found = numbers();
    assert!(found.is_empty(), "{} numbers are left: {found:?}", found.len()); // [panics.arguments]
}

fn empty() {
    panic!("{}", numbers().iter().map(|_| "").collect::<String>()); // [panics.empty]
}

fn long() {
    panic!("{}", "é".repeat(black_box(9000))); // [panics.long]
}

/// What must not reach a terminal.
fn steering() {
    panic!("red \u{1b}[31m{}\nand\u{202e}back", numbers().len()); // [panics.steering]
}

fn bounds() {
    let found = numbers();
    let index = black_box(7);
    println!("{}", found[index]); // [panics.bounds]
}

fn unwrap() {
    let parsed: Result<u16, _> = black_box("70000").parse();
    println!("{}", parsed.unwrap()); // [panics.unwrap]
}

fn any_literal() {
    panic::panic_any("thrown as it is"); // [panics.any_literal]
}

fn any_string() {
    panic::panic_any(format!("thrown with {}", numbers().len())); // [panics.any_string]
}

/// A payload that is no text.
fn any_number() {
    panic::panic_any(numbers().len()); // [panics.any_number]
}

extern "C" fn called_by_c() {
    panic!("through C with {}", numbers().len()); // [panics.foreign]
}

fn foreign() {
    black_box(called_by_c as extern "C" fn())();
}

struct Dropped(usize);

impl Drop for Dropped {
    fn drop(&mut self) {
        refuse(self.0);
    }
}

/// While it is called, who cleans up must keep what it goes on with.
#[inline(never)]
fn refuse(kept: usize) {
    assert!(black_box(kept) == 0, "dropped with {kept}");
}

fn dropped() {
    let kept = Dropped(black_box(4));
    panic!("the first, with {}", kept.0); // [panics.dropped]
}

/// Leaves the payload of a panic behind in the stack.
fn forget_one() {
    let _ = panic::catch_unwind(|| panic!("of long ago, with {}", numbers().len()));
}

/// A panic of another kind, where that one was.
fn again() {
    #[cfg(panic = "unwind")]
    forget_one();
    panic::set_hook(Box::new(|_| process::abort()));
    panic!("the last one"); // [panics.again]
}

fn in_hook() {
    panic::set_hook(Box::new(|_| panic!("inside the hook, with {}", numbers().len())));
    panic!("before the hook, with {}", numbers().len()); // [panics.in_hook]
}

fn caught() {
    #[cfg(panic = "unwind")]
    forget_one();
    process::abort();
}

fn fault() {
    #[cfg(panic = "unwind")]
    forget_one();
    unsafe { black_box(std::ptr::without_provenance_mut::<u8>(8)).write_volatile(1) };
}

async fn task(start: Start) {
    ends(start).await; // [panics.calls]
}

async fn ends(start: Start) {
    tokio::task::yield_now().await;
    start(); // [panics.starts]
}

/// Ends the program by a panic as services do, where it would be caught.
fn abort_on_panic() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        before(info);
        process::abort();
    }));
}

fn main() {
    let name = std::env::args().nth(1).expect("what to do");
    let (_, start) = *ALL.iter().find(|each| each.0 == name).expect(&name);
    let ends_itself = ["foreign", "dropped", "again", "in_hook", "caught", "fault"].contains(&name.as_str());
    if cfg!(panic = "unwind") && !ends_itself {
        abort_on_panic();
    }
    let runtime = Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    runtime.block_on(async { drop(runtime.spawn(task(start)).await) });
}
