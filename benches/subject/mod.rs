//! The benchmarks by subject. One function a claim; its parameters are constants on top of its
//! file; the seed is the same each time.

pub mod suite;

mod anchor;
mod anchors;
mod contention;
mod designs;
mod growth;
mod host;
mod kernel;
mod lock;
mod pipeline;
mod scenario;
mod simulated;
mod store;

use suite::Suite;

/// All of them, those that are held against a bound first.
pub const ALL: &[fn(&mut Suite)] = &[
    anchors::w1_uncontended,
    anchors::w1_row_by_row,
    anchors::w2_hot_rows_sorted,
    anchors::w3_hot_rows_unsorted,
    anchors::w4_cycle_to_victim,
    anchors::w5_scan,
    anchors::w6_load,
    anchors::w7_point_reads,
    anchors::trace,
    host::one_instance,
    host::two_instances,
    host::in_virtual_time,
    contention::lock_order,
    contention::victim_rules,
    contention::readers_beside_writers,
    contention::isolation,
    contention::early_and_late,
    designs::auto_number,
    designs::transaction_length,
    growth::rows,
    growth::actors,
    pipeline::nested_request,
    pipeline::registered_steps,
    pipeline::steps_that_run,
    kernel::load,
    kernel::clones,
    lock::uncontended,
    lock::beside_the_locks_of_others,
    lock::behind_waiters,
    lock::queue,
    lock::cycle,
    store::load,
    store::point,
    store::scan,
    store::clones,
    store::first_write,
    scenario::one_file,
    scenario::all_files,
];
