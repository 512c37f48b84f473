//! Embassy's executor as it runs on a desk: tasks in statics, a run queue, and one thread.

use embassy_executor::{Executor, Spawner};
use embassy_futures::join::{join, join_array};
use embassy_futures::select::{select, select3};
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel::{Channel, DynamicReceiver, DynamicSender, Receiver, Sender};
use embassy_sync::mutex::Mutex;
use embassy_sync::rwlock::RwLock;
use embassy_sync::semaphore::{FairSemaphore, GreedySemaphore, Semaphore};
use embassy_sync::signal::Signal;
use embassy_time::{with_timeout, Duration, Ticker, Timer};

use crate::{say_task, say_thread, still};

const HOUR: Duration = Duration::from_secs(3600);

type Raw = CriticalSectionRawMutex;

static SHARED: Mutex<Raw, u32> = Mutex::new(0);
static READ: RwLock<Raw, u32> = RwLock::new(0);
static WRITTEN: RwLock<Raw, u32> = RwLock::new(0);
static PERMITS: GreedySemaphore<Raw> = GreedySemaphore::new(2);
static QUEUED: FairSemaphore<Raw, 3> = FairSemaphore::new(1);
static EMPTY: Channel<Raw, u32, 4> = Channel::new();
static FULL: Channel<Raw, u32, 1> = Channel::new();
static QUIET: Channel<Raw, u32, 2> = Channel::new();
static CROWDED: Channel<Raw, u32, 1> = Channel::new();
static ALARM: Signal<Raw, u32> = Signal::new();
static BELL: Signal<Raw, u32> = Signal::new();
static MANY: Signal<Raw, u32> = Signal::new();
static LAST: Signal<Raw, u32> = Signal::new();

#[embassy_executor::task]
async fn ticks() {
    say_task("tick").await;
    Timer::after(HOUR).await; // [tick.after]
}

#[embassy_executor::task]
async fn beats() {
    say_task("beat").await;
    let mut ticker = Ticker::every(HOUR);
    ticker.next().await; // [beat.next]
}

/// Two of a pool of three.
#[embassy_executor::task(pool_size = 3)]
async fn pooled(name: &'static str) {
    say_task(name).await;
    Timer::after(HOUR).await; // [pooled.after]
}

/// Holds what others wait for.
#[embassy_executor::task]
async fn keeper() {
    say_task("keeper").await;
    let guard = SHARED.lock().await; // [keeper.mutex]
    let reading = READ.read().await; // [keeper.read]
    let writing = WRITTEN.write().await; // [keeper.write]
    let permits = PERMITS.acquire(2).await; // [keeper.permits]
    Timer::after(HOUR).await; // [keeper.after]
    drop((guard, reading, writing, permits));
}

#[embassy_executor::task]
async fn locks() {
    say_task("lock").await;
    *SHARED.lock().await += 1; // [lock.lock]
}

#[embassy_executor::task]
async fn writes() {
    say_task("writer").await;
    *READ.write().await += 1; // [writer.write]
}

#[embassy_executor::task]
async fn looks() {
    say_task("reader").await;
    println!("{}", *WRITTEN.read().await); // [reader.read]
}

#[embassy_executor::task]
async fn acquires() {
    say_task("acquire").await;
    let permit = PERMITS.acquire(1).await; // [acquire.acquire]
    drop(permit);
}

#[embassy_executor::task]
async fn receives() {
    say_task("receive").await;
    println!("{}", EMPTY.receive().await); // [receive.receive]
}

/// Wants more than there is: who comes later stands behind it.
#[embassy_executor::task]
async fn queues() {
    say_task("queue").await;
    let permits = QUEUED.acquire(2).await; // [queue.acquire]
    drop(permits);
}

#[embassy_executor::task]
async fn queues_too() {
    say_task("queue_too").await;
    let permits = QUEUED.acquire_all(1).await; // [queue_too.acquire]
    drop(permits);
}

/// Has ends of channels through which nothing comes.
#[embassy_executor::task]
async fn feeds(
    sender: Sender<'static, Raw, u32, 4>,
    receiver: Receiver<'static, Raw, u32, 1>,
    quiet: DynamicSender<'static, u32>,
    crowded: DynamicReceiver<'static, u32>,
) {
    say_task("feeder").await;
    std::future::pending::<()>().await; // [feeder.pending]
    sender.send(receiver.receive().await).await;
    quiet.send(crowded.receive().await).await;
}

#[embassy_executor::task]
async fn receives_any(receiver: DynamicReceiver<'static, u32>) {
    say_task("any_receive").await;
    println!("{}", receiver.receive().await); // [any.receive]
}

#[embassy_executor::task]
async fn sends_any(sender: DynamicSender<'static, u32>) {
    say_task("any_send").await;
    sender.send(1).await;
    sender.send(2).await; // [any.send]
}

#[embassy_executor::task]
async fn sends() {
    say_task("send").await;
    FULL.send(1).await;
    FULL.send(2).await; // [send.send]
}

#[embassy_executor::task]
async fn waits() {
    say_task("alarm").await;
    println!("{}", ALARM.wait().await); // [alarm.wait]
}

#[embassy_executor::task]
async fn selects() {
    say_task("choice").await;
    select(Timer::after(HOUR), BELL.wait()).await; // [choice.select]
}

async fn naps() {
    Timer::after(HOUR).await; // [naps.after]
}

#[embassy_executor::task]
async fn joins() {
    say_task("both").await;
    let _ = join(naps(), with_timeout(HOUR, LAST.wait())).await; // [both.join]
}

#[embassy_executor::task]
async fn has_many() {
    say_task("many").await;
    // The first of the array is over.
    let rings = async |hour: Duration| Timer::after(hour).await; // [many.ring]
    let waits = join_array([rings(Duration::MIN), rings(HOUR)]);
    select3(Timer::after(HOUR), waits, MANY.wait()).await; // [many.select]
}

#[embassy_executor::task]
async fn finishes() {
    say_task("over").await;
}

#[embassy_executor::task]
async fn is_named() {
    say_task("named").await;
    Timer::after(HOUR).await; // [named.after]
}

fn spawn_all(spawner: Spawner) {
    // Of those that are in the queue the last one is polled first.
    spawner.spawn(finishes().unwrap());
    spawner.spawn(joins().unwrap());
    spawner.spawn(selects().unwrap());
    spawner.spawn(waits().unwrap());
    spawner.spawn(sends().unwrap());
    spawner.spawn(
        feeds(
            EMPTY.sender(),
            FULL.receiver(),
            QUIET.dyn_sender(),
            CROWDED.dyn_receiver(),
        )
        .unwrap(),
    );
    spawner.spawn(receives_any(QUIET.dyn_receiver()).unwrap());
    spawner.spawn(sends_any(CROWDED.dyn_sender()).unwrap());
    spawner.spawn(queues_too().unwrap());
    spawner.spawn(queues().unwrap());
    spawner.spawn(has_many().unwrap());
    spawner.spawn(beats().unwrap());
    spawner.spawn(receives().unwrap());
    spawner.spawn(acquires().unwrap());
    spawner.spawn(looks().unwrap());
    spawner.spawn(writes().unwrap());
    spawner.spawn(locks().unwrap());
    spawner.spawn(keeper().unwrap());
    spawner.spawn(pooled("pooled1").unwrap());
    spawner.spawn(pooled("pooled2").unwrap());
    spawner.spawn(ticks().unwrap());
    let named = is_named().unwrap();
    named.metadata().set_name("a task with a name");
    spawner.spawn(named);
}

pub fn thread() {
    say_thread("chip");
    still::entered();
    let executor = Box::leak(Box::new(Executor::new()));
    executor.run(spawn_all);
}

#[embassy_executor::task]
async fn queued() {
    println!("never");
}

/// Keeps its thread: those behind it are not polled.
#[embassy_executor::task]
async fn blocks() {
    say_task("block").await;
    loop {
        std::thread::park(); // [block.park]
    }
}

/// Runs an executor one of whose tasks waits for the other one to let go.
pub fn stuck_thread() {
    say_thread("stuck");
    still::entered();
    let executor = Box::leak(Box::new(Executor::new()));
    executor.run(|spawner| {
        spawner.spawn(queued().unwrap());
        spawner.spawn(blocks().unwrap());
    });
}
