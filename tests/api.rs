//! What callers compile against and read: traits, forms and words.

use std::{
    collections::BTreeSet,
    error::Error,
    fmt::{self, Debug, Write as _},
    hash::Hash,
};

use mobivate_response::{Failure, FailureKind, Message, OptedOutNumber, Retry, Scope, SendOutcome};
use serde::{Serialize, de::DeserializeOwned};

const OPTED_OUT: &[u8] = br#"{"code":403,"message":"Recipient is opted out: 447700900123"}"#;

#[test]
fn traits() {
    fn plain<T: Clone + PartialEq + Eq + Hash + Send + Sync + Unpin + Debug>() {}
    fn label<T: Copy + Ord + Hash + Send + Sync + Debug>() {}
    fn data<T: Serialize + DeserializeOwned>() {}
    fn error<T: Error + Send + Sync + 'static>() {}
    plain::<SendOutcome<'_>>();
    plain::<Message<'_>>();
    plain::<Failure<'_>>();
    plain::<OptedOutNumber<'_>>();
    label::<FailureKind>();
    label::<Retry>();
    label::<Scope>();
    data::<SendOutcome<'static>>();
    data::<Message<'static>>();
    data::<Failure<'static>>();
    data::<FailureKind>();
    error::<Failure<'static>>();
}

#[test]
fn exhaustive_enums_match_without_a_wildcard() {
    match SendOutcome::decode(204, b"") {
        SendOutcome::Success(_) => panic!("no id, no success"),
        SendOutcome::Failure(failure) => {
            match failure.kind.retry() {
                Retry::MayDuplicate => {}
                Retry::Later | Retry::AfterFix | Retry::Never => panic!("it may be on its way"),
            }
            match failure.kind.scope() {
                Scope::Service => {}
                Scope::Recipient | Scope::Request | Scope::Account => panic!("no answer to read"),
            }
        }
    }
}

#[test]
fn question_mark_works_everywhere() {
    fn boxed(body: &[u8]) -> Result<String, Box<dyn Error + Send + Sync>> {
        Ok(SendOutcome::decode(403, body).into_result()?.id.into_owned())
    }
    async fn spawned(body: Vec<u8>) -> Result<String, Failure<'static>> {
        std::future::ready(()).await;
        Ok(SendOutcome::decode(200, &body).into_result()?.id.into_owned())
    }
    fn is_spawnable<T: Future + Send + 'static>(_: T) {}

    is_spawnable(spawned(Vec::new()));
    let error = boxed(OPTED_OUT).unwrap_err();
    assert!(error.source().is_none());
    let failure = error.downcast_ref::<Failure<'static>>().unwrap();
    assert_eq!(failure.kind, FailureKind::OptedOut);
}

#[test]
fn accessors_agree() {
    let success = SendOutcome::decode(200, br#"{"id":"m"}"#);
    assert!(success.is_success() && success.success().is_some() && success.failure().is_none());
    assert_eq!(success.into_result().unwrap(), Message::new("m"));
    let failure = SendOutcome::decode(403, OPTED_OUT);
    assert!(!failure.is_success() && failure.success().is_none() && failure.failure().is_some());
    assert_eq!(failure.clone().into_result().unwrap_err(), *failure.failure().unwrap());
}

#[test]
fn words_of_a_failure() {
    fn display(code: u16, detail: &str) -> String {
        Failure::new(code, detail).to_string()
    }

    assert_eq!(
        display(403, "Recipient is opted out: 447700900123"),
        "opted out (403): Recipient is opted out: ************"
    );
    assert_eq!(
        display(400, "at\r\n\u{202e}\0\u{2028}end"),
        r"bad request (400): at\u{d}\u{a}\u{202e}\u{0}\u{2028}end"
    );
    assert_eq!(display(400, "+44 (0)7700-900.123"), "bad request (400): +** (*)****-***.***");
    assert_eq!(
        display(400, "call [020] 79460123 now"),
        "bad request (400): call [***] ******** now"
    );
    assert_eq!(
        display(400, "{44}\u{a0}7700\u{2011}900\t123, (555) 555-0123"),
        "bad request (400): {**}\u{a0}****\u{2011}***\\u{9}***, (***) ***-****"
    );
    assert_eq!(display(400, "٠١٢٣٤٥٦"), "bad request (400): *******");
    assert_eq!(display(400, "123456 and 123456"), "bad request (400): 123456 and 123456");
    assert_eq!(display(400, "1234   5678"), "bad request (400): 1234   5678");
    assert_eq!(display(500, ""), "server error (500): no detail given");
    assert_eq!(
        SendOutcome::no_response("").failure().unwrap().to_string(),
        "no response: no reason given"
    );

    // What is cut off still counts: a number is starred though its end is not shown.
    let long = display(500, &("x".repeat(250) + "447700900123"));
    assert_eq!(long, format!("server error (500): {}******…", "x".repeat(250)));
    assert_eq!(display(500, &"é".repeat(256)), format!("server error (500): {}", "é".repeat(256)));
}

/// A log that is full ends the line: no part of it is left out in silence.
#[test]
fn a_writers_error_is_passed_on() {
    struct Room(usize);
    impl fmt::Write for Room {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 = self.0.checked_sub(text.len()).ok_or(fmt::Error)?;
            Ok(())
        }
    }

    let failure = Failure::new(400, "\"447700900123\"\n");
    let shown = format!("{failure} {failure:?}");
    for room in 0..shown.len() {
        assert!(write!(Room(room), "{failure} {failure:?}").is_err(), "{room}");
    }
    assert!(write!(Room(shown.len()), "{failure} {failure:?}").is_ok());
}

#[test]
fn debug_hides_people() {
    let body = br#"{"id":"447700900123","originator":"Me","recipient":"447700900124","text":"Hi",
        "routeId":"mglobal","reference":"r","scheduled":"2026-09-04T09:00:00.000Z","campaignId":7}"#;
    let outcome = SendOutcome::decode(200, body);
    assert_eq!(
        format!("{:?}", outcome.success().unwrap()),
        r#"Message { id: "447700900123", originator: Some(_), recipient: Some(_), body: Some(_), route_id: Some("mglobal"), reference: Some(_), campaign_id: Some("7"), scheduled: Some("2026-09-04T09:00:00.000Z") }"#
    );
    let body = br#"{"id":"m","routeId":"447700900123","campaignId":447700900123}"#;
    assert_eq!(
        format!("{:?}", SendOutcome::decode(200, body).success().unwrap()),
        r#"Message { id: "m", originator: None, recipient: None, body: None, route_id: Some("************"), reference: None, campaign_id: Some("************"), scheduled: None }"#
    );
    let mut failure = Failure::new(403, r#"Recipient "is" opted\out: 447700900123"#);
    failure.id = Some("m\n1".into());
    assert_eq!(
        format!("{failure:?}"),
        r#"Failure { status: 403, code: 403, kind: Forbidden, detail: "Recipient \"is\" opted\\out: ************", id: Some("m\n1") }"#
    );
    let failure = Failure::new(403, "Recipient is opted out: 447700900123");
    assert_eq!(
        format!("{:?}", failure.opted_out_number().unwrap()),
        r#"OptedOutNumber("************")"#
    );
}

#[test]
fn kinds_have_names() {
    let names: BTreeSet<_> = FailureKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(names.len(), FailureKind::ALL.len());
    for kind in FailureKind::ALL {
        assert_eq!(kind.to_string(), kind.as_str().replace('_', " "));
        let form = serde_json::to_string(kind).unwrap();
        assert_eq!(form, format!("\"{}\"", kind.as_str()));
        assert_eq!(serde_json::from_str::<FailureKind>(&form).unwrap(), *kind);
    }
    let sorted = FailureKind::ALL.iter().collect::<BTreeSet<_>>();
    assert!(sorted.into_iter().eq(FailureKind::ALL), "ALL stands in order");
    assert_eq!(serde_json::from_str::<FailureKind>("\"novel\"").unwrap(), FailureKind::Unconfirmed);
    assert!(serde_json::from_str::<FailureKind>("7").is_err(), "a number is no name");
    let retries = [Retry::Later, Retry::AfterFix, Retry::MayDuplicate, Retry::Never];
    assert_eq!(retries.map(Retry::as_str), ["later", "after_fix", "may_duplicate", "never"]);
    let scopes = [Scope::Recipient, Scope::Request, Scope::Account, Scope::Service];
    assert_eq!(scopes.map(Scope::as_str), ["recipient", "request", "account", "service"]);
}

#[test]
fn serialised_form() {
    let form = |outcome: &SendOutcome<'_>| serde_json::to_string(outcome).unwrap();
    let success = SendOutcome::decode(200, br#"{"id":"m","routeId":"mglobal","reference":null}"#);
    assert_eq!(form(&success), r#"{"success":{"id":"m","route_id":"mglobal"}}"#);
    let failure = SendOutcome::decode(403, OPTED_OUT);
    assert_eq!(
        form(&failure),
        r#"{"failure":{"status":403,"code":403,"kind":"opted_out","detail":"Recipient is opted out: 447700900123"}}"#
    );
    let denied = SendOutcome::decode(200, br#"{"id":"m","success":false}"#);
    assert_eq!(
        form(&denied),
        r#"{"failure":{"status":200,"code":200,"kind":"unconfirmed","detail":"JSON without a message","id":"m"}}"#
    );

    for outcome in [success, failure, denied] {
        let mut cbor = Vec::new();
        ciborium::into_writer(&outcome, &mut cbor).unwrap();
        assert_eq!(ciborium::from_reader::<SendOutcome<'_>, _>(&*cbor).unwrap(), outcome);
        match outcome {
            SendOutcome::Success(message) => {
                let form = serde_json::to_string(&message).unwrap();
                assert_eq!(serde_json::from_str::<Message<'_>>(&form).unwrap(), message);
            }
            SendOutcome::Failure(failure) => {
                let form = serde_json::to_string(&failure).unwrap();
                assert_eq!(serde_json::from_str::<Failure<'_>>(&form).unwrap(), failure);
            }
        }
    }

    let read =
        |form| serde_json::from_str::<SendOutcome<'_>>(form).map_err(|error| error.to_string());
    let novel = r#"{"failure":{"new":[1],"kind":"novel","detail":"d","code":1,"status":2}}"#;
    assert_eq!(read(novel).unwrap().failure().unwrap().kind, FailureKind::Unconfirmed);
    for (form, wrong) in [
        (r#"{"id":"m"}"#, "unknown variant `id`"),
        (r#"{"success":{}}"#, "missing field `id`"),
        (r#"{"failure":{"code":1,"kind":"forbidden","detail":"d"}}"#, "missing field `status`"),
        (r#"{"failure":{"status":1,"kind":"forbidden","detail":"d"}}"#, "missing field `code`"),
        (r#"{"failure":{"status":1,"code":1,"detail":"d"}}"#, "missing field `kind`"),
        (r#"{"failure":{"status":1,"code":1,"kind":"forbidden"}}"#, "missing field `detail`"),
    ] {
        let error = read(form).unwrap_err();
        assert!(error.contains(wrong), "{form}: {error}");
    }
}

#[test]
fn a_failure_is_made_as_decode_would() {
    for code in (0..=u16::MAX).step_by(if cfg!(miri) { 199 } else { 1 }) {
        let body = br#"{"message":"no"}"#;
        assert_eq!(SendOutcome::decode(code, body).failure(), Some(&Failure::new(code, "no")));
    }
    for code in (0..=u16::MAX).step_by(if cfg!(miri) { 199 } else { 1 }) {
        let body = br#"{"message":"Recipient is opted out"}"#;
        let failure = Failure::new(code, "Recipient is opted out");
        assert_eq!(SendOutcome::decode(code, body).failure(), Some(&failure));
    }
}

#[test]
fn numbers_match_recipients() {
    let failure = |text: &str| Failure::new(403, format!("Recipient is opted out: {text}"));
    let plain = failure("+447700900123");
    let number = plain.opted_out_number().unwrap();
    assert_eq!(number.as_str(), "447700900123");
    assert!(number.matches("447700900123") && number.matches("+44 7700-900123"));
    assert!(
        !number.matches("447700900124") && !number.matches("4477009001230") && !number.matches("")
    );
    assert!(!number.matches("00447700900123") && !number.matches("07700 900123"));
    let masked = failure("44XXXXXXXX");
    let number = masked.opted_out_number().unwrap();
    assert!(number.is_masked());
    assert!(
        !number.matches("44XXXXXXXX") && !number.matches("4412345678") && !number.matches("44")
    );
}

#[test]
fn only_an_opted_out_failure_has_a_number() {
    let mut failure = Failure::new(403, "Recipient is opted out: 447700900123");
    assert!(failure.opted_out_number().is_some());
    failure.kind = FailureKind::Forbidden;
    assert!(failure.opted_out_number().is_none());
}
