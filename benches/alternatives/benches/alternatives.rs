//! The time of every alternative, side by side in one run: a group for each case.

use std::hint::black_box;

use alternatives::cases;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn alternatives(criterion: &mut Criterion) {
    for case in cases::all() {
        let (status, body) = case.response();
        let mut group = criterion.benchmark_group(&case.name);
        group.throughput(Throughput::Bytes(body.len() as u64));
        for (name, alternative) in case.readers.alternatives() {
            group.bench_function(*name, |bencher| {
                bencher.iter(|| {
                    alternative(black_box(status), black_box(&body), &mut |answer| {
                        black_box(answer);
                    });
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, alternatives);
criterion_main!(benches);
