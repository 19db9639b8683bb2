//! The ten security invariants, for each protocol that is plugged in: see
//! `lariat::testing::invariants`.

mod allocations;
mod chat;
mod handshake;
mod http;
mod https;
mod line;
mod planted;
mod ports;
mod relay;
mod web;

use allocations::{Counting, allocated};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

mod line_protocol {
    lariat::invariant_tests!(crate::line::LinePage, crate::allocated);
}

mod relaying {
    lariat::invariant_tests!(crate::relay::RelayPage, crate::allocated);
}

mod chat_server {
    lariat::invariant_tests!(crate::chat::ChatPage, crate::allocated);
}

mod http_server {
    lariat::invariant_tests!(crate::http::HttpPage::new(), crate::allocated);
}

mod https_server {
    lariat::invariant_tests!(crate::https::HttpsPage::new(), crate::allocated);
}

mod tls_handshake {
    lariat::invariant_tests!(crate::handshake::HandshakePage::new(), crate::allocated);
}

mod web_server {
    lariat::invariant_tests!(crate::web::WebPage::new(), crate::allocated);
}
