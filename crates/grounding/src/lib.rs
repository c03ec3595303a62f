//! What makes a model's answer trustworthy, without a model and without I/O.
//!
//! In the order a turn meets it: [`follow_up`] makes a question stand alone; [`masking`] hides personal data from the
//! provider; [`prompt`] puts passages, history and question into the model's window, as data; [`citations`] checks
//! what the model writes while it writes, and [`quotes`] finds what its sources say.
//!
//! **Invariant:** everything here is a function of its arguments. Nothing is random: a boundary is given.

pub mod citations;
pub mod follow_up;
pub mod masking;
pub mod prompt;
pub mod quotes;

/// A passage that was found; its number for a model is its place, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passage<'a> {
    pub title: &'a str,
    /// The headings above it, outermost first.
    pub heading: &'a [String],
    pub text: &'a str,
    pub url: Option<&'a str>,
}
