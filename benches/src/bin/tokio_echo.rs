//! A peer: an echo server on tokio's current-thread runtime, written as its own documentation would, one task a connection
//! with a buffer of its own.
//!
//! Run: `tokio_echo PORT [BUFFER]`; it listens on 127.0.0.1, and a buffer has 4,096 bytes unless told otherwise.

use lariat_benches::program;
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let wrong = || io::Error::new(io::ErrorKind::InvalidInput, "usage: tokio_echo PORT [BUFFER]");
    let port: u16 = arguments.next().and_then(|word| word.parse().ok()).ok_or_else(wrong)?;
    let size: usize = arguments.next().map_or(Ok(4096), |word| word.parse().map_err(|_| wrong()))?;
    program::raise_descriptor_limit()?;
    tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(serve(port, size))
}

async fn serve(port: u16, size: usize) -> io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    let listener = socket.listen(4096)?;
    loop {
        let (stream, _peer) = listener.accept().await?;
        stream.set_nodelay(true)?;
        // How a connection ends is nobody's concern here.
        tokio::spawn(async move { echo(stream, size).await.unwrap_or_default() });
    }
}

async fn echo(mut stream: TcpStream, size: usize) -> io::Result<()> {
    let mut buffer = vec![0; size];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..count]).await?;
    }
}
