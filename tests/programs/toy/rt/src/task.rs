//! A task: a header of one size, then its future.

use std::cell::UnsafeCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::sync::Mutex;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use crate::pool;

pub(crate) const IDLE: u8 = 0;
pub(crate) const QUEUED: u8 = 1;
pub(crate) const POLLED: u8 = 2;
/// It was woken while it was polled.
pub(crate) const AGAIN: u8 = 3;
pub(crate) const DONE: u8 = 4;

/// What all tasks begin with.
#[repr(C)]
pub struct Header {
    pub(crate) vtable: &'static Vtable,
    pub(crate) id: u64,
    pub(crate) state: AtomicU8,
    #[allow(dead_code)]
    pub(crate) name: &'static str,
    pub(crate) joiner: Mutex<Option<Waker>>,
}

pub(crate) struct Vtable {
    pub(crate) poll: unsafe fn(&'static Header, &mut Context<'_>) -> bool,
}

#[repr(C)]
struct Task<F> {
    header: Header,
    future: UnsafeCell<Option<F>>,
}

unsafe impl<F: Send> Sync for Task<F> {}

/// Makes a task, which is never freed.
pub(crate) fn make<F>(name: &'static str, id: u64, future: F) -> &'static Header
where
    F: Future<Output = ()> + Send + 'static,
{
    let task: &'static Task<F> = Box::leak(Box::new(Task {
        header: Header {
            vtable: &const { Vtable { poll: poll::<F> } },
            id,
            state: AtomicU8::new(QUEUED),
            name,
            joiner: Mutex::new(None),
        },
        future: UnsafeCell::new(Some(future)),
    }));
    // The header alone would not lead to the rest of its task.
    unsafe { &*(task as *const Task<F>).cast::<Header>() }
}

/// Polls a task; the worker that set `POLLED` is the only one who does.
unsafe fn poll<F: Future<Output = ()>>(header: &'static Header, context: &mut Context<'_>) -> bool {
    let task = (header as *const Header).cast::<Task<F>>();
    let slot = &mut *(*task).future.get();
    let Some(future) = slot else { return true };
    let ready = Pin::new_unchecked(future).poll(context).is_ready();
    if ready {
        *slot = None;
    }
    ready
}

pub(crate) static WAKER: RawWakerVTable =
    RawWakerVTable::new(clone_waker, wake, wake, |_| {});

unsafe fn clone_waker(data: *const ()) -> RawWaker {
    RawWaker::new(data, &WAKER)
}

unsafe fn wake(data: *const ()) {
    let header: &'static Header = &*data.cast();
    if header.state.compare_exchange(IDLE, QUEUED, SeqCst, SeqCst).is_ok() {
        pool::push(header);
    } else {
        let _ = header.state.compare_exchange(POLLED, AGAIN, SeqCst, SeqCst);
    }
}

pub(crate) fn waker(header: &'static Header) -> Waker {
    unsafe { Waker::from_raw(clone_waker((header as *const Header).cast())) }
}

/// Waits until a task is done.
pub struct Join {
    pub(crate) header: &'static Header,
}

impl Join {
    pub fn id(&self) -> u64 {
        self.header.id
    }
}

impl Future for Join {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        *self.header.joiner.lock().unwrap() = Some(context.waker().clone());
        if self.header.state.load(SeqCst) == DONE {
            return Poll::Ready(());
        }
        Poll::Pending
    }
}
