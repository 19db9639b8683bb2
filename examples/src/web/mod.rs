//! A web server for files: what the command line says, made into sites.

use lariat_protocols::http::{Answer, Compressed, Files, Handler, Request};

use crate::server;

/// How files are served, of whatever host.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Are folders without an index listed?
    pub lists: bool,
    /// Is `/index.html` sent where there is nothing?
    pub has_fallback: bool,
    /// Is what is sent compressed on its way?
    pub compresses: bool,
    /// What clients and caches are told, if not to ask each time.
    pub cache_control: Option<String>,
}

/// Folders of files: one for each host that has its own, and one for all others.
#[derive(Clone, Debug)]
pub struct Sites {
    settings: Settings,
    others: Files,
    hosts: Vec<(String, Files)>,
}

impl Sites {
    /// One folder for all hosts.
    ///
    /// # Errors
    ///
    /// When it is none, or something in the settings cannot stand in a header.
    pub fn new(folder: &str, settings: Settings) -> server::Result<Self> {
        let others = open(folder, &settings)?;
        Ok(Self { settings, others, hosts: Vec::new() })
    }

    /// A folder of a host's own.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn add(&mut self, host: &str, folder: &str) -> server::Result<()> {
        self.hosts.push((host.to_owned(), open(folder, &self.settings)?));
        Ok(())
    }

    /// What answers requests.
    pub fn handler(&self) -> Box<dyn Fn(&mut Request<'_>) -> Answer> {
        let Self { others, hosts, .. } = self.clone();
        let choose = move |request: &mut Request<'_>| {
            let name = request.head().host().map_or("", without_port);
            let files = hosts.iter().find(|(host, _)| host.eq_ignore_ascii_case(name)).map(|(_, files)| files);
            files.unwrap_or(&others).handle(request)
        };
        if self.settings.compresses {
            let compressed = Compressed::new(choose);
            return Box::new(move |request| compressed.handle(request));
        }
        Box::new(choose)
    }
}

fn open(folder: &str, settings: &Settings) -> server::Result<Files> {
    let mut files = Files::new(folder).map_err(|error| format!("{folder} cannot be served: {error}"))?;
    files = files.with_listing(settings.lists).with_precompressed(true);
    if settings.has_fallback {
        files = files.with_fallback("index.html");
    }
    if let Some(value) = &settings.cache_control {
        files = files.with_cache_control(value)?;
    }
    Ok(files)
}

/// The host, in brackets if it is an IPv6 address, without the port.
fn without_port(host: &str) -> &str {
    let end = host.rfind(']').map_or(0, |bracket| bracket + 1);
    host[end..].find(':').map_or(host, |colon| &host[..end + colon])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_no_part_of_a_hosts_name() {
        for (host, name) in [
            ("a.example:80", "a.example"),
            ("a.example", "a.example"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
            ("", ""),
        ] {
            assert_eq!(without_port(host), name);
        }
    }
}
