//! Forms, all of them at once.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::form_error::FormError;
use super::form_limits::FormLimits;
use super::multipart::{MultipartDecoder, MultipartEvent, PartHead};
use super::parameters::Parameters;
use super::temporary_files::{TemporaryFile, TemporaryFiles};

/// What a form was filled in with: its fields and files, in order. A name may be there more than once.
///
/// ```
/// use lariat_protocols::http::{Form, FormLimits};
///
/// let form = Form::parse_urlencoded(b"city=Ulm&street=M%C3%BCnsterplatz+1", &FormLimits::default())?;
/// assert_eq!(form.get("street"), Some("Münsterplatz 1"));
/// assert_eq!(form.get("zip"), None);
/// # Ok::<(), lariat_protocols::http::FormError>(())
/// ```
#[derive(Debug, Default)]
pub struct Form {
    fields: Vec<(String, String)>,
    uploads: Vec<Upload>,
}

impl Form {
    /// Takes the query of a URL, or a body of type `application/x-www-form-urlencoded`, as the URL standard of the WHATWG says: bytes that are no
    /// UTF-8 become `U+FFFD`, and a malformed escape stands for itself.
    ///
    /// # Errors
    ///
    /// When there are more fields than [`FormLimits::fields`], or more text than [`FormLimits::text`].
    #[doc(alias = "parse_qs")]
    pub fn parse_urlencoded(encoded: &[u8], limits: &FormLimits) -> Result<Self, FormError> {
        if encoded.len() as u64 > limits.total {
            return Err(FormError::FormTooLarge);
        }
        let mut left = limits.text;
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(encoded) {
            if form.fields.len() == limits.fields {
                return Err(FormError::TooManyFields);
            }
            left = left.checked_sub(name.len() + value.len()).ok_or(FormError::TextTooLarge)?;
            form.fields.push((name.into_owned(), value.into_owned()));
        }
        Ok(form)
    }

    /// The value of the first field of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_all(name).next()
    }

    /// The values of all fields of this name, in order.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Names and values of all fields that are no files, in order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The files, in order.
    pub fn uploads(&self) -> &[Upload] {
        &self.uploads
    }

    /// The files, to be kept.
    pub fn into_uploads(self) -> Vec<Upload> {
        self.uploads
    }
}

/// A file that came with a form.
#[derive(Debug)]
pub struct Upload {
    head: PartHead,
    length: u64,
    content: Content,
    files: TemporaryFiles,
}

enum Content {
    Memory(Vec<u8>),
    /// In a file that it may share with others of the form, from there on.
    Disk(Arc<TemporaryFile>, u64),
}

/// Where files that are coming are kept.
#[derive(Debug)]
struct Space {
    /// Bytes of memory that files may still take.
    in_memory: usize,
    files: TemporaryFiles,
    /// The file that small files share, and where its free part begins.
    common: Option<(Arc<TemporaryFile>, u64)>,
}

/// A longer file has a descriptor of its own.
const LONGEST_IN_COMMON: u64 = 1024 * 1024;

impl Space {
    /// Moves what has come of a file from memory to the common file.
    fn put_in_common(&mut self, bytes: &[u8]) -> Result<Content, FormError> {
        let (file, end) = match &mut self.common {
            Some(common) => common,
            none => none.insert((Arc::new(self.files.create()?), 0)),
        };
        file.write_at(bytes, *end)?;
        let start = *end;
        *end += bytes.len() as u64;
        self.in_memory += bytes.len();
        Ok(Content::Disk(file.clone(), start))
    }

    /// Writes more of a file to disk, after the first `length` bytes: in the common file, or in one of its own.
    fn write(&mut self, content: &mut Content, length: u64, data: &[u8]) -> Result<(), FormError> {
        let Content::Disk(file, start) = content else { return Ok(()) };
        if let Some((common, end)) = &mut self.common
            && Arc::ptr_eq(common, file)
        {
            if length + data.len() as u64 <= LONGEST_IN_COMMON {
                file.write_at(data, *end)?;
                *end += data.len() as u64;
                return Ok(());
            }
            let own = self.files.create()?;
            own.write_at(&read(file.file(), *start, length).map_err(FormError::Storage)?, 0)?;
            *end = *start;
            (*file, *start) = (Arc::new(own), 0);
        }
        file.write_at(data, length)
    }
}

/// Bytes of a file.
fn read(file: &File, start: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, start)?;
    Ok(bytes)
}

impl Upload {
    /// The name of the field.
    pub fn name(&self) -> &str {
        &self.head.name
    }

    /// What the file is called on the other side. It is nothing to make a path of: it may be anything.
    pub fn file_name(&self) -> &str {
        self.head.file_name.as_deref().unwrap_or_default()
    }

    /// What it is, as the other side says.
    pub fn content_type(&self) -> Option<&str> {
        self.head.content_type.as_deref()
    }

    /// How many bytes it has.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Is it on disk, rather than in memory?
    pub fn is_on_disk(&self) -> bool {
        matches!(self.content, Content::Disk(..))
    }

    /// Reads all of it into memory. Of a file on disk, this may block while that is read.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn into_bytes(self) -> io::Result<Vec<u8>> {
        match self.content {
            Content::Memory(bytes) => Ok(bytes),
            Content::Disk(file, start) => read(file.file(), start, self.length),
        }
    }

    /// Gives it as a file, at its beginning; one that was in memory, or shares a file with others, is written to one of its own first. It has no
    /// name in the file system, and counts in no budget any more.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn into_file(self) -> io::Result<File> {
        let copy = |bytes: &[u8]| -> io::Result<File> {
            let file = self.files.open()?;
            file.write_all_at(bytes, 0)?;
            Ok(file)
        };
        match self.content {
            // Written to by position only, and so still at its beginning.
            Content::Disk(file, 0) => match Arc::try_unwrap(file) {
                Ok(file) => {
                    let file = file.into_file();
                    file.set_len(self.length)?;
                    Ok(file)
                }
                Err(file) => copy(&read(file.file(), 0, self.length)?),
            },
            Content::Disk(file, start) => copy(&read(file.file(), start, self.length)?),
            Content::Memory(bytes) => copy(&bytes),
        }
    }

    fn write(&mut self, data: &[u8], space: &mut Space) -> Result<(), FormError> {
        let length = self.length;
        self.length += data.len() as u64;
        if let Content::Memory(bytes) = &mut self.content {
            if data.len() <= space.in_memory {
                space.in_memory -= data.len();
                bytes.extend_from_slice(data);
                return Ok(());
            }
            self.content = space.put_in_common(bytes)?;
        }
        space.write(&mut self.content, length, data)
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory(_) => "in memory",
            Self::Disk(..) => "on disk",
        })
    }
}

/// Collects a form from a request's body, as it comes: of type `multipart/form-data` or `application/x-www-form-urlencoded`.
///
/// - [`new`](Self::new), with the request's `Content-Type`;
/// - [`push`](Self::push) for every piece of the body;
/// - [`finish`](Self::finish) at its end.
///
/// Files are refused unless the limits allow some: see [`FormLimits::uploads`]. Files beyond [`FormLimits::in_memory`] go to the place for
/// [`TemporaryFiles`] as they come; those of up to 1 MiB share one file, and so one descriptor. Writing there seldom blocks, for the kernel
/// writes to the disk on its own account; where it does, the loop waits.
///
/// ```
/// use lariat_protocols::http::{FormCollector, FormLimits};
///
/// let mut collector = FormCollector::new(Some(b"multipart/form-data; boundary=xyz"), FormLimits::uploads())?;
/// collector.push(b"--xyz\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"me.jpg\"\r\n\r\n")?;
/// collector.push(b"...\r\n--xyz--\r\n")?;
/// let form = collector.finish()?;
/// assert_eq!(form.uploads()[0].file_name(), "me.jpg");
/// assert_eq!(form.uploads()[0].length(), 3);
/// # Ok::<(), lariat_protocols::http::FormError>(())
/// ```
#[derive(Debug)]
pub struct FormCollector {
    kind: Kind,
    limits: FormLimits,
    form: Form,
}

#[derive(Debug)]
enum Kind {
    Urlencoded(Vec<u8>),
    Multipart {
        decoder: Box<MultipartDecoder>,
        space: Space,
        /// The field that is coming, if it is no file: that is the last upload.
        field: Option<(String, Vec<u8>)>,
    },
}

/// Bytes that a character may take when it is encoded, and one of text: `%C3%BC`, for two.
const ENCODED: u64 = 3;

impl FormCollector {
    /// A collector for a body of this `Content-Type`.
    ///
    /// # Errors
    ///
    /// [`FormError::WrongContentType`] if it is of another one, or not told; [`FormError::MalformedBoundary`].
    pub fn new(content_type: Option<&[u8]>, limits: FormLimits) -> Result<Self, FormError> {
        let content_type = content_type.ok_or(FormError::WrongContentType)?;
        let kind = if Parameters::split(content_type).0.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
            Kind::Urlencoded(Vec::new())
        } else {
            let decoder = Box::new(MultipartDecoder::new(content_type, limits)?);
            let files = TemporaryFiles::shared();
            Kind::Multipart { decoder, space: Space { in_memory: limits.in_memory, files, common: None }, field: None }
        };
        Ok(Self { kind, limits, form: Form::default() })
    }

    /// Sets where files are kept that do not fit into memory. To be called before the first piece. Default: [`TemporaryFiles::shared`].
    #[must_use]
    pub fn with_files(mut self, files: TemporaryFiles) -> Self {
        if let Kind::Multipart { space, .. } = &mut self.kind {
            space.files = files;
        }
        self
    }

    /// Takes a piece of the body.
    ///
    /// # Errors
    ///
    /// When the form is malformed, beyond one of the limits, or cannot be kept. The collector is of no use after that.
    pub fn push(&mut self, mut piece: &[u8]) -> Result<(), FormError> {
        match &mut self.kind {
            Kind::Urlencoded(encoded) => {
                let length = encoded.len() as u64 + piece.len() as u64;
                // Two characters between a name and its value, and the next name, are no text.
                let most = (self.limits.text as u64 + 2 * self.limits.fields as u64).saturating_mul(ENCODED);
                if length > self.limits.total {
                    return Err(FormError::FormTooLarge);
                }
                if length > most {
                    return Err(FormError::TextTooLarge);
                }
                encoded.extend_from_slice(piece);
                Ok(())
            }
            Kind::Multipart { decoder, space, field } => {
                while let Some(event) = decoder.next(&mut piece)? {
                    take(event, &mut self.form, field, space)?;
                }
                Ok(())
            }
        }
    }

    /// The body has ended: gives the form.
    ///
    /// # Errors
    ///
    /// When the form has not ended, or is beyond one of the limits.
    pub fn finish(self) -> Result<Form, FormError> {
        match self.kind {
            Kind::Urlencoded(encoded) => Form::parse_urlencoded(&encoded, &self.limits),
            Kind::Multipart { decoder, .. } => decoder.finish().map(|()| self.form),
        }
    }
}

fn take(
    event: MultipartEvent<'_>,
    form: &mut Form,
    field: &mut Option<(String, Vec<u8>)>,
    space: &mut Space,
) -> Result<(), FormError> {
    match (event, &mut *field) {
        (MultipartEvent::Part(head), _) if head.file_name.is_some() => {
            let (content, files) = (Content::Memory(Vec::new()), space.files.clone());
            form.uploads.push(Upload { head, length: 0, content, files });
        }
        (MultipartEvent::Part(head), _) => *field = Some((head.name, Vec::new())),
        (MultipartEvent::Data(data), Some((_, value))) => value.extend_from_slice(data),
        (MultipartEvent::Data(data), None) => {
            if let Some(upload) = form.uploads.last_mut() {
                upload.write(data, space)?;
            }
        }
        (MultipartEvent::PartEnd, _) => {
            if let Some((name, value)) = field.take() {
                form.fields.push((name, String::from_utf8(value).map_err(|_| FormError::NotText)?));
            }
        }
        (MultipartEvent::End, _) => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn multipart(limits: FormLimits, body: &[u8], size: usize) -> Result<Form, FormError> {
        let mut collector = FormCollector::new(Some(b"multipart/form-data; boundary=xyz"), limits)?;
        for piece in body.chunks(size) {
            collector.push(piece)?;
        }
        collector.finish()
    }

    fn urlencoded(limits: FormLimits, body: &[u8]) -> Result<Form, FormError> {
        let mut collector = FormCollector::new(Some(b"application/x-www-form-urlencoded; charset=utf-8"), limits)?;
        collector.push(body)?;
        collector.finish()
    }

    fn file(name: &str, content: &[u8]) -> Vec<u8> {
        let head = format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}.bin\"\r\n\r\n");
        [head.as_bytes(), content, b"\r\n"].concat()
    }

    const FIELD: &[u8] = b"--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nvalue\r\n";

    #[test]
    fn fields_and_files_are_told_apart() {
        let body = [FIELD, &file("f", b"\x00\xff"), FIELD, b"--xyz--"].concat();
        for size in [1, 5, 1000] {
            let form = multipart(FormLimits::uploads(), &body, size).unwrap();
            assert_eq!(form.get_all("a").collect::<Vec<_>>(), ["value", "value"]);
            let [upload] = form.uploads() else { panic!("{form:?}") };
            assert_eq!((upload.name(), upload.file_name(), upload.length()), ("f", "f.bin", 2));
            assert!(!upload.is_on_disk());
            assert_eq!(form.into_uploads().remove(0).into_bytes().unwrap(), b"\x00\xff");
        }
    }

    #[test]
    fn files_that_do_not_fit_into_memory_go_to_disk() {
        let content: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        let body =
            [file("small", b"12345"), file("large", &content), file("last", b"67890"), b"--xyz--".to_vec()].concat();
        let limits = FormLimits { in_memory: 10, ..FormLimits::uploads() };
        for size in [999, usize::MAX] {
            let uploads = multipart(limits, &body, size).unwrap().into_uploads();
            let on_disk: Vec<_> = uploads.iter().map(Upload::is_on_disk).collect();
            assert_eq!(on_disk, [false, true, false]);
            for (upload, expected) in uploads.into_iter().zip([b"12345".to_vec(), content.clone(), b"67890".to_vec()]) {
                assert_eq!(upload.length(), expected.len() as u64);
                let mut read = Vec::new();
                upload.into_file().unwrap().read_to_end(&mut read).unwrap();
                assert!(read == expected);
            }
        }
        let large = multipart(limits, &body, 999).unwrap().into_uploads().remove(1);
        assert!(large.into_bytes().unwrap() == content);
    }

    fn collect(files: &TemporaryFiles, body: &[u8]) -> Result<Form, FormError> {
        let limits = FormLimits { in_memory: 0, files: 100, ..FormLimits::uploads() };
        let collector = FormCollector::new(Some(b"multipart/form-data; boundary=xyz"), limits)?;
        let mut collector = collector.with_files(files.clone());
        body.chunks(50_000).try_for_each(|piece| collector.push(piece))?;
        collector.finish()
    }

    #[test]
    fn small_files_share_a_descriptor_and_large_ones_have_their_own() {
        let files = TemporaryFiles::in_folder(std::env::temp_dir());
        let large = vec![b'l'; 1024 * 1024 + 1];
        let contents = [&b"one"[..], &large, b"two", &large, b"three"];
        let mut body: Vec<u8> = contents.iter().flat_map(|content| file("f", content)).collect();
        body.extend_from_slice(b"--xyz--");
        let form = collect(&files, &body).unwrap();
        assert_eq!(files.files_in_use(), 3, "two large ones, and one for the rest");
        let (read, kept): (Vec<_>, Vec<_>) =
            form.into_uploads().into_iter().enumerate().partition(|(place, _)| place % 2 == 0);
        for (place, upload) in read {
            assert!(upload.into_bytes().unwrap() == contents[place]);
        }
        for (place, upload) in kept {
            let mut content = Vec::new();
            upload.into_file().unwrap().read_to_end(&mut content).unwrap();
            assert!(content == contents[place]);
        }
        assert_eq!((files.files_in_use(), files.bytes_in_use()), (0, 0), "nothing is left behind");
    }

    #[test]
    fn all_forms_together_have_a_budget_of_files_and_bytes() {
        let body = |length: usize| [file("f", &vec![b'x'; length]), b"--xyz--".to_vec()].concat();
        let files = TemporaryFiles::in_folder(std::env::temp_dir()).with_limits(1000, 2);
        let first = collect(&files, &body(600)).unwrap();
        assert!(matches!(collect(&files, &body(401)), Err(FormError::StorageFull)));
        assert_eq!((files.files_in_use(), files.bytes_in_use()), (1, 600), "a refused form leaves nothing behind");
        let second = collect(&files, &body(400)).unwrap();
        let error = collect(&files, &body(1)).unwrap_err();
        assert_eq!(error.status(), super::super::status::Status::SERVICE_UNAVAILABLE);
        drop((first, second));
        assert!(collect(&files, &body(1000)).is_ok());
    }

    #[test]
    fn strangers_send_no_files_unless_asked() {
        let body = [file("f", b"x"), b"--xyz--".to_vec()].concat();
        assert!(matches!(multipart(FormLimits::default(), &body, 100), Err(FormError::TooManyFiles)));
        let text =
            [&b"--xyz\r\nContent-Disposition: form-data; name=a\r\n\r\n"[..], &[b'x'; 64 * 1024], b"\r\n--xyz--"];
        assert!(matches!(multipart(FormLimits::default(), &text.concat(), 1000), Err(FormError::TextTooLarge)));
    }

    #[test]
    fn a_form_that_is_not_whole_is_refused() {
        assert!(matches!(multipart(FormLimits::uploads(), FIELD, 10), Err(FormError::UnexpectedEnd)));
        let not_text = b"--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\xff\r\n--xyz--";
        assert!(matches!(multipart(FormLimits::uploads(), not_text, 10), Err(FormError::NotText)));
    }

    #[test]
    fn urlencoded_fields_are_decoded() {
        let form = urlencoded(FormLimits::default(), b"a=1+2&b=%26%3D&a=&c&=d&&%zz=%ff").unwrap();
        let fields: Vec<_> = form.fields().collect();
        assert_eq!(fields, [("a", "1 2"), ("b", "&="), ("a", ""), ("c", ""), ("", "d"), ("%zz", "\u{fffd}")]);
    }

    #[test]
    fn urlencoded_limits_are_exact() {
        let fields = FormLimits { fields: 2, ..FormLimits::default() };
        assert!(urlencoded(fields, b"a=1&b=2").is_ok());
        assert!(matches!(urlencoded(fields, b"a=1&b=2&c"), Err(FormError::TooManyFields)));
        let text = FormLimits { text: 4, ..FormLimits::default() };
        assert!(urlencoded(text, b"%61=%31&b=2").is_ok());
        assert!(matches!(urlencoded(text, b"a=1&b=23"), Err(FormError::TextTooLarge)));
        let total = FormLimits { total: 7, ..FormLimits::default() };
        assert!(urlencoded(total, b"a=1&b=2").is_ok());
        assert!(matches!(urlencoded(total, b"a=1&b=23"), Err(FormError::FormTooLarge)));
        let little = FormLimits { text: 4, fields: 1, ..FormLimits::default() };
        assert!(matches!(urlencoded(little, &[b'x'; 19]), Err(FormError::TextTooLarge)));
    }

    #[test]
    fn anything_else_is_no_form() {
        for content_type in [None, Some(&b"text/plain"[..]), Some(b"application/json")] {
            let error = FormCollector::new(content_type, FormLimits::default()).unwrap_err();
            assert_eq!(error.status(), super::super::status::Status::UNSUPPORTED_MEDIA_TYPE);
        }
    }
}
