use std::collections::BTreeMap;

use super::*;

/// A hall whose guests are letters, and what each of them has heard since it was last asked.
#[derive(Default)]
struct Evening {
    hall: Hall<char>,
    heard: BTreeMap<char, Vec<String>>,
    hung_up: Vec<char>,
}

impl Evening {
    /// An evening with these people, who have heard nothing yet.
    fn with(people: &[(char, &str)]) -> Self {
        let mut evening = Self::default();
        for (guest, name) in people {
            evening.arrive(*guest);
            evening.line(*guest, name);
        }
        evening.heard.clear();
        evening
    }

    fn arrive(&mut self, guest: char) {
        let effects = self.hall.arrive(guest);
        self.carry_out(effects);
    }

    fn line(&mut self, guest: char, line: impl AsRef<[u8]>) {
        let effects = self.hall.line(guest, line.as_ref());
        self.carry_out(effects);
    }

    fn leave(&mut self, guest: char, departure: Departure) {
        let effects = self.hall.leave(guest, departure);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect<char>>) {
        for effect in effects {
            match effect {
                Effect::Tell(to, line) => {
                    assert!(!to.is_empty() && !line.contains(char::is_control), "{line:?} to {to:?}");
                    to.into_iter().for_each(|guest| self.heard.entry(guest).or_default().push(line.clone()));
                }
                Effect::HangUp(guest) => self.hung_up.push(guest),
            }
        }
    }

    /// What a guest has heard since this was last asked.
    fn heard(&mut self, guest: char) -> Vec<String> {
        self.heard.remove(&guest).unwrap_or_default()
    }

    /// The answer to a line, which nobody else heard anything of.
    fn answer(&mut self, guest: char, line: impl AsRef<[u8]>) -> String {
        self.heard.clear();
        self.line(guest, line);
        let [answer] = self.heard(guest).try_into().expect("one line is the answer");
        assert!(self.heard.is_empty(), "others heard {:?}", self.heard);
        answer
    }
}

const ANN: (char, &str) = ('a', "ann");
const BOB: (char, &str) = ('b', "bob");
const CAROL: (char, &str) = ('c', "carol");

#[test]
fn who_comes_is_asked_for_a_nickname_and_starts_in_the_lobby() {
    let mut evening = Evening::with(&[ANN]);
    evening.arrive('b');
    assert_eq!(evening.heard('b'), ["* welcome; which nickname do you want?"]);
    evening.line('b', "bob");
    assert_eq!(evening.heard('b'), ["* hello, bob; /help lists what you can do", "* in lobby: ann, bob"]);
    assert_eq!(evening.heard('a'), ["* bob has joined lobby"]);
}

#[test]
fn what_a_member_says_goes_to_the_others_in_the_room_alone() {
    let mut evening = Evening::with(&[ANN, BOB, CAROL]);
    evening.arrive('d');
    evening.heard.clear();
    evening.line('a', "hello");
    assert_eq!(evening.heard('b'), ["<ann> hello"]);
    assert_eq!(evening.heard('c'), ["<ann> hello"]);
    assert!(evening.heard.is_empty(), "neither ann herself nor who has no name hears it");
}

#[test]
fn everybody_in_a_room_is_told_by_one_effect() {
    let mut evening = Evening::with(&[ANN, BOB, CAROL]);
    let said = Effect::Tell(vec!['b', 'c'], "<ann> hello".to_owned());
    assert_eq!(evening.hall.line('a', b"hello"), [said]);
}

#[test]
fn a_nickname_that_will_not_do_is_asked_for_again() {
    let mut evening = Evening::with(&[ANN]);
    evening.arrive('b');
    for (line, answer) in [
        (&b""[..], "! a name must not be empty; which nickname do you want?"),
        (b"Ann", "! ann is taken; which nickname do you want?"),
        (b"1234567890123456789012345", "! a name has at most 24 characters; which nickname do you want?"),
        (b"bob\xff", "! that is not UTF-8; which nickname do you want?"),
        (b"bob\x07", "! a name has only letters from a to z, digits, _ and -; which nickname do you want?"),
        (b"/quit", "! a name has only letters from a to z, digits, _ and -; which nickname do you want?"),
    ] {
        assert_eq!(evening.answer('b', line), answer);
    }
    evening.line('b', "bob");
    assert_eq!(evening.heard('a'), ["* bob has joined lobby"]);
}

#[test]
fn a_nickname_is_free_again_once_its_owner_has_gone() {
    let mut evening = Evening::with(&[ANN]);
    evening.leave('a', Departure::Lost);
    evening.arrive('b');
    evening.line('b', "ANN");
    assert_eq!(evening.heard('b').last().unwrap(), "* in lobby: ANN");
}

#[test]
fn time_runs_out_only_for_who_has_no_nickname() {
    let mut evening = Evening::with(&[ANN]);
    evening.arrive('b');
    evening.heard.clear();
    for guest in ['a', 'b', 'c'] {
        let effects = evening.hall.nickname_is_late(guest);
        evening.carry_out(effects);
    }
    assert_eq!(evening.heard('b'), ["! no nickname came; good-bye"]);
    assert_eq!(evening.hung_up, ['b']);
    assert!(evening.heard.is_empty());
    assert!(evening.hall.line('b', b"bob").is_empty(), "it is forgotten");
}

#[test]
fn who_changes_the_room_leaves_the_old_one_and_both_hear_of_it() {
    let mut evening = Evening::with(&[ANN, BOB, CAROL]);
    evening.line('c', "/join Rust");
    evening.heard.clear();
    evening.line('a', "/join rust");
    assert_eq!(evening.heard('a'), ["* in Rust: ann, carol"]);
    assert_eq!(evening.heard('b'), ["* ann has gone to rust"]);
    assert_eq!(evening.heard('c'), ["* ann has joined Rust"]);
    evening.line('a', "here?");
    assert_eq!(evening.heard('c'), ["<ann> here?"]);
    assert!(evening.heard('b').is_empty());
}

#[test]
fn a_room_that_cannot_be_joined_is_told_of_and_the_member_stays() {
    let mut evening = Evening::with(&[ANN, BOB]);
    assert_eq!(evening.answer('a', "/join"), "! a name must not be empty: /join ROOM");
    assert_eq!(
        evening.answer('a', "/join #rust"),
        "! a name has only letters from a to z, digits, _ and -: /join ROOM"
    );
    assert_eq!(evening.answer('a', "/join LOBBY"), "! you are in lobby already");
    assert_eq!(evening.answer('a', "/who"), "* in lobby: ann, bob");
}

#[test]
fn an_empty_room_is_forgotten() {
    let mut evening = Evening::with(&[ANN]);
    evening.line('a', "/join rust");
    evening.line('a', "/join lobby");
    assert_eq!(evening.hall.rooms.len(), 1);
    evening.leave('a', Departure::Left);
    assert!(evening.hall.rooms.is_empty() && evening.hall.names.is_empty() && evening.hall.guests.is_empty());
}

#[test]
fn a_private_message_reaches_one_member_in_whatever_room() {
    let mut evening = Evening::with(&[ANN, BOB, CAROL]);
    evening.line('b', "/join rust");
    evening.heard.clear();
    evening.line('a', "/msg BOB  psst");
    assert_eq!(evening.heard('b'), ["[ann] psst"]);
    assert_eq!(evening.heard('a'), ["[to bob] psst"]);
    assert!(evening.heard.is_empty());
}

#[test]
fn a_private_message_to_nobody_or_without_text_is_told_of() {
    let mut evening = Evening::with(&[ANN, BOB]);
    assert_eq!(evening.answer('a', "/msg zoe hello"), "! nobody is called zoe");
    assert_eq!(evening.answer('a', "/msg"), "! tell whom and what: /msg NAME TEXT");
    assert_eq!(evening.answer('a', "/msg bob"), "! tell bob what: /msg bob TEXT");
}

#[test]
fn an_unknown_command_is_named_and_not_said() {
    let mut evening = Evening::with(&[ANN, BOB]);
    assert_eq!(evening.answer('a', "/dance"), "! there is no command /dance; /help lists those that there are");
}

#[test]
fn help_lists_every_command() {
    let mut evening = Evening::with(&[ANN]);
    evening.line('a', "/help");
    let help = evening.heard('a').join("\n");
    for command in ["/join", "/who", "/msg", "/help", "/quit"] {
        assert!(help.contains(command), "{command}");
    }
}

#[test]
fn who_quits_is_wished_well_and_the_others_hear_of_it_once() {
    let mut evening = Evening::with(&[ANN, BOB]);
    evening.line('a', "/quit");
    assert_eq!(evening.heard('a'), ["* good-bye"]);
    assert_eq!(evening.hung_up, ['a']);
    assert_eq!(evening.heard('b'), ["* ann has left"]);
    evening.line('a', "one more thing");
    evening.leave('a', Departure::Left);
    assert!(evening.heard.is_empty());
}

#[test]
fn the_others_hear_why_somebody_is_gone() {
    for (departure, notice) in [
        (Departure::Left, "* ann has left"),
        (Departure::Lost, "* ann has left (connection lost)"),
        (Departure::TooSlow, "* ann has left (reads too slowly)"),
        (Departure::Failed, "* ann has left (a mistake of the server's)"),
    ] {
        let mut evening = Evening::with(&[ANN, BOB]);
        evening.leave('a', departure);
        assert_eq!(evening.heard('b'), [notice]);
    }
}

#[test]
fn who_has_no_nickname_comes_and_goes_unnoticed() {
    let mut evening = Evening::with(&[ANN]);
    evening.arrive('b');
    evening.heard.clear();
    evening.leave('b', Departure::Lost);
    assert!(evening.heard.is_empty());
}

#[test]
fn nothing_that_a_terminal_obeys_is_passed_on() {
    let mut evening = Evening::with(&[ANN, BOB]);
    evening.line('a', "\x1b[2J\x07");
    assert_eq!(evening.heard('b'), ["<ann> \\u{1b}[2J\\u{7}"]);
    evening.line('a', "/msg bob \u{9b}31m");
    assert_eq!(evening.heard('b'), ["[ann] \\u{9b}31m"]);
    assert_eq!(evening.answer('a', b"caf\xe9"), "! that is not UTF-8; nobody got it");
    assert_eq!(evening.answer('a', "/\x1bc"), "! there is no command /\\u{1b}c; /help lists those that there are");
}

#[test]
fn a_line_that_is_too_long_is_told_of() {
    let mut evening = Evening::with(&[ANN]);
    evening.arrive('b');
    evening.heard.clear();
    let effects = ['a', 'b', 'z'].map(|guest| evening.hall.line_too_long(guest, 1024)).concat();
    evening.carry_out(effects);
    assert_eq!(evening.heard('a'), ["! a line has at most 1024 bytes; nobody got that one"]);
    assert_eq!(evening.heard('b'), ["! a name has at most 24 characters; which nickname do you want?"]);
    assert!(evening.heard.is_empty());
}

#[test]
fn who_is_alone_is_told_so_and_a_blank_line_says_nothing() {
    let mut evening = Evening::with(&[ANN]);
    assert_eq!(evening.answer('a', "hello?"), "* you are alone in lobby");
    assert!(evening.hall.line('a', b"  ").is_empty());
}

#[test]
fn a_long_list_is_cut_short() {
    let mut hall = Hall::new();
    for guest in 0..103 {
        hall.arrive(guest);
        hall.line(guest, format!("n{guest}").as_bytes());
    }
    let [Effect::Tell(_, line)] = &hall.line(0, b"/who")[..] else { panic!("one line is the answer") };
    assert!(line.starts_with("* in lobby: n0, n1, ") && line.ends_with("n98, n99 and 3 more"), "{line}");
}

#[test]
fn when_the_server_stops_each_is_told_and_nobody_hears_of_the_others() {
    let mut evening = Evening::with(&[ANN, BOB]);
    for guest in ['a', 'b', 'c'] {
        let effects = evening.hall.dismiss(guest);
        evening.carry_out(effects);
        evening.leave(guest, Departure::Left);
    }
    for guest in ['a', 'b'] {
        assert_eq!(evening.heard(guest), ["* the server is stopping; good-bye"]);
    }
    assert_eq!(evening.hung_up, ['a', 'b']);
}
