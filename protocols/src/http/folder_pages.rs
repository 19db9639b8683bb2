//! Listings of folders as responses.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::file_response::refuse;
use super::file_tree::{FileTree, FolderVersion};
use super::handler::Answer;
use super::listing::{Listing, ListingOrder};
use super::request::Request;
use super::response::{IntoResponse, Response};
use super::response_body::Body;
use super::status::Status;

/// The most entries of a folder that are read for a page. A longer page would be of no use to a reader.
const LISTED: usize = 10_000;

/// The most entries of a folder whose page is made on the loop. Each costs a system call of about 5 µs, so that a visitor waits for less
/// than a millisecond; the page of a larger folder is made by a thread of the pool.
const LISTED_ON_LOOP: usize = 100;

/// The time for which a page is used again, unless a name was added to its folder or taken away.
const FRESH: Duration = Duration::from_secs(1);

/// The most bytes of pages that are kept.
const KEPT: usize = 8 << 20;

/// The page has its style in it, and a form that asks for the same page in another order.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// Makes the pages of folders, and keeps them for a second.
#[derive(Debug, Default)]
pub(super) struct FolderPages {
    /// The oldest first.
    kept: Mutex<VecDeque<Page>>,
}

#[derive(Debug)]
struct Page {
    key: Key,
    html: Bytes,
    made: Instant,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    /// The path is shown on the page, and a folder may have several by symbolic links.
    path: Box<[u8]>,
    version: FolderVersion,
    order: ListingOrder,
}

impl FolderPages {
    /// Answers a request for the page of `folder`, which is at `path`. For HEAD the folder is not read: such a response needs no length
    /// (RFC 9110, section 9.3.2).
    pub(super) fn answer(self: &Arc<Self>, request: &Request<'_>, path: &[u8], folder: FileTree) -> Answer {
        if request.method() == "HEAD" {
            return Answer::now(respond(Body::writer(drop)));
        }
        let order = ListingOrder::from_query(request.query());
        let version = match folder.version() {
            Ok(version) => version,
            Err(error) => return Answer::now(refuse(&error)),
        };
        let (key, now) = (Key { path: path.into(), version, order }, request.reactor().now());
        if let Some(html) = self.find(&key, now) {
            return Answer::now(respond(html));
        }
        match folder.has_more_than(LISTED_ON_LOOP) {
            Ok(false) => Answer::now(self.page(key, now, &folder).map_or_else(|error| refuse(&error), respond)),
            Ok(true) => {
                let pages = self.clone();
                let made = request.reactor().try_defer_to_thread(move || pages.page(key, now, &folder));
                Answer::later(async move {
                    match made.await {
                        Ok(html) => respond(html),
                        Err(failure) => match failure.downcast_ref::<io::Error>() {
                            Some(error) => refuse(error),
                            // The pool is full, or ends.
                            None => Response::error(Status::SERVICE_UNAVAILABLE),
                        },
                    }
                })
            }
            Err(error) => Answer::now(refuse(&error)),
        }
    }

    /// The page, as it was made for another request that was asked at the same time or lately, or made now.
    fn page(&self, key: Key, now: Instant, folder: &FileTree) -> io::Result<Bytes> {
        if let Some(html) = self.find(&key, now) {
            return Ok(html);
        }
        let contents = folder.list(LISTED)?;
        let listing = Listing::new(&String::from_utf8_lossy(&key.path), contents.entries, key.order);
        let html = Bytes::from(listing.with_more(contents.is_cut).to_html());
        self.keep(Page { key, html: html.clone(), made: now });
        Ok(html)
    }

    fn find(&self, key: &Key, now: Instant) -> Option<Bytes> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_right = |page: &&Page| page.key == *key && now.saturating_duration_since(page.made) < FRESH;
        kept.iter().find(is_right).map(|page| page.html.clone())
    }

    fn keep(&self, page: Page) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|other| other.key.path != page.key.path || other.key.order != page.key.order);
        let mut total: usize = kept.iter().map(|page| page.html.len()).sum();
        while total + page.html.len() > KEPT
            && let Some(oldest) = kept.pop_front()
        {
            total -= oldest.html.len();
        }
        kept.push_back(page);
    }
}

fn respond(page: impl Into<Body>) -> Response {
    let response = Response::html(page).with_header("Content-Security-Policy", POLICY);
    let response = response.and_then(|response| response.with_header("X-Content-Type-Options", "nosniff"));
    response.and_then(|response| response.with_header("Cache-Control", "no-cache")).into_response()
}
