//! What is posted to the receiver, over real sockets: never a wrong status, and nobody suppressed on
//! a reference that is not one's own.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::{
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use axum::Router;
use form_urlencoded::byte_serialize;
use mobivate_response::{DeliveryStatus, FailureKind, SendOutcome};
use proptest::{collection::vec, prelude::*, sample::select};
use recipes::{
    outbox_sqlite::{Outbox, State, Text},
    receipts::{BODY_LIMIT, Unreadable, read, receiver},
};
use tokio::{net::TcpListener, runtime::Runtime};

/// Captured on the current host.
const CAPTURED: &str = "<deliveryreceipt><created>2026-06-18T11:00:15.915Z</created><deliveryMessageId>133e4f21-ff94-49d7-9167-77c9bc94cb99</deliveryMessageId><clientReference>f1c2a2bd-bb90-4776-989e-f653fea1fa3a</clientReference><status>DELIVERED</status><statusCode>1</statusCode><part>1</part><parts>1</parts></deliveryreceipt>";

/// Documented by the first host.
const DOCUMENTED: &str = r#"{"deliveryMessageId":"9A85B95E0A000A9D2FBD46710388AD54","batchId":"9A85B9110A000A9D2FBD4671D691C328","clientReference":null,"created":"2023-07-28T03:23:22.000+00:00","status":"ACCEPTED","statusCode":2,"parts":1,"hlr":null}"#;

/// Ours, in the captured receipt.
const OURS: &str = "f1c2a2bd-bb90-4776-989e-f653fea1fa3a";

const PATIENT: Duration = Duration::from_secs(60);

const OPTED_OUT: DeliveryStatus = DeliveryStatus::Failed(FailureKind::OptedOut);

fn form(xml: &str) -> Vec<u8> {
    let encoded: String = byte_serialize(xml.as_bytes()).collect();
    format!("xml={encoded}").into_bytes()
}

fn receipt(elements: &str) -> Vec<u8> {
    form(&format!(
        "<deliveryreceipt><clientReference>{OURS}</clientReference>{elements}</deliveryreceipt>"
    ))
}

fn json(fields: &str) -> Vec<u8> {
    format!(r#"{{"clientReference":"{OURS}",{fields}}}"#).into_bytes()
}

/// The receiver at work. The outbox have two texts to one recipient: ours got no answer, and the
/// other is not sent yet.
struct Server {
    address: SocketAddr,
    outbox: Arc<Mutex<Outbox>>,
    _runtime: Runtime,
}

impl Server {
    fn new(limit: Duration) -> Self {
        let mut outbox = Outbox::open(":memory:").unwrap();
        outbox.add(OURS, "447700900101").unwrap();
        let text = outbox.take().unwrap().unwrap();
        outbox.settle(&text, &SendOutcome::no_response("time limit")).unwrap();
        outbox.add("not-sent-yet", "+44 7700 900101").unwrap();
        let outbox = Arc::new(Mutex::new(outbox));
        let runtime = Runtime::new().unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let listener = runtime.block_on(listener).unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().route("/receipts", receiver(outbox.clone(), limit));
        runtime.spawn(async { axum::serve(listener, app).await });
        Self { address, outbox, _runtime: runtime }
    }

    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection on which a request was begun.
    fn begin(&self, length: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENT)).unwrap();
        let head = format!(
            "POST /receipts HTTP/1.1\r\nhost: here\r\nconnection: close\r\n{length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream
    }

    fn post(&self, body: &[u8]) -> Answer {
        let mut stream = self.begin(&format!("content-length: {}", body.len()));
        stream.write_all(body).unwrap();
        answer(&mut stream).unwrap()
    }

    /// Posts what must change nothing.
    fn refuse(&self, body: &[u8], expected: (u16, &str)) {
        let before = entries(&self.outbox());
        let (status, text) = self.post(body);
        assert_eq!((status, &*text), expected, "{:.300}", String::from_utf8_lossy(body));
        assert_eq!(entries(&self.outbox()), before, "{:.300}", String::from_utf8_lossy(body));
    }

    /// Posts what says this of our text.
    fn store(body: &[u8], status: DeliveryStatus) {
        let server = Self::new(PATIENT);
        let shown = String::from_utf8_lossy(body);
        assert_eq!(server.post(body), (200, "stored".into()), "{shown:.300}");
        assert_eq!(server.outbox().delivery(OURS).unwrap(), Some(status), "{shown:.300}");
    }
}

type Answer = (u16, String);

/// `None`: the connection was closed without one.
fn answer(stream: &mut TcpStream) -> Option<Answer> {
    let mut received = Vec::new();
    if let Err(error) = stream.read_to_end(&mut received) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "the server hangs");
    }
    let received = String::from_utf8(received).unwrap();
    let (head, body) = received.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().unwrap(), body.to_owned()))
}

/// All that receipts can change.
type Entries = (Vec<(State, Vec<Text>)>, Vec<(String, u8, u8, String)>);

fn entries(outbox: &Outbox) -> Entries {
    let sql = "SELECT reference, part, parts, status FROM receipts ORDER BY reference, part";
    let mut select = outbox.connection.prepare(sql).unwrap();
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
    let rows = rows.unwrap().map(Result::unwrap).collect();
    (State::ALL.map(|state| (state, outbox.texts(state).unwrap())).to_vec(), rows)
}

fn references(outbox: &Outbox, state: State) -> Vec<String> {
    outbox.texts(state).unwrap().into_iter().map(|text| text.reference).collect()
}

#[test]
fn every_form_is_stored_and_proves_that_the_text_was_accepted() {
    let oldest = CAPTURED.replace("<statusCode>1</statusCode>", "");
    let with_reference = DOCUMENTED.replace("null,\"created", &format!("\"{OURS}\",\"created"));
    for (body, status, id) in [
        (form(CAPTURED), DeliveryStatus::Delivered, "133e4f21-ff94-49d7-9167-77c9bc94cb99"),
        (form(&oldest), DeliveryStatus::Delivered, "133e4f21-ff94-49d7-9167-77c9bc94cb99"),
        (with_reference.into(), DeliveryStatus::Pending, "9A85B95E0A000A9D2FBD46710388AD54"),
    ] {
        let server = Server::new(PATIENT);
        assert_eq!(server.post(&body), (200, "stored".into()));
        let outbox = server.outbox();
        assert_eq!(outbox.delivery(OURS).unwrap(), Some(status));
        assert_eq!(references(&outbox, State::Accepted), [OURS]);
        assert_eq!(references(&outbox, State::Queued), ["not-sent-yet"]);
        assert_eq!(outbox.outcome(OURS).unwrap().unwrap().success().unwrap().id, id);
        assert_eq!(entries(&outbox).1.len(), 1);
    }
}

#[test]
fn the_word_decides_and_the_code_speaks_only_where_none_came() {
    use DeliveryStatus::{Delivered, Failed, Pending, Unknown};
    let undelivered = Failed(FailureKind::Undelivered);
    for (body, status) in [
        (receipt("<status>DELIVERED</status><statusCode>5</statusCode>"), Delivered),
        (receipt("<status>NOVEL</status><statusCode>1</statusCode>"), Unknown),
        (receipt("<status> delivered\n</status>"), Delivered),
        (receipt("<statusCode> 5 </statusCode>"), undelivered),
        (receipt("<status/><statusCode>1</statusCode>"), Delivered),
        (receipt("<status> </status><statusCode>2</statusCode>"), Pending),
        (receipt("<statusCode>99999</statusCode>"), Unknown),
        (receipt("<statusCode>one</statusCode>"), Unknown),
        (json(r#""status":"DELIVERED","statusCode":5"#), Delivered),
        (json(r#""status":"NOVEL","statusCode":1"#), Unknown),
        (json(r#""statusCode":5"#), undelivered),
        (json(r#""status":null,"statusCode":"5""#), undelivered),
        (json(r#""status":" ","statusCode":1,"part":"1","parts":"1""#), Delivered),
        (json(r#""statusCode":1.0"#), Unknown),
        (json(r#""statusCode":-1"#), Unknown),
    ] {
        Server::store(&body, status);
    }
}

#[test]
fn only_the_fields_of_the_receipt_itself_count() {
    use DeliveryStatus::{Delivered, Pending};
    let nested = "<hlr><status>OPTED_OUT</status><statusCode>19</statusCode><part>9</part></hlr>";
    for (body, status) in [
        (receipt(&format!("{nested}<status>DELIVERED</status>")), Delivered),
        (receipt(&format!("<status>DELIVERED</status>{nested}")), Delivered),
        (receipt(&format!("{nested}<statusCode>2</statusCode>")), Pending),
        (receipt("<status><status>OPTED_OUT</status></status><statusCode>2</statusCode>"), Pending),
        (receipt("<status>OPTED<b/>_OUT</status><statusCode>2</statusCode>"), Pending),
        (receipt("OPTED_OUT<status>DELIVERED</status>OPTED_OUT"), Delivered),
        (receipt("<hlr/><hlr/><status a='OPTED_OUT'>DELIVERED</status>"), Delivered),
        (json(r#""hlr":{"status":"OPTED_OUT","part":9},"status":"DELIVERED""#), Delivered),
        (json(r#""status":{"status":"OPTED_OUT"},"statusCode":2"#), Pending),
        (json(r#""hlr":{"status":"OPTED_OUT"},"statusCode":2"#), Pending),
    ] {
        Server::store(&body, status);
    }
    for body in [receipt(nested), json(r#""hlr":{"status":"OPTED_OUT"}"#), receipt("")] {
        Server::new(PATIENT).refuse(&body, (200, "no receipt"));
    }
}

#[test]
fn xml_in_other_words() {
    for elements in [
        "<status>DELI&#86;&#x45;RED</status>",
        "<status><![CDATA[DELIVERED]]></status>",
        "<status>DELI<!-- a comment -->VERED</status><!-- another -->",
        "<created>&lt;&amp;&quot;</created><status\n>DELIVERED</status\n>",
    ] {
        Server::store(&receipt(elements), DeliveryStatus::Delivered);
    }
    Server::store(
        &form(&format!("<?xml version='1.0'?>\n{CAPTURED}\n")),
        DeliveryStatus::Delivered,
    );
    let among_others = [b"a=b&", &*form(CAPTURED), b"&c=d"].concat();
    Server::store(&among_others, DeliveryStatus::Delivered);
}

#[test]
fn what_is_something_else_is_no_receipt() {
    let server = Server::new(PATIENT);
    for body in [
        form(&format!(
            "<deliverymessage><originator>447700900101</originator><recipient>447700900199</recipient>\
             <clientReference>{OURS}</clientReference><body>STOP</body><status>OPTED_OUT</status>\
             </deliverymessage>"
        )),
        form("<deliverymessage/>"),
        form("<deliverymessage>AT&T"),
        form("<html><deliveryreceipt/></html>"),
        json(r#""originator":"447700900101","body":"STOP","status":"OPTED_OUT""#),
        json(r#""body":"","status":"OPTED_OUT","statusCode":19"#),
        json(r#""created":"2026-06-18T11:00:15.915Z""#),
        "{}".into(),
        // A receipt, but nobody's.
        DOCUMENTED.into(),
        DOCUMENTED.replace("null,\"created", "\" \",\"created").into(),
        form(&CAPTURED.replace(OURS, "")),
    ] {
        server.refuse(&body, (200, "no receipt"));
    }
}

#[test]
fn what_is_cut_short_changes_nothing() {
    let server = Server::new(PATIENT);
    for body in [form(CAPTURED), DOCUMENTED.replace("null,\"c", &format!("\"{OURS}\",\"c")).into()]
    {
        for at in 0..body.len() {
            let cut = body.get(..at).unwrap();
            server.refuse(cut, (400, "unreadable"));
            let mut stream = server.begin(&format!("content-length: {}", body.len()));
            stream.write_all(cut).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            let status = answer(&mut stream).map(|(status, _)| status);
            assert!(matches!(status, None | Some(400)), "{status:?}");
        }
    }
    assert_eq!(entries(&server.outbox()).1, []);
    // Cut before it was encoded.
    for at in 0..CAPTURED.len() {
        assert_eq!(read(&form(CAPTURED.get(..at).unwrap())), Err(Unreadable));
    }
}

#[test]
fn what_cannot_be_read_for_certain_changes_nothing() {
    let server = Server::new(PATIENT);
    let entity = |entity: &str| {
        let declared = format!("<!DOCTYPE deliveryreceipt [<!ENTITY e {entity}>]>{CAPTURED}");
        form(&declared.replace("DELIVERED", "&e;"))
    };
    for body in [
        receipt("<status>DELIVERED&unknown;</status>"),
        receipt("<status>DELIVERED</status><created>&nbsp;</created>"),
        receipt("<status>DELIVERED&#0;</status>"),
        receipt("<status>DELIVERED&</status>"),
        entity("'DELIVERED'"),
        entity("SYSTEM 'secret.txt'"),
        form(&format!("<!DOCTYPE deliveryreceipt>{CAPTURED}")),
        receipt("<status>OPTED_OUT</status><status>DELIVERED</status>"),
        receipt("<status>DELIVERED</status><status>DELIVERED</status>"),
        receipt("<status><b/></status><status>DELIVERED</status>"),
        receipt("<clientReference>other</clientReference><status>DELIVERED</status>"),
        json(r#""status":"OPTED_OUT","status":"DELIVERED""#),
        json(r#""clientReference":"other","status":"DELIVERED""#),
        form(&format!("{CAPTURED}{CAPTURED}")),
        form(&CAPTURED.replace("<status>", "</deliveryreceipt><deliveryreceipt><status>")),
        form(&format!("{CAPTURED}<deliverymessage/>")),
        [&*form(CAPTURED), b"&", &*form(CAPTURED)].concat(),
        [json(r#""status":"DELIVERED""#), json(r#""status":"DELIVERED""#)].concat(),
        receipt("<status>DELIVERED</status><part>0</part><parts>1</parts>"),
        receipt("<status>DELIVERED</status><part>2</part><parts>1</parts>"),
        receipt("<status>DELIVERED</status><part>1</part><parts>256</parts>"),
        receipt("<status>DELIVERED</status><part>-1</part>"),
        json(r#""status":"DELIVERED","part":1,"parts":4000000000"#),
        json(r#""status":"DELIVERED","part":0,"parts":0"#),
        receipt("<status>DELIVERED</Status>"),
        receipt("</clientReference><status>DELIVERED</status>"),
        CAPTURED.into(),
        format!("[{DOCUMENTED}]").into(),
        b"body=STOP".to_vec(),
        vec![0xff; 100],
    ] {
        server.refuse(&body, (400, "unreadable"));
    }
}

#[test]
fn ten_thousand_elements_deep() {
    let server = Server::new(PATIENT);
    let deep = format!("{}{}", "<a>".repeat(10_000), "</a>".repeat(10_000));
    let deep_json = format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    let unencoded = |elements: &str| {
        let reference = format!("<clientReference>{OURS}</clientReference>");
        format!("xml=<deliveryreceipt>{reference}{elements}</deliveryreceipt>").into_bytes()
    };
    for (body, expected) in [
        (format!("xml={deep}").into(), (200, "no receipt")),
        (unencoded(&deep), (200, "no receipt")),
        (unencoded(&format!("{deep}<status>{deep}</status>")), (200, "no receipt")),
        (unencoded(&"<status>".repeat(10_000)), (400, "unreadable")),
        (deep_json.clone().into(), (200, "no receipt")),
        (json(&format!(r#""status":{deep_json}"#)), (400, "unreadable")),
        ("[".repeat(10_000).into(), (400, "unreadable")),
    ] {
        server.refuse(&body, expected);
    }
    let delivered = DeliveryStatus::Delivered;
    Server::store(&unencoded(&format!("{deep}<status>DELIVERED</status>{deep}")), delivered);
    Server::store(&json(&format!(r#""hlr":{deep_json},"status":"DELIVERED""#)), delivered);
}

#[test]
fn nobody_is_suppressed_on_a_reference_that_is_not_ours() {
    let server = Server::new(PATIENT);
    let accepted = SendOutcome::decode(200, br#"{"id":"m-1"}"#);
    let text = Text { reference: OURS.into(), recipient: "447700900101".into() };
    server.outbox().settle(&text, &accepted).unwrap();
    for reference in ["theirs", "m-1", "447700900101", &OURS.to_uppercase(), "%", "' OR 1=1 --"] {
        let fields = format!(r#""deliveryMessageId":"m-1","clientReference":"{reference}""#);
        let body = format!(r#"{{{fields},"status":"OPTED_OUT"}}"#);
        server.refuse(body.as_bytes(), (200, "not ours"));
        let xml = CAPTURED.replace(OURS, reference).replace("DELIVERED", "OPTED_OUT");
        let with_id_of_ours = xml.replace("133e4f21-ff94-49d7-9167-77c9bc94cb99", OURS);
        server.refuse(&form(&with_id_of_ours), (200, "not ours"));
    }
}

#[test]
fn who_opted_out_is_not_texted_again() {
    let opted_out = receipt("<status>OPTED_OUT</status>");
    let blacklisted = receipt("<statusCode>19</statusCode>");
    let delivered = receipt("<status>DELIVERED</status>");
    for bodies in [[&opted_out, &delivered], [&delivered, &blacklisted], [&opted_out, &opted_out]] {
        let server = Server::new(PATIENT);
        for body in bodies {
            assert_eq!(server.post(body), (200, "stored".into()));
        }
        let mut outbox = server.outbox();
        // The response to the send comes late.
        let text = Text { reference: OURS.into(), recipient: "447700900101".into() };
        for outcome in [br#"{"id":"m-1"}"#, &b"{}"[..]] {
            let state = outbox.settle(&text, &SendOutcome::decode(200, outcome)).unwrap();
            assert_eq!(state, State::Suppressed);
        }
        assert_eq!(outbox.outcome(OURS).unwrap().unwrap().success().unwrap().id, "m-1");
        assert_eq!(outbox.take().unwrap(), None);
        assert_eq!(references(&outbox, State::Suppressed), [OURS, "not-sent-yet"]);
    }
    // One that is undeliverable is no reason to suppress.
    let server = Server::new(PATIENT);
    server.post(&receipt("<status>UNDELIVERABLE</status>"));
    assert_eq!(server.outbox().take().unwrap().unwrap().reference, "not-sent-yet");
    // A text that was to be sent again was accepted after all.
    let server = Server::new(PATIENT);
    server.outbox().allow_duplicate(OURS).unwrap();
    server.post(&receipt("<status>NOVEL</status>"));
    assert_eq!(references(&server.outbox(), State::RetryLater), [""; 0]);
    assert_eq!(references(&server.outbox(), State::Accepted), [OURS]);
}

#[test]
fn a_part_that_is_not_heard_of_is_unknown() {
    let part = |part: u8, parts: u8, word: &str| {
        receipt(&format!("<status>{word}</status><part>{part}</part><parts>{parts}</parts>"))
    };
    let server = Server::new(PATIENT);
    let undelivered = DeliveryStatus::Failed(FailureKind::Undelivered);
    for (body, status) in [
        (json(r#""status":"DELIVERED","parts":3"#), DeliveryStatus::Unknown),
        (part(3, 3, "DELIVERED"), DeliveryStatus::Unknown),
        (part(2, 3, "SENT"), DeliveryStatus::Pending),
        (part(2, 3, "EXPIRED"), undelivered),
        (part(2, 3, "ACCEPTED"), undelivered),
        (part(2, 3, "DELIVERED"), DeliveryStatus::Delivered),
        // They do not agree how many there are: the most is the safe side.
        (part(1, 4, "DELIVERED"), DeliveryStatus::Unknown),
        (part(1, 1, "DELIVERED"), DeliveryStatus::Unknown),
        (receipt("<status>DELIVERED</status><part>4</part>"), DeliveryStatus::Delivered),
    ] {
        assert_eq!(server.post(&body), (200, "stored".into()));
        assert_eq!(server.outbox().delivery(OURS).unwrap(), Some(status));
    }
    let stored = entries(&server.outbox()).1;
    assert_eq!(stored.len(), 4);
    assert_eq!(stored[1], (OURS.into(), 2, 3, r#""delivered""#.into()), "in its serde form");
}

#[test]
fn a_body_above_the_limit() {
    let server = Server::new(PATIENT);
    let padded = |length| {
        let mut body = [&*form(CAPTURED), b"&"].concat();
        body.resize(length, b'a');
        body
    };
    let too_long = (413, "Failed to buffer the request body: length limit exceeded");
    server.refuse(&padded(BODY_LIMIT + 1), too_long);
    let mut stream = server.begin("transfer-encoding: chunked");
    write!(stream, "{:x}\r\n", BODY_LIMIT + 1).unwrap();
    stream.write_all(&padded(BODY_LIMIT + 1)).unwrap();
    assert_eq!(answer(&mut stream).unwrap().0, 413);
    assert_eq!(entries(&server.outbox()).1, []);
    assert_eq!(server.post(&padded(BODY_LIMIT)), (200, "stored".into()));
}

#[test]
fn a_slow_upload_ends_at_the_time_limit_and_holds_up_nobody() {
    let server = Server::new(Duration::from_millis(300));
    let body = form(CAPTURED);
    let mut stalled = server.begin(&format!("content-length: {}", body.len()));
    let mut dripping = server.begin("content-length: 100000");
    stalled.write_all(body.get(1..).unwrap()).unwrap();
    let mut drip = dripping.try_clone().unwrap();
    let drops = thread::spawn(move || {
        while drip.write_all(b"a").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    for stream in [&mut stalled, &mut dripping] {
        let status = answer(stream).map(|(status, _)| status);
        assert!(matches!(status, None | Some(408)), "{status:?}");
    }
    drops.join().unwrap();
    assert_eq!(entries(&server.outbox()).1, []);

    let server = Server::new(PATIENT);
    let mut waiting = server.begin(&format!("content-length: {}", body.len()));
    assert_eq!(server.post(&receipt("<status>SENT</status>")), (200, "stored".into()));
    waiting.write_all(&body).unwrap();
    assert_eq!(answer(&mut waiting).unwrap(), (200, "stored".into()));
    assert_eq!(server.outbox().delivery(OURS).unwrap(), Some(DeliveryStatus::Delivered));
}

#[test]
fn what_could_not_be_stored_comes_again() {
    let server = Server::new(PATIENT);
    let full = "CREATE TEMP TRIGGER full BEFORE UPDATE OF state ON intents
                BEGIN SELECT RAISE(FAIL, 'disk full'); END";
    server.outbox().connection.execute_batch(full).unwrap();
    server.refuse(&receipt("<status>OPTED_OUT</status>"), (500, "not stored"));
    server.outbox().connection.execute_batch("DROP TRIGGER full").unwrap();
    // Somebody panicked while he held the outbox.
    let outbox = server.outbox.clone();
    let held = thread::spawn(move || {
        let _books = outbox.lock().unwrap();
        panic!("as it should");
    });
    assert!(held.join().is_err());
    assert_eq!(server.post(&receipt("<status>OPTED_OUT</status>")), (200, "stored".into()));
    assert_eq!(references(&server.outbox(), State::Suppressed), [OURS]);
}

/// What happens to two texts: `r-1` has two parts, of `r-2` the receipts do not agree how many.
#[derive(Clone, Debug)]
enum Event {
    Posted { reference: &'static str, part: u8, parts: u8, word: &'static str, json: bool },
    Replied { reference: &'static str, status: u16, body: &'static str },
}

const WORDS: [&str; 8] = [
    "DELIVERED",
    "ACCEPTED",
    "NOVEL",
    "UNDELIVERABLE",
    "OPTED_OUT",
    "FAILED_LIMITS_EXCEEDED",
    "FAILED_INSUFFICIENT_CREDIT",
    "SENT",
];

const RESPONSES: [(u16, &str); 5] = [
    (200, r#"{"id":"m-1"}"#),
    (502, ""),
    (429, ""),
    (400, ""),
    (403, r#"{"message":"Recipient is opted out"}"#),
];

prop_compose! {
    fn posted()(
        reference in select(vec!["r-1", "r-1", "r-2", "theirs"]),
        (part, more) in (1..=2_u8, 0..=1_u8),
        word in select(&WORDS[..]),
        json: bool,
    ) -> Event {
        let parts = if reference == "r-1" { 2 } else { part + more };
        Event::Posted { reference, part, parts, word, json }
    }
}

/// Receipts, some more than once, and one response to each send, in any order.
fn events() -> impl Strategy<Value = Vec<Event>> {
    let responses = [select(&RESPONSES[..]), select(&RESPONSES[..])];
    let events = (vec((posted(), 1..=3_usize), 0..8), responses).prop_map(|(posted, responses)| {
        let posted = posted.into_iter().flat_map(|(event, times)| vec![event; times]);
        let responses = responses.into_iter().zip(["r-1", "r-2"]);
        let responses =
            responses.map(|((status, body), reference)| Event::Replied { reference, status, body });
        posted.chain(responses).collect::<Vec<_>>()
    });
    events.prop_shuffle()
}

impl Event {
    fn happen(&self, outbox: &mut Outbox) {
        match *self {
            Self::Posted { reference, part, parts, word, json } => {
                let body = if json {
                    format!(
                        r#"{{"clientReference":"{reference}","status":"{word}","part":{part},"parts":{parts}}}"#
                    )
                    .into()
                } else {
                    form(&format!(
                        "<deliveryreceipt><clientReference>{reference}</clientReference>\
                         <status>{word}</status><part>{part}</part><parts>{parts}</parts></deliveryreceipt>"
                    ))
                };
                let news = read(&body).unwrap().unwrap();
                assert_eq!(outbox.hear(&news).unwrap(), reference != "theirs");
            }
            Self::Replied { reference, status, body } => {
                let text = Text { reference: reference.into(), recipient: String::new() };
                let outcome = SendOutcome::decode(status, body.as_bytes());
                let state = outbox.settle(&text, &outcome).unwrap();
                assert!(references(outbox, state).contains(&text.reference));
            }
        }
    }
}

/// What the events come to, whatever their order.
fn in_the_end(events: &[Event], ours: &str) -> (State, Option<DeliveryStatus>) {
    let heard = events.iter().filter_map(|event| match event {
        Event::Posted { reference, part, parts, word, .. } if *reference == ours => {
            Some((*part, *parts, DeliveryStatus::from_name(word)))
        }
        _ => None,
    });
    let heard: Vec<_> = heard.collect();
    let greatest = |part| {
        let statuses = heard.iter().filter(|(of, ..)| *of == part).map(|(_, _, status)| *status);
        statuses.fold(DeliveryStatus::Unknown, DeliveryStatus::merge)
    };
    let parts = heard.iter().map(|(_, parts, _)| *parts).max().unwrap_or(0);
    let least = (parts > 0).then(|| DeliveryStatus::of_parts((1..=parts).map(greatest)));
    let response = events.iter().find_map(|event| match event {
        Event::Replied { reference, status, .. } if *reference == ours => Some(*status),
        _ => None,
    });
    let state = match response.unwrap() {
        _ if heard.iter().any(|(_, _, status)| *status == OPTED_OUT) => State::Suppressed,
        403 => State::Suppressed,
        _ if !heard.is_empty() => State::Accepted,
        200 => State::Accepted,
        502 => State::NeedsLookup,
        429 => State::RetryLater,
        _ => State::NeedsFix,
    };
    (state, least)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_order_and_however_often_the_state_is_the_same(events in events()) {
        let mut outbox = Outbox::open(":memory:").unwrap();
        for (reference, recipient) in [("r-1", "447700900101"), ("r-2", "447700900102")] {
            outbox.add(reference, recipient).unwrap();
            outbox.take().unwrap().unwrap();
        }
        for event in &events {
            event.happen(&mut outbox);
        }
        for reference in ["r-1", "r-2"] {
            let (state, delivery) = in_the_end(&events, reference);
            prop_assert_eq!(outbox.delivery(reference).unwrap(), delivery);
            let holding = State::ALL.into_iter();
            let holding = holding.filter(|state| references(&outbox, *state).contains(&reference.into()));
            prop_assert_eq!(holding.collect::<Vec<_>>(), [state]);
        }
    }

    #[test]
    fn nothing_makes_it_panic(
        bytes in vec(any::<u8>(), 0..200),
        xml in "[<>/a-c&;!\\[\\] deliveryreceipt]{0,80}",
    ) {
        for body in [bytes, form(&xml), receipt(&xml), format!("{{{xml}").into()] {
            let _ = read(&body);
        }
    }
}
