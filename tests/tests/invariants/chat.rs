//! The chat example.

use std::path::PathBuf;
use std::time::Duration;

use lariat::testing::invariants::{
    Claim, Datagram, Destination, Encoder, LayerChange, Planted, Probe, State, Stranger, Subject, Visit,
};
use lariat::{Port, Reactor};
use lariat_examples::chat::{Chat, command};

/// The time for a nickname.
const NICKNAME: Duration = Duration::from_secs(30);

use crate::http;

pub(crate) struct ChatPage;

impl Subject for ChatPage {
    fn listen(&self, reactor: &Reactor, endpoint: &str) -> lariat::Result<Port> {
        reactor.listen_with(endpoint, http::few_places(), Chat::new())
    }

    fn states(&self) -> Vec<State> {
        vec![
            State::new("without a nickname", "", Claim::Holds(NICKNAME)).with_more("x"),
            State::new("refused nicknames", "no good name!\n", Claim::Holds(NICKNAME)).with_more("?\n"),
            State::new(
                "in a room",
                "ann\n",
                Claim::Exempt("a member stays until it leaves; TCP keep-alive finds the dead"),
            )
            .with_more("hello\n")
            .with_memory(16 * 1024),
        ]
    }

    fn probe(&self) -> Probe {
        Probe::new("visitor\n", "visitor")
    }

    fn visit(&self) -> Claim<Visit> {
        // Each is answered to its sender alone.
        Claim::Holds(Visit {
            enter: b"ann\n".into(),
            unit: b"/nonsense\n".into(),
            answer: b"nonsense".into(),
            most: 256,
        })
    }

    fn stranger(&self) -> Claim<Stranger> {
        Claim::Holds(Stranger { input: vec![b'x'; 1024], memory: 8 * 1024, log_lines: 4 })
    }

    fn share(&self) -> Claim<usize> {
        Claim::Holds(http::SHARE)
    }

    fn places(&self) -> Claim<usize> {
        Claim::Holds(http::PLACES)
    }

    fn destination(&self) -> Claim<Destination> {
        Claim::Exempt("no command names a destination")
    }

    fn datagram(&self) -> Claim<Datagram> {
        Claim::Exempt("a chat is a stream")
    }

    fn layer_change(&self) -> Claim<LayerChange> {
        Claim::Exempt("a chat changes no layer")
    }

    fn encoders(&self) -> Claim<Vec<Encoder>> {
        let encode = |text: &str| Some(command::printable(text).into_owned().into_bytes());
        Claim::Holds(vec![Encoder { name: "printable", encode: Box::new(encode) }])
    }

    fn planted(&self) -> Claim<Planted> {
        let hostile = [format!("{}\n", Planted::TEXT), format!("ann\n{}\n/join {0}\n", Planted::TEXT)];
        Claim::Holds(Planted {
            hostile: hostile.map(String::into_bytes).to_vec(),
            secrets: vec![(b"ann\nmy password is s3cret-phrase\n".to_vec(), "s3cret-phrase".to_owned())],
        })
    }

    fn files(&self) -> Claim<PathBuf> {
        Claim::Exempt("a chat makes no files")
    }
}
