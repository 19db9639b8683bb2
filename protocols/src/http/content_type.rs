//! What a file is, by its name.

/// The media type for a file of this name (RFC 9110, section 8.3), by the name's extension: `application/octet-stream` if it tells nothing.
///
/// What is text is said to be in UTF-8.
///
/// ```
/// use lariat_protocols::http::content_type_of;
///
/// assert_eq!(content_type_of(b"index.html"), "text/html; charset=utf-8");
/// assert_eq!(content_type_of(b"photo.JPG"), "image/jpeg");
/// assert_eq!(content_type_of(b"LICENSE"), "application/octet-stream");
/// ```
pub fn content_type_of(name: &[u8]) -> &'static str {
    const UNKNOWN: &str = "application/octet-stream";
    let Some(dot) = memchr::memrchr(b'.', name) else { return UNKNOWN };
    let Ok(extension) = std::str::from_utf8(&name[dot + 1..]) else { return UNKNOWN };
    if extension.contains('/') {
        return UNKNOWN;
    }
    TEXTS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(extension))
        .map(|(_, content_type)| *content_type)
        .or_else(|| mime_guess::from_ext(extension).first_raw())
        .unwrap_or(UNKNOWN)
}

/// Those that need a charset, or that the table of all types tells otherwise than is usual on the web; the commonest first.
const TEXTS: &[(&str, &str)] = &[
    ("html", "text/html; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("txt", "text/plain; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("htm", "text/html; charset=utf-8"),
    ("md", "text/markdown; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("log", "text/plain; charset=utf-8"),
    ("toml", "text/plain; charset=utf-8"),
    ("rs", "text/plain; charset=utf-8"),
    ("py", "text/plain; charset=utf-8"),
    ("c", "text/plain; charset=utf-8"),
    ("h", "text/plain; charset=utf-8"),
    ("sh", "text/plain; charset=utf-8"),
    ("yaml", "text/plain; charset=utf-8"),
    ("yml", "text/plain; charset=utf-8"),
    ("xml", "text/xml; charset=utf-8"),
    ("ics", "text/calendar; charset=utf-8"),
    ("vtt", "text/vtt; charset=utf-8"),
];

/// Is it worth compressing content of this type? What is text in one way or another is; pictures, sound, films and archives are compressed
/// already.
///
/// ```
/// use lariat_protocols::http::is_compressible;
///
/// assert!(is_compressible("text/html; charset=utf-8"));
/// assert!(is_compressible("application/problem+json"));
/// assert!(!is_compressible("image/png"));
/// ```
pub fn is_compressible(content_type: &str) -> bool {
    const TYPES: [&str; 13] = [
        "application/ecmascript",
        "application/javascript",
        "application/json",
        "application/manifest",
        "application/rtf",
        "application/vnd.ms-fontobject",
        "application/wasm",
        "application/x-javascript",
        "application/x-sh",
        "application/xml",
        "image/bmp",
        "image/vnd.microsoft.icon",
        "image/x-icon",
    ];
    const SUFFIXES: [&str; 4] = ["+json", "+xml", "+text", "/xml-dtd"];
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let ends_in = |suffix: &str| {
        let from = essence.len().checked_sub(suffix.len());
        from.and_then(|from| essence.get(from..)).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
    };
    let is_text = essence.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("text/"));
    let is_plain_font =
        ["font/ttf", "font/otf", "font/collection"].iter().any(|font| font.eq_ignore_ascii_case(essence));
    is_text
        || is_plain_font
        || SUFFIXES.iter().any(|suffix| ends_in(suffix))
        || TYPES.iter().any(|known| known.eq_ignore_ascii_case(essence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_files_of_the_web_have_their_types() {
        for (name, content_type) in [
            ("a/b.css", "text/css; charset=utf-8"),
            ("app.js", "text/javascript; charset=utf-8"),
            ("module.mjs", "text/javascript; charset=utf-8"),
            ("data.json", "application/json"),
            ("picture.svg", "image/svg+xml"),
            ("picture.webp", "image/webp"),
            ("picture.avif", "image/avif"),
            ("favicon.ico", "image/x-icon"),
            ("font.woff2", "font/woff2"),
            ("code.wasm", "application/wasm"),
            ("film.mp4", "video/mp4"),
            ("paper.pdf", "application/pdf"),
            ("archive.tar.gz", "application/gzip"),
            ("site.webmanifest", "application/manifest+json"),
            ("README", "application/octet-stream"),
            ("a.b/README", "application/octet-stream"),
            ("x.thereisnosuchthing", "application/octet-stream"),
            ("x.", "application/octet-stream"),
        ] {
            assert_eq!(content_type_of(name.as_bytes()), content_type, "{name}");
        }
        assert_eq!(content_type_of(b"x.\xff"), "application/octet-stream");
    }

    #[test]
    fn every_text_says_its_charset_in_the_own_table() {
        assert!(TEXTS.iter().all(|(_, content_type)| content_type.ends_with("; charset=utf-8")));
    }

    #[test]
    fn what_is_compressed_already_is_left_alone() {
        for content_type in [
            "text/plain",
            "TEXT/CSS",
            "application/json",
            "application/json; charset=utf-8",
            "image/svg+xml",
            "application/ld+json",
            "application/wasm",
            "font/ttf",
            "image/x-icon",
            "text/event-stream",
        ] {
            assert!(is_compressible(content_type), "{content_type}");
        }
        for content_type in [
            "image/png",
            "image/jpeg",
            "video/mp4",
            "audio/mpeg",
            "font/woff2",
            "application/gzip",
            "application/zip",
            "application/octet-stream",
            "application/pdf",
            "",
            "textual/x",
        ] {
            assert!(!is_compressible(content_type), "{content_type}");
        }
    }
}
