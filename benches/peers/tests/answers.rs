//! Peers that answer differently cannot be compared.

use peers::cases;

#[test]
fn all_peers_give_the_same_answer() {
    for case in cases::all() {
        let (status, body) = case.response();
        let answers =
            case.readers.peers().iter().filter(|(name, _)| *name != "floor").map(|(name, peer)| {
                let mut answer = String::new();
                peer(status, &body, &mut |shown| answer = format!("{shown:?}"));
                (name, answer)
            });
        let answers: Vec<_> = answers.collect();
        for (name, answer) in &answers {
            assert_eq!(*answer, answers[0].1, "{name} on {case:?}");
        }
    }
}
