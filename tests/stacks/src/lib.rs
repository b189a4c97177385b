//! `mobivate-response` behind real HTTP clients: the recipes, each a file to copy from.
//!
//! A stack's recipe ends in one of three ways:
//!
//! - a reply came, with or without its whole body: what `SendOutcome::decode` says of it;
//! - the request was sent, or may have been, and no reply came: `SendOutcome::no_response`;
//! - the request certainly never left: the client's own error, and resending is safe.

pub mod errors;
pub mod hyper;
pub mod queue;
pub mod reqwest_async;
pub mod reqwest_blocking;
pub mod ureq;
