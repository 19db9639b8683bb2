//! A peer: an echo server over TLS, with tokio-rustls on tokio's current-thread runtime, written as their own documentation would, one task a
//! connection with a buffer of its own.
//!
//! Run: `tokio_tls_echo PORT KEY CERTIFICATE [BUFFER]`, where both files are PEM; it listens on 127.0.0.1, and a buffer has 4,096 bytes unless
//! told otherwise. TLS 1.2 and 1.3 by ring, with session tickets.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use lariat_benches::program;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};
use tokio_rustls::TlsAcceptor;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let wrong = || io::Error::new(io::ErrorKind::InvalidInput, "usage: tokio_tls_echo PORT KEY CERTIFICATE [BUFFER]");
    let (port, key, certificate, size) = match &arguments[..] {
        [port, key, certificate] => (port, key, certificate, "4096"),
        [port, key, certificate, size] => (port, key, certificate, size.as_str()),
        _ => return Err(wrong()),
    };
    let port: u16 = port.parse().map_err(|_| wrong())?;
    let size: usize = size.parse().map_err(|_| wrong())?;
    program::raise_descriptor_limit()?;
    let acceptor = TlsAcceptor::from(Arc::new(settings(key, certificate).map_err(io::Error::other)?));
    tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(serve(port, &acceptor, size))
}

fn settings(key: &str, certificate: &str) -> Result<ServerConfig, Box<dyn std::error::Error + Send + Sync>> {
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<Vec<_>, _>>()?;
    let mut settings = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?;
    settings.ticketer = ring::Ticketer::new()?;
    Ok(settings)
}

async fn serve(port: u16, acceptor: &TlsAcceptor, size: usize) -> io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    let listener = socket.listen(4096)?;
    loop {
        let (stream, _peer) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let acceptor = acceptor.clone();
        // How a connection ends is nobody's concern here.
        tokio::spawn(async move { echo(stream, &acceptor, size).await.unwrap_or_default() });
    }
}

async fn echo(stream: TcpStream, acceptor: &TlsAcceptor, size: usize) -> io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let mut buffer = vec![0; size];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return stream.shutdown().await;
        }
        stream.write_all(&buffer[..count]).await?;
        stream.flush().await?;
    }
}
