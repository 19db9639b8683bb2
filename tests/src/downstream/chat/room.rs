//! The room, without input or output: who is in it and who hears what.

use std::collections::BTreeMap;

/// The most bytes of a nickname.
const MAX_NICKNAME: usize = 16;

/// A member's place in the room. Never given twice.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member(u64);

/// A line for some members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Who hears it, in the order in which they joined.
    pub to: Vec<Member>,
    /// What they hear, without a line's end.
    pub line: String,
}

/// Members and their nicknames.
#[derive(Debug, Default)]
pub struct Room {
    members: BTreeMap<Member, String>,
    joined: u64,
}

impl Room {
    /// Somebody comes in, as `guest` and a number.
    pub fn join(&mut self) -> (Member, Vec<Delivery>) {
        self.joined += 1;
        let member = Member(self.joined);
        let nickname = format!("guest{}", self.joined);
        let news = self.to_others(member, format!("* {nickname} has come"));
        let welcome = Delivery { to: vec![member], line: format!("* welcome, {nickname}") };
        self.members.insert(member, nickname);
        (member, vec![welcome, news])
    }

    /// A member has gone.
    pub fn leave(&mut self, member: Member) -> Vec<Delivery> {
        match self.members.remove(&member) {
            Some(nickname) => vec![self.to_others(member, format!("* {nickname} has gone"))],
            None => Vec::new(),
        }
    }

    /// A member says something, or changes its name by `/nick NAME`.
    pub fn line(&mut self, member: Member, line: &str) -> Vec<Delivery> {
        let Some(nickname) = self.members.get(&member) else { return Vec::new() };
        match line.strip_prefix("/nick ") {
            Some(wanted) => self.rename(member, wanted.trim()),
            None => vec![self.to_others(member, format!("<{nickname}> {line}"))],
        }
    }

    fn rename(&mut self, member: Member, wanted: &str) -> Vec<Delivery> {
        let fits = (1..=MAX_NICKNAME).contains(&wanted.len()) && wanted.chars().all(char::is_alphanumeric);
        let refusal = if !fits {
            Some("* a nickname has up to 16 letters and digits")
        } else if self.members.values().any(|taken| taken == wanted) {
            Some("* that nickname is taken")
        } else {
            None
        };
        if let Some(refusal) = refusal {
            return vec![Delivery { to: vec![member], line: refusal.to_owned() }];
        }
        let former = self.members.insert(member, wanted.to_owned()).unwrap_or_default();
        vec![Delivery { to: self.members.keys().copied().collect(), line: format!("* {former} is now {wanted}") }]
    }

    fn to_others(&self, member: Member, line: String) -> Delivery {
        Delivery { to: self.members.keys().copied().filter(|other| *other != member).collect(), line }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_member_says_goes_to_the_others_alone() {
        let mut room = Room::default();
        let (ann, _) = room.join();
        let (bob, _) = room.join();
        assert_eq!(room.line(ann, "hello"), [Delivery { to: vec![bob], line: "<guest1> hello".to_owned() }]);
    }

    #[test]
    fn a_nickname_is_given_once() {
        let mut room = Room::default();
        let (ann, _) = room.join();
        let (bob, _) = room.join();
        assert_eq!(room.line(ann, "/nick ann")[0].line, "* guest1 is now ann");
        assert_eq!(room.line(bob, "/nick ann")[0].line, "* that nickname is taken");
        room.leave(ann);
        assert_eq!(room.line(bob, "/nick ann")[0].line, "* guest2 is now ann");
    }

    #[test]
    fn a_member_that_has_gone_says_nothing() {
        let mut room = Room::default();
        let (ann, _) = room.join();
        room.leave(ann);
        assert!(room.line(ann, "hello").is_empty());
        assert!(room.leave(ann).is_empty());
    }
}
