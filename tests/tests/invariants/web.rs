//! The web example: folders of files.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use lariat::testing::invariants::{
    Claim, Datagram, Destination, Encoder, LayerChange, Planted, Probe, State, Stranger, Subject, Visit,
};
use lariat::{Port, Reactor};
use lariat_examples::web::{Settings, Sites};
use lariat_tests::harness::Scratch;

use crate::http;

pub(crate) struct WebPage {
    folder: PathBuf,
    _scratch: Scratch,
}

impl WebPage {
    /// A folder of 300 files, which is listed.
    pub(crate) fn new() -> Self {
        let scratch = Scratch::new();
        let folder = scratch.path("site");
        fs::create_dir(&folder).expect("the folder is writable");
        for number in 0..300 {
            fs::write(folder.join(format!("{number}.txt")), "some words\n").expect("the folder is writable");
        }
        Self { folder, _scratch: scratch }
    }
}

impl Subject for WebPage {
    fn listen(&self, reactor: &Reactor, endpoint: &str) -> lariat::Result<Port> {
        let settings = Settings { lists: true, ..Settings::default() };
        let sites = Sites::new(&self.folder.to_string_lossy(), settings).expect("the folder is there");
        reactor.listen_with(endpoint, http::few_places(), sites.server().with_clock(|| SystemTime::UNIX_EPOCH))
    }

    fn states(&self) -> Vec<State> {
        http::states("/1.txt")
    }

    fn probe(&self) -> Probe {
        http::probe("/1.txt")
    }

    fn visit(&self) -> Claim<Visit> {
        Claim::Holds(http::visit("/"))
    }

    fn stranger(&self) -> Claim<Stranger> {
        Claim::Holds(http::stranger())
    }

    fn share(&self) -> Claim<usize> {
        Claim::Holds(http::SHARE)
    }

    fn places(&self) -> Claim<usize> {
        Claim::Holds(http::PLACES)
    }

    fn destination(&self) -> Claim<Destination> {
        Claim::Exempt(http::NO_DESTINATION)
    }

    fn datagram(&self) -> Claim<Datagram> {
        Claim::Exempt(http::NO_DATAGRAM)
    }

    fn layer_change(&self) -> Claim<LayerChange> {
        Claim::Exempt(http::NO_LAYER)
    }

    fn encoders(&self) -> Claim<Vec<Encoder>> {
        Claim::Holds(http::encoders())
    }

    fn planted(&self) -> Claim<Planted> {
        Claim::Holds(http::planted())
    }

    fn files(&self) -> Claim<PathBuf> {
        Claim::Holds(self.folder.clone())
    }
}
