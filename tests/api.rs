//! What callers compile against: names, traits, forms, and words.

use std::{
    borrow::Cow, collections::BTreeSet, error::Error, fmt::Debug, hash::Hash, time::Duration,
};

use mobivate_response::{
    Action, Batch, BatchOutcome, BatchRecipient, CircuitBreaker, DeliveryStatus, Failure,
    FailureKind, Message, OptedOutNumber, Outcome, Retry, Scope, SendOutcome, StopReason,
};
use serde::{Serialize, de::DeserializeOwned};

const OPTED_OUT: &[u8] = br#"{"code":403,"message":"Recipient is opted out: 447700900123"}"#;

const BATCH: &[u8] = br#"{"id":"b-1","name":"Autumn","routeId":"mglobal","shortenUrls":true,
    "spreadHours":4,"excludeOptouts":true,"excludeDuplicates":false,"recipientCount":2,
    "scheduleDateTime":"2026-12-01T09:00:00.000Z","recipients":[
    {"originator":"Brand","recipient":"447700900001","text":"Hi","reference":"r-1","routeId":"x"},
    "no object",{"recipient":447700900002}]}"#;

#[test]
fn traits() {
    fn value<T: Clone + PartialEq + Eq + Hash + Send + Sync + Unpin + Debug>() {}
    fn label<T: Copy + Ord + Hash + Send + Sync + Debug>() {}
    fn copied<T: Copy + Eq + Hash + Send + Sync + Debug>() {}
    fn data<T: Serialize + DeserializeOwned>() {}
    fn error<T: Error + Send + Sync + 'static>() {}
    value::<SendOutcome<'_>>();
    value::<BatchOutcome<'_>>();
    value::<Outcome<'_, u8>>();
    value::<Message<'_>>();
    value::<Batch<'_>>();
    value::<BatchRecipient<'_>>();
    value::<Failure<'_>>();
    value::<CircuitBreaker>();
    label::<FailureKind>();
    label::<Retry>();
    label::<Scope>();
    label::<StopReason>();
    copied::<OptedOutNumber<'_>>();
    copied::<DeliveryStatus>();
    copied::<Action>();
    data::<SendOutcome<'static>>();
    data::<BatchOutcome<'static>>();
    data::<Message<'static>>();
    data::<Batch<'static>>();
    data::<BatchRecipient<'static>>();
    data::<Failure<'static>>();
    data::<FailureKind>();
    data::<Retry>();
    data::<Scope>();
    data::<StopReason>();
    data::<DeliveryStatus>();
    data::<CircuitBreaker>();
    error::<Failure<'static>>();
}

/// Every name and type that other code compiles against; the exhaustive enums without a wildcard.
#[test]
fn pinned_names() {
    type Text = Option<Cow<'static, str>>;
    const KINDS: &[FailureKind] = FailureKind::ALL;
    const NAME: &str = FailureKind::BadRequest.as_str();
    const STATUS: DeliveryStatus = DeliveryStatus::from_code(1);
    const _: () = assert!(STATUS.is_final() && STATUS.retry().is_none());
    assert_eq!((KINDS[0].as_str(), NAME), (NAME, "bad_request"));

    let message: Message<'static> = Message::new("m").into_owned();
    let Message { id, originator, recipient, body, route_id, .. } = message.clone();
    let Message { reference, campaign_id, scheduled, recipient_count, .. } = message.clone();
    let _: (Cow<'static, str>, Option<u64>) = (id, recipient_count);
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

    let failure: Failure<'static> = Failure::new(FailureKind::NotSent, "no").into_owned();
    let Failure { status, code, kind, detail, id, .. } = failure.clone();
    let _: (u16, u16, FailureKind, Cow<'static, str>, Text) = (status, code, kind, detail, id);

    let outcome: SendOutcome<'static> = SendOutcome::not_sent("refused").into_owned();
    let [not_sent, no_response]: [BatchOutcome<'static>; 2] =
        [BatchOutcome::not_sent("refused"), BatchOutcome::no_response("reset")];
    assert_eq!(outcome.failure(), not_sent.failure());
    let result: Result<Batch<'_>, Failure<'static>> = no_response.clone().into_result();
    assert!(result.is_err());
    assert_eq!(SendOutcome::from(message.clone()).into_result(), Ok(message));
    assert_eq!(SendOutcome::from(failure.clone()).into_result(), Err(failure.clone()));
    assert_eq!(BatchOutcome::from(batch.clone()).into_result(), Ok(batch));
    assert_eq!(BatchOutcome::from(failure.clone()).into_result(), Err(failure.clone()));

    match failure.retry() {
        Retry::Later | Retry::AfterFix | Retry::MayDuplicate | Retry::Never => {}
    }
    match failure.scope() {
        Scope::Recipient | Scope::Request | Scope::Account | Scope::Service => {}
    }
    let mut circuit_breaker: CircuitBreaker = const { CircuitBreaker::new() };
    let generation: u64 = circuit_breaker.generation();
    match circuit_breaker.record(&outcome) {
        Action::Continue | Action::Stop(_) => panic!("it backs off"),
        Action::BackOff(wait) => assert_eq!(wait, Duration::from_secs(2)),
    }
    assert_eq!(circuit_breaker.record_from(generation, &no_response), Action::Continue);
    assert_eq!(circuit_breaker.record_delivery(DeliveryStatus::Delivered), Action::Continue);
    circuit_breaker.reset();
    let _: Option<StopReason> = circuit_breaker.stopped();

    let merged: DeliveryStatus =
        DeliveryStatus::from_receipt(Some("EXPIRED"), None).merge(DeliveryStatus::Pending);
    let kind: Option<FailureKind> = const { STATUS.failure_kind() };
    assert_eq!((merged.failure_kind(), kind), (Some(FailureKind::Undelivered), None));
    match DeliveryStatus::of_parts([merged, STATUS]) {
        DeliveryStatus::Unknown | DeliveryStatus::Pending | DeliveryStatus::Delivered => panic!(),
        DeliveryStatus::Failed(kind) => assert_eq!(kind, FailureKind::Undelivered),
    }
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
fn only_an_opted_out_failure_has_a_number() {
    for kind in FailureKind::ALL {
        let failure = Failure::new(*kind, "Recipient is opted out: 447700900123");
        let is_opt_out = matches!(kind, FailureKind::OptedOut | FailureKind::BatchOptedOut);
        assert_eq!(failure.opted_out_number().is_some(), is_opt_out, "{kind}");
    }
}

#[test]
fn labels() {
    fn label<T: Serialize + DeserializeOwned + PartialEq + Debug + ToString>(
        value: &T,
        name: &str,
    ) {
        assert_eq!(value.to_string(), name.replace('_', " "));
        let form = serde_json::to_string(value).unwrap();
        assert_eq!(form, format!("\"{name}\""));
        assert_eq!(serde_json::from_str::<T>(&form).unwrap(), *value);
    }
    let names = "bad_request unauthorized out_of_credit opted_out batch_opted_out forbidden \
        rate_limited server_error misconfigured undelivered no_response not_sent unconfirmed";
    assert_eq!(names.split(' ').count(), FailureKind::ALL.len());
    for (kind, name) in FailureKind::ALL.iter().zip(names.split(' ')) {
        assert_eq!(kind.as_str(), name);
        label(kind, name);
    }
    for (retry, name) in [
        (Retry::Later, "later"),
        (Retry::AfterFix, "after_fix"),
        (Retry::MayDuplicate, "may_duplicate"),
        (Retry::Never, "never"),
    ] {
        assert_eq!(retry.as_str(), name);
        label(&retry, name);
    }
    for (scope, name) in [
        (Scope::Recipient, "recipient"),
        (Scope::Request, "request"),
        (Scope::Account, "account"),
        (Scope::Service, "service"),
    ] {
        assert_eq!(scope.as_str(), name);
        label(&scope, name);
    }
    for (reason, name) in [
        (StopReason::Account, "account"),
        (StopReason::Service, "service"),
        (StopReason::RateLimit, "rate_limit"),
        (StopReason::BadRequests, "bad_requests"),
        (StopReason::OptOuts, "opt_outs"),
    ] {
        assert_eq!(reason.as_str(), name);
        label(&reason, name);
    }
    let sorted: BTreeSet<_> = FailureKind::ALL.iter().collect();
    assert!(sorted.into_iter().eq(FailureKind::ALL), "ALL is in order");
    assert_eq!(serde_json::from_str::<FailureKind>("\"novel\"").unwrap(), FailureKind::Unconfirmed);
    assert!(serde_json::from_str::<FailureKind>("7").is_err(), "a number is no name");
}

#[test]
fn display_honors_width_and_alignment() {
    assert_eq!(format!("{:>12}|", FailureKind::OptedOut), "   opted out|");
    assert_eq!(format!("{:<14}|", Retry::MayDuplicate), "may duplicate |");
    assert_eq!(format!("{:^11}|", Scope::Account), "  account  |");
    assert_eq!(format!("{:>11}|", StopReason::RateLimit), " rate limit|");
    assert_eq!(format!("{:>10}|", DeliveryStatus::Pending), "   pending|");
    let failed = DeliveryStatus::Failed(FailureKind::OptedOut);
    assert_eq!(format!("{failed:<20}|"), "failed: opted out   |");
    let back_off = Action::BackOff(Duration::from_secs(4));
    let stop = Action::Stop(StopReason::RateLimit);
    assert_eq!(format!("{:>10}|", Action::Continue), "  continue|");
    assert_eq!(format!("{back_off:>15}|"), "  back off (4s)|");
    assert_eq!(format!("{stop:<18}|"), "stop: rate limit  |");
    let names = [Action::Continue, back_off, stop].map(Action::as_str);
    assert_eq!(names, ["continue", "back_off", "stop"]);
}

#[test]
fn serialized_forms() {
    fn form<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> String {
        let cbor = cbor4ii::serde::to_vec(Vec::new(), value).unwrap();
        assert_eq!(cbor4ii::serde::from_slice::<T>(&cbor).unwrap(), *value);
        serde_json::to_string(value).unwrap()
    }
    let send = |status, body: &str| SendOutcome::decode(status, body.as_bytes()).into_owned();
    assert_eq!(
        form(&send(200, r#"{"id":"m","routeId":"mglobal","reference":null}"#)),
        r#"{"success":{"id":"m","route_id":"mglobal"}}"#
    );
    assert_eq!(
        form(&SendOutcome::decode(403, OPTED_OUT).into_owned()),
        r#"{"failure":{"status":403,"code":403,"kind":"opted_out","detail":"Recipient is opted out: 447700900123"}}"#
    );
    assert_eq!(
        form(&send(200, r#"{"id":"m","success":false}"#)),
        r#"{"failure":{"status":200,"code":200,"kind":"unconfirmed","detail":"JSON without a text","id":"m"}}"#
    );
    assert_eq!(
        form(&BatchOutcome::decode(200, BATCH).into_owned()),
        r#"{"success":{"id":"b-1","name":"Autumn","route_id":"mglobal","scheduled":"2026-12-01T09:00:00.000Z","recipient_count":2,"shorten_urls":true,"exclude_optouts":true,"exclude_duplicates":false,"spread_hours":4,"recipients":[{"originator":"Brand","recipient":"447700900001","text":"Hi","reference":"r-1","route_id":"x"},{"recipient":"447700900002"}]}}"#
    );
    let silent = BatchOutcome::decode(200, br#"{"id":"b"}"#).into_owned();
    assert_eq!(form(&silent), r#"{"success":{"id":"b"}}"#);

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

/// Each decoder reads the other's responses, with the same id.
#[test]
fn a_response_to_the_other_kind_of_send() {
    let mut message = Message::new("b-1");
    message.route_id = Some("mglobal".into());
    message.recipient_count = Some(2);
    assert_eq!(SendOutcome::decode(200, BATCH).success(), Some(&message), "the batch's id");
    let single =
        br#"{"success":true,"record":{"id":"m-1","recipient":"447700900001","text":"Hi"}}"#;
    assert_eq!(BatchOutcome::decode(200, single).success(), Some(&Batch::new("m-1")));
}
