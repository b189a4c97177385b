//! Which error messages are opt-out notices, and which phone number they contain.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use mobivate_response::{FailureKind, SendOutcome};
use serde_json::json;

/// The number in the notice, which may be empty, or `None` if the text isn't a notice.
fn read(text: &str) -> Option<String> {
    let body = json!({ "code": 403, "message": text }).to_string();
    let outcome = SendOutcome::decode(403, body.as_bytes());
    let failure = outcome.failure().unwrap();
    let number = failure.opted_out_number().map(|number| number.as_str().to_owned());
    if failure.kind == FailureKind::OptedOut {
        return Some(number.unwrap_or_default());
    }
    assert_eq!((failure.kind, number), (FailureKind::Forbidden, None), "{text:?}");
    None
}

#[test]
fn notices() {
    for text in [
        "Recipient is opted out",
        "Message blocked because recipient is opted out",
        "Opted Out - Message blocked because recipient is opted out",
        "Recipient has opted out",
        "RECIPIENT_OPTED_OUT",
        "rECIPIENT iS OPTED oUT",
        "recipient-is--opted__out",
        " -_\t\n\x0c\rRecipient \t is\r\nopted - out _",
        "Recipient is opted out.",
        "Recipient is opted out!",
        "Recipient is opted out -.",
        "Recipient is opted out:",
        "Recipient is opted out : \t",
    ] {
        assert_eq!(read(text).as_deref(), Some(""), "{text:?}");
    }
}

#[test]
fn other_texts() {
    for text in [
        // They suppressed a customer when a list of words of doubt decided.
        "Key may not read which recipients have opted out",
        "Forbidden: no access to recipients opted-out.",
        "Recipient is opted out or the API key is invalid",
        "Maybe the recipient is opted out",
        "It is not true that the recipient is opted out",
        "Too many recipients opted out",
        "Unknown parameter: recipient_opted_out",
        "Possible reasons: recipient is opted out",
        "recipient_opted_out: false",
        "if (the recipient is opted out)",
        "if the\nrecipient is opted out",
        "0 of 10 recipients opted out",
        // Other words.
        "API Key is not permitted to perform this action. (read:Optouts)",
        "Recipient has not opted out",
        "Recipient isn't opted out",
        "Recipient was opted out",
        "Recipients are opted out",
        "The recipient is opted out",
        "Recipient recipient is opted out",
        "Recipient is is opted out",
        "SMS_RECIPIENT_OPTED_OUT",
        "Subscriber is opted out",
        "Opted out",
        "Opted out - recipient is opted out",
        "Message blocked because recipient has opted out",
        "Blocked because recipient is opted out",
        "Recipient is opted out list",
        "Recipient is opted outside",
        "Recipient is opted ou",
        "Recipient i\u{17f} opted out",
        "Recipient",
        "",
        "-",
        // Other signs.
        "Recipientis opted out",
        "Recipient is optedout",
        "Recipient. Is opted out",
        "Recipient is\u{a0}opted out",
        "Recipient is\x0bopted out",
        "\u{a0}Recipient is opted out",
        "Recipient is opted out\u{200b}",
        "[RECIPIENT_OPTED_OUT]",
        "Recipient is opted out?",
        "Recipient is opted out..",
        "Recipient is opted out.!",
        "Recipient is opted out. ",
        "Recipient is opted out. Recipient is opted out.",
        "Recipient is opted out (447700900123)",
        "Recipient is opted out 447700900123",
        "403: Recipient is opted out",
        ": Recipient is opted out",
    ] {
        assert_eq!(read(text), None, "{text:?}");
    }
}

#[test]
fn numbers() {
    for (rest, number) in [
        (": 447700900123", "447700900123"),
        (":447700900123", "447700900123"),
        (" \t\n:\r\x0c +447700900123.", "447700900123"),
        ("_: 447700900123!", "447700900123"),
        (": 447700900123 .", "447700900123"),
        (": 447700900123. ", "447700900123"),
        (": 44XXXXXXXX", "44XXXXXXXX"),
        (": 4477009*****", "4477009*****"),
        (": 4477xxxxx123", "4477xxxxx123"),
        (": 00447700900123", "00447700900123"),
        (": 1234567", "1234567"),
        (": 123456789012345", "123456789012345"),
    ] {
        let text = format!("Recipient is opted out{rest}");
        assert_eq!(read(&text).as_deref(), Some(number), "{text:?}");
    }
    for rest in [
        ": 123456",
        ": 1234567890123456",
        ": 123456789012345x",
        ": X234567",
        ": 447700######",
        ": 447700 900123",
        ": 4477009-00123",
        ": 4477009,00123",
        ": 4477009.00123",
        ": 447700900123, 447700900124",
        ": 447700900123 since Monday",
        ": 447700900123..",
        ": 447700900123?",
        ": 447700900123a",
        ": 447700900123\u{ff14}",
        ":\u{a0}447700900123",
        ": ٤٤٧٧٠٠٩٠٠١٢٣",
        ": (447700900123)",
        ": ++447700900123",
        ": + 447700900123",
        ": +",
        ":: 447700900123",
        "; 447700900123",
        "\u{ff1a} 447700900123",
        ". Number: 447700900123",
        ".: 447700900123",
        ": false",
        ": 0",
        ": unknown",
    ] {
        let text = format!("Recipient is opted out{rest}");
        assert_eq!(read(&text), None, "half a number is somebody else's: {text:?}");
    }
}

#[test]
fn matching() {
    let matches = |number: &str, recipient: &str| {
        let body = json!({ "message": format!("Recipient is opted out: {number}") }).to_string();
        let outcome = SendOutcome::decode(403, body.as_bytes());
        outcome.failure().unwrap().opted_out_number().unwrap().matches(recipient)
    };
    for number in ["447700900123", "+447700900123", "00447700900123"] {
        for recipient in
            ["447700900123", "+44 7700-900123", "00447700900123", "00 44 (7700) 900 123"]
        {
            assert!(matches(number, recipient), "{number} {recipient}");
        }
        for recipient in [
            "07700900123",
            "0447700900123",
            "000447700900123",
            "44770090012",
            "4477009001234",
            "447700900123 ext. 4",
            "٤٤٧٧٠٠٩٠٠١٢٣",
            "447700900123٣",
            "",
            "00",
        ] {
            assert!(!matches(number, recipient), "{number} {recipient}");
        }
    }
    for recipient in ["4477XXXX", "4477", "44770000", "447700900123"] {
        assert!(!matches("4477XXXX", recipient), "a masked number matches no recipient");
    }
}
