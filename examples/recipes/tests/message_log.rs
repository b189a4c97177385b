//! What a page of records says moves on what is in doubt, and what it does not say moves nothing.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use mobivate_response::{DeliveryStatus, FailureKind, SendOutcome};
use recipes::{
    message_log::{self, Page},
    outbox_sqlite::{Outbox, State},
};

/// Two texts that got no response, and one that is being sent.
fn outbox() -> Outbox {
    let mut outbox = Outbox::open(":memory:").unwrap();
    for (reference, recipient) in
        [("r-1", "447700900101"), ("r-2", "447700900102"), ("r-3", "447700900103")]
    {
        outbox.add(reference, recipient).unwrap();
        let text = outbox.take().unwrap().unwrap();
        if reference != "r-3" {
            outbox.settle(&text, &SendOutcome::no_response("time limit")).unwrap();
        }
    }
    outbox
}

fn in_doubt(outbox: &Outbox) -> Vec<String> {
    let texts = outbox.texts(State::NeedsLookup).unwrap();
    texts.into_iter().map(|text| text.reference).collect()
}

/// The shape that was observed.
const HISTORY: &str = r#"{"type":"SingleSMS","scanned":3,"matches":3,"offset":0,"limit":5000,
"results":[
{"id":"m-0","reference":null,"status":"DELIVERED","price":0.05,"currency":"EUR","parts":1,
 "created_at":"2026-06-18T11:00:15.915Z","updated_at":"2026-06-18T11:00:21.100Z"},
{"id":"m-1","reference":"r-1","status":"DELIVERED","price":0.1,"currency":"EUR","parts":2,
 "created_at":"2026-06-18T11:00:15.915Z","updated_at":"2026-06-18T11:00:21.100Z"},
{"id":"m-9","reference":"somebody-else's","status":"OPTED_OUT","price":0,"currency":"EUR","parts":1,
 "created_at":"2026-06-18T11:00:15.915Z","updated_at":"2026-06-18T11:00:21.100Z"}]}"#;

/// The shape that is documented.
const LOG: &str = r#"[
{"id":"m-1","status":"DELIVERED","direction":"MT","senderReference":"r-1"},
{"id":"m-2","status":"DELIVERED","direction":"MO","senderReference":"r-2"}]"#;

#[test]
fn what_is_found_was_accepted_and_has_its_status() {
    for page in [message_log::history(HISTORY.as_bytes()), message_log::log(LOG.as_bytes())] {
        let mut outbox = outbox();
        let page = page.unwrap();
        assert_eq!(message_log::apply(&mut outbox, &page).unwrap(), 1);
        assert_eq!(in_doubt(&outbox), ["r-2", "r-3"]);
        assert_eq!(outbox.texts(State::Accepted).unwrap()[0].reference, "r-1");
        let outcome = outbox.outcome("r-1").unwrap().unwrap();
        assert_eq!(outcome.success().unwrap().id, "m-1");
        assert_eq!(outbox.delivery("r-1").unwrap(), Some(DeliveryStatus::Delivered));
        assert_eq!(outbox.delivery("r-2").unwrap(), None);
        assert_eq!(outbox.texts(State::Suppressed).unwrap(), []);
    }
}

#[test]
fn a_match_on_any_page_counts_and_none_counts_for_nothing() {
    let empty = r#"{"results":[]}"#;
    let foreign = r#"{"results":[{"reference":"r-9","status":"DELIVERED"}]}"#;
    let ours = r#"{"results":[{"reference":"r-2","status":"SENT"}]}"#;
    for order in [[ours, empty, foreign], [empty, ours, foreign], [foreign, empty, ours]] {
        let mut outbox = outbox();
        for page in order {
            let page = message_log::history(page.as_bytes()).unwrap();
            message_log::apply(&mut outbox, &page).unwrap();
        }
        assert_eq!(in_doubt(&outbox), ["r-1", "r-3"]);
        assert_eq!(outbox.delivery("r-2").unwrap(), Some(DeliveryStatus::Pending));
    }
}

#[test]
fn one_record_by_its_id() {
    let record = br#"{"id":"m-1","status":"EXPIRED","direction":"MT","senderReference":"r-1"}"#;
    let mut outbox = outbox();
    message_log::apply(&mut outbox, &message_log::log(record).unwrap()).unwrap();
    let failed = DeliveryStatus::Failed(FailureKind::Undelivered);
    assert_eq!(outbox.delivery("r-1").unwrap(), Some(failed));
    assert_eq!(
        outbox.texts(State::Accepted).unwrap()[0].reference,
        "r-1",
        "accepted, and then failed"
    );
}

#[test]
fn an_opted_out_recipient_is_not_texted_again() {
    let record = r#"[{"status":"OPTED_OUT","senderReference":"r-1"}]"#;
    let mut outbox = outbox();
    outbox.add("next", "+44 7700 900101").unwrap();
    message_log::apply(&mut outbox, &message_log::log(record.as_bytes()).unwrap()).unwrap();
    assert_eq!(outbox.take().unwrap(), None);
    let suppressed = outbox.texts(State::Suppressed).unwrap();
    assert_eq!(suppressed.iter().map(|text| &*text.reference).collect::<Vec<_>>(), ["r-1", "next"]);
}

#[test]
fn an_odd_record_costs_itself_alone() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let odd = [
        "null",
        "7",
        r#""r-1""#,
        r#"["r-1","r-1","r-1","DELIVERED",1,"MT"]"#,
        "{}",
        r#"{"reference":{"reference":"r-1"}}"#,
        r#"{"reference":["r-1"]}"#,
        r#"{"reference":"r-1","reference":"r-1"}"#,
        r#"{"reference":"\ud83d"}"#,
        &format!(r#"{{"reference":{deep}}}"#),
        &deep,
    ];
    let good = [
        r#"{"reference":"r-2","status":"DELIVERED"}"#.to_owned(),
        r#"{"reference":"r-2","status":"DELIVERED","text":"half \ud83d"}"#.to_owned(),
        r#"{"reference":"r-2","status":"DELIVERED","id":7,"parts":"1","direction":1}"#.to_owned(),
        r#"{"reference":"r-2","status":"DELIVERED","parts":0}"#.to_owned(),
        r#"{"reference":"r-2","status":"DELIVERED","direction":"mt","parts":-1}"#.to_owned(),
        format!(r#"{{"reference":"r-2","status":"DELIVERED","hlr":{deep}}}"#),
    ];
    for odd in odd {
        for good in &good {
            let list = format!("[{odd},{good},{odd}]");
            let history = format!(r#"{{"results":{list}}}"#);
            for page in
                [message_log::history(history.as_bytes()), message_log::log(list.as_bytes())]
            {
                let page = page.unwrap();
                assert_eq!(page.records, 3);
                let mut outbox = outbox();
                assert_eq!(message_log::apply(&mut outbox, &page).unwrap(), 1, "{history:.300}");
                assert_eq!(in_doubt(&outbox), ["r-1", "r-3"], "{history:.300}");
                assert_eq!(outbox.delivery("r-2").unwrap(), Some(DeliveryStatus::Delivered));
            }
        }
    }
    // Bad UTF-8 in a text.
    let latin1 = b"[{\"senderReference\":\"r-2\",\"text\":\"caf\xe9\"}]";
    assert_eq!(message_log::log(latin1).unwrap().news.len(), 1);
}

#[test]
fn a_record_without_a_word_that_we_know_was_accepted_all_the_same() {
    for status in ["null", r#""NOVEL""#, r#""""#, "1", r#"{"status":"OPTED_OUT"}"#] {
        let page = format!(r#"{{"results":[{{"id":"m-1","reference":"r-1","status":{status}}}]}}"#);
        let mut outbox = outbox();
        message_log::apply(&mut outbox, &message_log::history(page.as_bytes()).unwrap()).unwrap();
        assert_eq!(outbox.delivery("r-1").unwrap(), Some(DeliveryStatus::Unknown));
        assert_eq!(outbox.texts(State::Accepted).unwrap().len(), 1);
    }
}

#[test]
fn what_is_no_page_or_a_part_of_one_is_none() {
    let cut = |page: &'static str| (0..page.len()).map(move |at| page.as_bytes()[..at].to_vec());
    assert!(cut(HISTORY).all(|page| message_log::history(&page).is_none()));
    assert!(cut(LOG).all(|page| message_log::log(&page).is_none()));
    for page in ["null", "[]", "[[]]", "{}", r#"{"results":null}"#, "<html>502</html>", "{}{}"] {
        assert_eq!(message_log::history(page.as_bytes()), None, "{page}");
    }
    assert_eq!(message_log::log(b"<html>502</html>"), None);
    let empty = Page { records: 0, news: vec![] };
    assert_eq!(message_log::log(b"[]"), Some(empty.clone()));
    assert_eq!(message_log::history(br#" {"results":[],"type":"SingleSMS"} "#), Some(empty));
}

#[test]
fn a_look_up_while_a_text_is_sent_and_after_its_response() {
    let page =
        message_log::history(br#"{"results":[{"id":"m-3","reference":"r-3","status":"NOVEL"}]}"#);
    let page = page.unwrap();
    let id = |outbox: &Outbox| {
        let outcome = outbox.outcome("r-3").unwrap().unwrap();
        outcome.success().unwrap().id.clone().into_owned()
    };
    let text = outbox().texts(State::NeedsLookup).unwrap().pop().unwrap();
    let mut outbox = outbox();
    message_log::apply(&mut outbox, &page).unwrap();
    let state = outbox.settle(&text, &SendOutcome::no_response("time limit")).unwrap();
    assert_eq!((state, &*id(&outbox)), (State::Accepted, "m-3"), "found is found");
    let accepted = SendOutcome::decode(200, br#"{"id":"b-3"}"#);
    assert_eq!(outbox.settle(&text, &accepted).unwrap(), State::Accepted);
    message_log::apply(&mut outbox, &page).unwrap();
    assert_eq!(id(&outbox), "b-3", "the response says more");
    outbox.not_sent(&text).unwrap();
    assert_eq!(outbox.take().unwrap(), None);
}
