//! Alternatives that answer differently cannot be compared.

use alternatives::cases;

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
