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
    let own = stream.local_addr().expect("an address");
    println!("fact fd_calls {}", other_end(own, peer));
    never().await; // [silent.never]
}

/// Returns the client's end of a connection, which is in its library, by both addresses.
///
/// Its own does not tell: the kernel gives one port to two clients of different servers.
pub fn other_end(server: SocketAddr, client: SocketAddr) -> i32 {
    for entry in fs::read_dir("/proc/self/fd").expect("procfs").flatten() {
        let name = entry.file_name();
        let fd = name.to_str().and_then(|each| each.parse().ok()).unwrap();
        // SAFETY: asked for its address only, and not closed.
        let socket = ManuallyDrop::new(unsafe { TcpStream::from_raw_fd(fd) });
        let ends = (socket.local_addr().ok(), socket.peer_addr().ok());
        if ends == (Some(client), Some(server)) {
            return fd;
        }
    }
    panic!("no socket connects {client} to {server}")
}

pub fn start(runtime: &Runtime) {
    let listener = crate::listen(runtime);
    let address = listener.local_addr().expect("an address");
    let _entered = runtime.enter();
    still::expect(1);
    crate::start("silent", silent(listener));
    crate::start("calls", calls(format!("http://{address}/")));
}
