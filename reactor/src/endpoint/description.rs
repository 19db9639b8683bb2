//! The grammar: from a string to a kind, positional arguments and keyword arguments.

use std::borrow::Cow;

use super::argument::{Argument, Place};
use crate::error::{Error, Result};

/// A description cut into its parts, each of which knows where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Description<'a> {
    pub(super) kind: Argument<'a>,
    pub(super) positional: Vec<Argument<'a>>,
    pub(super) keywords: Vec<Keyword<'a>>,
    /// Where what is missing would have to be written.
    pub(super) end: Place<'a>,
}

/// `name=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Keyword<'a> {
    pub(super) name: Argument<'a>,
    pub(super) value: Argument<'a>,
}

/// The arguments of one description under their names: see [`Description::bind`].
#[derive(Debug)]
pub(super) struct Bound<'a> {
    values: Vec<(&'static str, Argument<'a>)>,
    end: Place<'a>,
}

/// Makes any text safe to put into an endpoint description: a `\` goes before every `:`, `=` and `\`.
///
/// Without it, a path with a colon in it would be cut into two arguments.
///
/// ```
/// let path = "/tmp/weird:path=1";
/// assert_eq!(format!("unix:{}", lariat::quote(path)), r"unix:/tmp/weird\:path\=1");
/// ```
///
/// Twisted's function leaves `=` alone, which makes a keyword out of a positional argument that has one.
#[doc(alias = "quoteStringArgument")]
pub fn quote(argument: &str) -> String {
    let mut quoted = String::with_capacity(argument.len());
    for character in argument.chars() {
        if matches!(character, ':' | '=' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted
}

impl<'a> Description<'a> {
    /// # Errors
    ///
    /// A description that has no kind or ends in a backslash.
    pub(super) fn parse(source: &'a str) -> Result<Self> {
        let mut scanner = Scanner { source, at: 0 };
        let (kind, mut stop) = scanner.piece(b":=")?;
        if stop == Some(b'=') || kind.text.is_empty() {
            return Err(kind.place.invalid("expected a kind (tcp, unix or tls) before the first argument"));
        }
        let (mut positional, mut keywords) = (Vec::new(), Vec::new());
        while stop.is_some() {
            let (piece, after) = scanner.piece(b":=")?;
            stop = after;
            if stop == Some(b'=') {
                let (value, after) = scanner.piece(b":")?;
                stop = after;
                keywords.push(Keyword { name: piece, value });
            } else {
                positional.push(piece);
            }
        }
        Ok(Self { kind, positional, keywords, end: Place { source, at: source.len() } })
    }

    /// The error for a kind that the caller does not know.
    pub(super) fn unknown_kind(&self) -> Error {
        self.kind.place.invalid(format_args!("expected tcp, unix or tls, found the kind `{}`", self.kind.shown()))
    }

    /// The error for a kind that this build does not know.
    #[cfg(not(feature = "tls"))]
    pub(super) fn no_tls(&self) -> Error {
        self.kind.place.invalid("this program was built without TLS: it takes the feature `tls` of lariat")
    }

    /// Puts every argument under its name. `parameters` may be given by position or by keyword, `options` only by
    /// keyword. A positional argument is the first parameter that no keyword names.
    ///
    /// # Errors
    ///
    /// A keyword that is unknown or repeated, and a positional argument too many.
    pub(super) fn bind(self, parameters: &[&'static str], options: &[&'static str]) -> Result<Bound<'a>> {
        let mut bound = Bound { values: Vec::new(), end: self.end };
        for Keyword { name, value } in self.keywords {
            let known = || parameters.iter().chain(options);
            let Some(known_name) = known().copied().find(|known| *known == name.text) else {
                let names: Vec<_> = known().copied().collect();
                let hint = format!("expected one of {} (a plain = is written \\=)", names.join(", "));
                return Err(name.place.invalid(format_args!("unknown keyword `{}`: {hint}", name.shown())));
            };
            if bound.has(known_name) {
                return Err(name.place.invalid(format_args!("the keyword `{known_name}` is repeated")));
            }
            bound.values.push((known_name, value));
        }
        let mut positional = self.positional.into_iter();
        for name in parameters.iter().copied() {
            if !bound.has(name)
                && let Some(value) = positional.next()
            {
                bound.values.push((name, value));
            }
        }
        match positional.next() {
            None => Ok(bound),
            Some(extra) => Err(too_many(&extra, options)),
        }
    }
}

fn too_many(extra: &Argument<'_>, options: &[&str]) -> Error {
    let hint = format!("expected nothing more, or one of {} as name=value", options.join(", "));
    extra.place.invalid(format_args!("one argument too many, `{}`: {hint} (a plain : is written \\:)", extra.shown()))
}

impl<'a> Bound<'a> {
    fn has(&self, name: &str) -> bool {
        self.values.iter().any(|(known, _)| *known == name)
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Argument<'a>> {
        let index = self.values.iter().position(|(known, _)| *known == name)?;
        Some(self.values.swap_remove(index).1)
    }

    /// # Errors
    ///
    /// The argument was not given: the message says that `expected` was.
    pub(super) fn require(&mut self, name: &str, expected: &str) -> Result<Argument<'a>> {
        self.take(name).ok_or_else(|| self.end.invalid(format_args!("expected {expected}, found the end")))
    }
}

/// Reads a description from left to right. Invariant: `at <= source.len()`, on a character's boundary.
struct Scanner<'a> {
    source: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// The text up to the next of `stops` without its escapes, and that stop; `None` is the end.
    fn piece(&mut self, stops: &[u8]) -> Result<(Argument<'a>, Option<u8>)> {
        let (source, start) = (self.source, self.at);
        let mut text = Cow::Borrowed("");
        let mut copied = start;
        let mut bytes = source.bytes().enumerate().skip(start);
        let (end, stop) = loop {
            match bytes.next() {
                None => break (source.len(), None),
                Some((at, byte)) if stops.contains(&byte) => break (at, Some(byte)),
                Some((at, b'\\')) => {
                    text.to_mut().push_str(&source[copied..at]);
                    copied = at + 1;
                    if bytes.next().is_none() {
                        let place = Place { source, at };
                        return Err(place.invalid(r"expected a character after the backslash (write \\)"));
                    }
                }
                Some(_) => {}
            }
        };
        if copied == start {
            text = Cow::Borrowed(&source[start..end]);
        } else {
            text.to_mut().push_str(&source[copied..end]);
        }
        self.at = end + usize::from(stop.is_some());
        Ok((Argument { text, place: Place { source, at: start } }, stop))
    }
}
