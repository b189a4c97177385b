//! The recipes are files to copy. Each one begins with the crates and the other files that it needs.
//!
//! | to | copy |
//! |---|---|
//! | send | [`response`] and [`mod@ureq`], [`mod@reqwest`], [`mod@hyper`], or [`mod@curl`] |
//!
//! Only the examples in the docs name this crate, `recipes`.

pub mod curl;
pub mod hyper;
pub mod reqwest;
pub mod response;
pub mod ureq;
