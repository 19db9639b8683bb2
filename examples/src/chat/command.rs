//! What a member's line asks for.

use std::borrow::Cow;

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// Nothing: the line is blank.
    Nothing,
    /// Say something to the room.
    Say(Cow<'a, str>),
    /// `/msg NAME TEXT`: say something to one member. Either may still be empty.
    Tell(&'a str, Cow<'a, str>),
    /// `/join ROOM`, whose name may still be wrong.
    Join(&'a str),
    /// `/who`
    Who,
    /// `/help`
    Help,
    /// `/quit`
    Quit,
    /// A command that there is not.
    Unknown(Cow<'a, str>),
}

/// What `/help` tells, a line each.
pub const HELP: [&str; 7] = [
    "what you type is said to everybody else in your room; besides there are",
    "/join ROOM      go to another room, which is made if need be",
    "/who            list who is in your room",
    "/msg NAME TEXT  say something to one person, in whatever room",
    "/help           list this",
    "/quit           leave",
    "//TEXT          say something that begins with a slash",
];

impl<'a> Command<'a> {
    /// What `line` asks for. Whatever of it others are to see is [`printable`].
    pub fn parse(line: &'a str) -> Self {
        let line = line.trim_end();
        let Some(command) = line.strip_prefix('/') else {
            return if line.is_empty() { Self::Nothing } else { Self::Say(printable(line)) };
        };
        if command.starts_with('/') {
            return Self::Say(printable(command));
        }
        let (word, rest) = split(command);
        match word {
            "join" => Self::Join(rest),
            "who" => Self::Who,
            "msg" => {
                let (name, text) = split(rest);
                Self::Tell(name, printable(text))
            }
            "help" => Self::Help,
            "quit" => Self::Quit,
            _ => Self::Unknown(printable(word)),
        }
    }
}

/// The first word of `text` and what comes after it.
fn split(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (word, rest.trim_start_matches(' '))
}

/// `text` with every character escaped that a terminal might obey or that turns the direction of writing, so that nobody can do more to
/// another's screen than to put a line of text on it. Tabs stay.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_dangerous) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_dangerous(character) {
            escaped.extend(character.escape_unicode());
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

fn is_dangerous(character: char) -> bool {
    let turns =
        matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks = matches!(character, '\u{2028}' | '\u{2029}');
    turns || breaks || (character.is_control() && character != '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Command<'_> {
        Command::parse(line)
    }

    #[test]
    fn a_line_is_said_unless_it_begins_with_a_slash_and_two_slashes_say_one() {
        assert_eq!(parse("hello, all"), Command::Say("hello, all".into()));
        assert_eq!(parse(" /who"), Command::Say(" /who".into()));
        assert_eq!(parse("//etc/motd"), Command::Say("/etc/motd".into()));
    }

    #[test]
    fn a_blank_line_is_nothing() {
        assert_eq!(parse(""), Command::Nothing);
        assert_eq!(parse(" \t "), Command::Nothing);
    }

    #[test]
    fn commands_are_told_apart_from_each_other_and_from_what_is_none() {
        assert_eq!(parse("/join  rust "), Command::Join("rust"));
        assert_eq!(parse("/join"), Command::Join(""));
        assert_eq!(parse("/who"), Command::Who);
        assert_eq!(parse("/help"), Command::Help);
        assert_eq!(parse("/quit"), Command::Quit);
        assert_eq!(parse("/whom"), Command::Unknown("whom".into()));
        assert_eq!(parse("/"), Command::Unknown("".into()));
        assert_eq!(parse("/\x1bc x"), Command::Unknown("\\u{1b}c".into()));
    }

    #[test]
    fn a_private_message_is_a_name_and_the_text_with_its_own_spaces() {
        assert_eq!(parse("/msg bob  a  b"), Command::Tell("bob", "a  b".into()));
        assert_eq!(parse("/msg bob"), Command::Tell("bob", "".into()));
        assert_eq!(parse("/msg"), Command::Tell("", "".into()));
    }

    #[test]
    fn nothing_that_a_terminal_obeys_gets_through() {
        assert_eq!(printable("\x1b[2J"), "\\u{1b}[2J");
        assert_eq!(printable("a\rb\0c\x07d\x7fe"), "a\\u{d}b\\u{0}c\\u{7}d\\u{7f}e");
        assert_eq!(printable("\u{9b}31m"), "\\u{9b}31m");
        assert_eq!(printable("\u{202e}txt\u{2028}"), "\\u{202e}txt\\u{2028}");
        for character in (0..=0x10_ffff).filter_map(char::from_u32) {
            let text = character.to_string();
            assert!(!printable(&text).chars().any(|shown| shown.is_control() && shown != '\t'), "{character:?}");
        }
    }

    #[test]
    fn what_people_write_is_left_as_it_is() {
        for text in ["h\tä \u{1f600} \u{5e9}\u{5dc}\u{5d5}\u{5dd}", "100 % \\ <b>", "e\u{301}"] {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }
}
