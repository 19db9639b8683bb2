//! A web server for files: what the command line says, made into sites.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::Arc;

use lariat_protocols::http::{Compressed, Files, VirtualHosts};

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
    pub fn handler(&self) -> VirtualHosts {
        let mut hosts = VirtualHosts::new();
        for (host, files) in &self.hosts {
            if self.settings.compresses {
                hosts.add(host, Compressed::new(files.clone()));
            } else {
                hosts.add(host, files.clone());
            }
        }
        if self.settings.compresses {
            hosts.fallback(Compressed::new(self.others.clone()));
        } else {
            hosts.fallback(self.others.clone());
        }
        hosts
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

/// Opens a file for an access log, or standard output for `-`: what is given a line writes it to the end, at once.
///
/// # Errors
///
/// When the file cannot be opened.
pub fn access_log(path: &str) -> server::Result<impl Fn(&str) + Clone + Send + Sync + use<>> {
    let file: File = match path {
        "-" => io::stdout().as_fd().try_clone_to_owned()?.into(),
        path => File::options().append(true).create(true).open(path).map_err(|error| format!("{path}: {error}"))?,
    };
    let file = Arc::new(file);
    Ok(move |line: &str| {
        // One call for a line, so that those of several threads do not mix.
        if let Err(error) = (&*file).write_all(format!("{line}\n").as_bytes()) {
            log::warn!("a line of the access log is lost: {error}");
        }
    })
}
