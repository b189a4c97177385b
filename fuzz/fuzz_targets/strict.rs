//! The same bytes, held against `serde_json::Value` alone.

#![no_main]

#[path = "../../tests/support/alike.rs"]
mod alike;
#[path = "../../tests/support/noise.rs"]
mod noise;
#[path = "../../tests/support/strict.rs"]
mod strict;

use alike::assert_read_alike;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (status, body) = noise::reply(input);
    assert_read_alike(status, body);
});
