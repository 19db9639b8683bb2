//! Requests that a hook hands on, once it has waited.

use super::handler::{Handler, When};
use super::request::OwnedRequest;
use super::response::Response;

impl OwnedRequest {
    /// Has `handler` answer it: for a hook around a handler that takes a request, waits for something, and then lets the request through. The
    /// handler gets it as it came, with the body if that was not read meanwhile.
    ///
    /// How long the body may be was settled when the hook had taken it: a handler that lets it be longer than
    /// [`Limits::body`](super::Limits::body), for uploads say, has a hook that does so first. A [user](Self::set_user) that is found out so late does
    /// not stand in the access log.
    ///
    /// ```
    /// use lariat::Failure;
    /// use lariat_protocols::http::{Answer, Handler, OwnedRequest, Request, Response, Status};
    /// use std::rc::Rc;
    ///
    /// /// Asks a database, which takes its time.
    /// async fn user_of(request: &OwnedRequest) -> Result<Option<String>, Failure> {
    ///     let token = request.head().headers().cookie("session").unwrap_or_default().to_owned();
    ///     request.reactor().defer_to_thread(move || (token == "8f3a").then(|| "Ada".to_owned())).await
    /// }
    ///
    /// fn members_only<Kind: 'static>(handler: impl Handler<Kind>) -> impl Fn(&mut Request<'_>) -> Answer {
    ///     let handler = Rc::new(handler);
    ///     move |request| {
    ///         let (mut request, handler) = (request.take(), handler.clone());
    ///         Answer::later(async move {
    ///             match user_of(&request).await? {
    ///                 Some(user) => {
    ///                     request.set_user(&user);
    ///                     Ok::<_, Failure>(request.hand_to(&*handler).await)
    ///                 }
    ///                 None => Ok(Response::error(Status::FORBIDDEN)),
    ///             }
    ///         })
    ///     }
    /// }
    /// # #[cfg(feature = "testing")] {
    /// # use lariat_protocols::http::testing::{TestClient, TestRequest};
    /// # let handler = |request: &mut Request<'_>| format!("hello {}", request.user().unwrap_or("you"));
    /// # let mut client = TestClient::new(members_only(handler));
    /// # assert_eq!(client.get("/").status(), Status::FORBIDDEN);
    /// # assert_eq!(client.send(TestRequest::get("/").with_header("Cookie", "session=8f3a")).text(), "hello Ada");
    /// # }
    /// ```
    pub async fn hand_to<Kind>(self, handler: &impl Handler<Kind>) -> Response {
        let answer = self.show(|request| handler.handle(request));
        match answer.0 {
            When::Now(response) => response,
            When::Later(response) => response.await,
        }
    }
}
