//! Forms, all of them at once.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use super::form_error::FormError;
use super::form_limits::FormLimits;
use super::multipart::{MultipartDecoder, MultipartEvent, PartHead};
use super::parameters::Parameters;

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
}

enum Content {
    Memory(Vec<u8>),
    /// Without a name: it is gone when it is closed.
    Disk(File),
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
        matches!(self.content, Content::Disk(_))
    }

    /// Reads all of it into memory. Of a file on disk, this may block while that is read.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn into_bytes(self) -> io::Result<Vec<u8>> {
        match self.content {
            Content::Memory(bytes) => Ok(bytes),
            Content::Disk(mut file) => {
                file.seek(SeekFrom::Start(0))?;
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes)?;
                Ok(bytes)
            }
        }
    }

    /// Gives it as a file, at its beginning; one that was in memory is written to disk first. It has no name in the file system.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn into_file(self) -> io::Result<File> {
        let mut file = match self.content {
            Content::Disk(file) => file,
            Content::Memory(bytes) => {
                let mut file = tempfile::tempfile()?;
                file.write_all(&bytes)?;
                file
            }
        };
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }

    fn write(&mut self, data: &[u8], in_memory: &mut usize) -> io::Result<()> {
        self.length += data.len() as u64;
        match &mut self.content {
            Content::Disk(file) => file.write_all(data),
            Content::Memory(bytes) if data.len() <= *in_memory => {
                *in_memory -= data.len();
                bytes.extend_from_slice(data);
                Ok(())
            }
            Content::Memory(bytes) => {
                let mut file = tempfile::tempfile()?;
                file.write_all(bytes)?;
                file.write_all(data)?;
                *in_memory += bytes.len();
                self.content = Content::Disk(file);
                Ok(())
            }
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory(_) => "in memory",
            Self::Disk(_) => "on disk",
        })
    }
}

/// Collects a form from a request's body, as it comes: of type `multipart/form-data` or `application/x-www-form-urlencoded`.
///
/// - [`new`](Self::new), with the request's `Content-Type`;
/// - [`push`](Self::push) for every piece of the body;
/// - [`finish`](Self::finish) at its end.
///
/// Files beyond [`FormLimits::in_memory`] go to the system's folder for temporary files as they come. Writing there seldom blocks, for the kernel
/// writes to the disk on its own account; where it does, the loop waits.
///
/// ```
/// use lariat_protocols::http::{FormCollector, FormLimits};
///
/// let mut collector = FormCollector::new(Some(b"multipart/form-data; boundary=xyz"), FormLimits::default())?;
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
        /// Bytes of memory that files may still take.
        in_memory: usize,
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
            Kind::Multipart { decoder, in_memory: limits.in_memory, field: None }
        };
        Ok(Self { kind, limits, form: Form::default() })
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
            Kind::Multipart { decoder, in_memory, field } => {
                while let Some(event) = decoder.next(&mut piece)? {
                    take(event, &mut self.form, field, in_memory)?;
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
    in_memory: &mut usize,
) -> Result<(), FormError> {
    match (event, &mut *field) {
        (MultipartEvent::Part(head), _) if head.file_name.is_some() => {
            form.uploads.push(Upload { head, length: 0, content: Content::Memory(Vec::new()) });
        }
        (MultipartEvent::Part(head), _) => *field = Some((head.name, Vec::new())),
        (MultipartEvent::Data(data), Some((_, value))) => value.extend_from_slice(data),
        (MultipartEvent::Data(data), None) => {
            if let Some(upload) = form.uploads.last_mut() {
                upload.write(data, in_memory).map_err(FormError::Storage)?;
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
            let form = multipart(FormLimits::default(), &body, size).unwrap();
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
        let limits = FormLimits { in_memory: 10, ..FormLimits::default() };
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

    #[test]
    fn a_form_that_is_not_whole_is_refused() {
        assert!(matches!(multipart(FormLimits::default(), FIELD, 10), Err(FormError::UnexpectedEnd)));
        let not_text = b"--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\xff\r\n--xyz--";
        assert!(matches!(multipart(FormLimits::default(), not_text, 10), Err(FormError::NotText)));
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
            assert_eq!(error.status(), crate::http::Status::UNSUPPORTED_MEDIA_TYPE);
        }
    }
}
