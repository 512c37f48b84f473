//! Sockets of async-io and async-net.

use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use async_net::TcpListener;
use smol::io::AsyncReadExt;
use smol::Async;

use crate::say_task;

async fn reads() {
    say_task("read").await;
    let (near, far) = UnixStream::pair().expect("sockets");
    let mut near = Async::new(near).expect("a socket");
    println!("fact fd_read {}", near.as_raw_fd());
    let mut bytes = [0u8; 8];
    let _ = near.read(&mut bytes).await; // [read.read]
    drop(far);
}

async fn readable() {
    say_task("readable").await;
    let (near, far) = UnixStream::pair().expect("sockets");
    let near = Async::new(near).expect("a socket");
    println!("fact fd_readable {}", near.as_raw_fd());
    let _ = near.readable().await; // [readable.readable]
    drop(far);
}

async fn accepts() {
    say_task("accept").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("fact fd_accept {}", listener.as_raw_fd());
    let _ = listener.accept().await; // [accept.accept]
}

pub fn start_all() {
    smol::spawn(reads()).detach();
    smol::spawn(readable()).detach();
    smol::spawn(accepts()).detach();
}
