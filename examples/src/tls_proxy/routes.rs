//! Which name leads where.

use std::path::PathBuf;
use std::str::FromStr;

/// One name, what is shown to those who ask for it, and where they are taken.
///
/// ```
/// use lariat_examples::tls_proxy::routes::Route;
///
/// let route: Route = "*.chat.example,chat.pem,chat-key.pem,tcp:127.0.0.1:7000".parse()?;
/// assert_eq!((&*route.name, &*route.backend), ("*.chat.example", "tcp:127.0.0.1:7000"));
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// A DNS name in small letters. One that begins with `*.` stands for all that have one label in its place.
    pub name: String,
    /// The PEM file of the certificate and its chain.
    pub certificate: PathBuf,
    /// The PEM file of its key.
    pub key: PathBuf,
    /// Where the backend is, as an endpoint description.
    pub backend: String,
}

/// All routes, in the order in which they were given; at least one.
#[derive(Clone, Debug)]
pub struct Routes {
    routes: Vec<Route>,
    /// Whether the first is for those, too, who ask for no name or for none that is known.
    first_for_others: bool,
}

impl FromStr for Route {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.splitn(4, ',').collect();
        let [name, certificate, key, backend] = parts[..] else {
            return Err(format!("expected NAME,CERTIFICATE,KEY,BACKEND, found {text:?}"));
        };
        let letters = |label: &str| label.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter));
        let mut labels = name.strip_prefix("*.").unwrap_or(name).split('.');
        if !labels.all(|label| !label.is_empty() && letters(label)) {
            return Err(format!(
                "{name:?} is no name that a client can ask for, such as chat.example or *.chat.example"
            ));
        }
        Ok(Self {
            name: name.to_ascii_lowercase(),
            certificate: certificate.into(),
            key: key.into(),
            backend: backend.to_owned(),
        })
    }
}

impl Route {
    /// Is a certificate for these names good for all who take this route?
    #[must_use]
    pub fn is_covered_by(&self, names: &[String]) -> bool {
        let wildcard = self.name.split_once('.').map(|(_, rest)| format!("*.{rest}"));
        names.iter().any(|name| *name == self.name || Some(name) == wildcard.as_ref())
    }
}

impl Routes {
    /// These routes. Of two with the same name, the first is taken.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn new(routes: Vec<Route>, first_for_others: bool) -> Result<Self, String> {
        if routes.is_empty() {
            return Err("a route is missing after the address to listen on".to_owned());
        }
        Ok(Self { routes, first_for_others })
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter()
    }

    /// Is the first for those, too, who ask for no name or for none that is known?
    #[must_use]
    pub fn is_first_for_others(&self) -> bool {
        self.first_for_others
    }

    /// The route for a client that asks for `name`: an exact name comes before one with a wildcard.
    #[must_use]
    pub fn find(&self, name: Option<&str>) -> Option<&Route> {
        let others = || self.routes.first().filter(|_| self.first_for_others);
        let Some(name) = name.map(str::to_ascii_lowercase) else { return others() };
        let of = |name: &str| self.routes.iter().find(|route| route.name == name);
        let wildcard = || of(&format!("*.{}", name.split_once('.')?.1));
        of(&name).or_else(wildcard).or_else(others)
    }
}

#[cfg(test)]
mod tests {
    use super::{Route, Routes};

    fn routes(names: &[&str], first_for_others: bool) -> Routes {
        let route = |name: &&str| format!("{name},c,k,unix:/{name}").parse().expect("it is a route");
        Routes::new(names.iter().map(route).collect(), first_for_others).expect("there is one")
    }

    fn taken<'a>(routes: &'a Routes, name: &str) -> Option<&'a str> {
        routes.find(Some(name)).map(|route| &*route.name)
    }

    #[test]
    fn an_exact_name_comes_before_a_wildcard_and_that_stands_for_one_label() {
        let routes = routes(&["*.a.test", "x.a.test", "b.test"], false);
        for (asked, name) in [("x.a.test", "x.a.test"), ("Y.A.test", "*.a.test"), ("B.TEST", "b.test")] {
            assert_eq!(taken(&routes, asked), Some(name));
        }
        for unknown in ["a.test", "y.x.a.test", "test", "c.test", ""] {
            assert_eq!(taken(&routes, unknown), None, "{unknown}");
        }
        assert_eq!(routes.find(None), None);
    }

    #[test]
    fn the_first_is_for_others_only_if_that_is_said() {
        let routes = routes(&["a.test", "b.test"], true);
        assert_eq!(taken(&routes, "c.test"), Some("a.test"));
        assert_eq!(routes.find(None).map(|route| &*route.name), Some("a.test"));
        assert_eq!(taken(&routes, "b.test"), Some("b.test"));
    }

    #[test]
    fn what_is_no_route_is_told() {
        for wrong in ["", "a.test", "a.test,c,k", "a..test,c,k,tcp:1", "*,c,k,tcp:1", "a b,c,k,tcp:1", "*.,c,k,tcp:1"] {
            assert!(wrong.parse::<Route>().is_err(), "{wrong}");
        }
        let route: Route = "A.test,c,k,tcp:host:1,2".parse().unwrap();
        assert_eq!((&*route.name, &*route.backend), ("a.test", "tcp:host:1,2"));
        assert!(Routes::new(Vec::new(), true).is_err());
    }

    #[test]
    fn a_certificate_covers_its_names() {
        let route: Route = "x.a.test,c,k,tcp:1".parse().unwrap();
        let covered = |name: &str| route.is_covered_by(&["other.test".to_owned(), name.to_owned()]);
        assert!(covered("x.a.test") && covered("*.a.test"));
        assert!(!covered("a.test") && !covered("*.test") && !covered("y.a.test"));
    }
}
