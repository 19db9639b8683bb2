//! Forms that come with requests.

use lariat_protocols::http::{FormError, FormLimits, Limits, Request, Router, Server};

use crate::site::{Answer, Client};

fn client(limits: FormLimits) -> Client {
    let mut router = Router::new();
    router.post("/form", move |request: &mut Request<'_>| {
        let form = request.form(limits);
        async move {
            let form = form.await?;
            let fields: Vec<_> = form.fields().map(|(name, value)| format!("{name}={value}")).collect();
            let uploads: Vec<_> = form
                .into_uploads()
                .into_iter()
                .map(|upload| {
                    let (name, on_disk) = (upload.file_name().to_owned(), upload.is_on_disk());
                    let content = upload.into_bytes().map_err(FormError::Storage)?;
                    Ok::<_, FormError>(format!(
                        "{name}: {} {}",
                        content.len(),
                        if on_disk { "on disk" } else { "in memory" }
                    ))
                })
                .collect::<Result<_, _>>()?;
            Ok::<_, FormError>([fields, uploads].concat().join("; "))
        }
    });
    router.get("/search", |request: &mut Request<'_>| {
        let form = request.query_form(&FormLimits::default())?;
        Ok::<_, FormError>(form.get("q").unwrap_or("nothing").to_owned())
    });
    // What a form may have in all is its own limit.
    Client::of_server(Server::new(router).with_limits(Limits { body: 10, ..Limits::default() }))
}

fn post(client: &mut Client, content_type: &str, body: &[u8]) -> Answer {
    client.send("POST", "/form", &[("Content-Type", content_type)], body)
}

const URLENCODED: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data; boundary=xyz";

fn part(disposition: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("--xyz\r\nContent-Disposition: form-data; {disposition}\r\n\r\n");
    [head.as_bytes(), content, b"\r\n"].concat()
}

#[test]
fn both_kinds_of_forms_are_read() {
    let mut client = client(FormLimits { in_memory: 100, ..FormLimits::uploads() });
    assert_eq!(post(&mut client, URLENCODED, b"a=1&b=two+words").text(), "a=1; b=two words");
    let body = [
        part("name=a", b"1"),
        part("name=f; filename=\"small.txt\"", &[b'x'; 100]),
        part("name=g; filename=\"large.bin\"", &[b'x'; 200_000]),
        b"--xyz--\r\n".to_vec(),
    ];
    let answer = post(&mut client, MULTIPART, &body.concat());
    assert_eq!(answer.text(), "a=1; small.txt: 100 in memory; large.bin: 200000 on disk");
    assert!(client.is_open());
}

#[test]
fn what_is_no_form_is_refused_with_its_status() {
    let mut client = client(FormLimits::default());
    assert_eq!(post(&mut client, "text/plain", b"a=1").status, 415);
    assert_eq!(post(&mut client, "multipart/form-data", b"a=1").status, 400);
    assert_eq!(post(&mut client, MULTIPART, b"a=1").status, 400);
    assert_eq!(client.send("POST", "/form", &[], b"a=1").status, 415);
    assert!(client.is_open());
}

#[test]
fn a_file_name_has_no_line_break_in_it() {
    let mut client = client(FormLimits::uploads());
    for name in ["a\rSet-Cookie: b", "a\nSet-Cookie: b", "a\r\nSet-Cookie: b", "a\0b", "a\\\rb"] {
        let body = [part(&format!("name=f; filename=\"{name}\""), b"x"), b"--xyz--\r\n".to_vec()].concat();
        assert_eq!(post(&mut client, MULTIPART, &body).status, 400, "{name:?}");
    }
}

#[test]
fn a_form_has_no_files_unless_they_are_asked_for() {
    let mut client = client(FormLimits::default());
    let body = [part("name=f; filename=x", b"x"), b"--xyz--\r\n".to_vec()].concat();
    assert_eq!(post(&mut client, MULTIPART, &body).status, 413);
    assert_eq!(post(&mut client, URLENCODED, &vec![b'x'; 256 * 1024 + 1]).status, 413);
}

#[test]
fn what_is_beyond_a_limit_is_refused() {
    let mut client = client(FormLimits { fields: 2, text: 20, ..FormLimits::default() });
    assert_eq!(post(&mut client, URLENCODED, b"a=1&b=2&c=3").status, 413);
    assert_eq!(post(&mut client, URLENCODED, &[b'x'; 21]).status, 413);
    assert_eq!(post(&mut client, MULTIPART, &part("name=a", &[b'x'; 20])).status, 413);
}

#[test]
fn a_body_longer_than_all_of_a_form_may_be_is_refused_at_once() {
    let mut client = client(FormLimits { total: 1_000, ..FormLimits::default() });
    assert_eq!(post(&mut client, URLENCODED, &[b'x'; 1_001]).status, 413);
}

#[test]
fn a_query_is_a_form_too() {
    let mut client = client(FormLimits::default());
    assert_eq!(client.get("/search?q=rope+%26+loop").text(), "rope & loop");
    assert_eq!(client.get("/search").text(), "nothing");
    let many = format!("/search?{}", "a&".repeat(1_001));
    assert_eq!(client.get(&many).status, 413);
}
