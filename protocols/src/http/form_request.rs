//! Forms that come with requests.

use std::future::Future;

use super::form::{Form, FormCollector};
use super::form_error::FormError;
use super::form_limits::FormLimits;
use super::request::Request;
use super::request_body::RequestBody;
use super::response::{IntoResponse, Response};
use super::temporary_files::TemporaryFiles;

impl Request<'_> {
    /// Reads the form that the body is, of type `application/x-www-form-urlencoded` or `multipart/form-data`, and lets the body be as long as
    /// [`FormLimits::total`] allows. The body is taken by it. Files are refused unless the limits allow some: see [`FormLimits::uploads`]. Those
    /// beyond [`FormLimits::in_memory`] go to disk as they come, into the process's [`TemporaryFiles`].
    ///
    /// ```
    /// use lariat_protocols::http::{FormError, FormLimits, Request, Router};
    ///
    /// let mut router = Router::new();
    /// router.post("/photos", |request: &mut Request<'_>| {
    ///     let form = request.form(FormLimits::uploads());
    ///     async move {
    ///         let form = form.await?;
    ///         Ok::<_, FormError>(format!("{} photos of {}\n", form.uploads().len(), form.get("place").unwrap_or("nowhere")))
    ///     }
    /// });
    /// ```
    ///
    /// # Errors
    ///
    /// The future gives a [`FormError`], which is [a response](IntoResponse) too: the body is no form, is malformed, or beyond a limit.
    #[doc(alias = "args")]
    pub fn form(&mut self, limits: FormLimits) -> impl Future<Output = Result<Form, FormError>> + use<> {
        self.form_in(limits, &TemporaryFiles::shared())
    }

    /// Reads a form as [`form`](Self::form) does, with its files in another place than the process's.
    ///
    /// # Errors
    ///
    /// The future gives a [`FormError`], as that of [`form`](Self::form) does.
    pub fn form_in(
        &mut self,
        limits: FormLimits,
        files: &TemporaryFiles,
    ) -> impl Future<Output = Result<Form, FormError>> + use<> {
        let collector = FormCollector::new(self.header("Content-Type"), limits);
        let collector = collector.map(|collector| collector.with_files(files.clone()));
        self.set_body_limit(limits.total);
        let body = self.body();
        async move { collect(collector?, body).await }
    }

    /// The query of the URL as a form. Without a query it is empty.
    ///
    /// # Errors
    ///
    /// When it is beyond a limit.
    pub fn query_form(&self, limits: &FormLimits) -> Result<Form, FormError> {
        Form::parse_urlencoded(self.query().unwrap_or_default().as_bytes(), limits)
    }
}

async fn collect(mut collector: FormCollector, mut body: RequestBody) -> Result<Form, FormError> {
    while let Some(piece) = body.next().await {
        collector.push(&piece?)?;
    }
    collector.finish()
}

/// What was wrong with the form: the status that belongs to it. If it could not be kept, the log tells why; the client does not learn it.
impl IntoResponse for FormError {
    fn into_response(self) -> Response {
        if let Self::Storage(error) = &self {
            super::logging::log_failure(format_args!("a form cannot be kept: {error}"));
        }
        Response::error(self.status())
    }
}
