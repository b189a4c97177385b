//! The time of every peer, side by side in one run: a group for each case.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use peers::cases;

fn peers(criterion: &mut Criterion) {
    for case in cases::all() {
        let (status, body) = case.response();
        let mut group = criterion.benchmark_group(&case.name);
        group.throughput(Throughput::Bytes(body.len() as u64));
        for (name, peer) in case.readers.peers() {
            group.bench_function(*name, |bencher| {
                bencher.iter(|| {
                    peer(black_box(status), black_box(&body), &mut |answer| {
                        black_box(answer);
                    });
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, peers);
criterion_main!(benches);
