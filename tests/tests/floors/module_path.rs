//! Where a module is.

use std::fmt;

/// The path of a module or an item from the crate's root, such as `stream::machine`; empty for the root itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ModulePath(Vec<String>);

impl ModulePath {
    pub(crate) fn parse(path: &str) -> Self {
        Self(path.split("::").map(str::to_owned).collect())
    }

    pub(crate) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn join(&self, name: &str) -> Self {
        Self(self.0.iter().cloned().chain([name.to_owned()]).collect())
    }

    /// This path followed by `rest`.
    pub(crate) fn extend(&self, rest: &[String]) -> Self {
        Self(self.0.iter().chain(rest).cloned().collect())
    }

    /// The module that this one is in.
    pub(crate) fn parent(&self) -> Option<Self> {
        self.0.split_last().map(|(_, rest)| Self(rest.to_vec()))
    }

    pub(crate) fn segments(&self) -> &[String] {
        &self.0
    }

    /// Is this `other`, or inside it?
    pub(crate) fn starts_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// Which of the things directly inside `folder` this is, or is in; nothing if it is `folder` or outside.
    pub(crate) fn step_below(&self, folder: &Self) -> Option<&str> {
        if self.starts_with(folder) { self.0.get(folder.0.len()).map(String::as_str) } else { None }
    }
}

impl fmt::Display for ModulePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() { f.write_str("the crate's root") } else { write!(f, "{}", self.0.join("::")) }
    }
}
