//! Which texts say opted out, and which number they name.

#![expect(clippy::panic, reason = "a test fails by a panic")]

use mobivate_response::{Failure, FailureKind};

/// `Err` if the text does not say opted out, else the number that it names.
fn read(text: &str) -> Result<Option<String>, ()> {
    let failure = Failure::new(403, text);
    match failure.kind {
        FailureKind::OptedOut => {
            Ok(failure.opted_out_number().map(|number| number.as_str().to_owned()))
        }
        FailureKind::Forbidden => Err(()),
        kind => panic!("{kind} for {text:?}"),
    }
}

#[test]
fn phrases() {
    for text in [
        "Recipient is opted out",
        "recipient has opted out.",
        "RECIPIENT WAS OPTED OUT!",
        "Recipient opted-out",
        "RECIPIENT_OPTED_OUT",
        "recipient-is--opted__out",
        "Recipient opted_out_list",
        "Error: Recipient\t\r\n\x0c is\n opted \t out (code 7)",
        "SmsRecipient is opted out",
        "Recipient recipient is opted out",
        "rRecipient opted out",
        "étéRecipient opted out",
        "Message blocked because recipient is opted out.",
        "Recipient has not opted out, but that recipient has opted out",
        "é: Recipient is opted outé? Recipient is opted out",
        "No. Recipient is opted out",
        "Whether or not: the recipient is opted out",
        "Say no to this: recipient is opted out",
        "Piano recipient is opted out",
        "If so, the recipient is opted out",
        "Message refused, recipient opted out",
        "Not sent (the recipient has opted out).",
        "🚫 Recipient is opted out",
        "recipient_status: Recipient is opted_out",
        "447700900123: recipient is opted out",
    ] {
        assert_eq!(read(text), Ok(None), "{text:?}");
    }
    for text in [
        "This account has opted out of delivery reports",
        "Recipient has not opted out",
        "API Key is not permitted to perform this action. (read:Optouts)",
        "Recipient has been opted out",
        "Recipient opt out",
        "Recipient 447700900123 is opted out",
        "Subscriber is opted out",
        "opted out recipient: 447700900123",
        "recipients opted out",
        "Recipients are opted out",
        "Recipient are opted out",
        "Recipientis opted out",
        "Recipient isopted out",
        "Recipient is is opted out",
        "Recipient is was opted out",
        "Recipient i\u{17f} opted out",
        "Recipient isn't opted out",
        "Recipient: opted out",
        "Recipient is\u{a0}opted out",
        "Recipient is\x0bopted out",
        "Recipient is opted\u{200b} out",
        "Recipient is opted\u{2013}out",
        "Recipient is optedout",
        "Recipient is opted outside",
        "Recipient is opted out7",
        "Recipient is opted outé",
        "Recipient is opted ou",
        "Recipient is opted ouŧ",
        "recipien",
        "opted out: 447700900123",
        "if recipient is opted out",
        "Unknown whether the recipient is opted out",
        "WHETHER_ANY_RECIPIENT_OPTED_OUT",
        "Unless this  recipient has opted out: 447700900123",
        "No recipient opted out",
        "(no\u{a0}SmsRecipient is opted out)",
        "if that recipient is opted out, or if a recipient was opted out",
    ] {
        assert_eq!(read(text), Err(()), "{text:?}");
    }
}

#[test]
fn numbers() {
    for (rest, number) in [
        (": 447700900123", "447700900123"),
        (":447700900123", "447700900123"),
        (" \t\n:\r\x0c +447700900123.", "447700900123"),
        (": 44XXXXXXXX", "44XXXXXXXX"),
        (": 4477009*****)", "4477009*****"),
        (": 44xxxxx, sorry", "44xxxxx"),
        (": 447700******", "447700******"),
        (": 4477xxxxx123", "4477xxxxx123"),
        (": 00447700900123", "00447700900123"),
        (": 1234567", "1234567"),
        (": 123456789012345", "123456789012345"),
        (": 447700900123-", "447700900123"),
        (": 447700900123 since Monday", "447700900123"),
        (": 447700900123)", "447700900123"),
        (": 447700900123🚫", "447700900123"),
        (": 447700900123,447700900124", "447700900123"),
        (": 447700900123, 2 of 3", "447700900123"),
        (": 447700900123: 1", "447700900123"),
        (": 447700900123_1", "447700900123"),
        ("_: 447700900123", ""),
        (", and recipient is opted out: 447700900123", "447700900123"),
        (". Recipient is opted out: 447700900123", "447700900123"),
        (": 123. Recipient is opted out: 447700900123", "447700900123"),
        (": 123456; recipient is opted out: 447700900123", "447700900123"),
        (": 1111111. Recipient is opted out: 2222222", "1111111"),
        ("? Unknown if recipient is opted out: 1111111", ""),
    ] {
        let text = format!("Recipient is opted out{rest}");
        let number = Some(number.to_owned()).filter(|number| !number.is_empty());
        assert_eq!(read(&text), Ok(number), "{text:?}");
    }
    for rest in [
        "",
        ":",
        " 447700900123",
        "; 447700900123",
        ":: 447700900123",
        ": ++447700900123",
        ": + 447700900123",
        "\u{ff1a} 447700900123",
        ": ",
        ". Number: 447700900123",
        ": (447700900123)",
        ":\u{a0}447700900123",
        ": 123456",
        ": 1234567890123456",
        ": 123456789012345x",
        ": 123456789012345*",
        ": 447700######",
        ": X234567",
        ": *234567",
        ": 447700900123a",
        ": 447700900123é",
        ": 447700900123٣",
        ": 447700900123\u{ff14}",
        ": 447700900123. 2 others were sent.",
        ": 447700900123  4 attempts",
        ": 447700 900123",
        ": 4477009 00123",
        ": 4477009-00123",
        ": 4477009.00123",
        ": 4477009/00123",
        ": 4477009 ٣",
        ": 447700900-XXX",
        ": 447700900 ***",
        ": 447700900 (0)12",
        ": 447700900 – [12]",
        ": 447700900\u{2009}\u{2011}{1}",
        ": 447700900\u{2015}1",
        ": 447700900\u{2212}1",
        ": 447700900\u{ff0d}1",
        ": 447700900\u{b7}1",
        ": 447700900\u{2044}1",
        ": 447700900\u{ff08}0\u{ff09}1",
        ": 447700900\u{200b}1",
        ": 447700900\n\n1",
        ": ٤٤٧٧٠٠٩٠٠١٢٣",
        " of 447700900123",
        ": the number 447700900123",
    ] {
        let text = format!("Recipient is opted out{rest}");
        assert_eq!(read(&text), Ok(None), "{text:?}");
    }
}
