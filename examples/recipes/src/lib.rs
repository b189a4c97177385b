//! The recipes are files to copy. Each one begins with the crates and the other files that it needs.
//!
//! | to | copy |
//! |---|---|
//! | send | [`response`] and [`mod@ureq`], [`mod@reqwest`], [`mod@hyper`], or [`mod@curl`] |
//! | run a campaign that survives crashes | [`outbox`], [`sender`], and the files that they use |
//! | receive receipts and incoming messages | [`receipts`], [`webhook_axum`] |
//! | look up messages and import opt-outs | [`message_log`], [`opt_out_list`] |
//!
//! Only the examples in the docs name this crate, `recipes`.

pub mod curl;
pub mod hyper;
pub mod message_log;
pub mod opt_out_list;
pub mod outbox;
pub mod receipts;
pub mod reqwest;
pub mod response;
pub mod sender;
pub mod ureq;
pub mod webhook_axum;
