//! Who waited for whom, as a Graphviz graph: a transaction waits for a row, a row is held by a
//! transaction. What closed a deadlock is red.
//!
//! Source: Graphviz, "The DOT language".

use std::collections::{BTreeMap, BTreeSet};

use crate::report::export::escape;
use crate::report::export::locking::{LockSpan, Locking};
use crate::trace::{LockResource, Names, Trace};
use crate::words::{TransactionId, format_duration};

/// The most waits that are drawn: more than these no picture can show.
const WAITS_MAX: usize = 150;

const RED: &str = "#b00f3c";

/// The graph of a run.
pub(super) fn wait_for(trace: &Trace) -> String {
    let names = Names::of(trace);
    let locking = Locking::of(trace);
    let mut waits: Vec<_> = locking.spans.iter().filter(|it| it.is_wait).collect();
    let all = waits.len();
    waits.truncate(WAITS_MAX);
    let mut text = format!(
        "digraph waits {{\n  label=\"{}\";\n  rankdir=LR;\n  \
         node [fontname=\"Helvetica\", fontsize=11];\n  \
         edge [fontname=\"Helvetica\", fontsize=10];\n",
        escape::dot(&title(trace, all))
    );
    let parties: BTreeSet<_> = waits
        .iter()
        .flat_map(|it| std::iter::once(it.transaction).chain(it.behind.iter().copied()))
        .collect();
    for party in parties {
        let fate = if is_victim(&locking, party) { ", victim" } else { "" };
        let colour = if fate.is_empty() { "#eef0ea" } else { "#f6dbe2" };
        let name = escape::dot(&format!("{}{fate}", locking.party(party)));
        text.push_str(&format!(
            "  t{} [label=\"{name}\", shape=box, style=\"rounded,filled\", \
             fillcolor=\"{colour}\"];\n",
            party.0
        ));
    }
    let mut numbers = BTreeMap::new();
    for wait in &waits {
        let next = numbers.len();
        numbers.entry(wait.resource).or_insert(next);
    }
    for (resource, number) in &numbers {
        let name = escape::dot(&names.resource(resource));
        text.push_str(&format!("  r{number} [label=\"{name}\", shape=box];\n"));
    }
    edges(&mut text, &locking, &waits, &numbers);
    text.push_str("}\n");
    text
}

fn title(trace: &Trace, waits: usize) -> String {
    let title = &trace.header.title;
    match waits {
        0 => format!("{title}: nobody waits for a lock"),
        _ if waits > WAITS_MAX => format!("{title}: the first {WAITS_MAX} of {waits} waits"),
        _ => title.clone(),
    }
}

fn edges(
    text: &mut String,
    locking: &Locking,
    waits: &[&LockSpan],
    numbers: &BTreeMap<LockResource, usize>,
) {
    let mut held = BTreeSet::new();
    for wait in waits {
        let colour = if is_in_deadlock(locking, wait) { RED } else { "#44483f" };
        let number = numbers[&wait.resource];
        let waited = format_duration(wait.to.duration_since(wait.from));
        let (waiter, mode) = (wait.transaction.0, wait.mode.word());
        text.push_str(&format!(
            "  t{waiter} -> r{number} [label=\"waits {waited}, {mode}\", style=dashed, \
             color=\"{colour}\"];\n",
        ));
        for holder in &wait.behind {
            if held.insert((number, *holder)) {
                let word = match locking.held_at(*holder, wait.resource, wait.from) {
                    Some(_) => "held by",
                    None => "wanted before by",
                };
                text.push_str(&format!(
                    "  r{number} -> t{} [label=\"{word}\", color=\"{colour}\"];\n",
                    holder.0
                ));
            }
        }
    }
}

fn is_victim(locking: &Locking, party: TransactionId) -> bool {
    locking.deadlocks.iter().any(|it| it.victim.as_ref().is_some_and(|it| it.1 == party))
}

fn is_in_deadlock(locking: &Locking, wait: &LockSpan) -> bool {
    let mut edges = locking.deadlocks.iter().flat_map(|it| &it.cycle);
    edges.any(|it| it.waiter == wait.transaction && it.resource == wait.resource)
}
