//! The server that `fanout` measures: what one connection sends, all others get, each its share of one buffer.
//!
//! Run: `lariat_fanout PORT`; it listens on 127.0.0.1.

use lariat::{Bytes, CloseReason, Peer, Protocol, Reactor, Transport};
use lariat_benches::program;
use std::{cell::RefCell, error::Error, rc::Rc};

type Everybody = Rc<RefCell<Vec<Transport>>>;

struct Member {
    everybody: Everybody,
}

#[expect(
    clippy::disallowed_methods,
    reason = "each borrow ends with its statement, and nothing in one comes back here"
)]
impl Protocol for Member {
    fn connection_made(&mut self, transport: &Transport) {
        self.everybody.borrow_mut().push(transport.clone());
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        let chunk = Bytes::copy_from_slice(data);
        self.everybody.borrow().iter().filter(|other| *other != transport).for_each(|other| {
            other.write_chunk(chunk.clone());
        });
    }

    fn connection_lost(&mut self, transport: &Transport, _: CloseReason) {
        self.everybody.borrow_mut().retain(|other| other != transport);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = std::env::args().nth(1).ok_or("usage: lariat_fanout PORT")?.parse()?;
    program::raise_descriptor_limit()?;
    let reactor = Reactor::new()?;
    let everybody = Everybody::default();
    let factory = move |_: &Peer| Member { everybody: everybody.clone() };
    reactor.listen(&format!("tcp:{port}:interface=127.0.0.1:backlog=4096"), factory)?;
    Ok(reactor.run()?)
}
