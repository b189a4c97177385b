//! Any bytes: a reply file is read as one, noise as a status and a body.

#![no_main]

#[path = "../../tests/support/reply_file.rs"]
mod reply_file;
#[path = "../../tests/support/mod.rs"]
mod support;

use libfuzzer_sys::fuzz_target;
use reply_file::parse;
use support::assert_laws;

fuzz_target!(|input: &[u8]| {
    let (status, body) = match (parse(input), input) {
        (Some(reply), _) => reply,
        (None, [high, low, body @ ..]) => (u16::from_be_bytes([*high, *low]), body),
        (None, body) => (200, body),
    };
    assert_laws(status, body);
});
