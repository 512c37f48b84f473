//! One value of each kind that a person may meet, and what the debugger must say of it.
//!
//! `// show: TEXT` beside a field of `Sample` is the summary that is expected, and
//! `// fields: NAME = TEXT; …` on the line below it are the rows of its expansion (`…` at the end:
//! more follow); a field without such a line cannot be expanded. `<addr>`, `<number>`, `<seconds>`,
//! `<key>`, `<8 pairs>` and `<128 a>` stand for what differs from run to run, `<line NAME>` for the number of
//! the line that ends with `// line: NAME`.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell, UnsafeCell};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::ffi::{CStr, CString, OsString};
use std::future::Future;
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::num::{NonZeroU32, ParseIntError, Wrapping};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::rc::{Rc, Weak as RcWeak};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[used]
pub static SAMPLE: AtomicPtr<Sample> = AtomicPtr::new(std::ptr::null_mut());

pub struct Point {
    pub x: i32,
    pub y: i32,
}

pub struct Meters(pub f64);

pub struct Pair(pub u8, pub &'static str);

pub struct Empty;

pub struct Wide {
    pub a: u8,
    pub b: u8,
    pub c: u8,
    pub d: u8,
    pub e: u8,
    pub f: u8,
    pub g: u8,
    pub h: u8,
    pub i: u8,
    pub j: u8,
}

pub struct Deep {
    pub level: u8,
    pub inner: Option<Box<Deep>>,
}

pub struct Knot {
    pub name: &'static str,
    pub next: RefCell<Option<Rc<Knot>>>,
}

pub struct AtomicU8 {
    inner: UnsafeCell<std::sync::atomic::AtomicU8>,
}

pub struct Generic<T> {
    pub id: u32,
    pub mark: PhantomData<T>,
}

#[derive(Clone, Copy)]
pub enum Colour {
    Red = 1,
    Green = 7,
    Back = -3,
}

pub enum Shape {
    Dot,
    Circle(f32),
    Box { width: u16, height: u16 },
}

pub union Bits {
    pub whole: u32,
    pub bytes: [u8; 4],
}

pub trait Named {
    fn name(&self) -> String;
}

impl Named for Point {
    fn name(&self) -> String {
        format!("{} {}", self.x, self.y)
    }
}

#[repr(align(64))]
pub struct Aligned(pub u32);

impl Named for Aligned {
    fn name(&self) -> String {
        self.0.to_string()
    }
}

impl Named for u64 {
    fn name(&self) -> String {
        self.to_string()
    }
}

pub fn double(value: u32) -> u32 {
    value * 2
}

struct Never;

impl Future for Never {
    type Output = ();
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

async fn nap(minutes: u32) -> u32 {
    let doubled = double(std::hint::black_box(minutes));
    Never.await; // line: nap
    doubled + minutes
}

pub struct Sample {
    pub tiny: u8, // show: 200
    pub signed: i8, // show: -100
    pub big: u64, // show: 18446744073709551615
    pub small: i64, // show: -9223372036854775808
    pub huge: u128, // show: 340282366920938463463374607431768211455
    pub huge_signed: i128, // show: -170141183460469231731687303715884105728
    pub word: usize, // show: 65536
    pub yes: bool, // show: true
    pub no: bool, // show: false
    pub letter: char, // show: 'ß'
    pub quote: char, // show: '\''
    pub bell: char, // show: '\u{7}'
    pub single: f32, // show: 0.1
    pub whole: f32, // show: 3.0
    pub float: f64, // show: -2.5e300
    pub infinite: f64, // show: inf
    pub nan: f64, // show: NaN
    pub unit: (), // show: ()
    pub raw: *const u32, // show: <addr>
    // fields: * = 41
    pub raw_slice: *const [u16], // show: <addr> (3 elements)
    // fields: * = [7, 8, 9]
    pub raw_dyn: *const dyn Named, // show: <addr>
    pub null: *mut u8, // show: null
    pub reference: &'static u32, // show: 41
    pub exclusive: &'static mut Point, // show: Point { x: 7, y: 8 }
    // fields: x = 7; y = 8
    pub double_reference: &'static &'static u32, // show: 41
    pub point: Point, // show: Point { x: 1, y: -2 }
    // fields: x = 1; y = -2
    pub meters: Meters, // show: Meters(2.5)
    // fields: 0 = 2.5
    pub pair: Pair, // show: Pair(9, "nine")
    // fields: 0 = 9; 1 = "nine"
    pub empty: Empty, // show: Empty
    pub wide: Wide, // show: Wide { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, h: 8, … 10 in all }
    // fields: a = 1; b = 2; c = 3; d = 4; e = 5; f = 6; g = 7; h = 8; i = 9; j = 10
    pub deep: Deep, // show: Deep { level: 0, inner: Some(Deep { level: 1, inner: Some(Deep { level: 2, inner: Some(Deep {…}) }) }) }
    // fields: level = 0; inner = Some(Deep { level: 1, inner: Some(Deep { level: 2, inner: Some(Deep { level: 3, inner: Some(Deep {…}) }) }) })
    pub generic: Generic<String>, // show: Generic { id: 3 }
    // fields: id = 3; mark = PhantomData
    pub tuple: (u8, char, bool), // show: (1, 'a', true)
    // fields: 0 = 1; 1 = 'a'; 2 = true
    pub one_tuple: (u8,), // show: (5,)
    // fields: 0 = 5
    pub array: [u16; 3], // show: [10, 20, 30]
    // fields: [0] = 10; [1] = 20; [2] = 30
    pub long_array: [u8; 300], // show: [0, 0, 0, 0, 0, 0, 0, 0, … 300 in all]
    // fields: [0] = 0; [1] = 0; …
    pub no_array: [u32; 0], // show: []
    pub nested: [[u8; 2]; 2], // show: [[1, 2], [3, 4]]
    // fields: [0] = [1, 2]; [1] = [3, 4]
    pub slice: &'static [u16], // show: [7, 8, 9]
    // fields: [0] = 7; [1] = 8; [2] = 9
    pub colour: Colour, // show: Green
    pub negative: Colour, // show: Back
    pub dot: Shape, // show: Dot
    pub circle: Shape, // show: Circle(1.5)
    // fields: 0 = 1.5
    pub rectangle: Shape, // show: Box { width: 3, height: 4 }
    // fields: width = 3; height = 4
    pub some: Option<u32>, // show: Some(5)
    // fields: 0 = 5
    pub none: Option<u32>, // show: None
    pub niche: Option<&'static u32>, // show: Some(41)
    // fields: 0 = 41
    pub no_niche: Option<Box<u32>>, // show: None
    pub some_some: Option<Option<bool>>, // show: Some(Some(true))
    // fields: 0 = Some(true)
    pub ok: Result<u8, String>, // show: Ok(1)
    // fields: 0 = 1
    pub err: Result<u8, String>, // show: Err("broken")
    // fields: 0 = "broken"
    pub poll: Poll<u8>, // show: Ready(4)
    // fields: 0 = 4
    pub wide_tag: Option<u128>, // show: Some(9)
    // fields: 0 = 9
    pub parsed: Result<Vec<u8>, ParseIntError>, // show: Err(ParseIntError InvalidDigit)
    // fields: 0 = ParseIntError InvalidDigit
    pub ordering: std::cmp::Ordering, // show: Less
    pub range: std::ops::Range<u8>, // show: Range { start: 1, end: 4 }
    // fields: start = 1; end = 4
    pub string: String, // show: "hello \"you\"\n\u{1b}[31m ü"
    pub empty_string: String, // show: ""
    pub long_string: String, // show: "<128 a>…" (1000 bytes)
    pub text: &'static str, // show: "static"
    pub boxed_text: Box<str>, // show: "boxed"
    pub rc_text: Rc<str>, // show: Rc("counted"; strong 1, weak 0)
    // fields: value = "counted"; strong = 1; weak = 0
    pub arc_text: Arc<str>, // show: Arc("shared"; strong 2, weak 0)
    // fields: value = "shared"; strong = 2; weak = 0
    // The other owner of the same text.
    pub arc_text_again: Arc<str>, // show: Arc("shared"; strong 2, weak 0)
    // fields: value = "shared"; strong = 2; weak = 0
    pub os_string: OsString, // show: "os \xff"
    pub path: PathBuf, // show: "/etc/hosts"
    pub c_string: CString, // show: "see"
    pub path_reference: &'static Path, // show: "/etc"
    pub c_reference: &'static CStr, // show: "sea"
    pub boxed_path: Box<Path>, // show: "/boxed"
    pub borrowed: Cow<'static, str>, // show: Borrowed("cow")
    // fields: 0 = "cow"
    pub vec: Vec<u32>, // show: [1, 2, 3]
    // fields: [0] = 1; [1] = 2; [2] = 3
    pub empty_vec: Vec<u32>, // show: []
    pub long_vec: Vec<u64>, // show: [0, 1, 2, 3, 4, 5, 6, 7, … 1000 in all]
    // fields: [0] = 0; [1] = 1; …
    pub vec_of_strings: Vec<String>, // show: ["a", "b"]
    // fields: [0] = "a"; [1] = "b"
    pub vec_of_units: Vec<()>, // show: [(), ()]
    // fields: [0] = (); [1] = ()
    pub deque: VecDeque<u8>, // show: [2, 3, 4, 5]
    // fields: [0] = 2; [1] = 3; [2] = 4; [3] = 5
    pub boxed_slice: Box<[u8]>, // show: [1, 2]
    // fields: [0] = 1; [1] = 2
    pub arc_slice: Arc<[u16]>, // show: Arc([4, 5]; strong 1, weak 0)
    // fields: value = [4, 5]; strong = 1; weak = 0
    pub heap: BinaryHeap<u8>, // show: BinaryHeap [9]
    // fields: [0] = 9
    pub linked: LinkedList<u8>, // show: [1, 2, 3]
    // fields: [0] = 1; [1] = 2; [2] = 3
    pub map: HashMap<&'static str, u32>, // show: {"key": 5}
    // fields: "key" = 5
    pub empty_map: HashMap<u32, u32>, // show: {}
    pub set: HashSet<u64>, // show: {77}
    // fields: [0] = 77
    pub tree: BTreeMap<u32, &'static str>, // show: {1: "one", 2: "two", 3: "three"}
    // fields: 1 = "one"; 2 = "two"; 3 = "three"
    pub empty_tree: BTreeMap<u32, u32>, // show: {}
    pub tall_tree: BTreeMap<u16, u16>, // show: {0: 0, 1: 3, 2: 6, 3: 9, 4: 12, 5: 15, 6: 18, 7: 21, … 500 in all}
    // fields: 0 = 0; 1 = 3; 2 = 6; 3 = 9; 4 = 12; 5 = 15; 6 = 18; 7 = 21; 8 = 24; 9 = 27; 10 = 30; 11 = 33; 12 = 36; 13 = 39; …
    pub tree_set: BTreeSet<char>, // show: {'x', 'y'}
    // fields: [0] = 'x'; [1] = 'y'
    pub big_map: HashMap<String, Vec<u8>>, // show: {<8 pairs>, … 300 in all}
    // fields: <key> = [1]; …
    pub boxed: Box<u32>, // show: 12
    pub boxed_point: Box<Point>, // show: Point { x: 3, y: 4 }
    // fields: x = 3; y = 4
    pub arc: Arc<u64>, // show: Arc(64; strong 2, weak 1)
    // fields: value = 64; strong = 2; weak = 1
    pub arc_again: Arc<u64>, // show: Arc(64; strong 2, weak 1)
    // fields: value = 64; strong = 2; weak = 1
    pub weak: Weak<u64>, // show: Weak(64; strong 2, weak 1)
    // fields: value = 64; strong = 2; weak = 1
    pub gone: Weak<u64>, // show: Weak(dropped; strong 0, weak 1)
    // fields: strong = 0; weak = 1
    pub dangling: Weak<u64>, // show: Weak(dangling)
    pub rc: Rc<Point>, // show: Rc(Point { x: 5, y: 6 }; strong 1, weak 1)
    // fields: value = Point { x: 5, y: 6 }; strong = 1; weak = 1
    pub rc_weak: RcWeak<Point>, // show: Weak(Point { x: 5, y: 6 }; strong 1, weak 1)
    // fields: value = Point { x: 5, y: 6 }; strong = 1; weak = 1
    pub knot: Rc<Knot>, // show: Rc(Knot { name: "a", next: RefCell(Some(Rc(Knot { name: "b", next: RefCell(Some(Rc(<cycle>; strong 2, weak 0))) }; strong 1, weak 0))) }; strong 2, weak 0)
    // fields: value = Knot { name: "a", next: RefCell(Some(Rc(Knot { name: "b", next: RefCell(Some(Rc(<cycle>; strong 2, weak 0))) }; strong 1, weak 0))) }; strong = 2; weak = 0
    pub cell: Cell<u8>, // show: Cell(3)
    pub unsafe_cell: UnsafeCell<u8>, // show: UnsafeCell(4)
    pub ref_cell: RefCell<u8>, // show: RefCell(5)
    pub shared_cell: RefCell<u8>, // show: RefCell(6; borrowed 2 times)
    pub taken_cell: RefCell<u8>, // show: RefCell(7; mutably borrowed)
    pub once_cell: OnceCell<u8>, // show: OnceCell(Some(8))
    // fields: 0 = 8
    pub atomic: AtomicU64, // show: AtomicU64 5
    pub atomic_signed: AtomicI32, // show: AtomicI32 -5
    pub atomic_bool: AtomicBool, // show: AtomicBool true
    pub atomic_pointer: AtomicPtr<u32>, // show: AtomicPtr <addr>
    // fields: * = 6
    pub wrapped_atomic: AtomicU8, // show: AtomicU8 21
    pub non_zero: NonZeroU32, // show: 17
    pub maybe_non_zero: Option<NonZeroU32>, // show: Some(18)
    // fields: 0 = 18
    pub wrapping: Wrapping<u8>, // show: Wrapping(19)
    // fields: 0 = 19
    pub mutex: Mutex<u32>, // show: Mutex(1)
    pub locked: Mutex<u32>, // show: Mutex(2; locked)
    pub poisoned: Mutex<u32>, // show: Mutex(3; poisoned)
    pub rw_lock: RwLock<u32>, // show: RwLock(1)
    pub read_locked: RwLock<u32>, // show: RwLock(2; 2 readers)
    pub write_locked: RwLock<u32>, // show: RwLock(3; locked for writing)
    pub duration: Duration, // show: 1.5s
    pub short: Duration, // show: 250µs
    pub no_time: Duration, // show: 0ns
    pub days: Duration, // show: 90061.000000001s
    pub instant: Instant, // show: Instant <seconds>s since boot
    pub epoch: SystemTime, // show: 2001-09-09T01:46:40.500Z
    pub boxed_dyn: Box<dyn Named>, // show: Point { x: 10, y: 11 }
    // fields: x = 10; y = 11
    pub dyn_number: &'static dyn Named, // show: u64 99
    pub arc_dyn: Arc<dyn Named>, // show: Arc(Aligned(64); strong 1, weak 0)
    // fields: value = Aligned(64); strong = 1; weak = 0
    pub function: fn(u32) -> u32, // show: fn values::double
    pub closure: Box<dyn Fn(u32) -> u32>, // show: closure values::main::{closure#<number>} { base: 100 }
    // fields: base = 100
    pub future: Pin<Box<dyn Future<Output = u32>>>, // show: async fn values::nap suspended at values.rs:<line nap>
    // fields: minutes = 8; doubled = 16; (awaits) = Never
    pub block: Pin<Box<dyn Future<Output = u32>>>, // show: async block values::main::{async_block#0} not started
    pub done: Pin<Box<dyn Future<Output = u32>>>, // show: async block values::main::{async_block#1} returned
    pub phantom: PhantomData<u64>, // show: PhantomData
    pub manual: ManuallyDrop<u8>, // show: ManuallyDrop(maybe dropped)
    // fields: unless dropped = 1
    pub uninit: MaybeUninit<u64>, // show: MaybeUninit(maybe uninitialised)
    // fields: if initialised = 86
    pub union: Bits, // show: union Bits
    // fields: whole = 65537; bytes = [1, 0, 1, 0]
}

fn main() {
    let number: &'static u32 = Box::leak(Box::new(41));
    let arc = Arc::new(64_u64);
    let counted = Rc::new(Point { x: 5, y: 6 });
    let gone = Arc::downgrade(&Arc::new(1_u64));
    let arc_text: Arc<str> = Arc::from("shared");
    let knot = Rc::new(Knot { name: "a", next: RefCell::new(None) });
    *knot.next.borrow_mut() =
        Some(Rc::new(Knot { name: "b", next: RefCell::new(Some(knot.clone())) }));
    let mut deque = VecDeque::with_capacity(4);
    deque.extend([0, 1, 2, 3]);
    deque.drain(..2);
    deque.extend([4, 5]);
    let mut future: Pin<Box<dyn Future<Output = u32>>> = Box::pin(nap(8));
    let mut context = Context::from_waker(Waker::noop());
    assert!(future.as_mut().poll(&mut context).is_pending());
    let block = Box::pin(async { *std::hint::black_box(&1) });
    let mut done: Pin<Box<dyn Future<Output = u32>>> = Box::pin(async { *number });
    assert!(done.as_mut().poll(&mut context).is_ready());
    let base = std::hint::black_box(100);
    let once_cell = OnceCell::new();
    once_cell.set(8).unwrap();
    let poisoned = Arc::new(Mutex::new(3));
    let other = poisoned.clone();
    std::panic::set_hook(Box::new(|_| ()));
    let _ = std::thread::spawn(move || {
        let _guard = other.lock();
        panic!("poisons the lock");
    })
    .join();

    let sample: &'static Sample = Box::leak(Box::new(Sample {
        tiny: 200,
        signed: -100,
        big: u64::MAX,
        small: i64::MIN,
        huge: u128::MAX,
        huge_signed: i128::MIN,
        word: 65536,
        yes: true,
        no: false,
        letter: 'ß',
        quote: '\'',
        bell: '\u{7}',
        single: 0.1,
        whole: 3.0,
        float: -2.5e300,
        infinite: f64::INFINITY,
        nan: f64::NAN,
        unit: (),
        raw: number,
        raw_slice: &[7, 8, 9],
        raw_dyn: &Aligned(1),
        null: std::ptr::null_mut(),
        reference: number,
        exclusive: Box::leak(Box::new(Point { x: 7, y: 8 })),
        double_reference: Box::leak(Box::new(number)),
        point: Point { x: 1, y: -2 },
        meters: Meters(2.5),
        pair: Pair(9, "nine"),
        empty: Empty,
        wide: Wide { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, h: 8, i: 9, j: 10 },
        deep: (1..8).rev().fold(Deep { level: 8, inner: None }, |deep, level| Deep {
            level,
            inner: Some(Box::new(deep)),
        })
        .below(0),
        generic: Generic { id: 3, mark: PhantomData },
        tuple: (1, 'a', true),
        one_tuple: (5,),
        array: [10, 20, 30],
        long_array: [0; 300],
        no_array: [],
        nested: [[1, 2], [3, 4]],
        slice: &[7, 8, 9],
        colour: Colour::Green,
        negative: Colour::Back,
        dot: Shape::Dot,
        circle: Shape::Circle(1.5),
        rectangle: Shape::Box { width: 3, height: 4 },
        some: Some(5),
        none: None,
        niche: Some(number),
        no_niche: None,
        some_some: Some(Some(true)),
        ok: Ok(1),
        err: Err("broken".to_owned()),
        poll: Poll::Ready(4),
        wide_tag: Some(9),
        parsed: Err("x".parse::<u8>().unwrap_err()),
        ordering: 1.cmp(&2),
        range: 1..4,
        string: "hello \"you\"\n\u{1b}[31m ü".to_owned(),
        empty_string: String::new(),
        long_string: "a".repeat(1000),
        text: "static",
        boxed_text: "boxed".into(),
        rc_text: "counted".into(),
        arc_text: arc_text.clone(),
        arc_text_again: arc_text,
        os_string: os_string(),
        path: "/etc/hosts".into(),
        c_string: CString::new("see").unwrap(),
        path_reference: Path::new("/etc"),
        c_reference: c"sea",
        boxed_path: Path::new("/boxed").into(),
        borrowed: Cow::Borrowed("cow"),
        vec: vec![1, 2, 3],
        empty_vec: Vec::new(),
        long_vec: (0..1000).collect(),
        vec_of_strings: vec!["a".to_owned(), "b".to_owned()],
        vec_of_units: vec![(), ()],
        deque,
        boxed_slice: Box::new([1, 2]),
        arc_slice: Arc::new([4, 5]),
        heap: BinaryHeap::from([9]),
        linked: LinkedList::from([1, 2, 3]),
        map: HashMap::from([("key", 5)]),
        empty_map: HashMap::new(),
        set: HashSet::from([77]),
        tree: BTreeMap::from([(1, "one"), (2, "two"), (3, "three")]),
        empty_tree: BTreeMap::new(),
        tall_tree: (0..500).map(|key| (key, key * 3)).collect(),
        tree_set: BTreeSet::from(['x', 'y']),
        big_map: (0..300).map(|key| (format!("key {key}"), vec![1])).collect(),
        boxed: Box::new(12),
        boxed_point: Box::new(Point { x: 3, y: 4 }),
        weak: Arc::downgrade(&arc),
        arc: arc.clone(),
        arc_again: arc,
        gone,
        dangling: Weak::new(),
        rc_weak: Rc::downgrade(&counted),
        rc: counted,
        knot,
        cell: Cell::new(3),
        unsafe_cell: UnsafeCell::new(4),
        ref_cell: RefCell::new(5),
        shared_cell: RefCell::new(6),
        taken_cell: RefCell::new(7),
        once_cell,
        atomic: AtomicU64::new(5),
        atomic_signed: AtomicI32::new(-5),
        atomic_bool: AtomicBool::new(true),
        atomic_pointer: AtomicPtr::new(Box::leak(Box::new(6))),
        wrapped_atomic: AtomicU8 { inner: UnsafeCell::new(21.into()) },
        non_zero: NonZeroU32::new(17).unwrap(),
        maybe_non_zero: NonZeroU32::new(18),
        wrapping: Wrapping(19),
        mutex: Mutex::new(1),
        locked: Mutex::new(2),
        poisoned: Arc::into_inner(poisoned).unwrap(),
        rw_lock: RwLock::new(1),
        read_locked: RwLock::new(2),
        write_locked: RwLock::new(3),
        duration: Duration::from_millis(1500),
        short: Duration::from_micros(250),
        no_time: Duration::ZERO,
        days: Duration::new(90061, 1),
        instant: Instant::now(),
        epoch: UNIX_EPOCH + Duration::from_millis(1_000_000_000_500),
        boxed_dyn: Box::new(Point { x: 10, y: 11 }),
        dyn_number: Box::leak(Box::new(99_u64)),
        arc_dyn: Arc::new(Aligned(64)),
        function: double,
        closure: Box::new(move |more| base + more),
        future,
        block,
        done,
        phantom: PhantomData,
        manual: ManuallyDrop::new(1),
        uninit: MaybeUninit::new(86),
        union: Bits { whole: 65537 },
    }));
    std::mem::forget(sample.shared_cell.borrow());
    std::mem::forget(sample.shared_cell.borrow());
    std::mem::forget(sample.taken_cell.borrow_mut());
    std::mem::forget(sample.locked.lock());
    std::mem::forget(sample.read_locked.read());
    std::mem::forget(sample.read_locked.read());
    std::mem::forget(sample.write_locked.write());
    // What is never called would have no vtable and no variant.
    println!("{} {}", sample.boxed_dyn.name(), sample.dyn_number.name());
    println!("{} {}", sample.arc_dyn.name(), (sample.closure)((sample.function)(1)));
    println!("{}", std::hint::black_box(Colour::Red) as i32);
    SAMPLE.store(std::ptr::from_ref(sample).cast_mut(), Ordering::SeqCst);
    std::hint::black_box(&SAMPLE);
    std::process::abort();
}

impl Deep {
    fn below(self, level: u8) -> Deep {
        Deep { level, inner: Some(Box::new(self)) }
    }
}

fn os_string() -> OsString {
    use std::os::unix::ffi::OsStringExt;
    OsString::from_vec(b"os \xff".to_vec())
}
