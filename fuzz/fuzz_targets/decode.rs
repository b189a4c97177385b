//! Any bytes: a response file is read as one, noise as a status and a body.

#![no_main]

#[path = "../../tests/support/noise.rs"]
mod noise;
#[path = "../../tests/support/mod.rs"]
mod support;

use libfuzzer_sys::fuzz_target;
use support::assert_invariants;

fuzz_target!(|input: &[u8]| {
    let (status, body) = noise::response(input);
    assert_invariants(status, body);
});
