//! Replies by a model.

#![no_main]

#[path = "../../tests/support/structured.rs"]
mod structured;
#[path = "../../tests/support/mod.rs"]
mod support;

use libfuzzer_sys::fuzz_target;
use structured::Reply;
use support::assert_laws;

fuzz_target!(|reply: Reply<'_>| {
    assert_laws(reply.status(), reply.body().as_bytes());
});
