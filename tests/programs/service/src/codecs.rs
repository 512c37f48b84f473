//! Framed sockets.

use std::os::fd::AsRawFd;

use futures::stream::SplitStream;
use futures::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::{Framed, LinesCodec};

use crate::start;

type Lines = Framed<TcpStream, LinesCodec>;

fn framed(name: &str, stream: TcpStream) -> Lines {
    println!("fact fd_{name} {}", stream.as_raw_fd());
    Framed::new(stream, LinesCodec::new())
}

async fn reads_frames(stream: TcpStream, peer: TcpStream) {
    let mut frames = framed("reads_frames", stream);
    let frame = frames.next().await; // [frames.next]
    drop((frame, peer));
}

/// Sends until the peer, which never reads, takes no more.
async fn sends_frames(stream: TcpStream, peer: TcpStream) {
    let mut frames = framed("sends_frames", stream);
    let line = "line".repeat(1 << 18);
    while frames.send(&line).await.is_ok() {} // [frames.send]
    drop(peer);
}

/// Reads one half of a framed socket whose other half is elsewhere.
async fn reads_half(mut frames: SplitStream<Lines>, peer: TcpStream) {
    let frame = frames.next().await; // [half.next]
    drop((frame, peer));
}

pub async fn start_all() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut pairs = Vec::new();
    for _ in 0..3 {
        let near = TcpStream::connect(address).await.expect("a connection");
        let (far, _) = listener.accept().await.expect("a connection");
        pairs.push((near, far));
    }
    let (near, far) = pairs.remove(0);
    start("reads_frames", reads_frames(near, far));
    let (near, far) = pairs.remove(0);
    start("sends_frames", sends_frames(near, far));
    let (near, far) = pairs.remove(0);
    let (sink, stream) = framed("reads_half", near).split::<String>();
    std::mem::forget(sink);
    start("reads_half", reads_half(stream, far));
}
