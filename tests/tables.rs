//! The tables in the docs are those of the code.

use mobivate_response::{Action, CircuitBreaker, Failure, FailureKind, Retry};

/// The cells of each row of the tables in a text whose first row begins so.
fn rows<'a>(text: &'a str, prefix: &str, first: &str) -> Vec<Vec<&'a str>> {
    let lines = text.lines().map(|line| line.strip_prefix(prefix).unwrap_or(line).trim());
    let table =
        lines.skip_while(|line| !line.starts_with(first)).take_while(|line| line.starts_with('|'));
    let cells = |line: &'a str| line.trim_matches('|').split('|').map(str::trim).collect();
    table.skip(2).map(cells).collect()
}

#[test]
fn kinds() {
    let rows = rows(include_str!("../src/failure.rs"), "/// ", "| code | kind |");
    let kind = |name: &str| {
        let found = FailureKind::ALL.iter().find(|kind| format!("`{kind:?}`") == name);
        *found.unwrap_or_else(|| panic!("no kind {name}"))
    };
    let mut told = Vec::new();
    let mut by_code = vec![None; 1 + usize::from(u16::MAX)];
    for row in &rows {
        let [codes, name, retry, scope] = row[..] else { panic!("{row:?}") };
        let kind = kind(name);
        told.push(kind);
        assert_eq!(retry, format!("`{:?}`", kind.retry()), "{kind}");
        assert_eq!(scope, format!("`{:?}`", kind.scope()), "{kind}");
        let codes: Vec<u16> = match codes {
            "the text says opted out" | "none: only of an accepted message, later" => Vec::new(),
            "5xx" => (500..=599).collect(),
            "other 3xx and 4xx" => (300..=499).collect(),
            "anything else" => (1..=u16::MAX).collect(),
            codes => codes.split(", ").map(|code| code.parse().unwrap()).collect(),
        };
        // The first row that a code stands in is its own.
        for code in codes {
            by_code[usize::from(code)].get_or_insert(kind);
        }
    }
    told.sort();
    told.dedup();
    assert_eq!(told, FailureKind::ALL);
    for code in 0..=u16::MAX {
        assert_eq!(Some(Failure::new(code, "no").kind), by_code[usize::from(code)], "{code}");
    }
    assert_eq!(Failure::new(403, "Recipient is opted out").kind, FailureKind::OptedOut);
}

#[test]
fn retries_in_the_readme() {
    let rows = rows(include_str!("../README.md"), "", "| `kind.retry()` |");
    let told: Vec<_> = rows.iter().map(|row| (row[0], row[1])).collect();
    let code = [Retry::Later, Retry::AfterFix, Retry::MayDuplicate, Retry::Never].map(|retry| {
        // What may be a duplicate was perhaps sent; all else was not.
        (format!("`{retry:?}`"), if retry == Retry::MayDuplicate { "perhaps" } else { "no" })
    });
    assert!(told.iter().copied().eq(code.iter().map(|(name, sent)| (name.as_str(), *sent))));
}

#[test]
fn the_breaker() {
    let of = |code, text| {
        move |circuit_breaker: &mut CircuitBreaker| {
            circuit_breaker.note(Some(&Failure::new(code, text)))
        }
    };
    let events: [(&str, Vec<Event>); 5] = [
        (
            "a success, or a failure of [`Scope::Recipient`]",
            vec![
                Box::new(|circuit_breaker| circuit_breaker.note(None)),
                Box::new(of(403, "Recipient is opted out")),
            ],
        ),
        ("a failure of [`Scope::Request`]", vec![Box::new(of(400, "no"))]),
        ("a failure of [`Scope::Account`] but a 429", vec![Box::new(of(401, "no"))]),
        (
            "a failure of [`Scope::Service`], or an error that not sent",
            vec![Box::new(of(503, "no")), Box::new(CircuitBreaker::record_not_sent)],
        ),
        ("[`Retry::Later`] (429)", vec![Box::new(of(429, "no"))]),
    ];
    let rows = rows(include_str!("../src/circuit_breaker.rs"), "/// ", "| what came |");
    assert_eq!(rows.len(), events.len());
    for (row, (what, events)) in rows.iter().zip(&events) {
        for event in events {
            let next = match event(&mut CircuitBreaker::default()) {
                Action::Continue => "go on",
                Action::BackOff => "wait",
                Action::Stop => "stop",
            };
            let mut circuit_breaker = CircuitBreaker::default();
            let failing = |circuit_breaker: &mut CircuitBreaker| {
                circuit_breaker.note(Some(&Failure::new(401, "no")))
            };
            let _ = (failing(&mut circuit_breaker), failing(&mut circuit_breaker));
            let stopped = event(&mut circuit_breaker) == Action::Stop;
            let count = match (stopped, failing(&mut circuit_breaker)) {
                (true, _) => "one more",
                (false, Action::Stop) => "stays",
                (false, Action::Continue | Action::BackOff) => "starts anew",
            };
            let mut circuit_breaker = CircuitBreaker::default();
            let first_stop = (1..=20).find(|_| event(&mut circuit_breaker) == Action::Stop);
            let next = match first_stop {
                None => next.to_owned(),
                Some(3) => format!("{next}; from the third consecutive on, stop"),
                Some(10) => {
                    format!("{next}, longer each time; from the tenth consecutive on, stop")
                }
                Some(other) => panic!("{what} stops at {other}"),
            };
            assert_eq!(row[..], [*what, count, &next]);
        }
    }
}

type Event = Box<dyn Fn(&mut CircuitBreaker) -> Action>;
