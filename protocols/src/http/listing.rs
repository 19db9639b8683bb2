//! A page that shows what is in a folder.

use std::cmp::Ordering;
use std::fmt::{self, Write as _};
use std::time::SystemTime;

use super::date::date_text;
use super::file_path::encode_segment;
use super::file_tree::FolderEntry;

/// The contents of a folder as a page of HTML: a table of names, sizes and dates, light or dark as the reader's system is set, with links to
/// the folders above.
///
/// The page needs no script and nothing from elsewhere. The heads of the columns are buttons for another order, not links: programs that
/// copy a site by its links, such as `wget -r`, would fetch every folder once for each order (`rel=nofollow` does not stop wget).
///
/// Each name stands in a `<bdi>`, so that a name in Arabic or with direction controls does not rearrange what stands next to it.
///
/// ```
/// use std::time::SystemTime;
///
/// use lariat_protocols::http::{FolderEntry, Listing, ListingOrder};
///
/// let entries = vec![FolderEntry { name: "a & b.txt".into(), is_folder: false, length: 1_500, modified: SystemTime::now() }];
/// let page = Listing::new("/notes/", entries, ListingOrder::from_query(Some("sort=size"))).to_html();
/// assert!(page.contains("<a href=\"./a%20%26%20b.txt\"><bdi>a &amp; b.txt</bdi></a>"));
/// assert!(page.contains("1.5 kB"));
/// ```
#[derive(Clone, Debug)]
pub struct Listing {
    /// Decoded; `/` at both ends.
    path: String,
    entries: Vec<FolderEntry>,
    order: ListingOrder,
    is_cut: bool,
}

/// The order of a listing. Folders come first in any.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it is what the query says")]
pub struct ListingOrder {
    /// What decides.
    pub by: ListingColumn,
    /// The other way round?
    pub is_reversed: bool,
}

/// A column of a listing.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "these are the columns")]
pub enum ListingColumn {
    /// Names, whatever their case, and numbers in them by their value.
    #[default]
    Name,
    /// Sizes.
    Size,
    /// Dates.
    Modified,
}

impl ListingColumn {
    const ALL: [Self; 3] = [Self::Name, Self::Size, Self::Modified];

    const fn key(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Size => "size",
            Self::Modified => "modified",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Name => "Name",
            Self::Size => "Size",
            Self::Modified => "Modified (UTC)",
        }
    }
}

impl ListingOrder {
    /// The order that the query of a request asks for: `sort=name`, `size` or `modified`, with a `-` before the column for descending
    /// order. Anything else is ignored.
    pub fn from_query(query: Option<&str>) -> Self {
        let mut order = Self::default();
        for pair in query.unwrap_or_default().split('&') {
            let Some(key) = pair.strip_prefix("sort=") else { continue };
            let (is_reversed, key) = key.strip_prefix('-').map_or((false, key), |key| (true, key));
            if let Some(by) = ListingColumn::ALL.into_iter().find(|column| column.key() == key) {
                order = Self { by, is_reversed };
            }
        }
        order
    }
}

impl Listing {
    /// A listing of the folder at this path of the site, which is decoded, with its entries in any order.
    pub fn new(path: &str, mut entries: Vec<FolderEntry>, order: ListingOrder) -> Self {
        entries.sort_unstable_by(|one, other| compare(one, other, order));
        let inside = path.trim_matches('/');
        let path = if inside.is_empty() { "/".into() } else { format!("/{inside}/") };
        Self { path, entries, order, is_cut: false }
    }

    /// Says that there is more than is shown.
    #[must_use]
    pub fn with_more(mut self, is_cut: bool) -> Self {
        self.is_cut = is_cut;
        self
    }

    /// The page.
    pub fn to_html(&self) -> String {
        // About as long as a row is.
        let mut page = String::with_capacity(STYLE.len() + 1024 + 200 * self.entries.len());
        // Writing to a string does not fail.
        let _ = self.write(&mut page);
        page
    }

    fn write(&self, page: &mut String) -> fmt::Result {
        let path = Escaped(&self.path);
        write!(page, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")?;
        writeln!(page, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
        write!(page, "<meta name=\"color-scheme\" content=\"light dark\">\n<title>{path}</title>\n")?;
        write!(page, "<style>{STYLE}</style>\n</head>\n<body>\n<main>\n")?;
        self.write_way(page)?;
        writeln!(page, "<form id=\"order\"></form>")?;
        write!(page, "<table>\n<thead>\n<tr>")?;
        for column in ListingColumn::ALL {
            self.write_head(page, column)?;
        }
        write!(page, "</tr>\n</thead>\n<tbody>\n")?;
        if self.path != "/" {
            writeln!(page, "<tr class=\"up\"><td><a href=\"../\">..</a></td><td></td><td></td></tr>")?;
        }
        for entry in &self.entries {
            write_row(page, entry)?;
        }
        write!(page, "</tbody>\n</table>\n<p>{}</p>\n</main>\n</body>\n</html>\n", Count(self))
    }

    /// The folders above, each a link.
    fn write_way(&self, page: &mut String) -> fmt::Result {
        let names: Vec<&str> = self.path.split('/').filter(|name| !name.is_empty()).collect();
        write!(page, "<h1>")?;
        for (depth, name) in std::iter::once("home").chain(names.iter().copied()).enumerate() {
            if depth == names.len() {
                write!(page, "<span><bdi>{}</bdi></span>", Escaped(name))?;
            } else {
                let up = "../".repeat(names.len() - depth);
                write!(page, "<a href=\"{up}\"><bdi>{}</bdi></a><i>/</i>", Escaped(name))?;
            }
        }
        writeln!(page, "</h1>")
    }

    fn write_head(&self, page: &mut String, column: ListingColumn) -> fmt::Result {
        let is_current = self.order.by == column;
        let (sorted, mark) = match (is_current, self.order.is_reversed) {
            (false, _) => ("", ""),
            (true, false) => (" aria-sort=\"ascending\"", " ↑"),
            (true, true) => (" aria-sort=\"descending\"", " ↓"),
        };
        let descending = if is_current && !self.order.is_reversed { "-" } else { "" };
        let (key, title) = (column.key(), column.title());
        write!(
            page,
            "<th{sorted}><button form=\"order\" name=\"sort\" value=\"{descending}{key}\">{title}{mark}</button></th>"
        )
    }
}

/// Text alone, without a script or anything from elsewhere, so a page may forbid both. The signs before the names are drawn, since not
/// every machine has letters for them.
const STYLE: &str = "
:root{color-scheme:light dark;--back:#fff;--text:#1c2024;--dim:#667079;--line:#e4e7eb;--link:#0a58ca;--over:#f4f6f8}
@media(prefers-color-scheme:dark){:root{--back:#15181c;--text:#e6e8ea;--dim:#8f98a3;--line:#2a3038;--link:#7db4ff;--over:#1d2228}}
body{margin:0;background:var(--back);color:var(--text);font:15px/1.5 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:2rem 1rem}
h1{font-size:1.25rem;font-weight:600;margin:0 0 1.25rem;overflow-wrap:anywhere}
h1 i{color:var(--dim);font-style:normal;padding:0 .35em}
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}
table{width:100%;border-collapse:collapse}
th{text-align:left;font-weight:500;font-size:.85rem;border-bottom:2px solid var(--line)}
th button{font:inherit;color:var(--dim);background:none;border:0;padding:0;cursor:pointer}th button:hover{text-decoration:underline}
th,td{padding:.4rem .6rem;white-space:nowrap}td{border-bottom:1px solid var(--line)}
td:first-child{width:100%;white-space:normal;overflow-wrap:anywhere}
th:nth-child(2),td:nth-child(2){text-align:right}
td:nth-child(n+2){color:var(--dim);font-variant-numeric:tabular-nums}
tbody tr:hover{background:var(--over)}
td:first-child:before{content:'';display:inline-block;width:.9em;height:1em;margin-right:.6em;vertical-align:-.1em;background:var(--dim);
clip-path:polygon(0 0,62% 0,100% 32%,100% 100%,0 100%)}
.folder td:first-child:before{background:var(--link);clip-path:polygon(0 12%,42% 12%,56% 26%,100% 26%,100% 90%,0 90%)}
.up td:first-child:before{clip-path:polygon(50% 5%,100% 55%,68% 55%,68% 95%,32% 95%,32% 55%,0 55%)}
p{color:var(--dim);font-size:.85rem}
@media(max-width:36rem){th:nth-child(3),td:nth-child(3){display:none}}
";

fn write_row(page: &mut String, entry: &FolderEntry) -> fmt::Result {
    let (class, slash) = if entry.is_folder { (" class=\"folder\"", "/") } else { ("", "") };
    let name = String::from_utf8_lossy(&entry.name);
    let (href, name) = (encode_segment(&entry.name), Escaped(&name));
    // Without `./`, a name with a colon would be taken for a scheme.
    write!(page, "<tr{class}><td><a href=\"./{href}{slash}\"><bdi>{name}{slash}</bdi></a></td><td>")?;
    if !entry.is_folder {
        write!(page, "{}", Size(entry.length))?;
    }
    writeln!(page, "</td><td>{}</td></tr>", date(entry.modified))
}

fn compare(one: &FolderEntry, other: &FolderEntry, order: ListingOrder) -> Ordering {
    let by_column = match order.by {
        ListingColumn::Name => Ordering::Equal,
        ListingColumn::Size => one.length.cmp(&other.length),
        ListingColumn::Modified => one.modified.cmp(&other.modified),
    };
    let by_name = || compare_names(&one.name, &other.name).then_with(|| one.name.cmp(&other.name));
    let ordered = by_column.then_with(by_name);
    // Folders are not measured, so by size they come by name, in their usual order.
    let ordered = if order.by == ListingColumn::Size && one.is_folder && other.is_folder { by_name() } else { ordered };
    let ordered = if order.is_reversed { ordered.reverse() } else { ordered };
    other.is_folder.cmp(&one.is_folder).then(ordered)
}

/// As a person would sort them: whatever their case, and `a9` before `a10`.
fn compare_names(mut one: &[u8], mut other: &[u8]) -> Ordering {
    loop {
        let (Some(first), Some(second)) = (one.first(), other.first()) else { return one.len().cmp(&other.len()) };
        if first.is_ascii_digit() && second.is_ascii_digit() {
            let (number, number_rest) = split_number(one);
            let (against, against_rest) = split_number(other);
            match number.len().cmp(&against.len()).then_with(|| number.cmp(against)) {
                Ordering::Equal => (one, other) = (number_rest, against_rest),
                unequal => return unequal,
            }
        } else {
            match first.to_ascii_lowercase().cmp(&second.to_ascii_lowercase()) {
                Ordering::Equal => (one, other) = (&one[1..], &other[1..]),
                unequal => return unequal,
            }
        }
    }
}

/// The number that a name begins with, without zeros before it, and the rest.
fn split_number(name: &[u8]) -> (&[u8], &[u8]) {
    let digits = name.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let zeros = name[..digits].iter().take_while(|byte| **byte == b'0').count();
    (&name[zeros..digits], &name[digits..])
}

/// `22 Nov 2026 21:57`, of the date as headers tell it.
fn date(time: SystemTime) -> String {
    let whole = date_text(time);
    whole.get(5..22).unwrap_or_default().to_owned()
}

/// A number of bytes, as people tell it.
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut unit = 1;
        for (name, next) in [("B", 1_000), ("kB", 1_000_000), ("MB", 1_000_000_000), ("GB", 1_000_000_000_000)] {
            // Tenths are cut off, not rounded: 999.9 kB are not yet a megabyte.
            if self.0 < next {
                return match (unit, self.0 / unit, self.0 % unit * 10 / unit) {
                    (1, whole, _) => write!(f, "{whole} {name}"),
                    (_, whole, tenth) => write!(f, "{whole}.{tenth} {name}"),
                };
            }
            unit = next;
        }
        write!(f, "{}.{} TB", self.0 / unit, self.0 % unit / (unit / 10))
    }
}

/// How much there is.
struct Count<'a>(&'a Listing);

impl fmt::Display for Count<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = &self.0.entries;
        let folders = entries.iter().filter(|entry| entry.is_folder).count();
        let files = entries.len() - folders;
        let total =
            entries.iter().filter(|entry| !entry.is_folder).fold(0_u64, |sum, entry| sum.saturating_add(entry.length));
        let plural = |count| if count == 1 { "" } else { "s" };
        write!(f, "{folders} folder{}, {files} file{}, {}", plural(folders), plural(files), Size(total))?;
        f.write_str(if self.0.is_cut { ", and more that is not shown" } else { "" })
    }
}

/// Text, as it stands in HTML.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(place) = rest.find(['&', '<', '>', '"', '\'']) {
            f.write_str(&rest[..place])?;
            f.write_str(match rest.as_bytes()[place] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                _ => "&#39;",
            })?;
            rest = &rest[place + 1..];
        }
        f.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn entry(name: &str, length: u64, seconds: u64) -> FolderEntry {
        let modified = UNIX_EPOCH + Duration::from_secs(seconds);
        FolderEntry { name: name.trim_end_matches('/').into(), is_folder: name.ends_with('/'), length, modified }
    }

    fn sorted(names: &[(&str, u64, u64)], query: &str) -> Vec<String> {
        let entries = names.iter().map(|(name, length, seconds)| entry(name, *length, *seconds)).collect();
        let listing = Listing::new("/", entries, ListingOrder::from_query(Some(query)));
        listing.entries.into_iter().map(|entry| String::from_utf8(entry.name).unwrap()).collect()
    }

    #[test]
    fn names_are_sorted_as_a_person_would() {
        let names = ["b", "a10", "A9", "a", "z/", "Z2/", "a09b", "a9a"].map(|name| (name, 0, 0));
        assert_eq!(sorted(&names, ""), ["z", "Z2", "a", "A9", "a9a", "a09b", "a10", "b"]);
        assert_eq!(sorted(&names, "sort=-name"), ["Z2", "z", "b", "a10", "a09b", "a9a", "A9", "a"]);
    }

    #[test]
    fn the_query_tells_the_order() {
        let names = [("a", 3, 1), ("b", 1, 2), ("c", 2, 3), ("d/", 9, 0), ("e/", 8, 9)];
        assert_eq!(sorted(&names, "sort=size"), ["d", "e", "b", "c", "a"]);
        assert_eq!(sorted(&names, "sort=-size"), ["e", "d", "a", "c", "b"]);
        assert_eq!(sorted(&names, "sort=modified"), ["d", "e", "a", "b", "c"]);
        assert_eq!(sorted(&names, "sort=<script>"), ["d", "e", "a", "b", "c"]);
        assert_eq!(ListingOrder::from_query(None), ListingOrder::default());
    }

    #[test]
    fn no_name_becomes_a_part_of_the_page() {
        let nasty = "<img src=x onerror=\"alert('&')\">";
        let listing = Listing::new(&format!("/{nasty}/"), vec![entry(nasty, 0, 0)], ListingOrder::default());
        let page = listing.to_html();
        assert!(!page.contains("<img") && !page.contains("onerror=\""), "{page}");
        assert!(page.contains("&lt;img src=x onerror=&quot;alert(&#39;&amp;&#39;)&quot;&gt;"));
        let page = Listing::new("/", vec![entry("javascript:x", 0, 0)], ListingOrder::default()).to_html();
        assert!(page.contains("href=\"./javascript:x\""));
    }

    #[test]
    fn a_name_that_is_not_utf8_keeps_its_bytes_in_the_link() {
        let name = FolderEntry { name: b"caf\xe9".to_vec(), ..entry("", 0, 0) };
        let page = Listing::new("/", vec![name], ListingOrder::default()).to_html();
        assert!(page.contains("<a href=\"./caf%E9\"><bdi>caf\u{fffd}</bdi></a>"), "{page}");
    }

    #[test]
    fn names_are_isolated_from_the_text_around_them() {
        let page = Listing::new("/\u{5d0}/", vec![entry("\u{202e}txt.exe", 0, 0)], ListingOrder::default()).to_html();
        assert!(
            page.contains("<bdi>\u{202e}txt.exe</bdi>") && page.contains("<span><bdi>\u{5d0}</bdi></span>"),
            "{page}"
        );
    }

    #[test]
    fn another_order_is_a_button_and_not_a_link() {
        let order = ListingOrder { by: ListingColumn::Size, is_reversed: false };
        let page = Listing::new("/", vec![entry("a", 0, 0)], order).to_html();
        assert!(!page.contains("href=\"?"), "{page}");
        assert!(page.contains("<button form=\"order\" name=\"sort\" value=\"-size\">Size ↑</button>"), "{page}");
        assert!(page.contains("<button form=\"order\" name=\"sort\" value=\"name\">Name</button>"), "{page}");
    }

    #[test]
    fn every_folder_above_is_a_link() {
        let page = Listing::new("/one/two/three/", Vec::new(), ListingOrder::default()).to_html();
        assert!(page.contains(
            "<h1><a href=\"../../../\"><bdi>home</bdi></a><i>/</i><a href=\"../../\"><bdi>one</bdi></a><i>/</i>\
             <a href=\"../\"><bdi>two</bdi></a><i>/</i><span><bdi>three</bdi></span></h1>"
        ));
        assert!(page.contains("<a href=\"../\">..</a>"));
        let root = Listing::new("/", Vec::new(), ListingOrder::default()).to_html();
        assert!(root.contains("<h1><span><bdi>home</bdi></span></h1>") && !root.contains("href=\"../\""));
    }

    #[test]
    fn sizes_and_dates_are_told_as_people_do() {
        for (size, told) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (1_550, "1.5 kB"),
            (999_999, "999.9 kB"),
            (1_048_576, "1.0 MB"),
            (5_300_000_000, "5.3 GB"),
            (u64::MAX, "18446744.0 TB"),
        ] {
            assert_eq!(Size(size).to_string(), told);
        }
        assert_eq!(date(UNIX_EPOCH + Duration::from_secs(784_111_777)), "06 Nov 1994 08:49");
    }

    #[test]
    fn the_page_says_how_much_there_is() {
        let entries = vec![entry("a/", 0, 0), entry("b", 1_500, 0), entry("c", 500, 0)];
        let listing = Listing::new("/", entries, ListingOrder::default());
        assert!(listing.to_html().contains("<p>1 folder, 2 files, 2.0 kB</p>"));
        assert!(listing.with_more(true).to_html().contains("2.0 kB, and more that is not shown</p>"));
    }
}
