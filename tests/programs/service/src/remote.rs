//! A gRPC call between the two ends of an HTTP/2 connection, as generated code makes it.

use std::convert::Infallible;
use std::os::fd::AsRawFd;
use std::task::{Context, Poll};

use axum::http::uri::PathAndQuery;
use axum::http::{Request as HttpRequest, Response as HttpResponse};
use futures::future::BoxFuture;
use futures::StreamExt;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tonic::body::Body;
use tonic::server::{NamedService, UnaryService};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Endpoint, Server};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::Service;

use crate::calls::other_end;
use crate::{never, still};

async fn counts(request: Request<String>) -> Result<Response<u64>, Status> {
    let own = request.local_addr().expect("an address");
    let peer = request.remote_addr().expect("a peer");
    println!("fact fd_asks_stock {}", other_end(own, peer));
    never().await; // [counts.never]
    Ok(Response::new(request.into_inner().len() as u64))
}

struct Count;

impl UnaryService<String> for Count {
    type Response = u64;
    type Future = BoxFuture<'static, Result<Response<u64>, Status>>;

    fn call(&mut self, request: Request<String>) -> Self::Future {
        Box::pin(counts(request))
    }
}

#[derive(Clone)]
struct Stock;

impl NamedService for Stock {
    const NAME: &'static str = "shop.Stock";
}

impl Service<HttpRequest<Body>> for Stock {
    type Response = HttpResponse<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequest<Body>) -> Self::Future {
        Box::pin(async move {
            let mut server = tonic::server::Grpc::new(ProstCodec::<u64, String>::default());
            Ok(server.unary(Count, request).await) // [stock.unary]
        })
    }
}

async fn serves_stock(listener: TcpListener) {
    println!("fact fd_serves_stock {}", listener.as_raw_fd());
    let serving = Server::builder().add_service(Stock);
    let incoming = TcpIncoming::from(listener).inspect(|accepted| {
        let stream = accepted.as_ref().expect("a connection");
        println!("fact fd_serves_call {}", stream.as_raw_fd());
    });
    let ended = serving.serve_with_incoming(incoming).await; // [stock.serve]
    ended.expect("a server");
}

async fn asks_stock(url: String) {
    let endpoint = Endpoint::from_shared(url).expect("a URL");
    let channel = endpoint.connect().await.expect("a connection");
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.expect("a ready channel");
    let path = PathAndQuery::from_static("/shop.Stock/Count");
    let codec = ProstCodec::<String, u64>::default();
    let question = Request::new(String::from("tea"));
    let answer = client.unary(question, path, codec).await; // [asks.unary]
    drop(answer);
}

pub fn start(runtime: &Runtime) {
    let listener = crate::listen(runtime);
    let address = listener.local_addr().expect("an address");
    let _entered = runtime.enter();
    still::expect(1);
    crate::start("serves_stock", serves_stock(listener));
    crate::start("asks_stock", asks_stock(format!("http://{address}")));
}
