//! Decodes the response files: a group for each kind of outcome, throughput in bytes of the bodies.

#[path = "../../../tests/support/corpus.rs"]
mod corpus;

use std::{collections::BTreeMap, hint::black_box};

use corpus::RESPONSES;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mobivate_response::SendOutcome;

fn decode(criterion: &mut Criterion) {
    let mut kinds: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (name, status, body) in RESPONSES.iter() {
        let outcome = SendOutcome::decode(*status, body);
        let kind = outcome.failure().map_or("success", |failure| failure.kind.as_str());
        kinds.entry(kind).or_default().push((name, *status, body));
    }
    for (kind, responses) in kinds {
        let mut group = criterion.benchmark_group(kind);
        let bytes = responses.iter().map(|(_, _, body)| body.len() as u64).sum();
        group.throughput(Throughput::Bytes(bytes));
        group.bench_function("every response", |bencher| {
            bencher.iter(|| {
                for (_, status, body) in &responses {
                    let _ = black_box(SendOutcome::decode(*status, black_box(body)));
                }
            });
        });
        // The documented and observed ones are the usual ones: each by itself, too.
        for (name, status, body) in
            responses.iter().filter(|(name, ..)| !name.starts_with("inferred"))
        {
            group.throughput(Throughput::Bytes(body.len() as u64));
            group.bench_function(name.as_str(), |bencher| {
                bencher.iter(|| SendOutcome::decode(*status, black_box(body)));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, decode);
criterion_main!(benches);
