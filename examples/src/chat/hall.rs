//! Who is there, who is in which room, and who hears what. There is no input or output in here: what the hall is told becomes a list of
//! things to do.

use std::collections::{BTreeMap, BTreeSet};

use super::command::{Command, HELP};
use super::name::Name;

/// Where everybody starts.
const LOBBY: &[u8] = b"lobby";

/// The most names that are listed, so that no short question has an answer without bound.
const MOST_LISTED: usize = 100;

const ASK: &str = "which nickname do you want?";

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect<K> {
    /// Send a line, given without its end, to each of these.
    Tell(Vec<K>, String),
    /// End a connection once everything said to it is sent. The hall has forgotten it already.
    HangUp(K),
}

/// Why somebody is no longer there.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Departure {
    /// In good order.
    Left,
    /// The connection broke.
    Lost,
    /// What waited to be read passed the limit.
    TooSlow,
    /// Something went wrong here.
    Failed,
}

/// The people who are connected, and their rooms. `K` is how whoever connects them tells them apart.
///
/// - **From connections**: [`arrive`](Self::arrive), then [`line`](Self::line) and [`line_too_long`](Self::line_too_long), then
///   [`leave`](Self::leave).
/// - **From elsewhere**: [`nickname_is_late`](Self::nickname_is_late), [`dismiss`](Self::dismiss).
///
/// Each returns what is to be done, in order; of somebody whom the hall does not know, or no longer, nothing. What a person says
/// goes to all others in the room and not back to the person, whose own terminal shows it.
///
/// Lines of the hall's own begin with `*`, and with `!` if something could not be done; what people say begins with their name in `<>`,
/// or in `[]` if it is private. So nobody can pass for the hall.
#[derive(Debug)]
pub struct Hall<K> {
    /// Who has no nickname yet is no member.
    guests: BTreeMap<K, Option<Member>>,
    names: BTreeMap<Name, K>,
    /// None of them empty.
    rooms: BTreeMap<Name, BTreeSet<K>>,
}

#[derive(Clone, Debug)]
struct Member {
    name: Name,
    room: Name,
}

impl<K: Copy + Ord> Hall<K> {
    /// A hall with nobody in it.
    pub fn new() -> Self {
        Self { guests: BTreeMap::new(), names: BTreeMap::new(), rooms: BTreeMap::new() }
    }

    /// Somebody has connected, and is asked for a nickname.
    pub fn arrive(&mut self, guest: K) -> Vec<Effect<K>> {
        self.guests.insert(guest, None);
        vec![tell(guest, format!("* welcome; {ASK}"))]
    }

    /// Somebody has sent a line, given without its end.
    pub fn line(&mut self, guest: K, line: &[u8]) -> Vec<Effect<K>> {
        match self.guests.get(&guest) {
            None => Vec::new(),
            Some(None) => self.nickname(guest, line),
            Some(Some(member)) => {
                let member = member.clone();
                self.obey(guest, &member, line)
            }
        }
    }

    /// Somebody has sent a line of more than `limit` bytes, which was not looked at.
    pub fn line_too_long(&mut self, guest: K, limit: usize) -> Vec<Effect<K>> {
        match self.guests.get(&guest) {
            None => Vec::new(),
            Some(None) => vec![tell(guest, format!("! a name has at most {} characters; {ASK}", Name::MAX_LENGTH))],
            Some(Some(_)) => vec![tell(guest, format!("! a line has at most {limit} bytes; nobody got that one"))],
        }
    }

    /// Time is up for somebody who had to give a nickname. Who has one is left alone.
    pub fn nickname_is_late(&mut self, guest: K) -> Vec<Effect<K>> {
        match self.guests.get(&guest) {
            Some(None) => self.send_away(guest, "! no nickname came; good-bye"),
            _ => Vec::new(),
        }
    }

    /// The server is stopping, so somebody has to go. The others do not hear of it, for they have to go too.
    pub fn dismiss(&mut self, guest: K) -> Vec<Effect<K>> {
        self.send_away(guest, "* the server is stopping; good-bye")
    }

    /// Somebody's connection has ended.
    pub fn leave(&mut self, guest: K, departure: Departure) -> Vec<Effect<K>> {
        let Some(Some(Member { name, room })) = self.forget(guest) else { return Vec::new() };
        let why = match departure {
            Departure::Left => "",
            Departure::Lost => " (connection lost)",
            Departure::TooSlow => " (reads too slowly)",
            Departure::Failed => " (a mistake of the server's)",
        };
        self.tell_others(guest, &room, format!("* {name} has left{why}")).into_iter().collect()
    }

    fn nickname(&mut self, guest: K, line: &[u8]) -> Vec<Effect<K>> {
        let name = match Name::parse(line) {
            Err(wrong) => return vec![tell(guest, format!("! {wrong}; {ASK}"))],
            Ok(name) => name,
        };
        if let Some((taken, _)) = self.names.get_key_value(&name) {
            return vec![tell(guest, format!("! {taken} is taken; {ASK}"))];
        }
        let Ok(lobby) = Name::parse(LOBBY) else { return Vec::new() };
        self.names.insert(name.clone(), guest);
        let mut effects = vec![tell(guest, format!("* hello, {name}; /help lists what you can do"))];
        effects.extend(self.enter(guest, name, lobby));
        effects
    }

    /// Does what a member's line asks for.
    fn obey(&mut self, guest: K, Member { name, room }: &Member, line: &[u8]) -> Vec<Effect<K>> {
        let Ok(line) = str::from_utf8(line) else {
            return vec![tell(guest, "! that is not UTF-8; nobody got it")];
        };
        match Command::parse(line) {
            Command::Nothing => Vec::new(),
            Command::Say(text) => {
                let said = self.tell_others(guest, room, format!("<{name}> {text}"));
                vec![said.unwrap_or_else(|| tell(guest, format!("* you are alone in {room}")))]
            }
            Command::Tell(to, text) => self.tell_privately(guest, name, to, &text),
            Command::Join(wanted) => self.change_room(guest, name, room, wanted),
            Command::Who => vec![self.list(guest, room)],
            Command::Help => HELP.iter().map(|line| tell(guest, format!("* {line}"))).collect(),
            Command::Quit => {
                let mut effects = self.leave(guest, Departure::Left);
                effects.extend([tell(guest, "* good-bye"), Effect::HangUp(guest)]);
                effects
            }
            Command::Unknown(word) => {
                vec![tell(guest, format!("! there is no command /{word}; /help lists those that there are"))]
            }
        }
    }

    fn tell_privately(&self, from: K, name: &Name, to: &str, text: &str) -> Vec<Effect<K>> {
        let Ok(to) = Name::parse(to.as_bytes()) else {
            return vec![tell(from, "! tell whom and what: /msg NAME TEXT")];
        };
        match self.names.get_key_value(&to) {
            None => vec![tell(from, format!("! nobody is called {to}"))],
            Some((to, _)) if text.is_empty() => vec![tell(from, format!("! tell {to} what: /msg {to} TEXT"))],
            Some((to, receiver)) => {
                vec![tell(*receiver, format!("[{name}] {text}")), tell(from, format!("[to {to}] {text}"))]
            }
        }
    }

    fn change_room(&mut self, guest: K, name: &Name, from: &Name, wanted: &str) -> Vec<Effect<K>> {
        let wanted = match Name::parse(wanted.as_bytes()) {
            Err(wrong) => return vec![tell(guest, format!("! {wrong}: /join ROOM"))],
            Ok(wanted) if wanted == *from => return vec![tell(guest, format!("! you are in {from} already"))],
            Ok(wanted) => wanted,
        };
        self.take_out(guest, from);
        let mut effects = Vec::from_iter(self.tell_others(guest, from, format!("* {name} has gone to {wanted}")));
        effects.extend(self.enter(guest, name.clone(), wanted));
        effects
    }

    fn enter(&mut self, guest: K, name: Name, room: Name) -> Vec<Effect<K>> {
        // Shown as whoever came first has written it.
        let room = self.rooms.get_key_value(&room).map_or(room, |(known, _)| known.clone());
        let mut effects = Vec::from_iter(self.tell_others(guest, &room, format!("* {name} has joined {room}")));
        self.rooms.entry(room.clone()).or_default().insert(guest);
        self.guests.insert(guest, Some(Member { name, room: room.clone() }));
        effects.push(self.list(guest, &room));
        effects
    }

    /// Tells `guest` who is in `room`.
    fn list(&self, guest: K, room: &Name) -> Effect<K> {
        let here = self.rooms.get(room).into_iter().flatten();
        let names = here.clone().filter_map(|guest| self.guests.get(guest)?.as_ref()).take(MOST_LISTED);
        let names: Vec<_> = names.map(|member| member.name.to_string()).collect();
        let unlisted = match here.count() - names.len() {
            0 => String::new(),
            count => format!(" and {count} more"),
        };
        tell(guest, format!("* in {room}: {}{unlisted}", names.join(", ")))
    }

    /// Tells everybody in `room` but `guest`, if there is anybody.
    fn tell_others(&self, guest: K, room: &Name, line: String) -> Option<Effect<K>> {
        let others: Vec<_> = self.rooms.get(room)?.iter().copied().filter(|other| *other != guest).collect();
        (!others.is_empty()).then_some(Effect::Tell(others, line))
    }

    fn send_away(&mut self, guest: K, line: &str) -> Vec<Effect<K>> {
        match self.forget(guest) {
            None => Vec::new(),
            Some(_) => vec![tell(guest, line), Effect::HangUp(guest)],
        }
    }

    fn forget(&mut self, guest: K) -> Option<Option<Member>> {
        let forgotten = self.guests.remove(&guest)?;
        if let Some(Member { name, room }) = &forgotten {
            self.names.remove(name);
            self.take_out(guest, room);
        }
        Some(forgotten)
    }

    fn take_out(&mut self, guest: K, room: &Name) {
        if let Some(here) = self.rooms.get_mut(room) {
            here.remove(&guest);
            if here.is_empty() {
                self.rooms.remove(room);
            }
        }
    }
}

impl<K: Copy + Ord> Default for Hall<K> {
    fn default() -> Self {
        Self::new()
    }
}

fn tell<K>(guest: K, line: impl Into<String>) -> Effect<K> {
    Effect::Tell(vec![guest], line.into())
}

#[cfg(test)]
mod tests;
