//! How much of a form there may be.

/// What a form may take, in bytes and numbers. Every limit has a default that suits a public server.
///
/// [`Request::form`](super::Request::form) has [`total`](Self::total) hold in the place of the limit of a request's body,
/// [`Limits::body`](super::Limits::body).
///
/// ```
/// use lariat_protocols::http::FormLimits;
///
/// let limits = FormLimits { file: 1024 * 1024 * 1024, total: 2 * 1024 * 1024 * 1024, ..FormLimits::default() };
/// assert_eq!(limits.fields, 1_000);
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it is made with the update syntax")]
pub struct FormLimits {
    /// Fields and files in all. Default: 1,000.
    pub fields: usize,
    /// Files among them; each may take a descriptor. Default: 32.
    pub files: usize,
    /// Bytes of a part's head: its headers and the empty line. Default: 8 KiB.
    pub head: usize,
    /// Bytes of all names, and of all fields that are no files, together. They are kept in memory. Default: 1 MiB.
    pub text: usize,
    /// Bytes of a file. Default: 64 MiB.
    pub file: u64,
    /// Bytes of all of it, as it is sent. Default: 256 MiB.
    pub total: u64,
    /// Bytes of all files together that are kept in memory. A file that does not fit in goes to disk, into a file without a name, which is gone
    /// when it is closed. Default: 64 KiB.
    pub in_memory: usize,
}

impl Default for FormLimits {
    fn default() -> Self {
        Self {
            fields: 1_000,
            files: 32,
            head: 8 * 1024,
            text: 1024 * 1024,
            file: 64 * 1024 * 1024,
            total: 256 * 1024 * 1024,
            in_memory: 64 * 1024,
        }
    }
}
