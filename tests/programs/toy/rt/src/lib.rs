//! A small runtime that no debugger knows: it describes itself.
//!
//! Its tasks, its scheduler with two workers, its timer, a rendezvous and a lock that is passed on
//! in turn are its own; only `std::task::Waker` is shared with other runtimes.

mod baton;
mod pool;
mod task;
mod timer;
mod slot;

pub use baton::{Acquire, Baton, Held};
pub use pool::{spawn, spawn_unseen, start};
pub use slot::{Give, Slot, Take};
pub use task::Join;
pub use timer::{sleep, Sleep};

adp::describe!("adp.json");
