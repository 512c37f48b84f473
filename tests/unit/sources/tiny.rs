//! The smallest shared library with an enum, a generic, a trait object and a coroutine in it:
//! its bytes are changed at random by a test.
#![no_std]

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

pub enum Shape {
    Dot,
    Line(u32),
    Box { width: u64, height: [u16; 3] },
}

pub struct Pair<A, B> {
    pub first: A,
    pub second: Option<B>,
}

pub trait Price {
    fn price(&self) -> u64;
}

impl Price for Shape {
    fn price(&self) -> u64 {
        match self {
            Shape::Dot => 0,
            Shape::Line(length) => u64::from(*length),
            Shape::Box { width, height } => width * u64::from(height[0]),
        }
    }
}

pub static COUNT: u64 = 3;

pub struct Never;

impl Future for Never {
    type Output = u32;
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u32> {
        Poll::Pending
    }
}

pub async fn waits(by: u32) -> u32 {
    let kept = by + 1;
    Never.await + kept
}

#[unsafe(no_mangle)]
pub extern "C" fn entry(pair: &Pair<u8, &dyn Price>, context: &mut Context<'_>) -> u64 {
    let mut future = waits(pair.first.into());
    let pinned = unsafe { Pin::new_unchecked(&mut future) };
    let ready = matches!(pinned.poll(context), Poll::Ready(_));
    let shape = Shape::Line(COUNT as u32);
    pair.second.unwrap_or(&shape).price() + u64::from(ready)
}
