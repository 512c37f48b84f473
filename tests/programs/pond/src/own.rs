//! An executor that no descriptor knows.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Wake, Waker};

use futures::channel::oneshot;

use crate::{say_task, say_thread, still};

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

struct Queue {
    ready: Mutex<VecDeque<Arc<Job>>>,
    bell: Condvar,
}

struct Job {
    future: Mutex<Option<Boxed>>,
    queue: Arc<Queue>,
}

impl Wake for Job {
    fn wake(self: Arc<Self>) {
        let queue = self.queue.clone();
        queue.ready.lock().unwrap().push_back(self);
        queue.bell.notify_one();
    }
}

async fn own_task(name: &'static str, gate: oneshot::Receiver<()>) {
    say_task(name).await;
    let _ = gate.await; // [own.task]
}

fn spawn(queue: &Arc<Queue>, future: impl Future<Output = ()> + Send + 'static) {
    Arc::new(Job {
        future: Mutex::new(Some(Box::pin(future))),
        queue: queue.clone(),
    })
    .wake();
}

/// Polls what is woken, for good.
pub fn thread() {
    say_thread("own");
    let queue = Arc::new(Queue {
        ready: Mutex::new(VecDeque::new()),
        bell: Condvar::new(),
    });
    let (keep, gate) = oneshot::channel();
    let (keep_too, other_gate) = oneshot::channel();
    spawn(&queue, own_task("own1", gate));
    spawn(&queue, own_task("own2", other_gate));
    still::entered();
    loop {
        let job = queue.ready.lock().unwrap().pop_front();
        if let Some(job) = job {
            let waker = Waker::from(job.clone());
            let mut future = job.future.lock().unwrap();
            if let Some(mut polled) = future.take() {
                if polled.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
                    *future = Some(polled);
                }
            }
            continue;
        }
        let ready = queue.ready.lock().unwrap();
        let woken = queue.bell.wait_while(ready, |ready| ready.is_empty()); // [own.wait]
        drop(woken);
        if Arc::strong_count(&queue) == 0 {
            break;
        }
    }
    drop((keep, keep_too));
}
