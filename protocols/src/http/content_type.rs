//! What a file is, by its name.

/// The media type for a file of this name (RFC 9110, section 8.3), by the name's extension: `application/octet-stream` if it has none, or an
/// unknown one.
///
/// The charset of text is given as UTF-8.
///
/// ```
/// use lariat_protocols::http::content_type_of;
///
/// assert_eq!(content_type_of(b"index.html"), "text/html; charset=utf-8");
/// assert_eq!(content_type_of(b"photo.JPG"), "image/jpeg");
/// assert_eq!(content_type_of(b"LICENSE"), "application/octet-stream");
/// ```
pub fn content_type_of(name: &[u8]) -> &'static str {
    let Some(extension) = extension_of(name) else { return UNKNOWN };
    let Ok(extension) = std::str::from_utf8(extension) else { return UNKNOWN };
    OVERRIDES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(extension))
        .map(|(_, content_type)| *content_type)
        .or_else(|| mime_guess::from_ext(extension).first_raw())
        .unwrap_or(UNKNOWN)
}

/// The media type for a file of this name whose content begins with what `read` gives. `read` is called for two kinds of names only:
/// without an extension (`README`, `LICENSE`), where text is recognised by its bytes; and `.ts`, which is TypeScript or an MPEG transport
/// stream.
pub(super) fn content_type_by_content(name: &[u8], read: impl Fn() -> Vec<u8>) -> &'static str {
    match extension_of(name) {
        None if is_text(&read()) => PLAIN_TEXT,
        Some(extension) if extension.eq_ignore_ascii_case(b"ts") && is_transport_stream(&read()) => "video/mp2t",
        _ => content_type_of(name),
    }
}

/// The part of a file's name after its last dot. A dot at the beginning begins no extension.
fn extension_of(name: &[u8]) -> Option<&[u8]> {
    let name = name.rsplit(|byte| *byte == b'/').next()?;
    memchr::memrchr(b'.', name).filter(|dot| *dot > 0).and_then(|dot| name.get(dot + 1..))
}

/// Returns whether this is the beginning of text in UTF-8: without control characters that text does not have. An empty file is text.
fn is_text(start: &[u8]) -> bool {
    let is_binary = |byte: &u8| matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f);
    let is_utf8 = match std::str::from_utf8(start) {
        Ok(_) => true,
        // The last character may be cut.
        Err(error) => error.error_len().is_none(),
    };
    is_utf8 && !start.iter().any(is_binary)
}

/// Returns whether packets of 188 bytes begin with the synchronization byte (ISO/IEC 13818-1, section 2.4.3.2).
fn is_transport_stream(start: &[u8]) -> bool {
    start.len() >= 188 && start.iter().step_by(188).all(|byte| *byte == b'G')
}

const UNKNOWN: &str = "application/octet-stream";

const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

/// The types that need a charset, or that differ from the table of all types; the most common first.
const OVERRIDES: &[(&str, &str)] = &[
    ("html", "text/html; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("txt", PLAIN_TEXT),
    ("mjs", "text/javascript; charset=utf-8"),
    ("map", "application/json"),
    ("htm", "text/html; charset=utf-8"),
    ("md", "text/markdown; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("ts", "text/typescript; charset=utf-8"),
    ("mts", "text/typescript; charset=utf-8"),
    ("cts", "text/typescript; charset=utf-8"),
    ("tsx", "text/typescript; charset=utf-8"),
    ("jsx", "text/javascript; charset=utf-8"),
    ("log", PLAIN_TEXT),
    ("toml", PLAIN_TEXT),
    ("rs", PLAIN_TEXT),
    ("py", PLAIN_TEXT),
    ("c", PLAIN_TEXT),
    ("h", PLAIN_TEXT),
    ("sh", PLAIN_TEXT),
    ("yaml", PLAIN_TEXT),
    ("yml", PLAIN_TEXT),
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
            ("app.js.map", "application/json"),
            ("app.ts", "text/typescript; charset=utf-8"),
            ("app.tsx", "text/typescript; charset=utf-8"),
            (".profile", "application/octet-stream"),
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
    fn every_text_in_the_table_has_its_charset() {
        for (extension, content_type) in OVERRIDES {
            assert_eq!(content_type.starts_with("text/"), content_type.ends_with("; charset=utf-8"), "{extension}");
        }
    }

    #[test]
    fn a_name_that_tells_nothing_has_its_type_by_its_content() {
        let transport_stream = [b'G'].iter().chain(&[0; 187]).copied().cycle().take(500).collect::<Vec<_>>();
        for (name, content, content_type) in [
            ("README", "text\n\u{e9}".as_bytes(), PLAIN_TEXT),
            ("a.b/LICENSE", &"\u{e9}".as_bytes()[..1], PLAIN_TEXT),
            ("empty", &b""[..], PLAIN_TEXT),
            ("program", &b"\x7fELF\x02\x01\x01\0"[..], UNKNOWN),
            ("latin", &b"caf\xe9 au lait"[..], UNKNOWN),
            ("page", &b"<html><script>"[..], PLAIN_TEXT),
            ("part.ts", &transport_stream[..], "video/mp2t"),
            ("app.ts", &b"Great(188)"[..], "text/typescript; charset=utf-8"),
            ("x.unknown", &b"text"[..], UNKNOWN),
        ] {
            assert_eq!(content_type_by_content(name.as_bytes(), || content.to_vec()), content_type, "{name}");
        }
        assert_eq!(content_type_by_content(b"a.css", || panic!("the name tells all")), "text/css; charset=utf-8");
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
