//! What a scenario file costs from its text to its verdict. One function a claim.

use std::fs;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use multiverse::check;
use multiverse::engine::{self, RunOptions};
use multiverse::report::{StoryOptions, story};
use multiverse::run;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The scenario of the stub upsert, with both its variants.
const FILE: &str = "scenarios/eventual-consistency/stub-by-guid.yaml";

/// Text to plans, plans to traces, traces to verdicts: each alone, and all of it together.
fn stub_upsert(criterion: &mut Criterion) {
    let text = fs::read_to_string(FILE).expect("the file is there");
    let options = RunOptions::default();
    let plans = run::parse(FILE, &text).expect("the file is accepted");
    let trace = engine::run(&plans[0], &options).expect("the plan is sound");
    let verdict = check::verdict(&plans[0], &trace);
    let mut group = criterion.benchmark_group("stub_upsert");
    group.bench_function("parse_2_variants", |bencher| {
        bencher.iter(|| run::parse(FILE, black_box(&text)));
    });
    group.bench_function("run_1_variant", |bencher| {
        bencher.iter(|| engine::run(black_box(&plans[0]), &options));
    });
    group.bench_function("check_1_variant", |bencher| {
        bencher.iter(|| check::verdict(black_box(&plans[0]), &trace));
    });
    group.bench_function("story_1_variant", |bencher| {
        bencher.iter(|| story(black_box(&trace), &verdict, &StoryOptions::default()));
    });
    group.bench_function("parse_run_and_check_2_variants", |bencher| {
        bencher.iter(|| {
            let plans = run::parse(FILE, black_box(&text)).expect("the file is accepted");
            let runs = plans.iter().map(|plan: &Arc<_>| run::run(plan, &options));
            runs.filter(|run| run.as_ref().is_ok_and(|run| run.verdict.holds())).count()
        });
    });
    group.finish();
}

criterion_group!(benches, stub_upsert);
criterion_main!(benches);
