//! A web server for files: sites as the command line describes them.

use lariat_protocols::http::{Compressed, FileTree, Files, Server, VirtualHosts};

use crate::server;

/// The settings by which files are served, for every host.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Lists folders without an index.
    pub lists: bool,
    /// Sends `/index.html` for a page that is not there.
    pub has_fallback: bool,
    /// Compresses responses on their way.
    pub compresses: bool,
    /// Serves other file systems that are mounted below a folder, too.
    pub crosses_mounts: bool,
    /// The `Cache-Control` of files, if it is not `no-cache`.
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
    /// A folder that cannot be served, or a `Cache-Control` that cannot stand in a header.
    pub fn new(folder: &str, settings: Settings) -> server::Result<Self> {
        let others = open(folder, &settings)?;
        Ok(Self { settings, others, hosts: Vec::new() })
    }

    /// A folder for a host of its own.
    ///
    /// # Errors
    ///
    /// A folder that cannot be served.
    pub fn add(&mut self, host: &str, folder: &str) -> server::Result<()> {
        self.hosts.push((host.to_owned(), open(folder, &self.settings)?));
        Ok(())
    }

    /// The server of all of them.
    pub fn server(&self) -> Server {
        let mut hosts = VirtualHosts::new();
        for (host, files) in &self.hosts {
            hosts.add(host, files.clone());
        }
        hosts.fallback(self.others.clone());
        // One around all hosts, so that they share the bound of compressors.
        if self.settings.compresses { Server::new(Compressed::new(hosts)) } else { Server::new(hosts) }
    }
}

fn open(folder: &str, settings: &Settings) -> server::Result<Files> {
    let tree = FileTree::open(folder).map_err(|error| format!("{folder} cannot be served: {error}"))?;
    let mut files = Files::of_tree(tree.with_other_mounts(settings.crosses_mounts));
    files = files.with_listing(settings.lists).with_precompressed(true);
    if settings.has_fallback {
        files = files.with_fallback("index.html");
    }
    if let Some(value) = &settings.cache_control {
        let wrong = |error| server::usage(format_args!("--cache {value:?}: {error}"));
        files = files.with_cache_control(value).map_err(wrong)?;
    }
    Ok(files)
}
