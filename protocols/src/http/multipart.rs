//! Forms with files in them, as they come.

use memchr::memmem::Finder;

use super::fields::trim;
use super::form_error::FormError;
use super::form_limits::FormLimits;
use super::grammar::is_token;
use super::parameters::Parameters;
use super::percent;

/// Takes a `multipart/form-data` body apart (RFC 7578). It does no input or output: bytes go in as they come, in pieces of any size, and the
/// same parts come out however they were cut.
///
/// - For every piece of input: [`next`](Self::next), until it gives `None` or an error. After an error there is nothing to go on with.
/// - At the end of the body: [`finish`](Self::finish).
///
/// Data is given as slices of the input: a decoder owns only the head of a part, while that comes. Time is linear in the bytes, even if they
/// come one by one.
///
/// ```
/// use lariat_protocols::http::{FormLimits, MultipartDecoder, MultipartEvent};
///
/// let mut decoder = MultipartDecoder::new(b"multipart/form-data; boundary=xyz", FormLimits::default())?;
/// let mut input: &[u8] = b"--xyz\r\nContent-Disposition: form-data; name=\"city\"\r\n\r\nUlm\r\n--xyz--\r\n";
/// let Some(MultipartEvent::Part(part)) = decoder.next(&mut input)? else { panic!("no part") };
/// assert_eq!((part.name.as_str(), part.file_name), ("city", None));
/// assert_eq!(decoder.next(&mut input)?, Some(MultipartEvent::Data(b"Ulm")));
/// assert_eq!(decoder.next(&mut input)?, Some(MultipartEvent::PartEnd));
/// assert_eq!(decoder.next(&mut input)?, Some(MultipartEvent::End));
/// decoder.finish()?;
/// # Ok::<(), lariat_protocols::http::FormError>(())
/// ```
#[derive(Clone, Debug)]
pub struct MultipartDecoder {
    /// CR, LF, two dashes and the boundary. A CR stands nowhere in it but at its beginning, so wherever a match breaks off, no other
    /// has begun inside it.
    delimiter: Finder<'static>,
    /// So much of the delimiter has come, at the end of the input so far: `matched < delimiter.len()`.
    matched: usize,
    state: State,
    /// What has come of a part's head.
    head: Vec<u8>,
    limits: FormLimits,
    /// What the limits leave.
    left: FormLimits,
    /// Of the part that is coming.
    part_left: u64,
    part_is_file: bool,
}

/// ```text
///   Preamble ─┐                                    ┌────────────────── Data ◀─┐
///             ▼                                    ▼                          │
///          Delimiter ── space ─▶ Padding ── CR ─▶ LineEnd ── LF ─▶ Head ──────┘
///             │   └──────────────── CR ────────────▲
///             └─ dash ─▶ Dash ── dash ─▶ Closed
/// ```
/// (From Data on, the next delimiter leads to Delimiter.)
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum State {
    /// Before the first delimiter, which needs no line before it.
    Preamble,
    Delimiter,
    Dash,
    Padding,
    LineEnd,
    Head,
    Data,
    Closed,
}

/// What [`MultipartDecoder`] found. Slices are valid until the next call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is nothing else in a form")]
pub enum MultipartEvent<'a> {
    /// A field or a file begins.
    Part(PartHead),
    /// Some of its content, at least one byte.
    Data(&'a [u8]),
    /// It is complete.
    PartEnd,
    /// The form is complete. What may still come means nothing.
    End,
}

/// What is said of a field or a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartHead {
    /// Which field it is.
    pub name: String,
    /// What the file is called on the other side, if it is one. It is nothing to make a path of: it may be anything.
    pub file_name: Option<String>,
    /// What it is, as the other side says.
    pub content_type: Option<String>,
}

/// A line that a body does not begin with, but might (RFC 2046, section 5.1.1).
const LINE_END: &[u8] = b"\r\n";

impl MultipartDecoder {
    /// A decoder for a body of this `Content-Type`.
    ///
    /// # Errors
    ///
    /// [`FormError::WrongContentType`] if it is another than `multipart/form-data`; [`FormError::MalformedBoundary`].
    pub fn new(content_type: &[u8], limits: FormLimits) -> Result<Self, FormError> {
        let boundary = boundary(content_type)?;
        let delimiter = [LINE_END, b"--", &boundary].concat();
        Ok(Self {
            delimiter: Finder::new(&delimiter).into_owned(),
            matched: LINE_END.len(),
            state: State::Preamble,
            head: Vec::new(),
            limits,
            left: limits,
            part_left: 0,
            part_is_file: false,
        })
    }

    /// What comes next in `input`, which is moved forward past it; `None` when more input is needed.
    ///
    /// # Errors
    ///
    /// When the body is malformed, or beyond one of the limits. Data that came before that has been given.
    pub fn next<'a, 'input: 'a>(
        &'a mut self,
        input: &mut &'input [u8],
    ) -> Result<Option<MultipartEvent<'a>>, FormError> {
        loop {
            let allowed = usize::try_from(self.left.total).unwrap_or(usize::MAX).min(input.len());
            let (window, beyond) = input.split_at(allowed);
            if window.is_empty() {
                return if beyond.is_empty() { Ok(None) } else { Err(FormError::FormTooLarge) };
            }
            let (taken, step) = self.step(window)?;
            self.left.total -= taken as u64;
            *input = &input[taken..];
            return Ok(Some(match step {
                Step::Nothing => continue,
                Step::Held(count) => MultipartEvent::Data(&self.delimiter.needle()[..count]),
                Step::Data(data) => MultipartEvent::Data(data),
                Step::Part(head) => MultipartEvent::Part(head),
                Step::PartEnd => MultipartEvent::PartEnd,
                Step::End => MultipartEvent::End,
            }));
        }
    }

    /// The body has ended.
    ///
    /// # Errors
    ///
    /// [`FormError::UnexpectedEnd`] if the form has not.
    pub fn finish(&self) -> Result<(), FormError> {
        if self.state == State::Closed { Ok(()) } else { Err(FormError::UnexpectedEnd) }
    }

    /// Looks at input that is not empty. Returns how much of it that was.
    fn step<'input>(&mut self, input: &'input [u8]) -> Result<(usize, Step<'input>), FormError> {
        match self.state {
            State::Preamble | State::Data => self.content(input),
            State::Head => self.head(input),
            State::Closed => Ok((input.len(), Step::Nothing)),
            State::Delimiter | State::Dash | State::Padding | State::LineEnd => {
                self.state = match (self.state, input[0]) {
                    (State::Delimiter, b'-') => State::Dash,
                    (State::Dash, b'-') => State::Closed,
                    (State::Delimiter | State::Padding, b' ' | b'\t') => State::Padding,
                    (State::Delimiter | State::Padding, b'\r') => State::LineEnd,
                    (State::LineEnd, b'\n') => State::Head,
                    _ => return Err(FormError::MalformedDelimiter),
                };
                Ok((1, if self.state == State::Closed { Step::End } else { Step::Nothing }))
            }
        }
    }

    /// Content, up to the next delimiter.
    fn content<'input>(&mut self, input: &'input [u8]) -> Result<(usize, Step<'input>), FormError> {
        let delimiter = self.delimiter.needle();
        if self.matched > 0 {
            let missing = &delimiter[self.matched..];
            let same = missing.iter().zip(input).take_while(|(one, other)| one == other).count();
            if same == missing.len() {
                self.matched = 0;
                return Ok((same, self.delimited()));
            }
            if same == input.len() {
                self.matched += same;
                return Ok((same, Step::Nothing));
            }
            // It was content after all.
            let held = std::mem::take(&mut self.matched) + same;
            if self.state == State::Preamble {
                return Ok((same, Step::Nothing));
            }
            if self.allow(held)? < held {
                return Err(self.too_large());
            }
            return Ok((same, Step::Held(held)));
        }
        let data = match self.delimiter.find(input) {
            Some(0) => return Ok((delimiter.len(), self.delimited())),
            Some(place) => place,
            None => input.len() - self.begun(input),
        };
        if data == 0 {
            self.matched = input.len();
            return Ok((input.len(), Step::Nothing));
        }
        if self.state == State::Preamble {
            return Ok((data, Step::Nothing));
        }
        let allowed = self.allow(data)?;
        Ok((allowed, Step::Data(&input[..allowed])))
    }

    /// How many bytes at the end of `input` may be the beginning of a delimiter.
    fn begun(&self, input: &[u8]) -> usize {
        let delimiter = self.delimiter.needle();
        let tail = &input[input.len().saturating_sub(delimiter.len() - 1)..];
        let begun = memchr::memrchr(b'\r', tail).map_or(&[][..], |place| &tail[place..]);
        if delimiter.starts_with(begun) { begun.len() } else { 0 }
    }

    fn delimited<'input>(&mut self) -> Step<'input> {
        let step = if self.state == State::Data { Step::PartEnd } else { Step::Nothing };
        self.state = State::Delimiter;
        step
    }

    /// How much of the next `wanted` bytes of data the limits allow: at least one.
    fn allow(&mut self, wanted: usize) -> Result<usize, FormError> {
        let allowed = usize::try_from(self.part_left).unwrap_or(usize::MAX).min(wanted);
        if allowed == 0 {
            return Err(self.too_large());
        }
        self.part_left -= allowed as u64;
        if !self.part_is_file {
            self.left.text -= allowed;
        }
        Ok(allowed)
    }

    fn too_large(&self) -> FormError {
        if self.part_is_file { FormError::FileTooLarge } else { FormError::TextTooLarge }
    }

    /// A part's head, line by line.
    fn head<'input>(&mut self, input: &'input [u8]) -> Result<(usize, Step<'input>), FormError> {
        let line = memchr::memchr(b'\n', input).map_or(input.len(), |place| place + 1);
        let taken = line.min(self.limits.head - self.head.len());
        self.head.extend_from_slice(&input[..taken]);
        if self.head == LINE_END || self.head.ends_with(b"\r\n\r\n") {
            let head = PartHead::parse(&self.head)?;
            // Given back, not kept: it is small, and a part may be long.
            self.head = Vec::new();
            self.begin(&head)?;
            return Ok((taken, Step::Part(head)));
        }
        if self.head.len() >= self.limits.head {
            return Err(FormError::HeadTooLarge);
        }
        Ok((taken, Step::Nothing))
    }

    fn begin(&mut self, head: &PartHead) -> Result<(), FormError> {
        let left = &mut self.left;
        left.fields = left.fields.checked_sub(1).ok_or(FormError::TooManyFields)?;
        let names = head.name.len() + head.file_name.as_ref().map_or(0, String::len);
        left.text = left.text.checked_sub(names).ok_or(FormError::TextTooLarge)?;
        self.part_is_file = head.file_name.is_some();
        self.part_left = left.text as u64;
        if self.part_is_file {
            left.files = left.files.checked_sub(1).ok_or(FormError::TooManyFiles)?;
            self.part_left = left.file;
        }
        self.state = State::Data;
        Ok(())
    }
}

/// What a look at the input came to.
enum Step<'input> {
    Nothing,
    /// The beginning of a delimiter that turned out to be content: so many bytes.
    Held(usize),
    Data(&'input [u8]),
    Part(PartHead),
    PartEnd,
    End,
}

impl PartHead {
    /// Takes a head: lines, then an empty one.
    fn parse(head: &[u8]) -> Result<Self, FormError> {
        let (mut disposition, mut content_type) = (None, None);
        let lines = head.strip_suffix(LINE_END).ok_or(FormError::MalformedHead)?;
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let line = line.strip_suffix(LINE_END).ok_or(FormError::MalformedHead)?;
            let colon = memchr::memchr(b':', line).ok_or(FormError::MalformedHead)?;
            let (name, value) = (&line[..colon], trim(&line[colon + 1..]));
            let is_control = |byte: &u8| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f;
            if !is_token(name) || value.iter().any(is_control) {
                return Err(FormError::MalformedHead);
            }
            let place = if name.eq_ignore_ascii_case(b"Content-Disposition") {
                &mut disposition
            } else if name.eq_ignore_ascii_case(b"Content-Type") {
                &mut content_type
            } else {
                continue;
            };
            if place.replace(value).is_some() {
                return Err(FormError::MalformedHead);
            }
        }
        let (kind, parameters) = Parameters::split(disposition.ok_or(FormError::Unnamed)?);
        if !kind.eq_ignore_ascii_case(b"form-data") {
            return Err(FormError::Unnamed);
        }
        let names = ["name", "name*", "filename", "filename*"];
        let [name, name_extended, file_name, file_name_extended] =
            parameters.find(names).map_err(|_| FormError::MalformedHead)?;
        Ok(Self {
            name: parameter(name, name_extended)?.ok_or(FormError::Unnamed)?,
            file_name: parameter(file_name, file_name_extended)?,
            content_type: content_type.map(|value| text(value.to_vec())).transpose()?,
        })
    }
}

/// The value of a parameter that may have an extended form (RFC 8187). That form takes precedence, as RFC 6266, section 4.3 has it, unless it
/// is malformed and there is a plain one. In a plain one, `%22` is a quotation mark: that is how browsers send it (WHATWG HTML, section 4.10.21.8).
/// The other two escapes of browsers, `%0D` and `%0A`, stay as they are: a decoded name has no control characters.
fn parameter(plain: Option<Vec<u8>>, extended: Option<Vec<u8>>) -> Result<Option<String>, FormError> {
    let is_extended = extended.is_some();
    match (extended.and_then(|value| decode_extended(&value)), plain) {
        (Some(value), _) => Ok(Some(value)),
        (None, Some(plain)) => Ok(Some(text(plain)?.replace("%22", "\""))),
        (None, None) if is_extended => Err(FormError::MalformedHead),
        (None, None) => Ok(None),
    }
}

/// An extended value such as `utf-8'en'na%C3%AFve.txt`, decoded. Nothing, if it is malformed, in another character set than UTF-8 (the only
/// one that RFC 8187, section 3.2.1 requires), or has control characters.
fn decode_extended(value: &[u8]) -> Option<String> {
    let mut parts = value.splitn(3, |byte| *byte == b'\'');
    let (charset, _language, encoded) = (parts.next()?, parts.next()?, parts.next()?);
    let decoded = percent::decode(encoded).filter(|_| charset.eq_ignore_ascii_case(b"utf-8"))?;
    (!decoded.chars().any(char::is_control)).then(|| decoded.into_owned())
}

fn text(bytes: Vec<u8>) -> Result<String, FormError> {
    String::from_utf8(bytes).map_err(|_| FormError::NotText)
}

/// The boundary in a `Content-Type` (RFC 2046, section 5.1.1).
fn boundary(content_type: &[u8]) -> Result<Vec<u8>, FormError> {
    let (kind, parameters) = Parameters::split(content_type);
    if !kind.eq_ignore_ascii_case(b"multipart/form-data") {
        return Err(FormError::WrongContentType);
    }
    let [boundary] = parameters.find(["boundary"]).map_err(|_| FormError::MalformedBoundary)?;
    let boundary = boundary.ok_or(FormError::MalformedBoundary)?;
    let may_be_in = |byte: &u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(byte);
    let is_one = matches!(boundary.len(), 1..=70) && boundary.iter().all(may_be_in) && !boundary.ends_with(b" ");
    if is_one { Ok(boundary) } else { Err(FormError::MalformedBoundary) }
}

#[cfg(test)]
mod tests;
