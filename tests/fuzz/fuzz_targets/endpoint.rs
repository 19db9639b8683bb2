//! Whatever text is taken for an endpoint description, it is understood or refused with the place of the mistake; and what
//! was quoted means itself.
#![no_main]

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use lariat::endpoint::quote;
use lariat::testing::simulated;
use lariat::{Address, Error, ErrorKind, Peer, Protocol, Transport, UnixAddress};
use libfuzzer_sys::fuzz_target;

struct Silent;

impl Protocol for Silent {
    fn data_received(&mut self, _: &Transport, _: &[u8]) {}
}

fuzz_target!(|text: &str| {
    let reactor = simulated();
    if let Err(error) = reactor.listen(text, |_: &Peer| Silent) {
        assert_explained(&error);
    }
    let mut connected = reactor.connect(text, |_: &Peer| Silent);
    if let Poll::Ready(Err(failure)) = Pin::new(&mut connected).poll(&mut Context::from_waker(Waker::noop())) {
        assert_explained(failure.downcast_ref().expect("it is an error of the reactor's"));
    }
    drop(connected);
    let expected = match text.strip_prefix('@') {
        Some(name) => UnixAddress::Abstract(name.into()),
        None => UnixAddress::Pathname(text.into()),
    };
    match simulated().listen(&format!("unix:{}", quote(text)), |_: &Peer| Silent) {
        Ok(port) => assert_eq!(port.address(), &Address::Unix(expected)),
        Err(error) => {
            assert_explained(&error);
            assert!(matches!(text, "" | "@") || text.contains('\0') || text.len() > 100, "{error}");
        }
    }
});

fn assert_explained(error: &Error) {
    assert!(matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::NameNotSupported), "{error:?}");
    assert!(error.to_string().contains(", at character "), "{error}");
}
