//! Parameters of a header's value.

use super::fields::trim;
use super::grammar::is_token;

/// Takes a value such as `form-data; name="a"; filename="b"` apart (RFC 9110, section 5.6.6).
#[derive(Clone, Debug)]
pub(super) struct Parameters<'a> {
    rest: &'a [u8],
}

/// A name as it came, and a value without its quotes.
type Parameter<'a> = (&'a [u8], Vec<u8>);

/// A value was no list of parameters.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl<'a> Parameters<'a> {
    /// What stands before the first parameter, and the parameters.
    pub(super) fn split(value: &'a [u8]) -> (&'a [u8], Self) {
        let end = memchr::memchr(b';', value).unwrap_or(value.len());
        let (main, rest) = value.split_at(end);
        (trim(main), Self { rest })
    }

    /// The values of `names`, which are taken whatever their case. Nothing may be there twice.
    pub(super) fn find<const COUNT: usize>(self, names: [&str; COUNT]) -> Result<[Option<Vec<u8>>; COUNT], Malformed> {
        let mut found = [const { None }; COUNT];
        for parameter in self {
            let (name, value) = parameter?;
            if let Some(index) = names.iter().position(|known| known.as_bytes().eq_ignore_ascii_case(name))
                && found[index].replace(value).is_some()
            {
                return Err(Malformed);
            }
        }
        Ok(found)
    }

    fn parse(&mut self) -> Result<Option<Parameter<'a>>, Malformed> {
        let mut rest = trim(self.rest);
        while let Some(after) = rest.strip_prefix(b";") {
            rest = trim(after);
        }
        if rest.is_empty() {
            self.rest = rest;
            return Ok(None);
        }
        let equals = memchr::memchr(b'=', rest).ok_or(Malformed)?;
        let (name, value) = (&rest[..equals], &rest[equals + 1..]);
        if !is_token(name) {
            return Err(Malformed);
        }
        let (value, after) = match value.strip_prefix(b"\"") {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = memchr::memchr(b';', value).unwrap_or(value.len());
                let token = trim(&value[..end]);
                if !is_token(token) {
                    return Err(Malformed);
                }
                (token.to_vec(), &value[end..])
            }
        };
        self.rest = trim(after);
        if self.rest.is_empty() || self.rest.starts_with(b";") { Ok(Some((name, value))) } else { Err(Malformed) }
    }
}

impl<'a> Iterator for Parameters<'a> {
    type Item = Result<Parameter<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let parameter = self.parse().transpose();
        if matches!(parameter, Some(Err(_))) {
            self.rest = &[];
        }
        parameter
    }
}

/// What stands before the closing quote, and what after. A backslash stands before a quote or another one; before anything else it stands for
/// itself, for some send the paths of files so.
fn unquote(quoted: &[u8]) -> Result<(Vec<u8>, &[u8]), Malformed> {
    let mut value = Vec::new();
    let mut rest = quoted;
    loop {
        let place = memchr::memchr2(b'"', b'\\', rest).ok_or(Malformed)?;
        value.extend_from_slice(&rest[..place]);
        match &rest[place..] {
            [b'\\', escaped @ (b'"' | b'\\'), after @ ..] => {
                value.push(*escaped);
                rest = after;
            }
            [b'\\', after @ ..] => {
                value.push(b'\\');
                rest = after;
            }
            [_, after @ ..] => return Ok((value, after)),
            [] => return Err(Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(value: &str) -> Result<Vec<(String, String)>, Malformed> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Parameters::split(value.as_bytes())
            .1
            .map(|parameter| parameter.map(|(name, value)| (text(name), text(&value))))
            .collect()
    }

    fn one(name: &str, value: &str) -> Result<Vec<(String, String)>, Malformed> {
        Ok(vec![(name.into(), value.into())])
    }

    #[test]
    fn values_are_tokens_or_quoted() {
        assert_eq!(Parameters::split(b" text/html ; charset=utf-8").0, b"text/html");
        assert_eq!(parameters("x"), Ok(vec![]));
        assert_eq!(parameters("x;"), Ok(vec![]));
        assert_eq!(parameters("x; a=b"), one("a", "b"));
        assert_eq!(parameters("x ;; a=b ;"), one("a", "b"));
        assert_eq!(parameters("x; a=\"b; c=d\""), one("a", "b; c=d"));
        assert_eq!(parameters("x; a=\"\""), one("a", ""));
        assert_eq!(parameters("x; a=\"say \\\"hi\\\" \\\\ C:\\dir\""), one("a", "say \"hi\" \\ C:\\dir"));
        assert_eq!(parameters("x; a=b; c=\"d\"").unwrap().len(), 2);
    }

    #[test]
    fn what_is_malformed_is_said_to_be() {
        for value in
            ["x; a", "x; =b", "x; a=", "x; a=b c", "x; a=\"b", "x; a=\"b\\\"", "x; a=\"b\"c", "x; a b=c", "x; a=b=c"]
        {
            assert_eq!(parameters(value), Err(Malformed), "{value}");
        }
    }

    #[test]
    fn no_parameter_may_be_there_twice() {
        let find = |value: &'static str| Parameters::split(value.as_bytes()).1.find(["a", "b"]);
        assert_eq!(find("x; B=2; c=3; a=1"), Ok([Some(b"1".to_vec()), Some(b"2".to_vec())]));
        assert_eq!(find("x; b=2"), Ok([None, Some(b"2".to_vec())]));
        assert_eq!(find("x; a=1; A=2"), Err(Malformed));
        assert_eq!(find("x; a=1; oh"), Err(Malformed));
    }
}
