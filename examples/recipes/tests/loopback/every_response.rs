//! Every response that HTTP can carry means the same behind every client as in its file.

use crate::{
    clients::{Attempt, Client, PATIENT, http1, http2},
    corpus::RESPONSES,
    mobivate::Server,
};

/// HTTP carries a final status of three digits, and no body with 204 and 304. So no 0, which is no
/// response at all, and no 1xx, after which the response is still to come.
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

#[test]
fn chunked() {
    agree(http1(PATIENT), "chunked");
}

#[test]
fn http_2() {
    agree(http2(PATIENT), "content-length");
}

/// The same status and bytes, so that they are the same to `SendOutcome` and to `BatchOutcome`.
fn agree<const N: usize>(clients: [Client; N], manner: &str) {
    let server = Server::mobivate();
    for mut client in clients {
        let mut carried = 0;
        for (name, status, body) in RESPONSES.iter() {
            if http_carries(*status, body) {
                carried += 1;
                let sent = client.send(&server.url(name, manner));
                let expected =
                    Attempt::Response { status: *status, body: body.clone(), retry_after: None };
                assert_eq!(sent, expected, "{}, {name}", client.name);
            }
        }
        assert!(carried > 10, "{carried} of {} responses", RESPONSES.len());
    }
}
