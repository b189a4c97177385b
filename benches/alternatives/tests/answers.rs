//! Alternatives that answer differently cannot be compared.

use alternatives::{cases, same_job, this_crate};

#[path = "../../../tests/support/corpus.rs"]
mod corpus;

#[test]
fn all_alternatives_give_the_same_answer() {
    for case in cases::all() {
        let (status, body) = case.response();
        let answers =
            case.readers.alternatives().iter().filter(|(name, _)| *name != "baseline").map(
                |(name, alternative)| {
                    let mut answer = String::new();
                    alternative(status, &body, &mut |shown| answer = format!("{shown:?}"));
                    (name, answer)
                },
            );
        let answers: Vec<_> = answers.collect();
        for (name, answer) in &answers {
            assert_eq!(*answer, answers[0].1, "{name} on {case:?}");
        }
    }
}

/// The same job gives the same answer to every response file, except those that derived structs cannot
/// read.
#[test]
fn the_same_job_is_done() {
    let mut compared = 0;
    for (name, status, body) in corpus::RESPONSES.iter() {
        let read = |alternative: alternatives::Alternative| {
            let mut answer = String::new();
            alternative(*status, body, &mut |shown| answer = format!("{shown:?}"));
            answer
        };
        let (this_crate, same_job) = (read(this_crate::answer), read(same_job::answer));
        if !same_job.contains("malformed JSON") {
            assert_eq!(same_job, this_crate, "{name}");
            compared += 1;
        }
    }
    assert!(compared > corpus::RESPONSES.len() * 3 / 4, "{compared} compared");
}
