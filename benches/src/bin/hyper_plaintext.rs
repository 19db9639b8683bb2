//! A peer: a greeting as text and as JSON, by hyper on tokio's current-thread runtime, written as its own documentation would, one task a
//! connection, with responses to pipelined requests flushed together.
//!
//! Run: `hyper_plaintext PORT`; it listens on 127.0.0.1, and answers `/plaintext` and `/json`.

use std::{
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr},
};

use http_body_util::Full;
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use lariat_benches::program;
use serde::Serialize;
use tokio::net::TcpSocket;

#[derive(Serialize)]
struct Greeting {
    message: &'static str,
}

fn main() -> io::Result<()> {
    let wrong = || io::Error::new(io::ErrorKind::InvalidInput, "usage: hyper_plaintext PORT");
    let port = std::env::args().nth(1).and_then(|word| word.parse().ok()).ok_or_else(wrong)?;
    program::raise_descriptor_limit()?;
    tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(serve(port))
}

async fn serve(port: u16) -> io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    let listener = socket.listen(4096)?;
    loop {
        let (stream, _peer) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = service_fn(async |request| Ok::<_, Infallible>(answer(&request)));
        let connection = http1::Builder::new().pipeline_flush(true).serve_connection(TokioIo::new(stream), service);
        // How a connection ends is nobody's concern here.
        tokio::spawn(async move { connection.await.unwrap_or_default() });
    }
}

fn answer(request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let (kind, body) = match request.uri().path() {
        "/plaintext" => ("text/plain; charset=utf-8", Bytes::from_static(b"Hello, World!")),
        "/json" => match serde_json::to_vec(&Greeting { message: "Hello, World!" }) {
            Ok(json) => ("application/json", json.into()),
            Err(_) => return status(StatusCode::INTERNAL_SERVER_ERROR),
        },
        _ => return status(StatusCode::NOT_FOUND),
    };
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn status(code: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = code;
    response
}
