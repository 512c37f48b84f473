//! A lock that is handed on in the order of asking.

use std::cell::UnsafeCell;
use std::collections::VecDeque;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

pub struct Baton<T> {
    line: Mutex<Line>,
    value: UnsafeCell<T>,
}

struct Line {
    taken: bool,
    waiting: VecDeque<Waker>,
}

unsafe impl<T: Send> Sync for Baton<T> {}

impl<T> Baton<T> {
    pub const fn new(value: T) -> Self {
        let line = Mutex::new(Line { taken: false, waiting: VecDeque::new() });
        Baton { line, value: UnsafeCell::new(value) }
    }

    pub fn acquire(&self) -> Acquire<'_, T> {
        Acquire { baton: self }
    }
}

/// Waits for its turn.
pub struct Acquire<'a, T> {
    baton: &'a Baton<T>,
}

impl<'a, T> Future for Acquire<'a, T> {
    type Output = Held<'a, T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Held<'a, T>> {
        let mut line = self.baton.line.lock().unwrap();
        if line.taken {
            line.waiting.push_back(context.waker().clone());
            return Poll::Pending;
        }
        line.taken = true;
        Poll::Ready(Held { baton: self.baton })
    }
}

/// Holds the baton until it is dropped.
pub struct Held<'a, T> {
    baton: &'a Baton<T>,
}

unsafe impl<T: Send> Sync for Held<'_, T> {}

impl<T> Deref for Held<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        unsafe { &*self.baton.value.get() }
    }
}

impl<T> DerefMut for Held<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        unsafe { &mut *self.baton.value.get() }
    }
}

impl<T> Drop for Held<'_, T> {
    fn drop(&mut self) {
        let mut line = self.baton.line.lock().unwrap();
        line.taken = false;
        if let Some(waker) = line.waiting.pop_front() {
            waker.wake();
        }
    }
}
