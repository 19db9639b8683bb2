//! What can be wrong with a form.

use std::error::Error;
use std::fmt;
use std::io;

use super::error::HttpError;
use super::status::Status;

/// Why a form was refused. [`status`](Self::status) tells what a server answers.
#[derive(Debug)]
#[non_exhaustive]
pub enum FormError {
    /// The body is not of the type that was asked for.
    WrongContentType,
    /// `multipart/form-data` without a boundary, or with one that is none (RFC 2046, section 5.1.1).
    MalformedBoundary,
    /// What follows a boundary is neither a part nor the end.
    MalformedDelimiter,
    /// The head of a part is malformed.
    MalformedHead,
    /// A part does not say that it is a field of a form, and which (RFC 7578, section 4.2).
    Unnamed,
    /// A name, or the value of a field, is not in UTF-8.
    NotText,
    /// The body has ended before the form.
    UnexpectedEnd,
    /// More fields and files than [`FormLimits::fields`](super::FormLimits::fields).
    TooManyFields,
    /// More files than [`FormLimits::files`](super::FormLimits::files).
    TooManyFiles,
    /// The head of a part is longer than [`FormLimits::head`](super::FormLimits::head).
    HeadTooLarge,
    /// The fields are longer than [`FormLimits::text`](super::FormLimits::text).
    TextTooLarge,
    /// A file is longer than [`FormLimits::file`](super::FormLimits::file).
    FileTooLarge,
    /// All of it is longer than [`FormLimits::total`](super::FormLimits::total).
    FormTooLarge,
    /// The body itself is at fault.
    Body(HttpError),
    /// A file could not be kept.
    Storage(io::Error),
    /// All forms together have as many files, or bytes of files, as [`TemporaryFiles`](super::TemporaryFiles) allow.
    StorageFull,
}

impl FormError {
    /// What a server answers.
    pub fn status(&self) -> Status {
        match self {
            Self::WrongContentType => Status::UNSUPPORTED_MEDIA_TYPE,
            Self::TooManyFields
            | Self::TooManyFiles
            | Self::HeadTooLarge
            | Self::TextTooLarge
            | Self::FileTooLarge
            | Self::FormTooLarge => Status::CONTENT_TOO_LARGE,
            Self::Body(error) => error.status(),
            Self::Storage(_) => Status::INTERNAL_SERVER_ERROR,
            Self::StorageFull => Status::SERVICE_UNAVAILABLE,
            Self::MalformedBoundary
            | Self::MalformedDelimiter
            | Self::MalformedHead
            | Self::Unnamed
            | Self::NotText
            | Self::UnexpectedEnd => Status::BAD_REQUEST,
        }
    }
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongContentType => "the body is no form of this type",
            Self::MalformedBoundary => "the boundary is missing or malformed",
            Self::MalformedDelimiter => "a boundary is followed by neither a part nor the end",
            Self::MalformedHead => "the head of a part is malformed",
            Self::Unnamed => "a part does not say which field it is",
            Self::NotText => "a name or a field is not in UTF-8",
            Self::UnexpectedEnd => "the body ends before the form does",
            Self::TooManyFields => "the form has too many fields",
            Self::HeadTooLarge => "the head of a part is too large",
            Self::TooManyFiles => "the form has too many files",
            Self::TextTooLarge => "the fields are too large",
            Self::FileTooLarge => "a file is too large",
            Self::FormTooLarge => "the form is too large",
            Self::StorageFull => "there is no room for more files",
            Self::Body(error) => return error.fmt(f),
            Self::Storage(error) => return write!(f, "a file could not be kept: {error}"),
        })
    }
}

impl From<HttpError> for FormError {
    fn from(error: HttpError) -> Self {
        Self::Body(error)
    }
}

impl Error for FormError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Body(error) => Some(error),
            Self::Storage(error) => Some(error),
            _ => None,
        }
    }
}
