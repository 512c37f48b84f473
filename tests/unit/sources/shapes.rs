//! Types, functions, statics, thread-locals and coroutines of Rust, polled by hand, std only.
//! What the tests expect stands in comments: `// fact NAME VALUE`, `// here: NAME`.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// A macro of this file: its awaits are shown where it is used.
macro_rules! twice {
    ($future:expr) => {{
        let doubled = $future.await; // here: macro_await
        doubled * 2
    }};
}

pub mod shop {
    #[derive(Debug, Clone, Copy, PartialEq)]
    pub enum Plain {
        Red,
        Green = 7,
        Blue = -3,
    }

    pub enum Shape {
        Dot,
        Line(u32),
        Box { width: u64, height: u16 },
    }

    /// Its variants share the niche of the Box.
    pub enum Niche {
        Nothing,
        Owned(std::boxed::Box<u32>),
    }

    /// One variant: there is no discriminant.
    pub enum Lone {
        Only { left: i8, right: i64 },
    }

    pub enum Wide {
        Small = 1,
        Large = 0x1234_5678_9abc,
    }

    pub enum Mixed {
        A(u128),
        B(i8),
        C,
    }

    #[repr(C)]
    pub union Either {
        pub whole: u64,
        pub half: [u32; 2],
    }

    pub struct Pair<A, B> {
        pub first: A,
        pub second: B,
    }

    pub trait Price {
        fn price(&self) -> u64;
    }

    pub struct Apple {
        pub cents: u64,
    }

    pub struct Pear(pub u32, pub [u8; 3]);

    impl Price for Apple {
        #[inline(never)]
        fn price(&self) -> u64 {
            self.cents
        }
    }

    impl Price for Pear {
        #[inline(never)]
        fn price(&self) -> u64 {
            u64::from(self.0)
        }
    }

    impl<A: Copy, B> Pair<A, B> {
        #[inline(never)]
        pub fn give_first(&self) -> A {
            self.first // here: give_first
        }
    }
}

use shop::{Apple, Either, Lone, Mixed, Niche, Pair, Pear, Plain, Price, Shape, Wide};

/// A list like those in runtimes: nodes by raw pointer, with a tag in the low bit.
pub struct Link {
    pub number: u64,
    pub next: Option<std::ptr::NonNull<Link>>,
}

pub struct World {
    pub plain: [Plain; 3],
    pub shapes: Vec<Shape>,
    pub niches: Vec<Niche>,
    pub lone: Lone,
    pub wide: [Wide; 2],
    pub mixed: Vec<Mixed>,
    pub either: Either,
    pub pair: Pair<u8, Pair<&'static str, i16>>,
    pub priced: Vec<Box<dyn Price>>,
    pub text: String,
    pub missing: Option<String>,
    pub shared: Arc<Mutex<VecDeque<u16>>>,
    pub atomic: AtomicU64,
    pub negative: i8,
    pub letter: char,
    pub nested: Option<Option<Cell<u32>>>,
    pub map: HashMap<u32, String>,
    pub set: HashSet<u64>,
    pub ordered: BTreeMap<u8, u8>,
    pub list: Option<std::ptr::NonNull<Link>>,
    pub ring: Option<std::ptr::NonNull<Link>>,
    pub tagged: usize,
    pub empty: Vec<u32>,
    pub unit: (),
    pub tuple: (u8, u32, bool),
    pub cell: RefCell<[u32; 4]>,
    pub callback: fn(u32) -> u32,
    pub waiting: Option<Pin<Box<dyn Future<Output = u32>>>>,
    pub direct: Option<Waker>,
}

pub static mut WORLD: Option<Box<World>> = None;
pub static ANSWER: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Lazy: it is there once it was used, and has a destructor.
    static NAMES: RefCell<Vec<u32>> = RefCell::new(Vec::new());
    static NUMBER: Cell<u32> = const { Cell::new(11) };
}

#[inline(never)]
pub fn plus_one(number: u32) -> u32 {
    black_box(number) + 1
}

#[inline(never)]
pub fn generic<T: Into<u64>, const N: usize>(value: T) -> u64 {
    black_box(value.into()) + N as u64
}

/// Ready at the second poll; never, where `stuck`.
pub struct Once {
    pub polled: u32,
    pub stuck: bool,
    pub value: u32,
}

impl Future for Once {
    type Output = u32;
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u32> {
        self.polled += 1;
        black_box(context);
        if self.polled > 1 && !self.stuck {
            Poll::Ready(self.value)
        } else {
            Poll::Pending
        }
    }
}

pub fn once(value: u32, stuck: bool) -> Once {
    Once { polled: 0, stuck, value }
}

pub async fn leaf(depth: u32) -> u32 { // here: leaf
    let kept = depth * 3;
    let first = once(kept, false).await; // here: leaf_first
    let second = once(first, true).await; // here: leaf_second
    kept + second
}

pub async fn middle<T: Into<u64>>(value: T) -> u64 { // here: middle
    let label = String::from("in the middle");
    let found = twice!(leaf(5)); // here: middle_macro
    value.into() + u64::from(found) + label.len() as u64
}

pub async fn top() -> u32 { // here: top
    let block = async { // here: block
        let inner = middle(9u8).await; // here: block_await
        inner as u32
    };
    let ready = std::future::ready(1).await;
    ready + block.await // here: top_block
}

struct Service {
    factor: u32,
}

impl Service {
    async fn serve(&self, by: u32) -> u32 { // here: serve
        once(self.factor * by, true).await // here: serve_await
    }
}

fn links(count: u64, cyclic: bool) -> Option<std::ptr::NonNull<Link>> {
    let mut last: *mut Link = std::ptr::null_mut();
    let mut first: *mut Link = std::ptr::null_mut();
    for number in 0..count {
        let link = Box::into_raw(Box::new(Link { number: number * 10, next: None }));
        if last.is_null() {
            first = link;
        } else {
            unsafe { (*last).next = std::ptr::NonNull::new(link) };
        }
        last = link;
    }
    if cyclic {
        unsafe { (*last).next = std::ptr::NonNull::new(first) };
    }
    std::ptr::NonNull::new(first)
}

fn world() -> World {
    World {
        plain: [Plain::Red, Plain::Green, Plain::Blue],
        shapes: vec![Shape::Dot, Shape::Line(42), Shape::Box { width: 1 << 40, height: 9 }],
        niches: vec![Niche::Nothing, Niche::Owned(Box::new(77))],
        lone: Lone::Only { left: -5, right: -6 },
        wide: [Wide::Small, Wide::Large],
        mixed: vec![Mixed::A(1 << 100), Mixed::B(-1), Mixed::C],
        either: Either { whole: 0x0000_0002_0000_0001 },
        pair: Pair { first: 200, second: Pair { first: "static text", second: -2 } },
        priced: vec![Box::new(Apple { cents: 250 }), Box::new(Pear(99, [1, 2, 3]))],
        text: "grüße\u{1b}[31m".into(),
        missing: None,
        shared: Arc::new(Mutex::new({
            let mut deque = VecDeque::with_capacity(4);
            deque.extend([1, 2, 3, 4]);
            deque.pop_front();
            deque.pop_front();
            deque.extend([5, 6]);
            deque
        })),
        atomic: AtomicU64::new(0xdead_beef),
        negative: -7,
        letter: 'ß',
        nested: Some(Some(Cell::new(31))),
        map: [(1, "one".to_string()), (2, "two".to_string())].into(),
        set: [500, 600].into(),
        ordered: [(1, 2)].into(),
        list: links(3, false),
        ring: links(4, true),
        tagged: 0x1001,
        empty: Vec::new(),
        unit: (),
        tuple: (8, 88_888, true),
        cell: RefCell::new([10, 20, 30, 40]),
        callback: plus_one,
        waiting: None,
        direct: Some(Waker::noop().clone()),
    }
}

fn main() {
    let mut context = Context::from_waker(Waker::noop());
    let mut future: Pin<Box<dyn Future<Output = u32>>> = Box::pin(top());
    while black_box(0) < 1 {
        if future.as_mut().poll(&mut context).is_ready() || black_box(true) {
            // The second await of `leaf` is reached by the second poll.
            let _ = future.as_mut().poll(&mut context);
            break;
        }
    }
    let service = Service { factor: 3 };
    let mut served = Box::pin(service.serve(4));
    let _ = served.as_mut().poll(&mut context);
    let mut fresh = Box::pin(leaf(1));
    black_box(&mut fresh);
    NAMES.with_borrow_mut(|names| names.extend([4, 5, 6]));
    NUMBER.set(12);
    let factor = black_box(3);
    let closure = move |by: u64| by * factor;
    ANSWER.store(
        closure(generic::<u32, 5>(1)) + plus_one(1) as u64 + Pair { first: 2u64, second: () }.give_first(),
        Ordering::Relaxed,
    );
    let mut made = world();
    made.waiting = Some(future);
    made.shapes.reserve(black_box(1));
    made.priced.iter().for_each(|priced| {
        ANSWER.fetch_add(priced.price(), Ordering::Relaxed);
    });
    let boxed = Box::new(made);
    println!("fact world {:p}", &*boxed);
    println!("fact served {:p}", &*served);
    println!("fact fresh {:p}", &*fresh);
    println!("fact plus_one {:p}", plus_one as *const ());
    println!("fact number {:p}", NUMBER.with(|number| number as *const Cell<u32>));
    println!("fact answer {:#x}", ANSWER.load(Ordering::Relaxed));
    unsafe { WORLD = Some(boxed) };
    std::thread::Builder::new()
        .name("second".into())
        .spawn(|| {
            NUMBER.set(13);
            println!("fact number_second {:p}", NUMBER.with(|number| number as *const Cell<u32>));
            std::process::abort();
        })
        .unwrap()
        .join()
        .unwrap();
}
