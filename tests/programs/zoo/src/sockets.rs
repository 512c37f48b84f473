//! Sockets on which nothing comes.

use std::os::fd::AsRawFd;

#[cfg(not(feature = "oldest"))]
use tokio::io::copy_bidirectional;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream, UdpSocket, UnixStream};
use tokio::time::timeout;

use crate::{start, HOUR};

async fn accepts(listener: TcpListener) {
    println!("fact fd_accept {}", listener.as_raw_fd());
    let accepted = listener.accept().await; // [accept.accept]
    drop(accepted);
}

async fn reads_idle(mut stream: TcpStream, peer: TcpStream) {
    println!("fact fd_read {}", stream.as_raw_fd());
    let mut buffer = [0u8; 16];
    let read = stream.read(&mut buffer).await; // [read.read]
    drop((read, peer));
}

async fn receives_datagram(socket: UdpSocket) {
    println!("fact fd_udp {}", socket.as_raw_fd());
    let mut buffer = [0u8; 16];
    let received = socket.recv(&mut buffer).await; // [udp.recv]
    received.ok();
}

/// Reads lines as a server does: half a socket in a buffer in a timeout.
async fn reads_lines(half: OwnedReadHalf, peer: TcpStream) {
    println!("fact fd_lines {}", half.as_ref().as_raw_fd());
    let mut lines = BufReader::new(half).lines();
    let line = timeout(HOUR, lines.next_line()).await; // [lines.next]
    drop((line, peer));
}

/// Writes until the peer, which never reads, takes no more.
async fn writes_to_full(mut stream: TcpStream, peer: TcpStream) {
    println!("fact fd_write {}", stream.as_raw_fd());
    let bytes = vec![1u8; 64 << 20];
    let written = stream.write_all(&bytes).await; // [write.write_all]
    drop((written, peer));
}

/// Sends on what comes on either of two sockets, as a proxy does.
#[cfg(not(feature = "oldest"))]
async fn forwards(mut front: TcpStream, mut back: TcpStream, peers: [TcpStream; 2]) {
    println!("fact fd_front {}", front.as_raw_fd());
    println!("fact fd_back {}", back.as_raw_fd());
    let sent = copy_bidirectional(&mut front, &mut back).await; // [proxy.copy]
    drop((sent, peers));
}

async fn awaits_readable(stream: UnixStream, peer: UnixStream) {
    println!("fact fd_unix {}", stream.as_raw_fd());
    let ready = stream.readable().await; // [unix.readable]
    drop((ready, peer));
}

pub async fn start_all() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut pairs = Vec::new();
    for _ in 0..5 {
        let near = TcpStream::connect(address).await.expect("a connection");
        let (far, _) = listener.accept().await.expect("a connection");
        pairs.push((near, far));
    }
    let socket = UdpSocket::bind(("127.0.0.1", 0)).await.expect("a port");
    start("accept", accepts(listener));
    let (near, far) = pairs.remove(0);
    start("read", reads_idle(near, far));
    let (near, far) = pairs.remove(0);
    start("lines", reads_lines(near.into_split().0, far));
    let (near, far) = pairs.remove(0);
    start("write", writes_to_full(near, far));
    #[cfg(not(feature = "oldest"))]
    {
        let (front, client) = pairs.remove(0);
        let (back, server) = pairs.remove(0);
        start("proxy", forwards(front, back, [client, server]));
    }
    let (near, far) = UnixStream::pair().expect("a pair");
    start("unix", awaits_readable(near, far));
    start("udp", receives_datagram(socket));
}
