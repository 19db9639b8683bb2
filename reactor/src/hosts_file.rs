//! The system's own list of names (`hosts(5)`).

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use log::warn;

use crate::guarded::Guarded;
use crate::lookup::Family;
use crate::zone;

/// The most that is read of it, in bytes: lists that block half the web have less than a tenth of that.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// The names in a hosts file, read again whenever it has changed.
#[derive(Debug)]
pub(crate) struct HostsFile {
    path: PathBuf,
    state: Guarded<State>,
    /// A file that cannot be read is told of once.
    is_told: Cell<bool>,
}

#[derive(Debug, Default)]
struct State {
    names: Names,
    /// Of the file that was read; none if there was none.
    stamp: Option<Stamp>,
}

/// In lower case.
type Names = BTreeMap<Box<str>, Vec<SocketAddr>>;

/// What tells a file that was written to, or replaced by another one.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

impl HostsFile {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), state: Guarded::default(), is_told: Cell::new(false) }
    }

    /// The addresses of `name`, of port 0 and in the order of the file; nothing if the file does not have the name. One that has it
    /// has no others: of a family that the file does not mention there are none.
    pub(crate) fn look_up(&self, name: &str, family: Family) -> Option<Vec<SocketAddr>> {
        let name = name.strip_suffix('.').unwrap_or(name);
        self.refresh();
        self.state.with(|state| {
            let addresses = match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
                true => state.names.get(&*name.to_ascii_lowercase()),
                false => state.names.get(name),
            };
            Some(addresses?.iter().filter(|address| Family::of(address) == family).copied().collect())
        })
    }

    /// Reads the file if it is another one than before.
    fn refresh(&self) {
        let stamp = Stamp::of(&self.path);
        if self.state.with(|state| state.stamp) == stamp {
            return;
        }
        let names = match stamp.map(|_| read(&self.path)) {
            None => Names::new(),
            Some(Ok(names)) => names,
            Some(Err(error)) => {
                if !self.is_told.replace(true) {
                    warn!(
                        "{} cannot be read, so the names in it are asked for elsewhere: {error}",
                        self.path.display()
                    );
                }
                Names::new()
            }
        };
        self.state.with(|state| *state = State { names, stamp });
    }
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        let modified = (metadata.mtime(), metadata.mtime_nsec());
        Some(Self { inode: metadata.ino(), length: metadata.len(), modified })
    }
}

fn read(path: &Path) -> io::Result<Names> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(parse(&bytes))
}

/// Each line has an address and its names, and a comment from `#` on. A line that is no such thing is passed over, as the system does.
fn parse(bytes: &[u8]) -> Names {
    let mut names = Names::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Ok(line) = std::str::from_utf8(line) else { continue };
        let mut words = line.split('#').next().unwrap_or("").split_ascii_whitespace();
        let Some(address) = words.next().and_then(address) else { continue };
        for name in words {
            let addresses = names.entry(name.to_ascii_lowercase().into()).or_default();
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
    }
    names
}

/// An address, of IPv6 with its zone if it has one.
fn address(text: &str) -> Option<SocketAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(SocketAddr::new(address, 0));
    }
    zone::parse(text).map(SocketAddr::V6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(addresses: Option<Vec<SocketAddr>>) -> Option<Vec<String>> {
        Some(addresses?.iter().map(ToString::to_string).collect())
    }

    /// A file of its own for each test, gone with it.
    struct Temporary(PathBuf);

    impl Temporary {
        fn new(name: &str, text: &str) -> Self {
            let path = std::env::temp_dir().join(format!("lariat-hosts-{name}-{}", std::process::id()));
            std::fs::write(&path, text).unwrap();
            Self(path)
        }
    }

    impl Drop for Temporary {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    #[test]
    fn a_name_has_the_addresses_of_each_line_that_has_it() {
        let file = Temporary::new(
            "lines",
            "127.0.0.1 localhost\n# 9.9.9.9 no\n192.0.2.1\tdb.test  DB # main\n192.0.2.2 db\n2001:db8::1 db\n\
             fe80::1%3 near\n192.0.2.1 db\nnonsense db\n192.0.2.9\n\n",
        );
        let hosts = HostsFile::new(&file.0);
        let seen = |name: &str, family| texts(hosts.look_up(name, family));
        let two = Some(vec!["192.0.2.1:0".to_owned(), "192.0.2.2:0".to_owned()]);
        assert_eq!(seen("db", Family::V4), two);
        assert_eq!(seen("Db.", Family::V4), two);
        assert_eq!(seen("db", Family::V6), Some(vec!["[2001:db8::1]:0".to_owned()]));
        assert_eq!(seen("db.test", Family::V6), Some(vec![]), "it is in the file, without one");
        assert_eq!(seen("near", Family::V6), Some(vec!["[fe80::1%3]:0".to_owned()]));
        assert_eq!(seen("no", Family::V4), None);
        assert_eq!(seen("other", Family::V4), None);
    }

    #[test]
    fn a_file_that_has_changed_is_read_again() {
        let file = Temporary::new("changes", "192.0.2.1 db\n");
        let hosts = HostsFile::new(&file.0);
        assert_eq!(texts(hosts.look_up("db", Family::V4)), Some(vec!["192.0.2.1:0".to_owned()]));
        std::fs::write(&file.0, "192.0.2.22 db\n").unwrap();
        assert_eq!(texts(hosts.look_up("db", Family::V4)), Some(vec!["192.0.2.22:0".to_owned()]));
        std::fs::remove_file(&file.0).unwrap();
        assert_eq!(hosts.look_up("db", Family::V4), None);
    }

    #[test]
    fn a_file_that_is_not_there_has_no_names() {
        assert_eq!(HostsFile::new("/nonexistent/hosts").look_up("localhost", Family::V4), None);
    }

    #[test]
    fn a_file_of_garbage_has_no_names_and_harms_nobody() {
        let file = Temporary::new("garbage", "\0\u{1}\u{2} x\n127.0.0.1\0 y\n::: z\n%% %%\n");
        std::fs::write(&file.0, [&[0xff, 0xfe, b'\n'][..], b"192.0.2.1 db"].concat()).unwrap();
        let hosts = HostsFile::new(&file.0);
        assert_eq!(texts(hosts.look_up("db", Family::V4)), Some(vec!["192.0.2.1:0".to_owned()]));
        assert_eq!(hosts.look_up("x", Family::V4), None);
    }
}
