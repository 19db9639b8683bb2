//! The example servers with TLS, as processes of their own.

mod endpoints;
mod environment;
mod tls_proxy;
mod web;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use lariat_tests::certificates::{Issued, Wish, authority};
use lariat_tests::child::{Child, Ended};
use lariat_tests::harness::Scratch;

/// A folder with certificates.
struct Files(Scratch);

impl Files {
    fn new() -> Self {
        let files = Self(Scratch::new());
        fs::write(files.0.path("ca.pem"), authority().pem()).expect("the folder is writable");
        files
    }

    fn path(&self, name: &str) -> String {
        self.0.path(name).to_str().expect("the temporary directory has a name in UTF-8").to_owned()
    }

    /// Writes `NAME.pem` and `NAME-key.pem`.
    fn write(&self, name: &str, issued: &Issued) {
        fs::write(self.0.path(format!("{name}.pem")), &issued.chain).expect("the folder is writable");
        let key = self.0.path(format!("{name}-key.pem"));
        fs::write(&key, &issued.key).expect("the folder is writable");
        // Servers refuse a key that every user can read.
        fs::set_permissions(key, Permissions::from_mode(0o600)).expect("the file is ours");
    }

    /// Issues a certificate for these names by the trusted authority.
    fn issue(&self, name: &str, names: &[&str]) {
        self.write(name, &authority().issue(&Wish::server(names).for_others()));
    }

    /// Has `openssl s_client` say a line, and gives what came of that.
    fn say(&self, port: u16, arguments: &str, line: &str) -> Ended {
        let mut client = self.client(port, arguments);
        client.tell(line);
        client.end()
    }

    fn client(&self, port: u16, arguments: &str) -> Child {
        let command = format!(
            "s_client -CAfile {} -connect 127.0.0.1:{port} -verify_return_error {arguments}",
            self.path("ca.pem")
        );
        Child::start("openssl", &command.split_whitespace().collect::<Vec<_>>())
    }
}

/// An endpoint with the certificate of the server.
fn listen(files: &Files) -> String {
    let (key, certificate) = (files.path("server-key.pem"), files.path("server.pem"));
    format!("ssl:0:interface=127.0.0.1:privateKey={key}:certKey={certificate}")
}

/// Returns the port in a server's next line.
fn port(server: &mut Child) -> u16 {
    let line = server.line();
    let port = line.strip_prefix("listening on tcp:127.0.0.1:").and_then(|port| port.parse().ok());
    port.unwrap_or_else(|| panic!("it printed {line}"))
}
