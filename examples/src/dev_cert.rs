//! Certificates to try TLS with: an authority, and a server's and clients' certificates that it has signed.
//!
//! ```sh
//! cargo run --release --example dev_cert
//! cargo run --release --example echo -- ssl:8443:privateKey=certificates/server-key.pem:certKey=certificates/server.pem
//! openssl s_client -connect localhost:8443 -CAfile certificates/ca.pem
//! ```

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use lariat_examples::server::{self, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

const HELP: &str = "\
Usage: dev_cert [OPTION]... [NAME]...

Make a certificate authority (CA), and certificates for a server and for clients that it has signed, to try TLS with.

Arguments:
  NAME                     A name or an address of the server, such as chat.example, *.chat.example or 192.0.2.1; default:
                           localhost, 127.0.0.1 and ::1

Options:
      --client NAME        A client; may be given several times; default: client
      --directory PATH     Where to write the files; made if it is not there; default: certificates
      --days NUMBER        How long the certificates are valid; default: 365
      --overwrite          Replace files that are there";

const NOTES: &str = "
The files are ca.pem, server.pem, server-key.pem, and NAME.pem and NAME-key.pem for each client. Keys get mode 0600, so that
only their owner can read them. The authority's own key is not written, so trust in ca.pem is trust in these certificates
alone.

Exit status: 0 if the files were written, 1 on a failure, 2 on a wrong argument.";

/// Clocks differ a little, so certificates are valid from a while ago.
const BACKDATED: Duration = Duration::from_secs(3600);

const DAY: Duration = Duration::from_secs(24 * 3600);

fn main() -> ExitCode {
    server::exit_code("dev_cert", run())
}

fn run() -> Result<()> {
    let Some(plan) = Plan::from_arguments()? else { return Ok(()) };
    let files = plan.make()?;
    write_all(&plan.directory, &files, plan.overwrite)?;
    for file in &files {
        server::say(plan.directory.join(&file.name).display());
    }
    Ok(())
}

/// What was asked for on the command line.
struct Plan {
    names: Vec<String>,
    clients: Vec<String>,
    directory: PathBuf,
    days: u16,
    overwrite: bool,
}

impl Plan {
    /// `None` if all that was asked for is the help or the version.
    fn from_arguments() -> Result<Option<Self>> {
        let (names, clients, directory) = (Vec::new(), Vec::new(), "certificates".into());
        let mut plan = Self { names, clients, directory, days: 365, overwrite: false };
        let names = server::arguments("dev_cert", HELP, NOTES, |option, arguments| {
            match option {
                "client" => plan.clients.push(checked(server::text(option, arguments)?)?),
                "directory" => plan.directory = arguments.value()?.into(),
                "days" => plan.days = server::number(option, arguments)?,
                "overwrite" => plan.overwrite = true,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let Some(names) = names else { return Ok(None) };
        plan.names = names.into_iter().map(checked).collect::<Result<_>>()?;
        if plan.days == 0 {
            return Err(server::usage("--days has to be more than 0"));
        }
        if plan.names.is_empty() {
            plan.names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
        }
        if plan.clients.is_empty() {
            plan.clients.push("client".to_owned());
        }
        for (place, client) in plan.clients.iter().enumerate() {
            if ["ca", "server"].contains(&client.as_str()) || plan.clients[..place].contains(client) {
                let message = format_args!("the files of client {client} would overwrite others: give it another name");
                return Err(server::usage(message));
            }
        }
        Ok(Some(plan))
    }

    /// Makes all files, the authority's first.
    fn make(&self) -> Result<Vec<File>> {
        let authority = CertifiedIssuer::self_signed(self.authority(), KeyPair::generate()?)?;
        let mut files = vec![File { name: "ca.pem".to_owned(), text: authority.pem(), secret: false }];
        let server = (&"server".to_owned(), &self.names[..], ExtendedKeyUsagePurpose::ServerAuth);
        let clients = self.clients.iter();
        let clients = clients.map(|name| (name, std::slice::from_ref(name), ExtendedKeyUsagePurpose::ClientAuth));
        for (owner, names, usage) in std::iter::once(server).chain(clients) {
            let key = KeyPair::generate()?;
            let certificate = self.leaf(&names[0], names, usage)?.signed_by(&key, &authority)?;
            files.push(File { name: format!("{owner}.pem"), text: certificate.pem(), secret: false });
            files.push(File { name: format!("{owner}-key.pem"), text: key.serialize_pem(), secret: true });
        }
        Ok(files)
    }

    /// What is said of an authority that signs servers and clients, and no further authority (RFC 5280 section 4.2.1).
    fn authority(&self) -> CertificateParams {
        let mut authority = self.dated(CertificateParams::default());
        // Its key is made anew each time, and two authorities of one name would be mistaken for each other.
        let number = authority.not_before.unix_timestamp();
        authority.distinguished_name.push(DnType::CommonName, format!("Lariat development authority {number}"));
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        authority
    }

    fn leaf(&self, common_name: &str, names: &[String], usage: ExtendedKeyUsagePurpose) -> Result<CertificateParams> {
        let mut leaf = self.dated(CertificateParams::new(names)?);
        leaf.distinguished_name.push(DnType::CommonName, common_name);
        leaf.is_ca = IsCa::ExplicitNoCa;
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![usage];
        leaf.use_authority_key_identifier_extension = true;
        Ok(leaf)
    }

    fn dated(&self, mut certificate: CertificateParams) -> CertificateParams {
        let now = SystemTime::now();
        certificate.not_before = (now - BACKDATED).into();
        certificate.not_after = (now + DAY * self.days.into()).into();
        certificate.distinguished_name = DistinguishedName::new();
        certificate
    }
}

/// Refuses what is no name of a host and no address, which a certificate would take in silence.
fn checked(name: String) -> Result<String> {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_*".contains(letter);
    let is_name = |name: &str| name.split('.').all(|label| !label.is_empty() && label.chars().all(is_letter));
    if name.parse::<IpAddr>().is_ok() || is_name(&name) {
        Ok(name)
    } else {
        Err(server::usage(format_args!("{name:?} is neither a name, such as chat.example, nor an address")))
    }
}

struct File {
    name: String,
    text: String,
    secret: bool,
}

/// Writes either all files or, if one of them is there and must not be overwritten, none.
fn write_all(directory: &Path, files: &[File], overwrite: bool) -> Result<()> {
    let describe = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    fs::create_dir_all(directory).map_err(|error| describe(directory, error))?;
    let mut paths = files.iter().map(|file| directory.join(&file.name));
    if !overwrite && let Some(path) = paths.find(|path| path.symlink_metadata().is_ok()) {
        return Err(format!("{} is there already; --overwrite makes all of them anew", path.display()).into());
    }
    for file in files {
        let path = directory.join(&file.name);
        if overwrite && path.symlink_metadata().is_ok() {
            // The permissions of a file that is there would stay as they are.
            fs::remove_file(&path).map_err(|error| describe(&path, error))?;
        }
        let mode = if file.secret { 0o600 } else { 0o644 };
        let opened = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
        let written = opened.and_then(|mut opened| opened.write_all(file.text.as_bytes()));
        written.map_err(|error| describe(&path, error))?;
    }
    Ok(())
}
