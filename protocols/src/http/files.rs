//! The files of a folder, served.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use super::content_coding::{AcceptedCodings, ContentCoding};
use super::fields::{Fields, InvalidField};
use super::file_path::FilePath;
use super::file_response::{Asked, Representation};
use super::file_tree::{FileTree, Found, FoundFile};
use super::handler::{Answer, Handler};
use super::listing::{Listing, ListingOrder};
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
    /// What every response has besides.
    fields: Fields,
    clock: fn() -> SystemTime,
}

/// What a client is told unless somebody knows better: to keep it, and to ask before using it.
const CACHE_CONTROL: Fields = Fields::fixed("Cache-Control: no-cache\r\n");

/// More entries than this are not listed: the page would be of no use to anybody.
const LISTED: usize = 10_000;

/// A listing has its style in it and nothing else.
const LISTING_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

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
            clock: SystemTime::now,
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

    /// Sets a file that is sent where there is none, with 200, if a person seems to look for a page: for applications that see to their own
    /// paths in the browser. A path whose last segment has a dot in it, as those of pictures and scripts do, is a page only to a client that asks for
    /// HTML.
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

    /// Sets the clock that the age of a file is measured by. Default: the system's.
    #[must_use]
    pub fn with_clock(mut self, clock: fn() -> SystemTime) -> Self {
        self.clock = clock;
        self
    }

    fn respond(&self, request: &Request<'_>) -> Response {
        let is_head = match request.method() {
            "GET" => false,
            "HEAD" => true,
            "OPTIONS" => return allow(Response::new(Status::NO_CONTENT)),
            _ => return allow(Response::error(Status::METHOD_NOT_ALLOWED)),
        };
        let path = match FilePath::parse(request.rest()) {
            Ok(path) => path,
            Err(error) => return Response::error(error.status()),
        };
        let found = match self.tree.find(path.as_bytes()) {
            Ok(Found::File(file)) if !path.names_folder() => Ok((file, path.as_bytes().into())),
            Ok(Found::File(_)) => Err(ErrorKind::NotFound.into()),
            Ok(Found::Folder(_)) if !request.path().ends_with('/') => return redirect_to_folder(request),
            Ok(Found::Folder(folder)) => match self.find_index(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound && self.lists => {
                    return list(request, &path, &folder);
                }
                found => found,
            },
            Err(error) => Err(error),
        };
        let asked = Asked::read(request.head().headers(), is_head);
        match found {
            Ok((file, path)) => self.send(&asked, file, &path),
            Err(error) if error.kind() == ErrorKind::NotFound => self.send_fallback(request, &asked, &path),
            Err(error) => refuse(&error),
        }
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
        let last = path.as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let wants_html = || {
            request.head().headers().get_all("Accept").any(|value| memchr::memmem::find(value, b"text/html").is_some())
        };
        if last.contains(&b'.') && !wants_html() {
            return Response::error(Status::NOT_FOUND);
        }
        match self.tree.find(fallback.as_bytes()) {
            Ok(Found::File(file)) => self.send(asked, file, fallback.as_bytes()),
            Ok(Found::Folder(_)) => Response::error(Status::NOT_FOUND),
            Err(error) => refuse(&error),
        }
    }

    fn send(&self, asked: &Asked<'_>, file: FoundFile, path: &[u8]) -> Response {
        let mut representation = Representation { file, path, coding: None, varies: self.is_precompressed };
        if self.is_precompressed && asked.names_codings {
            self.find_precompressed(asked, &mut representation);
        }
        representation.respond(asked, &self.fields, (self.clock)())
    }

    /// Puts a compressed form of the file in its place, if there is one that the client takes.
    fn find_precompressed(&self, asked: &Asked<'_>, representation: &mut Representation<'_>) {
        let accepted = AcceptedCodings::read(asked.headers);
        let mut codings = ContentCoding::ALL.to_vec();
        while let Some(coding) = accepted.best_of(&codings) {
            let path = [representation.path, coding.extension().as_bytes()].concat();
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
        Answer::now(self.respond(request))
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

fn list(request: &Request<'_>, path: &FilePath<'_>, folder: &FileTree) -> Response {
    let mut entries = match folder.list(LISTED + 1) {
        Ok(entries) => entries,
        Err(error) => return refuse(&error),
    };
    let is_cut = entries.len() > LISTED;
    entries.truncate(LISTED);
    let name = String::from_utf8_lossy(path.as_bytes());
    let listing = Listing::new(&name, entries, ListingOrder::from_query(request.query())).with_more(is_cut);
    let response = Response::html(listing.to_html()).with_header("Content-Security-Policy", LISTING_POLICY);
    response.and_then(|response| response.with_header("Cache-Control", "no-cache")).into_response()
}

/// What a file that cannot be opened is answered with. Only this process's own trouble is logged.
fn refuse(error: &io::Error) -> Response {
    let status = match error.kind() {
        ErrorKind::NotFound => Status::NOT_FOUND,
        ErrorKind::PermissionDenied => Status::FORBIDDEN,
        _ => {
            log::error!("a file cannot be served: {error}");
            let too_many = [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE].map(rustix::io::Errno::raw_os_error);
            let is_short = error.raw_os_error().is_some_and(|code| too_many.contains(&code));
            if is_short { Status::SERVICE_UNAVAILABLE } else { Status::INTERNAL_SERVER_ERROR }
        }
    };
    Response::error(status)
}
