//! Types that are polled, and types that are pinned for other reasons.

use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

mod deep {
    pub struct Hand<F>(pub F);
    pub struct Lines(pub u32);
    #[allow(dead_code)]
    pub struct Plain(pub u32);
}

impl<F: Future> Future for deep::Hand<F> {
    type Output = u32;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u32> {
        // SAFETY: the field is never moved.
        let inner = unsafe { self.map_unchecked_mut(|hand| &mut hand.0) };
        let _ = inner.poll(context);
        Poll::Pending
    }
}

trait Stream {
    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<u32>>;
}

impl Stream for deep::Lines {
    #[inline(never)]
    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u32>> {
        Poll::Ready(Some(black_box(self.0)))
    }
}

fn main() {
    struct Inner(u32);

    impl Future for Inner {
        type Output = ();

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            black_box(&self.0);
            Poll::Pending
        }
    }

    let mut context = Context::from_waker(Waker::noop());
    let mut hand = Box::pin(deep::Hand(async { Inner(3).await }));
    let _ = hand.as_mut().poll(&mut context);
    let mut lines = Box::pin(deep::Lines(4));
    let _ = black_box(lines.as_mut().poll_next(&mut context));
    let mut plain = deep::Plain(5);
    black_box(Pin::new(&mut plain));
}
