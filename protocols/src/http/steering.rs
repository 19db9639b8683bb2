//! How the ends of bodies that users hold tell the connection what happens there.

/// Reaches the connection's protocol, later, from the loop.
pub(super) trait Steering {
    /// The response that is being sent has come to its end; if not `whole`, only to that of its writer.
    fn response_ended(&self, whole: bool);

    /// Whoever reads the request's body wants more of it.
    fn body_wanted(&self);
}
