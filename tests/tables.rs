//! The tables in the docs are those of the code.

use mobivate_response::{Failure, FailureKind};

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
