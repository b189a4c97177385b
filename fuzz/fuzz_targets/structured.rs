//! Responses by a model.

#![no_main]

#[path = "../../tests/support/structured.rs"]
mod structured;
#[path = "../../tests/support/mod.rs"]
mod support;

use libfuzzer_sys::fuzz_target;
use structured::Response;
use support::assert_invariants;

fuzz_target!(|response: Response<'_>| {
    assert_invariants(response.status(), response.body().as_bytes());
});
