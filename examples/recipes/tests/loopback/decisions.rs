//! The recipes that go on from a response.

use mobivate_response::{Failure, SendOutcome};
use recipes::{errors, queue};

use crate::mobivate::file;

#[test]
fn a_failure_passes_through_anyhow_and_a_box() {
    let id = |response| {
        let (status, body) = file(response);
        errors::id(status, body)
    };
    assert!(!id("observed/200-proxied-echo").unwrap().is_empty());
    let error = id("documented/403-opted-out-masked").unwrap_err();
    assert!(errors::is_opted_out(&error));
    assert!(!errors::is_opted_out(&id("documented/401-unauthorized").unwrap_err()));
    let told = format!("{error:#}");
    assert!(told.starts_with("the message was not accepted: opted out (403): "), "{told}");

    let (status, body) = file("documented/401-unauthorized");
    let error = errors::boxed_id(status, body).unwrap_err();
    assert_eq!(error.downcast_ref::<Failure>().unwrap().code, 401);
}

#[test]
fn outcomes_pass_through_a_queue() {
    let responses =
        ["observed/200-proxied-echo", "inferred/403-opted-out", "inferred/502-html-page"];
    let settled = responses.map(|response| {
        let (status, body) = file(response);
        queue::Settled { reference: response.into(), outcome: SendOutcome::decode(status, body) }
    });
    let mut lines = Vec::new();
    for settled in &settled {
        queue::push(&mut lines, settled).unwrap();
    }
    assert_eq!(queue::drain(&*lines).collect::<Result<Vec<_>, _>>().unwrap(), settled);
}
