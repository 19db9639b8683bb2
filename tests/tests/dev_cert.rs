//! The example that makes certificates, judged by openssl.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Output;
use std::sync::OnceLock;

use lariat_tests::command::command;
use lariat_tests::examples::example;
use lariat_tests::harness::Scratch;

/// A folder for generated certificates.
struct Folder {
    path: PathBuf,
    _scratch: Scratch,
}

impl Folder {
    fn new() -> Self {
        let scratch = Scratch::new();
        Self { path: scratch.path("certificates"), _scratch: scratch }
    }

    /// Makes certificates in it.
    fn make(&self, arguments: &[&str]) -> Output {
        static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
        let program = PROGRAM.get_or_init(|| example("dev_cert"));
        command(program).arg("--directory").arg(&self.path).args(arguments).output().expect("it starts")
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path.join(name)).expect("it was made")
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.path).expect("it was made").flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Returns openssl's exit success and output.
    fn openssl(&self, arguments: &str) -> (bool, String) {
        let mut openssl = command("openssl");
        let output = openssl.args(arguments.split(' ')).current_dir(&self.path).output().expect("there is an openssl");
        (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    }

    #[track_caller]
    fn holds(&self, arguments: &str) {
        let (content, said) = self.openssl(arguments);
        assert!(content, "openssl {arguments}: {said}");
    }
}

fn complaint(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn what_it_makes_unasked_is_good_for_this_machine_as_server_and_as_client() {
    let folder = Folder::new();
    assert!(folder.make(&[]).status.success());
    assert_eq!(folder.names(), ["ca.pem", "client-key.pem", "client.pem", "server-key.pem", "server.pem"]);
    for who in ["-verify_hostname localhost", "-verify_ip 127.0.0.1", "-verify_ip ::1"] {
        folder.holds(&format!("verify -x509_strict -CAfile ca.pem -purpose sslserver {who} server.pem"));
    }
    folder.holds("verify -x509_strict -CAfile ca.pem -purpose sslclient client.pem");
    let (fits, said) = folder.openssl("verify -CAfile ca.pem -verify_hostname other.example server.pem");
    assert!(!fits && said.contains("hostname mismatch"), "{said}");
    let (fits, said) = folder.openssl("verify -CAfile ca.pem -purpose sslclient server.pem");
    assert!(!fits, "a server's certificate is no client's: {said}");
}

#[test]
fn it_takes_names_addresses_clients_and_days() {
    let folder = Folder::new();
    let arguments = ["*.chat.example", "192.0.2.1", "--client", "alice", "--client", "bob", "--days", "7"];
    assert!(folder.make(&arguments).status.success());
    for who in ["-verify_hostname a.chat.example", "-verify_ip 192.0.2.1"] {
        folder.holds(&format!("verify -CAfile ca.pem -purpose sslserver {who} server.pem"));
    }
    for name in ["alice", "bob"] {
        folder.holds(&format!("verify -CAfile ca.pem -purpose sslclient {name}.pem"));
    }
    assert!(!folder.names().contains(&"client.pem".to_owned()));
    for name in ["ca", "server", "alice"] {
        folder.holds(&format!("x509 -in {name}.pem -noout -checkend {}", 6 * 86_400));
        let (lasts, _) = folder.openssl(&format!("x509 -in {name}.pem -noout -checkend {}", 7 * 86_400));
        assert!(!lasts, "{name}.pem is valid for longer than seven days");
    }
}

#[test]
fn each_key_is_the_one_of_its_certificate_and_for_its_owner_alone() {
    let folder = Folder::new();
    assert!(folder.make(&[]).status.success());
    for name in ["server", "client"] {
        let (_, of_key) = folder.openssl(&format!("pkey -in {name}-key.pem -pubout"));
        let (_, of_certificate) = folder.openssl(&format!("x509 -in {name}.pem -noout -pubkey"));
        assert!(of_key.starts_with("-----BEGIN PUBLIC KEY-----"), "{of_key}");
        assert_eq!(of_key, of_certificate);
        let mode = fs::metadata(folder.path.join(format!("{name}-key.pem"))).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_ne!(folder.read("server-key.pem"), folder.read("client-key.pem"));
}

#[test]
fn it_overwrites_nothing_unless_told_to() {
    let folder = Folder::new();
    fs::create_dir_all(&folder.path).unwrap();
    fs::write(folder.path.join("client-key.pem"), "precious").unwrap();
    let said = complaint(&folder.make(&[]));
    assert!(said.contains("client-key.pem is there already") && said.contains("--overwrite"), "{said}");
    assert_eq!(folder.names(), ["client-key.pem"]);
    assert_eq!(folder.read("client-key.pem"), "precious");

    assert!(folder.make(&["--overwrite"]).status.success());
    let mode = fs::metadata(folder.path.join("client-key.pem")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it had been open to all");
    let before = folder.read("ca.pem");
    assert!(folder.make(&["--overwrite"]).status.success());
    assert_ne!(folder.read("ca.pem"), before);
    folder.holds("verify -CAfile ca.pem server.pem");
}

#[test]
fn what_is_no_name_is_refused() {
    let folder = Folder::new();
    for wrong in ["https://localhost", "two words", "", "a..b", "../up"] {
        for arguments in [&[wrong][..], &["--client", wrong]] {
            let said = complaint(&folder.make(arguments));
            assert!(said.contains("is neither a name"), "{arguments:?}: {said}");
        }
    }
    let said = complaint(&folder.make(&["--client", "server"]));
    assert!(said.contains("would overwrite others"), "{said}");
    assert!(complaint(&folder.make(&["--days", "0"])).contains("--days has to be more than 0"));
    assert!(!folder.path.exists());
}
