//! How a deadlock could have been avoided, in a sentence: as a rule, by one order in which all take
//! what they share.
//!
//! | the circle | what would have avoided it |
//! |---|---|
//! | several resources, each held by who is waited for | one order of them for all |
//! | two that hold one resource and want more of it (a conversion) | an update lock at the read |
//! | one that comes from an index to a row, one that comes from the row to the index | an index with all columns, or a read of versions |
//! | some that hold nothing and are only ahead in a queue | the order, for those who do hold something |
//! | waits for transactions (optimized locking) | one order of the rows, which the circle does not name |
//!
//! Source: Microsoft Learn, "Deadlocks guide", Minimize deadlocks: access objects in the same order,
//! use a row versioning-based isolation level; "Table hints", UPDLOCK.

use std::collections::BTreeSet;

use crate::check::{History, Moment};
use crate::trace::{DeadlockEdge, LockResource};
use crate::words::{InstanceId, LockMode, TableId};

/// The most resources that are named in their order.
const NAMED_MAX: usize = 4;

/// One wait of the circle.
struct Link<'c> {
    edge: &'c DeadlockEdge,
    /// Who it waits for.
    next: &'c DeadlockEdge,
    /// Whether that one holds the resource; else it is only ahead in the queue.
    holds: bool,
}

/// What would have avoided a deadlock that closed at this moment.
pub(super) fn advice(history: &History, closed: Moment, cycle: &[DeadlockEdge]) -> Option<String> {
    let links: Vec<Link> = cycle
        .iter()
        .zip(cycle.iter().cycle().skip(1))
        .map(|(edge, next)| Link { edge, next, holds: holds(history, closed, edge, next) })
        .collect();
    if let Some(link) = links.iter().find(|it| is_conversion(it)) {
        let place = history.resource(&link.edge.resource);
        return Some(match link.edge.resource {
            LockResource::Table { .. } => format!(
                "Had each taken its strongest lock on {place} first, the second would have waited \
                 there and held nothing."
            ),
            _ => format!(
                "Had each taken an update lock on {place} at its first look, the second would have \
                 waited there and held nothing."
            ),
        });
    }
    let waits_for_ends = |it: &Link| matches!(it.edge.resource, LockResource::Transaction { .. });
    if links.iter().any(waits_for_ends) {
        let text = "Had all written the rows that they share in one order, one would have waited \
                    for the other.";
        return Some(text.to_owned());
    }
    if let [one, other] = links.as_slice()
        && let Some(text) = past_one_another(history, one, other)
    {
        return Some(text);
    }
    one_order(history, &links)
}

/// Whether who is waited for holds the resource, as far as the wait's beginning tells.
fn holds(history: &History, closed: Moment, edge: &DeadlockEdge, next: &DeadlockEdge) -> bool {
    let wait = history.waits.iter().rfind(|it| {
        it.transaction == edge.waiter && it.resource == edge.resource && it.queued <= closed
    });
    wait.is_none_or(|it| it.holders.contains(&next.waiter) || !it.ahead.contains(&next.waiter))
}

/// Whether who is waited for holds the resource and wants more of it.
fn is_conversion(link: &Link) -> bool {
    link.holds && link.edge.resource == link.next.resource
}

/// A reader that has found a row in an index and a writer that has changed the row, each about to do
/// the other half.
fn past_one_another(history: &History, one: &Link, other: &Link) -> Option<String> {
    let (at_row, at_index) = match (one.edge.resource, other.edge.resource) {
        (LockResource::Row { .. }, _) => (one, other),
        _ => (other, one),
    };
    let LockResource::Row { instance, table, .. } = at_row.edge.resource else {
        return None;
    };
    let LockResource::Key { instance: place, table: of, index, .. } = at_index.edge.resource else {
        return None;
    };
    let reads = matches!(at_row.edge.mode, LockMode::Shared | LockMode::Update);
    if (place, of) != (instance, table) || index == LockResource::PRIMARY || !reads {
        return None;
    }
    let name = |edge: &DeadlockEdge| history.lane_name(edge.lane);
    let (reader, writer) = (name(at_row.edge), name(at_index.edge));
    let index = history.names.index(table, index);
    Some(format!(
        "{reader} comes from the index {index} to the row, {writer} from the row to the index: an \
         index with all columns that {reader} asks for, or a read of versions, would have avoided it."
    ))
}

/// One order of what they share.
fn one_order(history: &History, links: &[Link]) -> Option<String> {
    let resources: BTreeSet<LockResource> = links.iter().map(|it| it.edge.resource).collect();
    if resources.len() < 2 {
        return None;
    }
    let mut places: Vec<String> = resources.iter().map(|it| history.resource(it)).collect();
    places.sort();
    let distinct: BTreeSet<&String> = places.iter().collect();
    let (pending, who) = pending(history, links);
    let order = if distinct.len() < places.len() {
        let tables: BTreeSet<String> = resources.iter().map(|it| table(history, it)).collect();
        let tables = tables.into_iter().collect::<Vec<_>>().join(" and ");
        format!("what they share of {tables} in one order")
    } else {
        match places.as_slice() {
            [one, other] => format!("{one} before {other}"),
            _ if places.len() > NAMED_MAX => {
                format!("{}, and so on in one order", places[..NAMED_MAX].join(", then "))
            }
            _ => format!("{}, in this order", places.join(", then ")),
        }
    };
    let outcome = match resources.len() {
        2 => "one would have waited for the other",
        _ => "they would have waited in a row and not in a circle",
    };
    Some(format!("{pending}Had {who} taken {order}, {outcome}."))
}

/// Of those who hold nothing that is waited for, that they don't; and who the others are.
fn pending(history: &History, links: &[Link]) -> (String, String) {
    let holders: BTreeSet<_> =
        links.iter().filter(|it| it.holds).map(|it| it.next.waiter).collect();
    let named = |holds: bool| -> Vec<String> {
        let links = links.iter().filter(|it| holders.contains(&it.edge.waiter) == holds);
        let names: BTreeSet<_> = links.map(|it| history.lane_name(it.edge.lane)).collect();
        names.into_iter().collect()
    };
    let others = named(false);
    if others.is_empty() {
        return (String::new(), "all".to_owned());
    }
    let hold = if others.len() == 1 { "holds" } else { "hold" };
    let told = format!("{} {hold} nothing of it and only came first. ", others.join(" and "));
    (told, named(true).join(" and "))
}

/// The table that a resource is of.
fn table(history: &History, resource: &LockResource) -> String {
    let names = &history.names;
    let table_of = |instance: InstanceId, table: TableId| names.table_of(instance, table);
    match *resource {
        LockResource::Row { instance, table, .. }
        | LockResource::Key { instance, table, .. }
        | LockResource::End { instance, table, .. }
        | LockResource::Table { instance, table } => table_of(instance, table),
        LockResource::Transaction { .. } => history.resource(resource),
    }
}
