//! The response that sends a file, or a part of it, or says why not.

use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::time::SystemTime;

use lariat::{Random, Reactor};

use super::body_writer::BodyWriter;
use super::compression::Compression;
use super::conditional::{Validators, Verdict, evaluate_conditions, range_applies};
use super::content_coding::ContentCoding;
use super::content_type::content_type_by_content;
use super::entity_tag::FileTag;
use super::fields::{Fields, Headers};
use super::file_tree::FoundFile;
use super::range::{ByteRangesFrame, Ranges};
use super::response::{IntoResponse, Response};
use super::response_body::Body;
use super::status::Status;

/// The parts of a request that decide how a file is sent.
#[derive(Copy, Clone)]
pub(super) struct Asked<'a> {
    pub(super) headers: Headers<'a>,
    pub(super) is_head: bool,
    /// The request has an Accept-Encoding.
    pub(super) names_codings: bool,
    /// The request has a header that begins with `If-`.
    is_conditional: bool,
    range: Option<&'a [u8]>,
    /// The compression that is applied to the response afterwards.
    compression: Option<Compression>,
}

impl<'a> Asked<'a> {
    /// Looks through the headers once: most requests have none of these.
    pub(super) fn read(headers: Headers<'a>, is_head: bool, compression: Option<Compression>) -> Self {
        let mut asked =
            Self { headers, is_head, names_codings: false, is_conditional: false, range: None, compression };
        let mut ranges = 0;
        for (name, value) in headers.iter() {
            match name.as_bytes().first() {
                Some(b'i' | b'I') => {
                    asked.is_conditional |= name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("if-"));
                }
                Some(b'a' | b'A') => asked.names_codings |= name.eq_ignore_ascii_case("accept-encoding"),
                Some(b'r' | b'R') if name.eq_ignore_ascii_case("range") => {
                    asked.range = Some(value);
                    ranges += 1;
                }
                _ => {}
            }
        }
        // A range has a meaning with GET alone (RFC 9110, section 14.2), and two of them have none.
        if is_head || ranges > 1 {
            asked.range = None;
        }
        asked
    }
}

/// The file that is sent for the one asked for: that file, or a compressed form of it.
pub(super) struct Representation {
    pub(super) file: FoundFile,
    /// The media type of the file asked for.
    pub(super) content_type: &'static str,
    /// The coding that the file itself is in.
    pub(super) coding: Option<ContentCoding>,
    /// Another client may get another form.
    pub(super) varies: bool,
    /// The time of its modification as it is sent: never later than the response's Date.
    pub(super) last_modified: SystemTime,
}

/// The media type of a file, by its name and, if that says nothing, its first bytes.
pub(super) fn content_type(path: &[u8], file: &FoundFile) -> &'static str {
    content_type_by_content(path, || {
        let mut start = vec![0; usize::try_from(file.length).unwrap_or(SAMPLE).min(SAMPLE)];
        // A file that cannot be read has no type either.
        let read = file.file.read_at(&mut start, 0).unwrap_or(0);
        start.truncate(read);
        start
    })
}

/// The number of first bytes that are examined for text. WHATWG's MIME Sniffing Standard reads about as many.
const SAMPLE: usize = 1024;

/// Up to so many bytes a file is read, and sent together with the head by one system call. `sendfile` would be a second one, and cost more than
/// the copy does.
const SMALL_FILE: u64 = 16 * 1024;

impl Representation {
    pub(super) fn respond(
        mut self,
        asked: &Asked<'_>,
        fields: &Fields,
        now: SystemTime,
        reactor: &Reactor,
    ) -> Response {
        let FoundFile { length, modified, .. } = self.file;
        let mut file_tag = FileTag::new(modified, length, self.coding, now);
        let mut range = asked.range;
        if let Some(compression) = asked.compression
            && self.coding.is_none()
            && compression.applies(self.content_type, Some(length), fields.headers())
        {
            self.varies = true;
            if compression.coding.is_some() {
                // The representation that is sent is the compressed one: validators are compared with its tag, which is weak, and it has
                // no ranges (RFC 9110, sections 8.8.3 and 14.2). Parts of the file itself would be parts of another representation.
                file_tag = file_tag.weakened();
                range = None;
            }
        }
        let tag = file_tag.as_tag();
        let modified_is_strong = Validators::date_is_strong(modified, now);
        let validators = Validators { tag: Some(tag), modified: Some(modified), modified_is_strong };
        if asked.is_conditional {
            match evaluate_conditions(asked.headers, true, Some(&validators)) {
                Verdict::Proceed => {}
                Verdict::NotModified => return self.head(Status::NOT_MODIFIED, fields, &file_tag),
                Verdict::Failed => return Response::error(Status::PRECONDITION_FAILED),
            }
        }
        let ranges = match range {
            Some(range) if !asked.is_conditional || range_applies(asked.headers, &validators) => {
                Ranges::parse(range, length)
            }
            _ => Ranges::Whole,
        };
        match ranges {
            Ranges::Whole => {
                let response = self.head(Status::OK, fields, &file_tag);
                let body = if asked.is_head { Body::file(self.file.file, 0..length) } else { self.body(0..length) };
                response.with_body(body)
            }
            Ranges::One(range) => {
                let content_range = Ranges::content_range(&range, length);
                let response = self.head(Status::PARTIAL_CONTENT, fields, &file_tag);
                response.with_body(self.body(range)).with_header("Content-Range", content_range).into_response()
            }
            Ranges::Several(ranges) => self.parts(ranges, fields, &file_tag, &reactor.random()),
            Ranges::Unsatisfiable => Response::error(Status::RANGE_NOT_SATISFIABLE)
                .with_header("Content-Range", Ranges::unsatisfied_content_range(length))
                .into_response(),
        }
    }

    /// A response without its body yet.
    fn head(&self, status: Status, fields: &Fields, tag: &FileTag) -> Response {
        // About what all of them take.
        let mut block = Vec::with_capacity(320);
        block.extend_from_slice(fields.headers().as_bytes());
        // Nothing of this needs to be checked again, and writing to memory does not fail.
        let _ = write!(block, "ETag: {}\r\n", tag.as_tag());
        if self.varies {
            block.extend_from_slice(b"Vary: Accept-Encoding\r\n");
        }
        if status != Status::NOT_MODIFIED {
            let modified = httpdate::HttpDate::from(self.last_modified);
            let _ = write!(block, "Last-Modified: {modified}\r\nContent-Type: {}\r\n", self.content_type);
            block.extend_from_slice(b"Accept-Ranges: bytes\r\nX-Content-Type-Options: nosniff\r\n");
            if let Some(coding) = self.coding {
                let _ = write!(block, "Content-Encoding: {}\r\n", coding.name());
            }
        }
        let mut response = Response::new(status);
        *response.fields_mut() = Fields::checked(block);
        response
    }

    fn body(self, range: Range<u64>) -> Body {
        if range.end - range.start <= SMALL_FILE {
            match read(&self.file.file, &range) {
                Ok(content) => return Body::from(content),
                Err(error) => super::logging::log_failure(format_args!("a file cannot be read: {error}")),
            }
        }
        // The head has promised so much; a file that cannot be read, or is shorter by now, ends the connection.
        Body::file(self.file.file, range)
    }

    /// A response in parts.
    fn parts(self, ranges: Vec<Range<u64>>, fields: &Fields, tag: &FileTag, random: &Random) -> Response {
        let boundary = boundary(random);
        let content_type = self.content_type;
        let (file_length, response) = (self.file.length, self.head(Status::PARTIAL_CONTENT, fields, tag));
        let frame = ByteRangesFrame::new(&boundary, content_type, file_length);
        let (length, multipart) = (frame.content_length(&ranges), frame.content_type());
        let file = std::sync::Arc::new(self.file.file);
        let body = Body::writer(move |mut writer: BodyWriter| {
            let frame = ByteRangesFrame::new(&boundary, content_type, file_length);
            for range in ranges {
                writer.write(frame.part_head(&range));
                writer.write_file(file.clone(), range);
            }
            writer.write(frame.end());
            writer.finish();
        });
        response.with_body(body.with_length(length)).with_content_type(&multipart).into_response()
    }
}

/// The bytes of a range, all of them.
fn read(file: &File, range: &Range<u64>) -> io::Result<Vec<u8>> {
    let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
    let mut content = vec![0; length];
    file.read_exact_at(&mut content, range.start)?;
    Ok(content)
}

/// A boundary that a file contains by chance alone: 128 random bits. The author of a file who
/// predicts them garbles the parts of that file only.
fn boundary(random: &Random) -> String {
    format!("{:016x}{:016x}", random.next(), random.next())
}

/// The response for a file that cannot be opened. Only failures of this system are logged.
pub(super) fn refuse(error: &io::Error) -> Response {
    let status = match error.kind() {
        ErrorKind::NotFound => Status::NOT_FOUND,
        ErrorKind::PermissionDenied => Status::FORBIDDEN,
        _ => {
            super::logging::log_failure(format_args!("a file cannot be served: {error}"));
            let too_many = [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE].map(rustix::io::Errno::raw_os_error);
            let is_short = error.raw_os_error().is_some_and(|code| too_many.contains(&code));
            if is_short { Status::SERVICE_UNAVAILABLE } else { Status::INTERNAL_SERVER_ERROR }
        }
    };
    Response::error(status)
}
