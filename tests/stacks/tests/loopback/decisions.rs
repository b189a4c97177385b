//! The recipes that begin where an outcome is there.

use mobivate_response::{Failure, SendOutcome};
use stacks::{
    campaign::{Campaign, Next, Sent},
    errors, queue, reqwest_async,
};

use crate::{
    mobivate::{Server, file},
    stacks::{JSON, PATIENT},
};

#[test]
fn a_campaign_decides_on_every_outcome() {
    let mut campaign = Campaign::default();
    let mut settle = |reference, reply: &str| {
        let (status, body) = file(reply);
        let sent = Sent { reference, recipient: "+44 7700 900123" };
        campaign.settle(sent, &SendOutcome::decode(status, body))
    };
    assert_eq!(settle("accepted", "observed/200-vortex-single"), Next::GoOn);
    assert_eq!(settle("opted out", "documented/403-opted-out-masked"), Next::GoOn);
    assert_eq!(settle("invalid", "documented/400-invalid-format"), Next::GoOn);
    assert_eq!(settle("too fast", "inferred/429-slow-down"), Next::Pause);
    assert_eq!(settle("forbidden", "inferred/403-permission-create"), Next::GoOn);
    assert_eq!(settle("accepted in between", "observed/200-proxied-echo"), Next::GoOn);
    assert_eq!(settle("unauthorized", "documented/401-unauthorized"), Next::GoOn);
    assert_eq!(settle("no credit", "inferred/402-out-of-credit"), Next::GoOn);
    assert_eq!(settle("third in a row", "inferred/402-out-of-credit"), Next::Stop);
    assert_eq!(settle("failed", "inferred/500-with-record-id"), Next::Pause);
    let sent = Sent { reference: "no answer", recipient: "447700900124" };
    assert_eq!(campaign.settle(sent, &SendOutcome::no_response("timed out")), Next::Pause);

    assert!(campaign.accepted.keys().eq(["accepted", "accepted in between"]));
    assert!(campaign.accepted.values().all(|id| !id.is_empty()));
    assert!(campaign.suppressed.iter().eq(["+44 7700 900123"]));
    assert!(campaign.later.iter().eq(["too fast"]));
    let to_mend = ["forbidden", "invalid", "no credit", "third in a row", "unauthorized"];
    assert!(campaign.to_mend.keys().eq(to_mend));
    assert!(campaign.unknown.keys().eq(["failed", "no answer"]));
    assert!(campaign.unknown["failed"].is_some() && campaign.unknown["no answer"].is_none());
}

#[test]
fn a_campaign_notices_when_a_refusal_names_another_number() {
    let mut campaign = Campaign::default();
    let refusal = br#"{"code":403,"message":"Recipient is opted out: 447700900123"}"#;
    for (reference, recipient) in [("same", "+447700900123"), ("another", "+447700900124")] {
        let sent = Sent { reference, recipient };
        assert_eq!(campaign.settle(sent, &SendOutcome::decode(403, refusal)), Next::GoOn);
    }
    assert!(campaign.suppressed.iter().eq(["+447700900123", "+447700900124"]));
    assert!(campaign.named_another.iter().eq(["another"]));
}

#[test]
fn a_failure_passes_through_anyhow_and_a_box() {
    let server = Server::mobivate();
    let client = reqwest_async::client(PATIENT).unwrap();
    let id = |reply: &str| {
        let request = client.post(server.url(reply, "content-length")).body(JSON);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(errors::id(request))
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
    let replies = ["observed/200-proxied-echo", "inferred/403-opted-out", "inferred/502-html-page"];
    let settled = replies.map(|reply| {
        let (status, body) = file(reply);
        queue::Settled { reference: reply.into(), outcome: SendOutcome::decode(status, body) }
    });
    let mut lines = Vec::new();
    for settled in &settled {
        queue::push(&mut lines, settled).unwrap();
    }
    assert_eq!(queue::drain(&*lines).collect::<Result<Vec<_>, _>>().unwrap(), settled);
}
