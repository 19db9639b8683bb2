//! The floors that a crate's documentation declares.

use crate::module_path::ModulePath;

/// Which modules stand on which floor: the rows of a table like
///
/// ```text
/// | floor | modules |
/// | --- | --- |
/// | F1 containers | `timer`, `call_queue` |
/// | F0 leaves | `clock`, `token` |
/// ```
///
/// The modules are in the last column. A module's contents stand where it does, unless the table names them too.
#[derive(Debug, Default)]
pub(crate) struct FloorMap(Vec<(ModulePath, u32)>);

impl FloorMap {
    /// Finds the table in a crate's documentation.
    pub(crate) fn parse(docs: &str) -> Self {
        let mut entries = Vec::new();
        for line in docs.lines() {
            let row = line.trim().strip_prefix('|').and_then(|row| row.strip_suffix('|'));
            let Some((head, (_, modules))) = row.and_then(|row| Some((row.split('|').next()?, row.rsplit_once('|')?)))
            else {
                continue;
            };
            let Some(floor) = floor(head) else { continue };
            // What stands between two backticks is every second piece.
            let modules = modules.split('`').skip(1).step_by(2);
            entries.extend(modules.map(|module| (ModulePath::parse(module), floor)));
        }
        Self(entries)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &(ModulePath, u32)> {
        self.0.iter()
    }

    /// The entry that `module` is, or is part of.
    pub(crate) fn unit(&self, module: &ModulePath) -> Option<&(ModulePath, u32)> {
        let around = self.0.iter().filter(|(entry, _)| module.starts_with(entry));
        around.max_by_key(|(entry, _)| entry.segments().len())
    }
}

/// The number of a floor that is called `F0 leaves` or `P3`.
fn floor(head: &str) -> Option<u32> {
    let name = head.split_whitespace().next()?;
    name.strip_prefix(['F', 'P'])?.parse().ok()
}
