//! A peer of `lariat_fanout`: the same on tokio's current-thread runtime with its broadcast channel, two tasks a connection, one that
//! reads and one that writes.
//!
//! Run: `tokio_fanout PORT [BUFFER]`; it listens on 127.0.0.1, and a buffer has 4,096 bytes unless told otherwise.

use bytes::Bytes;
use lariat_benches::program;
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpSocket,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::broadcast::{Receiver, Sender, error::RecvError},
};

/// How far a receiver may lag behind.
const CAPACITY: usize = 1024;

/// A message and the number of the connection that it came from, which does not get it.
type Message = (u64, Bytes);

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let wrong = || io::Error::new(io::ErrorKind::InvalidInput, "usage: tokio_fanout PORT [BUFFER]");
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
    let sender = Sender::new(CAPACITY);
    for number in 0.. {
        let (stream, _peer) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (read, write) = stream.into_split();
        let receiver = sender.subscribe();
        let sender = sender.clone();
        // How a connection ends is nobody's concern here.
        tokio::spawn(async move { listen(number, read, size, sender).await.unwrap_or_default() });
        tokio::spawn(async move { tell(number, write, receiver).await.unwrap_or_default() });
    }
    Ok(())
}

async fn listen(number: u64, mut read: OwnedReadHalf, size: usize, sender: Sender<Message>) -> io::Result<()> {
    let mut buffer = vec![0; size];
    loop {
        let count = read.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        // Nobody may be there to hear it.
        let _ = sender.send((number, Bytes::copy_from_slice(&buffer[..count])));
    }
}

async fn tell(number: u64, mut write: OwnedWriteHalf, mut receiver: Receiver<Message>) -> io::Result<()> {
    loop {
        match receiver.recv().await {
            Ok((from, message)) if from != number => write.write_all(&message).await?,
            Ok(_) => {}
            Err(RecvError::Lagged(_) | RecvError::Closed) => return Ok(()),
        }
    }
}
