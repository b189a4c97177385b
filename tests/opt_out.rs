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
        "Recipient opted_out_list",
        "Error: Recipient\t\r\n\x0c is\n opted out (code 7)",
        "Recipient recipient is opted out",
        "rRecipient opted out",
        "Recipient has not opted out, but that recipient has opted out",
        "é: Recipient is opted outé? Recipient is opted out",
    ] {
        assert_eq!(read(text), Ok(None), "{text:?}");
    }
    for text in [
        "This account has opted out of delivery reports",
        "Recipient has not opted out",
        "API Key is not permitted to perform this action. (read:Optouts)",
        "Recipients are opted out",
        "Recipient are opted out",
        "Recipientis opted out",
        "Recipient isopted out",
        "Recipient is is opted out",
        "Recipient: opted out",
        "Recipient is\u{a0}opted out",
        "Recipient is\x0bopted out",
        "Recipient is opted  out",
        "Recipient is opted\tout",
        "Recipient is optedout",
        "Recipient is opted outside",
        "Recipient is opted out7",
        "Recipient is opted outé",
        "Recipient is opted ou",
        "Recipient is opted ouŧ",
        "recipien",
        "opted out: 447700900123",
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
        (": 1234567", "1234567"),
        (": 123456789012345", "123456789012345"),
        (": 447700900123-", "447700900123"),
        (": 447700900123 and more", "447700900123"),
        (": 447700900123: 1", "447700900123"),
        (", and recipient is opted out: 447700900123", "447700900123"),
        (": 123. Recipient is opted out: 447700900123", "447700900123"),
        (": 1111111. Recipient is opted out: 2222222", "1111111"),
    ] {
        let text = format!("Recipient is opted out{rest}");
        assert_eq!(read(&text), Ok(Some(number.to_owned())), "{text:?}");
    }
    for rest in [
        "",
        ":",
        " 447700900123",
        "; 447700900123",
        ":: 447700900123",
        ": ++447700900123",
        ": + 447700900123",
        ":\u{a0}447700900123",
        ": 123456",
        ": 1234567890123456",
        ": X234567",
        ": *234567",
        ": 447700900123a",
        ": 447700900123é",
        ": 447700900123٣",
        ": 447700 900123",
        ": 4477009 00123",
        ": 4477009-00123",
        ": 4477009.00123",
        ": 4477009 ٣",
        ": ٤٤٧٧٠٠٩٠٠١٢٣",
        " of 447700900123",
        ": the number 447700900123",
    ] {
        let text = format!("Recipient is opted out{rest}");
        assert_eq!(read(&text), Ok(None), "{text:?}");
    }
}
