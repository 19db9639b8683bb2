//! The ports of services that have a name.

use std::fs::read_to_string;

/// The file with the names of services (`services(5)`).
const SERVICES_FILE: &str = "/etc/services";

/// The TCP port of the service `name`, such as 80 of `http`, if this machine knows it. The file is
/// read each time: descriptions are parsed seldom.
pub(crate) fn tcp_port(name: &str) -> Option<u16> {
    if name.is_empty() {
        return None;
    }
    find(&read_to_string(SERVICES_FILE).ok()?, name)
}

/// A line is a name, a port with its protocol, and further names: `http 80/tcp www`. As for
/// `getservbyname(3)`, case matters.
fn find(services: &str, name: &str) -> Option<u16> {
    services.lines().find_map(|line| {
        let line = line.split_once('#').map_or(line, |(line, _)| line);
        let mut words = line.split_ascii_whitespace();
        let (official, port) = (words.next()?, words.next()?);
        let port = port.strip_suffix("/tcp")?;
        if official == name || words.any(|alias| alias == name) { port.parse().ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_its_name_and_its_aliases() {
        let services = "# names\n\ndomain 53/udp\ndomain\t\t53/tcp\nhttp 80/tcp www # web\nodd\nbad x/tcp\n";
        assert_eq!(find(services, "domain"), Some(53));
        assert_eq!(find(services, "http"), Some(80));
        assert_eq!(find(services, "www"), Some(80));
        for unknown in ["HTTP", "web", "#", "odd", "bad", "53/udp", "80/tcp"] {
            assert_eq!(find(services, unknown), None, "{unknown}");
        }
    }
}
