//! Every reply that HTTP can carry means the same behind every client as in its file.

use mobivate_response::{BatchOutcome, SendOutcome};
use stacks::reqwest_blocking;

use crate::{
    corpus::{REPLIES, parse},
    mobivate::Server,
    stacks::{JSON, PATIENT, Stack, http1, http2},
};

/// HTTP carries a final status of three digits, and no body with 204 and 304. So no 0, which is no
/// response at all, and no 1xx, after which the reply is still to come.
fn http_carries(status: u16, body: &[u8]) -> bool {
    match status {
        204 | 304 => body.is_empty(),
        200..=999 => true,
        _ => false,
    }
}

#[test]
fn content_length() {
    agree(http1(PATIENT), "content-length");
}

/// A batch takes the same way, to another `decode`.
#[test]
fn batches() {
    let server = Server::mobivate();
    let client = reqwest_blocking::client(PATIENT).unwrap();
    for (name, file) in REPLIES {
        let (status, body) = parse(file).unwrap();
        if http_carries(status, body) {
            let reply = client.post(server.url(name, "content-length")).body(JSON).send().unwrap();
            let (status, bytes) = (reply.status().as_u16(), reply.bytes().unwrap());
            let outcome = BatchOutcome::decode(status, &bytes);
            assert_eq!(outcome, BatchOutcome::decode(status, body), "{name}");
        }
    }
}

#[test]
fn chunked() {
    agree(http1(PATIENT), "chunked");
}

#[test]
fn http_2() {
    agree(http2(PATIENT), "content-length");
}

fn agree<const N: usize>(stacks: [Stack; N], manner: &str) {
    let server = Server::mobivate();
    for mut stack in stacks {
        let (mut carried, mut left_out) = (0, Vec::new());
        for (name, file) in REPLIES {
            let (status, body) = parse(file).unwrap();
            if !http_carries(status, body) {
                left_out.push(*name);
                continue;
            }
            carried += 1;
            let outcome = stack.send(&server.url(name, manner)).unwrap();
            assert_eq!(outcome, SendOutcome::decode(status, body), "{}, {name}", stack.name);
        }
        assert!(carried > 400, "{carried} of {} replies", REPLIES.len());
        println!("{}, {manner}: {carried} replies; not {left_out:?}", stack.name);
    }
}
