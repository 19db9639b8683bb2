//! What telnet sends besides text.

use std::borrow::Cow;

use lariat::{Protocol, Successor, Transport, Wrapper};

/// Takes out of a client's bytes what belongs to the telnet protocol (RFC 854, RFC 855) rather than to the text: commands, option negotiation,
/// and the NUL that stands for a line feed when only a carriage return was meant. A client that does not speak telnet never notices,
/// for the byte that begins a command occurs in no UTF-8.
///
/// Nothing is answered, which leaves every option as it is.
#[derive(Debug, Default)]
pub struct Telnet {
    state: State,
}

/// ```text
///            255                 251..=254
///   Text ----------> Command ----------------> Option --any--> Text
///    ^  <--others-----'  |250
///    |                   v     255
///    |             Parameters ------> ParametersCommand --240--> Text
///    |                   ^                  |others
///    |                   '------------------'
///   AfterReturn: text whose last byte was a carriage return
/// ```
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    AfterReturn,
    Command,
    Option,
    Parameters,
    ParametersCommand,
}

/// "Interpret as command": begins each of them. Twice, it is a byte of text.
const IAC: u8 = 255;
const FIRST_OPTION: u8 = 251;
const LAST_OPTION: u8 = 254;
const PARAMETERS_BEGIN: u8 = 250;
const PARAMETERS_END: u8 = 240;

impl Telnet {
    /// The text in `input`, which goes on where the last input ended, with line feeds for the NULs after carriage returns. It is copied
    /// only if there is something to take out.
    pub fn text<'a>(&mut self, input: &'a [u8]) -> Cow<'a, [u8]> {
        if self.state == State::Text && !input.iter().any(|byte| matches!(*byte, 0 | IAC)) {
            if input.last() == Some(&b'\r') {
                self.state = State::AfterReturn;
            }
            return Cow::Borrowed(input);
        }
        Cow::Owned(input.iter().filter_map(|byte| self.byte(*byte)).collect())
    }

    fn byte(&mut self, byte: u8) -> Option<u8> {
        let (next, text) = match (self.state, byte) {
            (State::Text | State::AfterReturn, IAC) => (State::Command, None),
            (State::AfterReturn, 0) => (State::Text, Some(b'\n')),
            (State::Text | State::AfterReturn, b'\r') => (State::AfterReturn, Some(byte)),
            (State::Text | State::AfterReturn, _) => (State::Text, Some(byte)),
            (State::Command, PARAMETERS_BEGIN) => (State::Parameters, None),
            (State::Command, FIRST_OPTION..=LAST_OPTION) => (State::Option, None),
            (State::Command, PARAMETERS_END..FIRST_OPTION) | (State::Option, _) => (State::Text, None),
            // A byte of text; or the command's own byte was sent as urgent data, which does not come this way, and this is text.
            (State::Command, _) => (State::Text, Some(byte)),
            (State::Parameters, IAC) => (State::ParametersCommand, None),
            (State::ParametersCommand, PARAMETERS_END) => (State::Text, None),
            (State::Parameters | State::ParametersCommand, _) => (State::Parameters, None),
        };
        self.state = next;
        text
    }
}

/// A protocol for text, behind [`Telnet`].
#[derive(Debug)]
pub struct OverTelnet<P> {
    telnet: Telnet,
    inner: P,
}

impl<P: Protocol> OverTelnet<P> {
    /// Gives `inner` the text alone.
    pub fn new(inner: P) -> Self {
        Self { telnet: Telnet::default(), inner }
    }
}

impl<P: Protocol> Wrapper for OverTelnet<P> {
    type Inner = P;

    fn inner(&mut self) -> &mut P {
        &mut self.inner
    }

    fn rewrap(self, successor: Successor) -> Successor {
        let inner = Box::new(self.inner).replace(successor).into_protocol();
        Successor::new(OverTelnet { telnet: self.telnet, inner })
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        let text = self.telnet.text(data);
        if !text.is_empty() {
            self.inner.data_received(transport, &text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of `input`, which must be the same however it is cut in two.
    fn text(input: &[u8]) -> Vec<u8> {
        let whole = Telnet::default().text(input).into_owned();
        for cut in 0..=input.len() {
            let (first, second) = input.split_at(cut);
            let mut telnet = Telnet::default();
            let mut parts = telnet.text(first).into_owned();
            parts.extend_from_slice(&telnet.text(second));
            assert_eq!(parts, whole, "cut at {cut}");
        }
        whole
    }

    #[test]
    fn plain_text_is_passed_on_without_a_copy() {
        let mut telnet = Telnet::default();
        for input in [&b"hello\r\n"[..], b"caf\xc3\xa9", b"a\rb"] {
            assert!(matches!(telnet.text(input), Cow::Borrowed(same) if same == input));
        }
    }

    #[test]
    fn commands_and_negotiation_are_taken_out() {
        assert_eq!(text(b"\xff\xfd\x03\xff\xfb\x18hello\r\n"), b"hello\r\n");
        // The window's size, with a line feed and a doubled 255 in it.
        assert_eq!(text(b"a\xff\xfa\x1f\x00\x0a\xff\xff\x18\xff\xf0b"), b"ab");
        // An interrupt, as Ctrl-C sends it.
        assert_eq!(text(b"hel\xff\xf4\xff\xfd\x06lo"), b"hello");
    }

    #[test]
    fn a_command_whose_byte_went_another_way_takes_no_text_with_it() {
        assert_eq!(text(b"\xffhello"), b"hello");
    }

    #[test]
    fn a_doubled_255_is_a_byte_of_text() {
        assert_eq!(text(b"a\xff\xffb"), b"a\xffb");
    }

    #[test]
    fn a_carriage_return_alone_ends_a_line_as_one_with_a_line_feed_does() {
        assert_eq!(text(b"a\r\0b\r\nc\0d\r\r\0"), b"a\r\nb\r\nc\0d\r\r\n");
    }
}
