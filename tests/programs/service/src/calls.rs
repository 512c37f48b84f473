//! A call that is never answered.

use std::fs;
use std::mem::ManuallyDrop;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::FromRawFd;

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::{never, still};

async fn calls(url: String) {
    let client = reqwest::Client::builder().no_proxy().build();
    let answer = client.expect("a client").get(url).send().await; // [calls.send]
    drop(answer);
}

/// Takes one request and keeps silent.
async fn silent(listener: TcpListener) {
    let (mut stream, peer) = listener.accept().await.expect("a connection");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a request"));
    }
    println!("fact fd_calls {}", socket_at(peer));
    never().await; // [silent.never]
}

/// Returns the socket of this process that has an address: the client's end is in its library.
pub fn socket_at(address: SocketAddr) -> i32 {
    for entry in fs::read_dir("/proc/self/fd").expect("procfs").flatten() {
        let name = entry.file_name();
        let fd = name.to_str().and_then(|each| each.parse().ok()).unwrap();
        // SAFETY: asked for its address only, and not closed.
        let socket = ManuallyDrop::new(unsafe { TcpStream::from_raw_fd(fd) });
        if socket.local_addr().is_ok_and(|own| own == address) {
            return fd;
        }
    }
    panic!("no socket has the address {address}")
}

pub fn start(runtime: &Runtime) {
    let listener = crate::listen(runtime);
    let address = listener.local_addr().expect("an address");
    let _entered = runtime.enter();
    still::expect(1);
    crate::start("silent", silent(listener));
    crate::start("calls", calls(format!("http://{address}/")));
}
