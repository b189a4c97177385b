//! What callers compile against and read: traits, forms and words.

use std::{borrow::Cow, collections::BTreeSet, error::Error, fmt::Debug, hash::Hash};

use mobivate_response::{
    Action, Batch, BatchOutcome, BatchRecipient, CircuitBreaker, DeliveryStatus, Failure,
    FailureKind, Message, OptedOutNumber, Outcome, ParseFailureKindError, Retry, Scope,
    SendOutcome, StopReason,
};
use serde::{Serialize, de::DeserializeOwned};

const OPTED_OUT: &[u8] = br#"{"code":403,"message":"Recipient is opted out: 447700900123"}"#;

#[test]
fn traits() {
    fn plain<T: Clone + PartialEq + Eq + Hash + Send + Sync + Unpin + Debug>() {}
    fn label<T: Copy + Ord + Hash + Send + Sync + Debug>() {}
    fn copied<T: Copy + Eq + Hash + Send + Sync + Debug>() {}
    fn data<T: Serialize + DeserializeOwned>() {}
    fn error<T: Error + Send + Sync + 'static>() {}
    plain::<SendOutcome<'_>>();
    plain::<Message<'_>>();
    plain::<Failure<'_>>();
    plain::<OptedOutNumber<'_>>();
    plain::<BatchOutcome<'_>>();
    plain::<Batch<'_>>();
    plain::<BatchRecipient<'_>>();
    plain::<CircuitBreaker>();
    plain::<Outcome<'_, u8>>();
    plain::<ParseFailureKindError>();
    label::<FailureKind>();
    label::<Retry>();
    label::<Scope>();
    label::<StopReason>();
    copied::<DeliveryStatus>();
    copied::<Action>();
    data::<SendOutcome<'static>>();
    data::<Message<'static>>();
    data::<Failure<'static>>();
    data::<FailureKind>();
    data::<BatchOutcome<'static>>();
    data::<Batch<'static>>();
    data::<BatchRecipient<'static>>();
    data::<DeliveryStatus>();
    data::<Retry>();
    data::<Scope>();
    data::<CircuitBreaker>();
    error::<Failure<'static>>();
    error::<ParseFailureKindError>();
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

/// Every name and type that other code compiles against.
#[test]
fn pinned_names() {
    type Text = Option<Cow<'static, str>>;
    const KINDS: &[FailureKind] = FailureKind::ALL;
    const RETRY: Retry = FailureKind::BadRequest.retry();
    const SCOPE: Scope = FailureKind::BadRequest.scope();
    const WORD: &str = FailureKind::BadRequest.as_str();
    const STATUS: DeliveryStatus = DeliveryStatus::from_code(1);
    const _: () = assert!(STATUS.is_final());
    assert_eq!((KINDS[0].retry(), KINDS[0].scope(), WORD), (RETRY, SCOPE, "bad_request"));

    let message: Message<'static> = Message::new("m").into_owned();
    let Message {
        id,
        originator,
        recipient,
        body,
        route_id,
        reference,
        campaign_id,
        scheduled,
        recipient_count,
        ..
    } = message.clone();
    let _: Option<u64> = recipient_count;
    let _: Cow<'static, str> = id;
    let texts: [Text; 7] =
        [originator, recipient, body, route_id, reference, campaign_id, scheduled];
    assert_eq!(texts, [const { None }; 7]);

    let batch: Batch<'static> = Batch::new("b").into_owned();
    let Batch { id, name, route_id, scheduled, recipient_count, shorten_urls, .. } = batch.clone();
    let Batch { exclude_optouts, exclude_duplicates, spread_hours, recipients, .. } = batch.clone();
    let _: (Cow<'static, str>, [Text; 3]) = (id, [name, route_id, scheduled]);
    let _: [Option<u64>; 2] = [recipient_count, spread_hours];
    let _: [Option<bool>; 3] = [shorten_urls, exclude_optouts, exclude_duplicates];
    let _: Vec<BatchRecipient<'static>> = recipients;
    let BatchRecipient { originator, recipient, text, reference, route_id, .. } =
        BatchRecipient::default().into_owned();
    let _: [Text; 5] = [originator, recipient, text, reference, route_id];

    let failure: Failure<'static> = Failure::new(403, "no").into_owned();
    let Failure { status, code, kind, detail, id, .. } = failure.clone();
    let _: (u16, u16, FailureKind, Cow<'static, str>, Text) = (status, code, kind, detail, id);

    let outcome: SendOutcome<'static> = SendOutcome::from(message.clone());
    assert_eq!(outcome.into_result(), Ok(message));
    assert_eq!(SendOutcome::from(failure.clone()).into_result(), Err(failure.clone()));
    assert_eq!(BatchOutcome::from(batch.clone()).into_result(), Ok(batch));
    assert_eq!(BatchOutcome::from(failure.clone()).into_result(), Err(failure));

    let failure = Failure::new(403, "Recipient is opted out: 447700900123");
    let number: OptedOutNumber<'_> = failure.opted_out_number().unwrap();
    let as_ref: &str = number.as_ref();
    assert_eq!(
        (number.as_str(), as_ref, number.is_masked()),
        ("447700900123", "447700900123", false)
    );

    let (retry, scope): (Retry, Scope) = (failure.retry(), failure.scope());
    assert_eq!((retry, scope), (Retry::Never, Scope::Recipient));

    let mut circuit_breaker: CircuitBreaker = const { CircuitBreaker::new() };
    let actions: [Action; 4] = [
        circuit_breaker.record(&SendOutcome::from(failure)),
        circuit_breaker.record(&BatchOutcome::no_response("reset")),
        circuit_breaker.record_not_sent(),
        circuit_breaker.record_delivery(DeliveryStatus::Delivered),
    ];
    let expected = [Action::Continue, Action::BackOff(1), Action::BackOff(2), Action::Continue];
    assert_eq!(actions, expected);
    circuit_breaker.reset();

    let merged: DeliveryStatus =
        DeliveryStatus::from_receipt(Some("EXPIRED"), None).merge(DeliveryStatus::Pending);
    let kind: Option<FailureKind> = const { STATUS.failure_kind() };
    assert_eq!((merged.failure_kind(), kind), (Some(FailureKind::Undelivered), None));
    assert_eq!(DeliveryStatus::of_parts([merged, STATUS]), merged);
}

/// One function reads both, by the type that they share.
#[test]
fn one_outcome_for_both() {
    fn advice<T>(outcome: &Outcome<'_, T>) -> Option<Retry> {
        match outcome {
            Outcome::Success(_) => None,
            Outcome::Failure(failure) => Some(failure.retry()),
        }
    }
    assert_eq!(advice(&SendOutcome::decode(403, OPTED_OUT)), Some(Retry::Never));
    assert_eq!(advice(&BatchOutcome::decode(403, OPTED_OUT)), Some(Retry::AfterFix));
    assert_eq!(advice(&BatchOutcome::from(Batch::new("b"))), None);
}

/// "Not sent" beside an id is no certainty.
#[test]
fn retry_knows_of_the_id() {
    for kind in FailureKind::ALL {
        let mut failure = Failure::new(400, "no");
        failure.kind = *kind;
        assert_eq!((failure.retry(), failure.scope()), (kind.retry(), kind.scope()));
        failure.id = Some("m-1".into());
        let expected = match kind.retry() {
            Retry::Later | Retry::AfterFix | Retry::MayDuplicate => Retry::MayDuplicate,
            Retry::Never => Retry::Never,
        };
        assert_eq!((failure.retry(), failure.scope()), (expected, kind.scope()), "{kind}");
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[test]
fn labels_honor_width_and_have_one_name() {
    assert_eq!(format!("{:>12}|", FailureKind::OptedOut), "   opted out|");
    assert_eq!(format!("{:<14}|", Retry::MayDuplicate), "may duplicate |");
    assert_eq!(format!("{:^11}|", Scope::Account), "  account  |");
    assert_eq!(format!("{:>11}|", StopReason::RateLimit), " rate limit|");
    assert_eq!(format!("{:>10}|", Action::Continue), "  continue|");
    assert_eq!(format!("{:>14}|", Action::BackOff(2)), "  back off (2)|");
    let stop = Action::Stop(StopReason::RateLimit);
    assert_eq!(format!("{stop:<18}|"), "stop: rate limit  |");
    assert_eq!(format!("{:>10}|", DeliveryStatus::Pending), "   pending|");
    let failed = DeliveryStatus::Failed(FailureKind::OptedOut);
    assert_eq!(format!("{failed:<20}|"), "failed: opted out   |");

    assert_eq!(json(&Action::Continue), r#""continue""#);
    assert_eq!(json(&Action::BackOff(2)), r#"{"back_off":2}"#);
    assert_eq!(json(&stop), r#"{"stop":"rate_limit"}"#);
    for reason in [
        StopReason::Account,
        StopReason::Service,
        StopReason::RateLimit,
        StopReason::BadRequests,
        StopReason::OptOuts,
    ] {
        assert_eq!(json(&reason), format!("\"{}\"", reason.as_str()));
        assert_eq!(reason.to_string(), reason.as_str().replace('_', " "));
        assert_eq!(Action::Stop(reason).as_str(), "stop");
    }
    assert_eq!(
        [Action::Continue, Action::BackOff(1)].map(Action::as_str),
        ["continue", "back_off"]
    );
    for retry in [Retry::Later, Retry::AfterFix, Retry::MayDuplicate, Retry::Never] {
        assert_eq!(serde_json::from_str::<Retry>(&json(&retry)).unwrap(), retry);
    }
    for scope in [Scope::Recipient, Scope::Request, Scope::Account, Scope::Service] {
        assert_eq!(serde_json::from_str::<Scope>(&json(&scope)).unwrap(), scope);
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
fn kinds_have_names() {
    let names: BTreeSet<_> = FailureKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(names.len(), FailureKind::ALL.len());
    for kind in FailureKind::ALL {
        assert_eq!(kind.to_string(), kind.as_str().replace('_', " "));
        let form = serde_json::to_string(kind).unwrap();
        assert_eq!(form, format!("\"{}\"", kind.as_str()));
        assert_eq!(serde_json::from_str::<FailureKind>(&form).unwrap(), *kind);
        assert_eq!(kind.as_str().parse(), Ok(*kind));
    }
    let sorted = FailureKind::ALL.iter().collect::<BTreeSet<_>>();
    assert!(sorted.into_iter().eq(FailureKind::ALL), "ALL stands in order");
    assert_eq!(serde_json::from_str::<FailureKind>("\"novel\"").unwrap(), FailureKind::Unconfirmed);
    assert!(serde_json::from_str::<FailureKind>("7").is_err(), "a number is no name");
    for unknown in ["novel", "", "opted out", "OPTED_OUT", " opted_out"] {
        let error: ParseFailureKindError = unknown.parse::<FailureKind>().unwrap_err();
        assert_eq!(error.to_string(), "unknown failure kind", "{unknown:?}");
    }
    let retries = [Retry::Later, Retry::AfterFix, Retry::MayDuplicate, Retry::Never];
    assert_eq!(retries.map(Retry::as_str), ["later", "after_fix", "may_duplicate", "never"]);
    for retry in retries {
        assert_eq!(retry.to_string(), retry.as_str().replace('_', " "));
        assert_eq!(serde_json::to_string(&retry).unwrap(), format!("\"{}\"", retry.as_str()));
    }
    let scopes = [Scope::Recipient, Scope::Request, Scope::Account, Scope::Service];
    assert_eq!(scopes.map(Scope::as_str), ["recipient", "request", "account", "service"]);
    for scope in scopes {
        assert_eq!(scope.to_string(), scope.as_str());
        assert_eq!(serde_json::to_string(&scope).unwrap(), format!("\"{}\"", scope.as_str()));
    }
}

#[test]
fn serialized_form() {
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
        r#"{"failure":{"status":200,"code":200,"kind":"unconfirmed","detail":"JSON without a text","id":"m"}}"#
    );

    for outcome in [success, failure, denied] {
        let cbor = cbor4ii::serde::to_vec(Vec::new(), &outcome).unwrap();
        assert_eq!(cbor4ii::serde::from_slice::<SendOutcome<'_>>(&cbor).unwrap(), outcome);
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
    for code in 0..=u16::MAX {
        let body = br#"{"message":"no"}"#;
        assert_eq!(SendOutcome::decode(code, body).failure(), Some(&Failure::new(code, "no")));
    }
    for code in 0..=u16::MAX {
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
    assert!(number.matches("00447700900123") && number.matches("00 44 7700 900123"));
    assert!(!number.matches("07700 900123") && !number.matches("0447700900123"));
    assert!(!number.matches("447700900123٤") && !number.matches("٤٤٧٧٠٠٩٠٠١٢٣"));
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
