//! Which texts are opt-out notices, and which number they name.

#![expect(clippy::panic, reason = "a test fails by a panic")]
#![expect(clippy::too_many_lines, reason = "a row for each case")]

use mobivate_response::{Failure, FailureKind};

/// `Err` if the text is no opt-out notice, else the number that it names.
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
fn notices() {
    for text in [
        "Recipient is opted out",
        "recipient has opted out.",
        "RECIPIENT WAS OPTED OUT!",
        "Recipient opted-out",
        "RECIPIENT_OPTED_OUT",
        "recipient-is--opted__out",
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
        "Message rejected, recipient opted out",
        "Not sent (the recipient has opted out).",
        "🚫 Recipient is opted out",
        "447700900123: recipient is opted out",
        "Recipient has been opted out",
        "Recipient was already opted out",
        "recipients opted out",
        "Recipients are opted out",
        "Recipients were opted out",
        "Recipients have opted out",
        "Recipient are opted out",
        "No - recipient is opted out",
        "No -recipient is opted out",
        "if- recipient is opted out",
        "if\t-\trecipient is opted out",
        "Slow down. Recipient is opted out",
        "Not sent because the recipient is opted out",
        "Blocked if asked; the recipient is opted out",
        "if\nrecipient is opted out",
        "When asked – recipient is opted out",
        "(no\u{a0}SmsRecipient is opted out)",
        "nothing: recipient is opted out",
        "cannot, recipient is opted out",
        "the recipient has opted out of doorstep delivery",
        "SMS_RECIPIENT_OPTED_OUT",
        "E-403_RECIPIENT_OPTED_OUT",
        "[RECIPIENT_OPTED_OUT]",
        "RECIPIENT_OPTED_OUT: the message was not sent",
        "Recipient is opted out: nobody",
        "Recipient is opted out: 00",
        "Recipient is opted out / STOP",
        "Recipient is opted out _",
        "Recipient is opted out -",
        "unlessrecipient is opted out",
        "if recipient is opted out: blocked. Recipient is opted out",
    ] {
        assert_eq!(read(text), Ok(None), "{text:?}");
    }
    for text in [
        "This account has opted out of delivery reports",
        "Recipient has not opted out",
        "API Key is not permitted to perform this action. (read:Optouts)",
        "Recipient opt out",
        "Recipient 447700900123 is opted out",
        "Subscriber is opted out",
        "opted out recipient: 447700900123",
        "Recipientis opted out",
        "Recipient isopted out",
        "Recipient is is opted out",
        "Recipient is was opted out",
        "Recipient i\u{17f} opted out",
        "Recipient isn't opted out",
        "Recipient: opted out",
        "Recipient. Opted out",
        "recipient.opted.out",
        "Recipient is.opted out",
        "Recipient is opted.out",
        "Recipient been opted out",
        "Recipient is been already opted out",
        "recipientss opted out",
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
        "(no SmsRecipient is opted out)",
        "if that recipient is opted out, or if a recipient was opted out",
        // 1. The last word goes on.
        "Recipient opted_out_list",
        "RECIPIENT_OPTED_OUT_CHECK_FAILED",
        "recipient opted out-list",
        "recipient is opted out--7",
        "recipient is opted out_é",
        // 2. A question, or a thing.
        "Recipient is opted out?",
        "Recipient is opted out? Unknown if recipient is opted out: 1111111",
        "Recipient is opted out \n?",
        "Recipient opted out lookup failed",
        "recipient opted out list cannot be read",
        "Recipient opted out\té",
        "RECIPIENT_OPTED_OUT lookup failed",
        "recipient_is_opted_out lookup failed",
        "Unknown parameter recipient_opted_out",
        "Field \"recipient_opted_out\": must be a boolean",
        "403 RECIPIENT_OPTED_OUT",
        "Error: sms_recipient_opted_out",
        "recipient_status: Recipient is opted_out",
        // 3. A value denies it.
        "recipient_opted_out=false",
        "recipient is opted out: no",
        "recipient is opted out = NULL",
        "recipient is opted out => none",
        "recipient is opted out (unknown)",
        "recipient is opted out: 0",
        "{\"recipient is opted out\": [`false`]}",
        "recipient is opted out 'no-one'",
        // 4. It is in doubt.
        "Forbidden: the API key is invalid or the recipient is opted out",
        "Blocked when the recipient is opted out",
        "Blocked until the SmsRecipient is opted out",
        "0 recipients opted out",
        "none of that and recipient is opted out",
        "could not confirm that the recipient is opted out",
        "cannot determine: whether this recipient is opted out",
        "where any all the recipients have opted out",
        "once recipient is opted out",
        "assuming recipient is opted out",
        "Perhaps the recipient is opted out",
        "I doubt that this recipient is opted out",
        "verify recipient is opted out",
        "Neither the key's nor the recipient is opted out",
        "in case recipient is opted out",
        "not all the recipients are opted out",
        "nor any recipient is opted out",
        "whether-the-recipient opted out",
        "if_the_recipient is opted out",
        "if 'the recipient is opted out",
        "if the owner’s recipient is opted out",
        "if a-b recipient is opted out",
        "if recipient is opted out and that recipient is opted out",
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
        (": 447700900123 since Monday", "447700900123"),
        (": 447700900123)", "447700900123"),
        ("_: 447700900123", ""),
        (": 447700900123,", "447700900123"),
        (": 447700900123, 2 of 3", "447700900123"),
        (": 447700900123;7", "447700900123"),
        (": 447700900123!", "447700900123"),
        (": 447700900123?", "447700900123"),
        (": 447700900123]", "447700900123"),
        (": 447700900123}", "447700900123"),
        (": 447700900123\"", "447700900123"),
        (": 447700900123'", "447700900123"),
        (": 447700900123\tfor ever", "447700900123"),
        (": 447700900123 y", "447700900123"),
        (": 447700900123: 1", "447700900123"),
        (", and recipient is opted out: 447700900123", "447700900123"),
        (". Recipient is opted out: 447700900123", "447700900123"),
        (": 123. Recipient is opted out: 447700900123", "447700900123"),
        (": 123456; recipient is opted out: 447700900123", "447700900123"),
        (": 1111111. Recipient is opted out: 2222222", "1111111"),
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
        ": 447700900123-",
        ": 447700900123🚫",
        ": 447700900123_1",
        ": 447700900123(",
        ": 447700900…",
        ": 44770090####",
        ": 4477009,00123",
        ": 447700900,x",
        ": 4477009_00123",
        ": 447700900 xxx",
        ": 447700900 XXX",
        ": 447700900 *",
        ": 447700900 \x0b1",
        ": 447700900\x0b",
        ": 447700900123\u{a0}",
        ": 447700900 …1",
        ": ٤٤٧٧٠٠٩٠٠١٢٣",
        " of 447700900123",
        ": the number 447700900123",
    ] {
        let text = format!("Recipient is opted out{rest}");
        assert_eq!(read(&text), Ok(None), "{text:?}");
    }
}

/// Digits of any script, and no national form.
#[test]
fn matching() {
    let failure = Failure::new(403, "Recipient is opted out: 447700900123");
    let number = failure.opted_out_number().unwrap();
    for recipient in ["447700900123", "+44 7700-900123", "00447700900123", "00 44 7700 900 123"] {
        assert!(number.matches(recipient), "{recipient}");
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
        assert!(!number.matches(recipient), "{recipient}");
    }
    let failure = Failure::new(403, "Recipient is opted out: 00447700900123");
    let number = failure.opted_out_number().unwrap();
    assert!(number.matches("447700900123") && number.matches("00447700900123"));
    assert!(!number.matches("0000447700900123"), "one prefix alone");
    let failure = Failure::new(403, "Recipient is opted out: 4477XXXX");
    let number = failure.opted_out_number().unwrap();
    for recipient in ["4477XXXX", "4477", "44770000"] {
        assert!(!number.matches(recipient), "a masked number matches nobody: {recipient}");
    }
}

/// Nothing is read twice: a search that starts from the beginning at each phrase would not end.
#[test]
fn hostile_clauses() {
    for unit in ["recipient opted out list ", "a recipient opted out or ", "recipient_opted_out "] {
        let text = unit.repeat((4 << 20) / unit.len());
        for before in ["if ", "", "((((", "x "] {
            assert!(read(&format!("{before}{text}?")).is_err() || before != "if ");
        }
    }
    let text = format!("{}{}", "-".repeat(1 << 20), "recipient_opted_out ".repeat(1 << 16));
    assert!(read(&text).is_err());
}
