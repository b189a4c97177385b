//! The tables in the docs are those of the code.

#![expect(clippy::indexing_slicing, clippy::panic, reason = "a test fails by a panic")]

use mobivate_response::{
    Action, CircuitBreaker, Failure, FailureKind, Message, Retry, Scope, SendOutcome,
};

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
            "an opt-out notice"
            | "an opt-out notice, of a batch"
            | "none: only of an accepted message, later" => Vec::new(),
            "5xx" => (500..=599).collect(),
            "other 3xx and 4xx" => (300..=499).collect(),
            "anything else" => (1..=u16::MAX).collect(),
            codes => codes.split(", ").map(|code| code.parse().unwrap()).collect(),
        };
        // The first row with a code is its own.
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
    assert_retries(include_str!("../README.md"), "", "| `failure.retry()` |");
}

#[test]
fn retries_in_the_docs() {
    assert_retries(include_str!("../src/failure.rs"), "    /// ", "| retry |");
}

fn assert_retries(text: &str, prefix: &str, first: &str) {
    let rows = rows(text, prefix, first);
    let code = [Retry::Later, Retry::AfterFix, Retry::MayDuplicate, Retry::Never].map(|retry| {
        let (sent, what) = match retry {
            Retry::Later => ("no", "wait"),
            Retry::AfterFix => ("no", "operator"),
            Retry::MayDuplicate => ("unknown", "look it up"),
            Retry::Never => ("no", "suppress"),
        };
        (format!("`{retry:?}`"), sent, what)
    });
    assert_eq!(rows.len(), code.len());
    for (row, (name, sent, what)) in rows.iter().zip(&code) {
        assert_eq!(row[..2], [name, *sent]);
        assert!(row[2].contains(what), "{row:?} tells what to do");
    }
}

#[test]
fn the_circuit_breaker() {
    let of = |failure: &Failure<'static>| {
        let outcome = SendOutcome::from(failure.clone());
        Box::new(move |circuit_breaker: &mut CircuitBreaker| circuit_breaker.record(&outcome))
            as Event
    };
    let kind = |kind| {
        let mut failure = Failure::new(403, "no");
        failure.kind = kind;
        failure
    };
    let others = |scope| {
        let special = [FailureKind::RateLimited, FailureKind::OptedOut, FailureKind::BatchOptedOut];
        let all = FailureKind::ALL.iter().filter(move |kind| kind.scope() == scope);
        all.filter(move |kind| !special.contains(kind)).map(move |one| of(&kind(*one)))
    };
    let not_sent: Event = Box::new(CircuitBreaker::record_not_sent);
    let events: [Vec<Event>; 6] = [
        vec![Box::new(|circuit_breaker| {
            circuit_breaker.record(&SendOutcome::from(Message::new("m")))
        })],
        vec![of(&kind(FailureKind::RateLimited))],
        vec![of(&kind(FailureKind::OptedOut)), of(&kind(FailureKind::BatchOptedOut))],
        others(Scope::Request).collect(),
        others(Scope::Account).collect(),
        others(Scope::Service).chain([not_sent]).collect(),
    ];
    let rows = rows(include_str!("../src/circuit_breaker.rs"), "/// ", "| recorded |");
    assert_eq!(rows.len(), events.len());
    for (row, events) in rows.iter().zip(&events) {
        assert!(!events.is_empty());
        for event in events {
            assert_eq!(row[1..], told(event), "{}", row[0]);
        }
    }
}

/// What the table has to tell of an event: what it counts as, the action, and the stop reason.
fn told(event: &Event) -> [String; 3] {
    let trouble = |circuit_breaker: &mut CircuitBreaker| circuit_breaker.record_not_sent();
    let first = event(&mut CircuitBreaker::new());
    let mut circuit_breaker = CircuitBreaker::new();
    let _ = (trouble(&mut circuit_breaker), event(&mut circuit_breaker));
    let is_trouble = matches!(trouble(&mut circuit_breaker), Action::Stop(_));
    let stop = (1..=20).find_map(|_| match event(&mut circuit_breaker) {
        Action::Stop(reason) => Some(format!("`{reason:?}`")),
        Action::Continue | Action::BackOff(_) => None,
    });
    let mut circuit_breaker = CircuitBreaker::new();
    let first_stop = (1..=20).find(|_| matches!(event(&mut circuit_breaker), Action::Stop(_)));
    let counts = match (is_trouble, first_stop) {
        (false, None) => "resets both counts",
        (false, Some(10)) => "failure",
        (true, Some(3)) => "failure, trouble",
        other => panic!("{other:?}"),
    };
    let action = match first {
        Action::Continue => "`Continue`",
        Action::BackOff(1) => "`BackOff`",
        other => panic!("{other}"),
    };
    [counts.to_owned(), action.to_owned(), stop.unwrap_or_default()]
}

type Event = Box<dyn Fn(&mut CircuitBreaker) -> Action>;
