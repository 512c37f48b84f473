//! The runtime of the tutorial in docs/adp.md: the descriptor that is printed there reads it.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::Mutex;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

struct Pool {
    tasks: Mutex<Vec<&'static Header>>,
}

static POOL: Pool = Pool { tasks: Mutex::new(Vec::new()) };

#[repr(C)]
struct Header {
    vtable: &'static Vtable,
    id: u64,
    done: AtomicBool,
    queued: AtomicBool,
}

struct Vtable {
    poll: unsafe fn(&'static Header, &mut Context<'_>) -> bool,
}

#[repr(C)]
struct Task<F> {
    header: Header,
    future: F,
}

unsafe fn poll<F: Future<Output = ()>>(header: &'static Header, context: &mut Context<'_>) -> bool {
    let task = header as *const Header as *mut Task<F>;
    Pin::new_unchecked(&mut (*task).future).poll(context).is_ready()
}

static WAKER: RawWakerVTable = RawWakerVTable::new(clone_waker, wake, wake, |_| {});

unsafe fn clone_waker(data: *const ()) -> RawWaker {
    RawWaker::new(data, &WAKER)
}

unsafe fn wake(data: *const ()) {
    (*data.cast::<Header>()).queued.store(true, SeqCst);
}

fn spawn<F: Future<Output = ()> + 'static>(id: u64, future: F) {
    let header = Header {
        vtable: &const { Vtable { poll: poll::<F> } },
        id,
        done: AtomicBool::new(false),
        queued: AtomicBool::new(true),
    };
    let task: *mut Task<F> = Box::into_raw(Box::new(Task { header, future }));
    POOL.tasks.lock().unwrap().push(unsafe { &*task.cast::<Header>() });
}

fn run() {
    let tasks = POOL.tasks.lock().unwrap().clone();
    for header in tasks {
        if header.queued.swap(false, SeqCst) {
            let waker = unsafe { Waker::from_raw(clone_waker((header as *const Header).cast())) };
            let done = unsafe { (header.vtable.poll)(header, &mut Context::from_waker(&waker)) };
            header.done.store(done, SeqCst);
        }
    }
}

thread_local! {
    static BELL: Cell<Option<Waker>> = const { Cell::new(None) };
}

/// Rings for nobody.
struct Bell;

impl Future for Bell {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        BELL.set(Some(context.waker().clone()));
        Poll::Pending
    }
}

async fn outer() {
    inner().await; // [outer.inner]
}

async fn inner() {
    Bell.await; // [inner.bell]
}

async fn nothing() {}

fn main() {
    spawn(1, outer());
    spawn(2, nothing());
    run();
    spawn(3, outer());
    std::process::abort();
}
