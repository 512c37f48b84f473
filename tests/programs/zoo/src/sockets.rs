//! Sockets on which nothing comes.

use std::os::fd::AsRawFd;

use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use crate::start;

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

pub async fn start_all() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let near = TcpStream::connect(address).await.expect("a connection");
    let (far, _) = listener.accept().await.expect("a connection");
    let socket = UdpSocket::bind(("127.0.0.1", 0)).await.expect("a port");
    start("accept", accepts(listener));
    start("read", reads_idle(near, far));
    start("udp", receives_datagram(socket));
}
