//! The files of a folder, served.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lariat::Reactor;

use super::content_coding::{AcceptedCodings, ContentCoding};
use super::fields::{Fields, Headers, InvalidField, trim};
use super::file_path::FilePath;
use super::file_response::{Asked, Representation, content_type, refuse};
use super::file_tree::{FileTree, Found, FoundFile};
use super::folder_pages::FolderPages;
use super::handler::{Answer, Handler};
use super::request::Request;
use super::response::{IntoResponse, Response};
use super::router::Routed;
use super::status::Status;

/// Serves the files of a folder: a [`Handler`] for a whole site, or a [nested](super::Router::nest) part of one.
///
/// - Files are opened below the folder and nowhere else: see [`FileTree`] and [`FilePath`] for what is refused. Every request looks its file
///   up, so nothing is served that is no longer there; and clients are told to ask each time whether what they have is still right, unless
///   [`with_cache_control`](Self::with_cache_control) says otherwise.
/// - GET and HEAD, with conditions (RFC 9110, section 13) and ranges (section 14). A large file is sent by the kernel, without going through this process.
/// - A folder's page is its `index.html`; a folder asked for without the slash at its end is redirected to.
///
/// A clone serves the same folder, on another thread if need be.
///
/// Opening a file and reading a small one may block the loop for as long as the disk takes, if the kernel does not have it in memory.
///
/// # Example
///
/// ```
/// use lariat_protocols::http::{Files, Router, Server};
///
/// # let folder = std::env::temp_dir();
/// let mut router = Router::new();
/// router.nest("/static", Files::new(&folder)?.with_precompressed(true));
/// let server = Server::new(router);
/// # std::io::Result::Ok(())
/// ```
#[doc(alias = "static.File")]
#[derive(Clone)]
pub struct Files {
    tree: Arc<FileTree>,
    index: String,
    fallback: Option<String>,
    lists: bool,
    is_precompressed: bool,
    /// The headers that every response has besides.
    fields: Fields,
    pages: Arc<FolderPages>,
    /// None: that of the reactor.
    clock: Option<fn() -> SystemTime>,
}

/// What a client is told unless somebody knows better: to keep it, and to ask before using it.
const CACHE_CONTROL: Fields = Fields::fixed("Cache-Control: no-cache\r\n");

/// A file that strangers have uploaded may do nothing.
const UPLOAD_POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; media-src 'self'";

impl Files {
    /// Serves the files below `folder`, which is held open.
    ///
    /// # Errors
    ///
    /// When there is no such folder, or it may not be entered.
    pub fn new(folder: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self::of_tree(FileTree::open(folder)?))
    }

    /// Serves the files of a tree that is open already, and may be shared with others: with other threads, say.
    pub fn of_tree(tree: impl Into<Arc<FileTree>>) -> Self {
        Self {
            tree: tree.into(),
            index: "index.html".into(),
            fallback: None,
            lists: false,
            is_precompressed: false,
            fields: CACHE_CONTROL,
            pages: Arc::default(),
            clock: None,
        }
    }

    /// Sets the file that is a folder's page. Default: `index.html`.
    #[doc(alias = "indexNames")]
    #[must_use]
    pub fn with_index(mut self, name: &str) -> Self {
        name.clone_into(&mut self.index);
        self
    }

    /// Sets whether a folder without a page of its own is listed. Default: no, it is not there.
    #[doc(alias = "DirectoryLister")]
    #[must_use]
    pub fn with_listing(mut self, lists: bool) -> Self {
        self.lists = lists;
        self
    }

    /// Sets whether a file next to the one asked for, with `.br`, `.zst` or `.gz` after its name, is sent in its place to clients that take it
    /// so. It has to be as new as the file itself. Default: no. It costs a look for each coding that a client takes.
    #[must_use]
    pub fn with_precompressed(mut self, is_precompressed: bool) -> Self {
        self.is_precompressed = is_precompressed;
        self
    }

    /// Sets a file that is sent with 200 in the place of a missing one, if the client looks for a page: for applications that route paths in the
    /// browser.
    ///
    /// A client looks for a page if its `Accept` has `text/html`. One that sends no `Accept`, or only `*/*`, gets the file too, unless the last
    /// segment of the path has a dot, as those of pictures and scripts do. A client that asks for other types, such as `application/json`,
    /// gets 404.
    #[must_use]
    pub fn with_fallback(mut self, path: &str) -> Self {
        self.fallback = Some(path.trim_matches('/').to_owned());
        self
    }

    /// Sets what clients and caches are told (RFC 9111, section 5.2). Default: `no-cache`, which lets them keep what they have, and has them ask each time whether it is still right.
    ///
    /// # Errors
    ///
    /// When `value` cannot stand in a header.
    pub fn with_cache_control(self, value: &str) -> Result<Self, InvalidField> {
        self.with_header("Cache-Control", value)
    }

    /// Sets a header that every response has that sends a file, or would have.
    ///
    /// # Errors
    ///
    /// When name or value cannot be those of a header.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, InvalidField> {
        self.fields.set(name, value)?;
        Ok(self)
    }

    /// Serves files that strangers have uploaded: each is a download (`Content-Disposition: attachment`), and a browser that shows one all the
    /// same runs no script of it and takes it for a page of no site (`Content-Security-Policy: sandbox`). An uploaded page would otherwise act
    /// in the name of whoever opens it. Better still, such files have a host name of their own.
    ///
    /// ```
    /// use lariat_protocols::http::Files;
    ///
    /// # let folder = std::env::temp_dir();
    /// let files = Files::new(&folder)?.with_uploads();
    /// # std::io::Result::Ok(())
    /// ```
    #[must_use]
    pub fn with_uploads(mut self) -> Self {
        for (name, value) in [("Content-Disposition", "attachment"), ("Content-Security-Policy", UPLOAD_POLICY)] {
            // Neither can be refused.
            let _ = self.fields.set(name, value);
        }
        self
    }

    /// Sets the clock by which the age of a file is measured. Default: the
    /// [wall clock](lariat::Reactor::wall_clock) of the reactor.
    #[must_use]
    pub fn with_clock(mut self, clock: fn() -> SystemTime) -> Self {
        self.clock = Some(clock);
        self
    }

    fn answer(&self, request: &Request<'_>) -> Answer {
        let is_head = match request.method() {
            "GET" => false,
            "HEAD" => true,
            "OPTIONS" => return Answer::now(allow(Response::new(Status::NO_CONTENT))),
            _ => return Answer::now(allow(Response::error(Status::METHOD_NOT_ALLOWED))),
        };
        let path = match FilePath::parse(request.rest()) {
            Ok(path) => path,
            Err(error) => return Answer::now(Response::error(error.status())),
        };
        let found = match self.tree.find(path.as_bytes()) {
            Ok(Found::File(file)) if !path.names_folder() => Ok((file, path.as_bytes().into())),
            Ok(Found::File(_)) => Err(ErrorKind::NotFound.into()),
            Ok(Found::Folder(_)) if !request.path().ends_with('/') => return Answer::now(redirect_to_folder(request)),
            Ok(Found::Folder(folder)) => match self.find_index(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound && self.lists => {
                    return self.pages.answer(request, path.as_bytes(), folder);
                }
                found => found,
            },
            Err(error) => Err(error),
        };
        let asked = Asked::read(request.head().headers(), is_head, request.compression());
        Answer::now(match found {
            Ok((file, path)) => self.send(request, &asked, file, &path),
            Err(error) if error.kind() == ErrorKind::NotFound => self.send_fallback(request, &asked, &path),
            Err(error) => refuse(&error),
        })
    }

    /// The page of a folder, and its path.
    fn find_index(&self, folder: &FilePath<'_>) -> io::Result<(FoundFile, Box<[u8]>)> {
        let slash: &[u8] = if folder.as_bytes().is_empty() { b"" } else { b"/" };
        let path = [folder.as_bytes(), slash, self.index.as_bytes()].concat();
        match self.tree.find(&path)? {
            Found::File(file) => Ok((file, path.into())),
            Found::Folder(_) => Err(ErrorKind::NotFound.into()),
        }
    }

    #[cold]
    fn send_fallback(&self, request: &Request<'_>, asked: &Asked<'_>, path: &FilePath<'_>) -> Response {
        let Some(fallback) = &self.fallback else { return Response::error(Status::NOT_FOUND) };
        if !looks_for_page(asked.headers, path.as_bytes()) {
            return vary_by_accept(Response::error(Status::NOT_FOUND));
        }
        match self.tree.find(fallback.as_bytes()) {
            Ok(Found::File(file)) => vary_by_accept(self.send(request, asked, file, fallback.as_bytes())),
            Ok(Found::Folder(_)) => Response::error(Status::NOT_FOUND),
            Err(error) => refuse(&error),
        }
    }

    fn send(&self, request: &Request<'_>, asked: &Asked<'_>, file: FoundFile, path: &[u8]) -> Response {
        let (content_type, modified) = (content_type(path, &file), file.modified);
        let mut representation =
            Representation { file, content_type, coding: None, varies: self.is_precompressed, last_modified: modified };
        if self.is_precompressed && asked.names_codings {
            self.find_precompressed(asked, path, &mut representation);
        }
        let now = self.clock.map_or_else(|| request.reactor().wall_clock(), |clock| clock());
        representation.last_modified = last_modified(representation.file.modified, now, request.reactor());
        representation.respond(asked, &self.fields, now, request.reactor())
    }

    /// Puts a compressed form of the file at `path` in its place, if there is one that the client takes.
    fn find_precompressed(&self, asked: &Asked<'_>, path: &[u8], representation: &mut Representation) {
        let accepted = AcceptedCodings::read(asked.headers);
        let mut codings = ContentCoding::ALL.to_vec();
        while let Some(coding) = accepted.best_of(&codings) {
            let path = [path, coding.extension().as_bytes()].concat();
            if let Ok(Found::File(file)) = self.tree.find(&path)
                && file.modified >= representation.file.modified
            {
                (representation.file, representation.coding) = (file, Some(coding));
                return;
            }
            codings.retain(|other| *other != coding);
        }
    }
}

impl Handler<Routed> for Files {
    fn handle(&self, request: &mut Request<'_>) -> Answer {
        self.answer(request)
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files")
            .field("tree", &self.tree)
            .field("index", &self.index)
            .field("fallback", &self.fallback)
            .field("lists", &self.lists)
            .field("is_precompressed", &self.is_precompressed)
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}

/// The value of Last-Modified, which must not be later than Date (RFC 9110, section 8.8.2.1). Date is the time at which the turn began.
fn last_modified(modified: SystemTime, now: SystemTime, reactor: &Reactor) -> SystemTime {
    /// Longer than a turn of the loop lasts: for an older file the clock is not read again.
    const RECENT: Duration = Duration::from_secs(60);
    if now.duration_since(modified).is_ok_and(|age| age > RECENT) {
        return modified;
    }
    let since_turn_began = reactor.now().saturating_duration_since(reactor.turn_began());
    modified.min(now.checked_sub(since_turn_began).unwrap_or(now))
}

fn allow(response: Response) -> Response {
    response.with_header("Allow", "GET, HEAD, OPTIONS").into_response()
}

/// To the same place with a slash after it, so that the links on a folder's page lead into the folder. Said in relation to the place that was
/// asked for, which may have another name on the other side of a proxy; and never so that it could begin with two slashes, which would be another host.
fn redirect_to_folder(request: &Request<'_>) -> Response {
    let name = request.path().rsplit('/').next().unwrap_or_default();
    let (mark, query) = request.query().map_or(("", ""), |query| ("?", query));
    Response::redirect(Status::PERMANENT_REDIRECT, &format!("./{name}/{mark}{query}")).into_response()
}

/// Returns whether a client that asks for a missing file looks for a page of an application: see [`Files::with_fallback`].
fn looks_for_page(headers: Headers<'_>, path: &[u8]) -> bool {
    let (mut accepts_any, mut names_types) = (false, false);
    for value in headers.get_all("Accept") {
        for range in value.split(|byte| *byte == b',') {
            let mut parts = range.split(|byte| *byte == b';').map(trim);
            let media_range = parts.next().unwrap_or_default();
            let is_refused = parts.any(|parameter| matches!(parameter, b"q=0" | b"q=0.0" | b"q=0.00" | b"q=0.000"));
            let is = |name: &[u8]| media_range.eq_ignore_ascii_case(name);
            if media_range.is_empty() || is_refused {
                continue;
            }
            if is(b"text/html") || is(b"application/xhtml+xml") {
                return true;
            }
            if is(b"*/*") || is(b"text/*") { accepts_any = true } else { names_types = true }
        }
    }
    let last = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    (accepts_any || !headers.contains("Accept")) && !names_types && !last.contains(&b'.')
}

/// Adds `Vary`: another `Accept` may get another response.
fn vary_by_accept(mut response: Response) -> Response {
    // The name and the value can stand in a header.
    let _ = response.fields_mut().append("Vary", "Accept");
    response
}
