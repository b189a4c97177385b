//! What a response's `Retry-After` asks for, behind every client, and the wait that honors it.

use std::{
    ops::RangeInclusive,
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use recipes::{curl, hyper, reqwest_async, reqwest_blocking, ureq};

use crate::{
    clients::{Attempt, PATIENT, http1, http2},
    mobivate::{Act, Server},
};

/// The header's values, and the seconds that they ask for.
pub(crate) struct Case {
    pub(crate) values: Vec<Vec<u8>>,
    seconds: Option<RangeInclusive<u64>>,
}

pub(crate) static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let case = |values: &[&[u8]], seconds| Case {
        values: values.iter().map(|value| value.to_vec()).collect(),
        seconds,
    };
    let one = |value: &str, seconds: u64| case(&[value.as_bytes()], Some(seconds..=seconds));
    let malformed = |value: &[u8]| case(&[value], None);
    let soon = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(900));
    vec![
        case(&[], None),
        one("0", 0),
        one("7", 7),
        one("007", 7),
        one("3600", 3600),
        one("3601", 3600),
        one("99999999999999999999999999", 3600),
        case(&[soon.as_bytes()], Some(800..=900)),
        one("Fri, 31 Dec 2100 23:59:59 GMT", 3600),
        one("Fri Dec 31 23:59:59 2100", 3600),
        one("Sun, 06 Nov 1994 08:49:37 GMT", 0),
        one("Sunday, 06-Nov-94 08:49:37 GMT", 0),
        one("Sun Nov  6 08:49:37 1994", 0),
        malformed(b""),
        malformed(b"soon"),
        malformed(b"-7"),
        malformed(b"+7"),
        malformed(b"7.5"),
        malformed(b"7s"),
        malformed(b"7, 8"),
        malformed(b"\xff"),
        malformed("\u{667}".as_bytes()),
        malformed(b"2100-12-31T23:59:59Z"),
        malformed(b"Fri, 31 Dec 2100"),
        case(&[b"5", b"9"], Some(5..=5)),
        case(&[b"soon", b"9"], Some(9..=9)),
    ]
});

#[test]
fn in_every_form() {
    let server = Server::mobivate();
    for mut client in http1(PATIENT).into_iter().chain(http2(PATIENT)) {
        for (index, case) in CASES.iter().enumerate() {
            let url = server.url("inferred/429-slow-down", &format!("retry-after-{index}"));
            let sent = client.send(&url);
            let Attempt::Response { status: 429, retry_after, .. } = sent else {
                panic!("{}: {sent:?}", client.name)
            };
            let name = client.name;
            let values = case.values.iter().map(|value| value.escape_ascii().to_string());
            let values: Vec<_> = values.collect();
            match &case.seconds {
                Some(seconds) => {
                    let asked = retry_after.map(|wait| wait.as_secs());
                    let fits = asked.is_some_and(|asked| seconds.contains(&asked));
                    assert!(fits, "{name}, {values:?}: {retry_after:?}");
                }
                None => assert_eq!(retry_after, None, "{name}, {values:?}"),
            }
        }
    }
}

/// Only the head of the response counts, and its names are in any case.
#[test]
fn in_the_head_of_the_response() {
    const CASES: &[(&[u8], Option<u64>)] = &[
        (b"HTTP/1.1 429 Slow Down\r\nRetry-After: 7\r\ncontent-length: 0\r\n\r\n", Some(7)),
        (b"HTTP/1.1 429 Slow Down\r\nRETRY-AFTER:\t7 \r\ncontent-length: 0\r\n\r\n", Some(7)),
        (b"HTTP/1.1 429 Slow Down\r\nx-retry-after: 7\r\ncontent-length: 0\r\n\r\n", None),
        (
            b"HTTP/1.1 429 Slow Down\r\ntransfer-encoding: chunked\r\ntrailer: retry-after\r\n\r\n\
              1\r\n{\r\n0\r\nretry-after: 7\r\n\r\n",
            None,
        ),
    ];
    for (response, seconds) in CASES {
        let server = Server::raw(vec![Act::Write(response), Act::Close].leak());
        for mut client in http1(PATIENT) {
            let sent = client.send(&server.url("", ""));
            let Attempt::Response { status: 429, retry_after, .. } = sent else {
                panic!("{}: {sent:?}", client.name)
            };
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(retry_after, expected, "{}, {}", client.name, response.escape_ascii());
        }
    }
}

#[test]
fn the_backoff_honors_it() {
    let waits = [curl::wait, hyper::wait, reqwest_async::wait, reqwest_blocking::wait, ureq::wait];
    for wait in waits {
        let seconds =
            |n, retry_after: Option<u64>| wait(n, retry_after.map(Duration::from_secs)).as_secs();
        assert_eq!([1, 2, 3].map(|n| seconds(n, None)), [2, 4, 8]);
        assert_eq!([10, 11, u32::MAX].map(|n| seconds(n, None)), [1024; 3]);
        assert_eq!([1, 2, 3].map(|n| seconds(n, Some(7))), [7, 7, 8]);
        assert_eq!(seconds(1, Some(3600)), 3600);
    }
}

#[test]
fn every_recipe_has_the_same_limits() {
    macro_rules! limits {
        ($($recipe:ident)*) => { [$(($recipe::BODY_LIMIT, $recipe::RETRY_AFTER_LIMIT)),*] };
    }
    let hour = Duration::from_secs(60 * 60);
    let limits = limits!(curl hyper reqwest_async reqwest_blocking ureq);
    assert_eq!(limits, [(4 * 1024 * 1024, hour); 5]);
    let idle = [
        hyper::IDLE_LIMIT,
        reqwest_async::IDLE_LIMIT,
        reqwest_blocking::IDLE_LIMIT,
        ureq::IDLE_LIMIT,
    ];
    assert_eq!(idle, [Duration::from_secs(2); 4]);
}
