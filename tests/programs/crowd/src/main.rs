//! As many tasks as the first argument says, of forty future types, from one to eight calls deep.
//!
//! Half of them stand behind a lock, for which many wait, or at a channel of their own; the others
//! wait for a timer, an answer or another task.
//!
//! With `queue` as the second argument all of them wait for one semaphore, whose only permit a
//! task has that waits for good.

use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot, Mutex, Notify, RwLock, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::{interval_at, sleep, Instant};

const HOUR: Duration = Duration::from_secs(3600);
/// So many tasks share one of each lock: a tenth of them waits for it.
const NEIGHBOURS: usize = 400;

/// What some tasks share. Each lock is held for good.
struct Shared {
    ledger: Mutex<Vec<u64>>,
    prices: RwLock<Vec<u32>>,
    permits: Semaphore,
    bell: Notify,
}

impl Shared {
    fn new() -> Arc<Self> {
        let shared = Arc::new(Shared {
            ledger: Mutex::new(vec![1, 2, 3]),
            prices: RwLock::new(vec![4, 5]),
            permits: Semaphore::new(1),
            bell: Notify::new(),
        });
        std::mem::forget(shared.ledger.try_lock().unwrap());
        std::mem::forget(shared.prices.try_write().unwrap());
        std::mem::forget(shared.permits.try_acquire().unwrap());
        shared
    }
}

/// What a task is given: handed down to the call that waits.
struct Given {
    number: usize,
    name: String,
    shared: Arc<Shared>,
    neighbour: Option<JoinHandle<usize>>,
}

async fn mutex_1(given: Given) -> usize {
    let ledger = given.shared.ledger.lock().await; // [crowd.mutex]
    ledger.len() + given.name.len()
}

async fn rwlock_1(given: Given) -> usize {
    let prices = given.shared.prices.read().await; // [crowd.rwlock]
    prices.len() + given.name.len()
}

async fn semaphore_1(given: Given) -> usize {
    let permit = given.shared.permits.acquire().await; // [crowd.semaphore]
    given.name.len() + permit.map_or(0, |held| held.num_permits())
}

async fn notify_1(given: Given) -> usize {
    given.shared.bell.notified().await; // [crowd.notify]
    given.name.len()
}

async fn mpsc_1(given: Given) -> usize {
    let (sender, mut receiver) = mpsc::channel::<String>(4);
    std::mem::forget(sender);
    let word = receiver.recv().await; // [crowd.mpsc]
    word.map_or(0, |it| it.len()) + given.number
}

async fn sleep_1(given: Given) -> usize {
    sleep(HOUR).await; // [crowd.sleep]
    given.name.len()
}

async fn tick_1(given: Given) -> usize {
    let mut clock = interval_at(Instant::now() + HOUR, HOUR);
    clock.tick().await; // [crowd.tick]
    given.name.len()
}

async fn number_1(given: Given) -> usize {
    let (sender, receiver) = oneshot::channel::<usize>();
    std::mem::forget(sender);
    let number = receiver.await; // [crowd.number]
    number.unwrap_or(given.number)
}

async fn word_1(given: Given) -> usize {
    let (sender, receiver) = oneshot::channel::<String>();
    std::mem::forget(sender);
    let word = receiver.await; // [crowd.word]
    word.map_or(given.number, |it| it.len())
}

async fn join_1(given: Given) -> usize {
    let asked = given.neighbour.expect("each tenth task has one");
    let answer = asked.await; // [crowd.join]
    answer.unwrap_or(given.number)
}

macro_rules! calls {
    ($($name:ident -> $next:ident),*) => {
        $(async fn $name(given: Given) -> usize {
            let kept = vec![given.number; 3];
            let answer = $next(given).await;
            answer + kept.len()
        })*
    };
}

macro_rules! deeper {
    ($($one:ident $two:ident $three:ident $four:ident $five:ident $six:ident $seven:ident)*) => {
        $(calls!($two -> $one, $three -> $two, $four -> $three, $five -> $four, $six -> $five,
            $seven -> $six);)*
    };
}

deeper! {
    mutex_1 mutex_2 mutex_3 mutex_4 mutex_5 mutex_6 mutex_7
    rwlock_1 rwlock_2 rwlock_3 rwlock_4 rwlock_5 rwlock_6 rwlock_7
    semaphore_1 semaphore_2 semaphore_3 semaphore_4 semaphore_5 semaphore_6 semaphore_7
    notify_1 notify_2 notify_3 notify_4 notify_5 notify_6 notify_7
    mpsc_1 mpsc_2 mpsc_3 mpsc_4 mpsc_5 mpsc_6 mpsc_7
    sleep_1 sleep_2 sleep_3 sleep_4 sleep_5 sleep_6 sleep_7
    tick_1 tick_2 tick_3 tick_4 tick_5 tick_6 tick_7
    number_1 number_2 number_3 number_4 number_5 number_6 number_7
    word_1 word_2 word_3 word_4 word_5 word_6 word_7
    join_1 join_2 join_3 join_4 join_5 join_6 join_7
}

calls!(
    rwlock_8 -> rwlock_7, notify_8 -> notify_7, sleep_8 -> sleep_7, number_8 -> number_7,
    join_8 -> join_7
);

macro_rules! spawn {
    ($number:expr, $given:expr, $($name:ident),*) => {{
        let all = [$(|given| tokio::spawn($name(given)),)*] as [fn(Given) -> JoinHandle<usize>; 40];
        all[$number % all.len()]($given)
    }};
}

/// Spawns the next task; its number says of which type.
fn one(number: usize, given: Given) -> JoinHandle<usize> {
    spawn!(
        number,
        given,
        mutex_1,
        rwlock_2,
        semaphore_1,
        notify_2,
        mpsc_1,
        sleep_2,
        tick_1,
        number_2,
        word_1,
        join_2,
        mutex_3,
        rwlock_4,
        semaphore_3,
        notify_4,
        mpsc_3,
        sleep_4,
        tick_3,
        number_4,
        word_3,
        join_4,
        mutex_5,
        rwlock_6,
        semaphore_5,
        notify_6,
        mpsc_5,
        sleep_6,
        tick_5,
        number_6,
        word_5,
        join_6,
        mutex_7,
        rwlock_8,
        semaphore_7,
        notify_8,
        mpsc_7,
        sleep_8,
        tick_7,
        number_8,
        word_7,
        join_8
    )
}

fn spawn_all(tasks: usize) {
    let mut shared = Shared::new();
    let mut before = None;
    for number in 0..tasks {
        if number % NEIGHBOURS == 0 {
            shared = Shared::new();
        }
        let given = Given {
            number,
            name: format!("task {number}"),
            shared: shared.clone(),
            neighbour: before.take(),
        };
        let spawned = one(number, given);
        // What is not joined is detached.
        before = (number % 10 == 8).then_some(spawned);
    }
}

async fn keeps(permits: Arc<Semaphore>, bell: Arc<Notify>) {
    let permit = permits.acquire().await.unwrap(); // [queue.holds]
    bell.notified().await; // [queue.keeps]
    drop(permit);
}

async fn queues(permits: Arc<Semaphore>) {
    let permit = permits.acquire().await.unwrap(); // [queue.waits]
    drop(permit);
}

async fn queue(tasks: usize) {
    let permits = Arc::new(Semaphore::new(1));
    let holder = tokio::spawn(keeps(permits.clone(), Arc::new(Notify::new())));
    println!("fact id_keeper {}", holder.id());
    while permits.available_permits() > 0 {
        tokio::task::yield_now().await;
    }
    for _ in 0..tasks {
        tokio::spawn(queues(permits.clone()));
    }
}

/// Returns when every other thread sleeps: each task stands at the await where it stays.
fn wait_until_all_sleep() {
    let own = fs::read_link("/proc/thread-self").expect("procfs");
    let mut looks = 0;
    while looks < 50 {
        thread::sleep(Duration::from_millis(2));
        let asleep = fs::read_dir("/proc/self/task")
            .expect("procfs")
            .flatten()
            .filter(|each| own.file_name() != Some(&each.file_name()))
            .filter_map(|each| fs::read_to_string(each.path().join("stat")).ok())
            .all(|stat| {
                stat.rsplit(") ")
                    .next()
                    .is_some_and(|rest| rest.starts_with('S'))
            });
        looks = if asleep { looks + 1 } else { 0 };
    }
}

fn counts_and_crashes(tasks: usize) {
    wait_until_all_sleep();
    // Each row of `one` has ten types, which wait on these.
    let kinds = [
        "mutex",
        "rwlock",
        "semaphore",
        "notify",
        "mpsc",
        "timer",
        "timer",
        "oneshot",
    ];
    let kinds: Vec<_> = kinds.into_iter().chain(["oneshot", "join"]).collect();
    for kind in [
        "mutex",
        "rwlock",
        "semaphore",
        "notify",
        "mpsc",
        "timer",
        "oneshot",
        "join",
    ] {
        let waiting = (0..tasks).filter(|each| kinds[each % 10] == kind).count();
        println!("fact {kind} {waiting}");
    }
    for deep in 1..9 {
        // The first of a row is called directly in the first row, through two more in the next.
        let standing = (0..tasks).filter(|each| 1 + each % 2 + each % 40 / 10 * 2 == deep);
        println!("fact deep_{deep} {}", standing.count());
    }
    println!("fact tasks {tasks}");
    println!("fact types {}", tasks.min(40));
    std::process::abort();
}

fn main() {
    let tasks = std::env::args().nth(1).map_or(Ok(2000), |it| it.parse());
    let tasks = tasks.expect("the argument is a number of tasks");
    let runtime = Builder::new_multi_thread()
        .worker_threads(4)
        .enable_time()
        .build()
        .unwrap();
    let queues = std::env::args().nth(2).is_some_and(|it| it == "queue");
    runtime.block_on(async {
        if queues {
            queue(tasks).await;
        } else {
            spawn_all(tasks);
        }
        thread::spawn(move || counts_and_crashes(tasks));
        Notify::new().notified().await; // [crowd.root]
    });
}
