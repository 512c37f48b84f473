//! Tasks that nothing can wake, beside some that something can (see ../../README.md).
//!
//! The runtime is the toy's, which does not count who could wake a task.

// It need not wait for threads that announce themselves.
#[allow(dead_code)]
mod still;

use std::arch::asm;
use std::future::{pending, Future};
use std::hint::black_box;
use std::pin::Pin;
use std::process;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex, OnceLock};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker};
use std::thread;
use std::time::Duration;

use toy_rt::{sleep, spawn, spawn_unseen, start};

const HOUR: Duration = Duration::from_secs(3600);

static MASKED: AtomicUsize = AtomicUsize::new(0);
static HANDED: Mutex<Option<Waker>> = Mutex::new(None);
static DATA: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());
static MEETING: OnceLock<Barrier> = OnceLock::new();
static VTABLE: Mutex<Option<&'static RawWakerVTable>> = Mutex::new(None);

/// Shows its waker to a function and is never ready.
struct Shows {
    to: fn(&Waker),
}

impl Future for Shows {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        (self.to)(context.waker());
        Poll::Pending
    }
}

/// Is woken once, and the second time keeps nothing.
struct Slackens {
    polls: u32,
}

impl Future for Slackens {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.polls += 1;
        if self.polls == 1 {
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

/// Is never ready, as `pending`: it has nothing to wait with.
struct Never;

impl Future for Never {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

/// Polls a future with a waker of its own, which has the task's.
struct Wraps {
    inner: Shows,
}

struct Inner {
    outer: Waker,
}

impl Wake for Inner {
    fn wake(self: Arc<Self>) {
        self.outer.wake_by_ref();
    }
}

impl Future for Wraps {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let own = Waker::from(Arc::new(Inner { outer: context.waker().clone() }));
        Pin::new(&mut self.inner).poll(&mut Context::from_waker(&own))
    }
}

/// As `Wraps`, but its waker has no more of the task's than the data.
struct Hides {
    inner: Shows,
}

struct Half {
    data: AtomicPtr<()>,
}

impl Wake for Half {
    fn wake(self: Arc<Self>) {
        let vtable = VTABLE.lock().unwrap().expect("a vtable");
        unsafe { Waker::from_raw(RawWaker::new(self.data.load(SeqCst), vtable)) }.wake();
    }
}

impl Future for Hides {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let waker = context.waker();
        *VTABLE.lock().unwrap() = Some(waker.vtable());
        let own = Waker::from(Arc::new(Half { data: AtomicPtr::new(waker.data().cast_mut()) }));
        Pin::new(&mut self.inner).poll(&mut Context::from_waker(&own))
    }
}

fn keeps_nothing(_: &Waker) {}

/// Keeps it where no variable leads to.
fn keeps_on_the_heap(waker: &Waker) {
    let kept = Box::into_raw(Box::new(waker.clone()));
    MASKED.store(!(black_box(kept) as usize), SeqCst);
}

fn hands_it_on(waker: &Waker) {
    *HANDED.lock().unwrap() = Some(waker.clone());
}

/// A waker of the toy is no more than its two words.
fn hands_its_data_on(waker: &Waker) {
    DATA.store(waker.data().cast_mut(), SeqCst);
}

async fn shows(to: fn(&Waker)) {
    Shows { to }.await; // [shows.await]
}

async fn slackens() {
    Slackens { polls: 0 }.await; // [slackens.await]
}

async fn wraps() {
    Wraps { inner: Shows { to: keeps_on_the_heap } }.await; // [wraps.await]
}

async fn hides() {
    Hides { inner: Shows { to: keeps_on_the_heap } }.await; // [hides.await]
}

async fn intends() {
    pending::<()>().await; // [intends.await]
}

async fn never() {
    Never.await; // [never.await]
}

async fn dozes() {
    sleep(HOUR).await; // [dozes.await]
}

/// Takes a worker until another one does the same: then neither's stack has any other task.
async fn meets() {
    MEETING.get_or_init(|| Barrier::new(2)).wait();
    sleep(HOUR).await; // [meets.await]
}

/// Starts a task, says its id, and keeps no handle.
#[inline(never)]
fn task<F>(name: &'static str, future: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    println!("fact id_{name} {}", spawn(name, future).id());
}

#[inline(never)]
fn holds_in_a_frame() {
    let waker = HANDED.lock().unwrap().take().expect("a waker");
    loop {
        thread::park();
        black_box(&waker);
    }
}

/// Takes the data of a waker into a register, from where it stands nowhere else, and sleeps.
#[inline(never)]
fn holds_in_a_register() {
    unsafe {
        asm!(
            "mov r12, [{place}]",
            "mov qword ptr [{place}], 0",
            "2: mov eax, 34",
            "syscall",
            "jmp 2b",
            place = in(reg) DATA.as_ptr(),
            options(noreturn),
        );
    }
}

#[inline(never)]
fn starts_all() {
    task("boxed", shows(keeps_on_the_heap));
    task("framed", shows(hands_it_on));
    task("register", shows(hands_its_data_on));
    task("wraps", wraps());
    task("hides", hides());
    task("forgets", shows(keeps_nothing));
    task("slackens", slackens());
    task("intends", intends());
    task("never", never());
    still::wait();
    thread::spawn(holds_in_a_frame);
    thread::spawn(holds_in_a_register);
    task("dozes", dozes());
    task("meets", meets());
    task("met", meets());
    still::wait();
    println!("fact id_unseen {}", spawn_unseen("unseen", shows(keeps_nothing)).id());
}

fn main() {
    start();
    starts_all();
    process::abort();
}
