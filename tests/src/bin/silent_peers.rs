//! Clients that never read: `silent_peers ADDRESS COUNT`. It prints a line once all are connected, and stays until its standard
//! input ends.

use std::error::Error;
use std::io::{Read, stdin};
use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next().ok_or("where to, and how many?");
    let (address, count): (SocketAddr, usize) = (argument()?.parse()?, argument()?.parse()?);
    let mut peers = Vec::with_capacity(count);
    for _ in 0..count {
        let peer = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        // The kernel should not hold much for who never asks for it.
        peer.set_recv_buffer_size(1)?;
        peer.connect(&address.into())?;
        peers.push(peer);
    }
    println!("{count} are connected");
    stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
