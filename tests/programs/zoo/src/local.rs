//! A LocalSet on a current_thread runtime, with tasks that are not Send.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tokio::runtime::Builder;
use tokio::sync::Notify;
use tokio::task::{spawn_local, LocalSet};
use tokio::time::sleep;

use crate::{say_id, say_thread, still, HOUR};

async fn local_leaf(shared: Rc<RefCell<Vec<u32>>>) {
    let count = Cell::new(3u8);
    let bell = Notify::new();
    bell.notified().await; // [local.leaf]
    shared.borrow_mut().push(u32::from(count.get()));
}

async fn local_task(shared: Rc<RefCell<Vec<u32>>>) {
    local_leaf(shared.clone()).await; // [local.task]
    drop(shared);
}

async fn local_root() {
    say_thread("local");
    let shared = Rc::new(RefCell::new(vec![4, 5, 6]));
    say_id("local", &spawn_local(local_task(shared.clone())));
    sleep(HOUR).await; // [local.root]
    drop(shared);
}

async fn drives_set() {
    let set = LocalSet::new();
    set.run_until(local_root()).await; // [local.run_until]
}

pub fn thread() {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    still::entered();
    runtime.block_on(drives_set());
}
