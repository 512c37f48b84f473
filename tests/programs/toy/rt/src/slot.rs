//! A rendezvous: who gives waits for who takes, and the other way round.

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

pub struct Slot<T> {
    middle: Mutex<Middle<T>>,
}

struct Middle<T> {
    offer: Option<T>,
    met: u32,
    giver: Option<Waker>,
    taker: Option<Waker>,
}

impl<T> Slot<T> {
    pub const fn new() -> Self {
        Slot { middle: Mutex::new(Middle { offer: None, met: 0, giver: None, taker: None }) }
    }

    pub fn give(&self, value: T) -> Give<'_, T> {
        Give { slot: self, value: Some(value) }
    }

    pub fn take(&self) -> Take<'_, T> {
        Take { slot: self }
    }
}

/// Waits until what it gives was taken.
pub struct Give<'a, T> {
    slot: &'a Slot<T>,
    value: Option<T>,
}

impl<T: Unpin> Future for Give<'_, T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let value = self.value.take();
        let mut middle = self.slot.middle.lock().unwrap();
        if let Some(value) = value {
            middle.offer = Some(value);
            if let Some(taker) = middle.taker.take() {
                taker.wake();
            }
        } else if middle.offer.is_none() {
            return Poll::Ready(());
        }
        middle.giver = Some(context.waker().clone());
        Poll::Pending
    }
}

/// Waits until something is given.
pub struct Take<'a, T> {
    slot: &'a Slot<T>,
}

impl<T> Future for Take<'_, T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut middle = self.slot.middle.lock().unwrap();
        let Some(value) = middle.offer.take() else {
            middle.taker = Some(context.waker().clone());
            return Poll::Pending;
        };
        middle.met += 1;
        if let Some(giver) = middle.giver.take() {
            giver.wake();
        }
        Poll::Ready(value)
    }
}
