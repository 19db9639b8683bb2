//! How much of a form there may be.

/// What a form may take, in bytes and numbers. The default suits a form that anybody may send, such as a log-in: a little text, and no files.
/// A form with files asks for them with [`uploads`](Self::uploads).
///
/// [`Request::form`](super::Request::form) has [`total`](Self::total) hold in the place of the limit of a request's body,
/// [`Limits::body`](super::Limits::body).
///
/// ```
/// use lariat_protocols::http::FormLimits;
///
/// let limits = FormLimits { file: 1024 * 1024 * 1024, total: 2 * 1024 * 1024 * 1024, ..FormLimits::uploads() };
/// assert_eq!((limits.fields, limits.files), (1_000, 8));
/// assert_eq!(FormLimits::default().files, 0);
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it is made with the update syntax")]
pub struct FormLimits {
    /// Fields and files in all. Default: 1,000.
    pub fields: usize,
    /// Files among them. Default: none; for uploads 8. Each of more than 1 MiB takes a descriptor, and the others one together.
    pub files: usize,
    /// Bytes of a part's head: its headers and the empty line. Default: 8 KiB.
    pub head: usize,
    /// Bytes of all names, and of all fields that are no files, together. They are kept in memory. Default: 64 KiB.
    pub text: usize,
    /// Bytes of a file. Default: 16 MiB, if there are any.
    pub file: u64,
    /// Bytes of all of it, as it is sent. Default: 256 KiB; for uploads 64 MiB.
    pub total: u64,
    /// Bytes of all files together that are kept in memory. A file that does not fit in goes to disk: see
    /// [`TemporaryFiles`](super::TemporaryFiles). Default: 64 KiB.
    pub in_memory: usize,
}

impl FormLimits {
    /// The limits of a form with files: 8 of them, of 16 MiB each, and 64 MiB in all.
    pub const fn uploads() -> Self {
        Self { files: 8, total: 64 * 1024 * 1024, ..Self::text_only() }
    }

    const fn text_only() -> Self {
        Self {
            fields: 1_000,
            files: 0,
            head: 8 * 1024,
            text: 64 * 1024,
            file: 16 * 1024 * 1024,
            total: 256 * 1024,
            in_memory: 64 * 1024,
        }
    }
}

impl Default for FormLimits {
    fn default() -> Self {
        Self::text_only()
    }
}
