//! Peers that answer differently cannot be compared.

use peers::{PEERS, cases};

#[test]
fn all_peers_give_the_same_answer() {
    for case in cases::all().into_iter().filter(|case| case.for_all) {
        let (status, body) = case.reply();
        let answers = PEERS.iter().filter(|(name, _)| *name != "floor").map(|(name, peer)| {
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
