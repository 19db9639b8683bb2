//! A crate's source files, as cargo would find them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The text of every `.rs` file below a crate's `src`, by its path from there.
#[derive(Debug, Default)]
pub(crate) struct SourceTree(BTreeMap<PathBuf, String>);

impl SourceTree {
    /// Reads what is below `folder`.
    pub(crate) fn read(folder: &Path) -> io::Result<Self> {
        let mut tree = Self::default();
        tree.add_folder(folder, Path::new(""))?;
        Ok(tree)
    }

    /// A crate that never was on a disk: paths and texts.
    pub(crate) fn made_up(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| (path.into(), (*text).to_owned())).collect())
    }

    fn add_folder(&mut self, folder: &Path, inside: &Path) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let (path, inside) = (entry.path(), inside.join(entry.file_name()));
            if entry.file_type()?.is_dir() {
                self.add_folder(&path, &inside)?;
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                self.0.insert(inside, fs::read_to_string(path)?);
            }
        }
        Ok(())
    }

    pub(crate) fn text(&self, path: &Path) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.0.keys()
    }
}
