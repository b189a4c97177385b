//! What the fuzzers found worth keeping, under the invariants.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::{fs, path::Path};

use arbitrary::{Arbitrary as _, Unstructured};
use structured::Response;
use support::assert_invariants;

#[path = "support/noise.rs"]
mod noise;
#[path = "support/structured.rs"]
mod structured;
mod support;

#[test]
fn decode() {
    each_input("decode", |input| {
        let (status, body) = noise::response(input);
        assert_invariants(status, body);
    });
}

#[test]
fn structured() {
    each_input("structured", |input| {
        let response = Response::arbitrary_take_rest(Unstructured::new(input)).unwrap();
        assert_invariants(response.status(), response.body().as_bytes());
    });
}

fn each_input(target: &str, assert: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut inputs = 0;
    for entry in fs::read_dir(folder).unwrap() {
        assert(&fs::read(entry.unwrap().path()).unwrap());
        inputs += 1;
    }
    assert!(
        (1..=110).contains(&inputs),
        "{inputs} inputs for {target}: a few, or nobody reads them"
    );
}
