//! What the page's script needs to know of a run.
//!
//! | key | one element |
//! |---|---|
//! | `lanes` | letter, name, hue |
//! | `of` | for each transaction, its number and its lane |
//! | `locks` | name, number of its mark or -1 |
//! | `rows` | name without the instance, instance |
//! | `steps` | event, µs, moment, lane or -1, kind, text, picture of waits or -1, positions |
//! | `changes` | what changed with the step ([`operation`]) |
//! | `keys` | for every [`KEY_EVERY`]th step, all that holds after it |

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::check::History;
use crate::report::export::escape;
use crate::report::html::budget::Budget;
use crate::report::html::graph::Waits;
use crate::report::html::plot::Plot;
use crate::report::html::state::{Fact, KEY_EVERY, States, operation};
use crate::report::html::svg::hue;
use crate::report::story::LineMark;
use crate::report::timeline::{Step, Timeline};
use crate::words::TransactionId;

/// The longest text of one step, in characters.
const TEXT_MAX: usize = 400;

/// The steps of a run as data, with the pictures of waits that they show.
pub(super) struct Data {
    /// For the page's script.
    pub(super) json: Json,
    /// The pictures of waits, each once, as facts.
    pub(super) graphs: Vec<Waits>,
    /// The waits at each chapter.
    pub(super) chapters: Vec<Waits>,
}

/// Tells the script of a run.
pub(super) fn data(
    history: &History,
    view: &Timeline,
    states: &States,
    steps: &[&Step],
    plots: &[Plot],
    budget: Budget,
) -> Data {
    let mut graphs: BTreeMap<Waits, usize> = BTreeMap::new();
    let mut chapters = vec![Waits::default(); view.chapters.len()];
    let (mut told, mut changes, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    states.walk(steps, |index, state, changed| {
        let step = steps[index];
        let waits = Waits::of(history, view, states, state);
        for (at, chapter) in view.chapters.iter().enumerate() {
            if chapter.at == step.at {
                chapters[at] = waits.clone();
            }
        }
        let graph = if waits.is_empty() {
            None
        } else {
            let next = graphs.len();
            match graphs.get(&waits) {
                Some(known) => Some(*known),
                None if next < budget.graphs => {
                    graphs.insert(waits, next);
                    Some(next)
                }
                None => None,
            }
        };
        told.push(line(history, view, plots, step, graph));
        let operations = changed.iter().map(|(fact, it)| operation(*fact, it.as_ref()));
        changes.push(Json::Array(operations.collect()));
        if index % KEY_EVERY == 0 && Budget::is_keyed(steps.len()) {
            let whole = state.iter().map(|(fact, it)| operation(*fact, Some(it)));
            keys.push(Json::Array(whole.collect()));
        }
    });
    let mut ordered: Vec<_> = graphs.into_iter().collect();
    ordered.sort_by_key(|(_, at)| *at);
    let graphs = ordered.into_iter().map(|(waits, _)| waits).collect();
    let lanes = view
        .lanes
        .iter()
        .enumerate()
        .map(|(at, lane)| json!([lane.badge, escape::label(&lane.name), hue(at)]));
    let mut json = json!({
        "lanes": lanes.collect::<Vec<_>>(),
        "instances": instances(history),
        "steps": told,
        "changes": changes,
        "keys": keys,
        "every": KEY_EVERY,
        "chapters": view.chapters.iter().filter_map(|chapter| {
            steps.iter().position(|it| it.at == chapter.at)
        }).collect::<Vec<_>>(),
        "start": start(view, steps),
    });
    json["of"] = transactions(history, view, states);
    json["locks"] = locks(history, view, states);
    json["rows"] = rows(history, states);
    Data { json, graphs, chapters }
}

/// One step.
fn line(
    history: &History,
    view: &Timeline,
    plots: &[Plot],
    step: &Step,
    graph: Option<usize>,
) -> Json {
    let lane = step.lane.and_then(|it| view.lane_of.get(&it)).copied();
    let kind = match step.mark {
        LineMark::Failed => 1,
        LineMark::Wait => 2,
        LineMark::Outage => 3,
        _ => 0,
    };
    let tenth = |x: f64| (x * 10.0).round() / 10.0;
    let positions: Vec<_> = plots.iter().map(|it| tenth(it.x(step.at))).collect();
    json!([
        step.at.sequence,
        step.at.at.0,
        history.names.moment(step.at.at),
        lane.map_or(-1, |it| it as i64),
        kind,
        escape::shortened(&step.sentence(), TEXT_MAX),
        graph.map_or(-1, |it| it as i64),
        positions
    ])
}

/// Where a reader begins: at what explains most.
fn start(view: &Timeline, steps: &[&Step]) -> usize {
    let chapter = view.chapters.iter().min_by_key(|it| it.rank);
    let step = chapter.and_then(|it| steps.iter().position(|step| step.at == it.at));
    step.unwrap_or(0)
}

fn instances(history: &History) -> Vec<String> {
    history.trace.header.instances.iter().map(|it| escape::label(it)).collect()
}

/// The lanes of the transactions that the states speak of.
fn transactions(history: &History, view: &Timeline, states: &States) -> Json {
    let mut known: BTreeMap<TransactionId, i64> = BTreeMap::new();
    for fact in states.facts() {
        if let Fact::Lock(_, by) | Fact::Pending(_, by) = fact {
            let lane = history.transactions.get(&by).and_then(|it| view.lane_of.get(&it.lane));
            known.insert(by, lane.map_or(-1, |it| *it as i64));
        }
    }
    Json::Array(known.into_iter().map(|(by, lane)| json!([by.0, lane])).collect())
}

fn locks(history: &History, view: &Timeline, states: &States) -> Json {
    let is_alone = history.trace.header.instances.len() == 1;
    let told = states.resources.iter().map(|it| {
        let glyph = view.glyph(it).map_or(-1, |it| (it % 6) as i64);
        let name = history.resource(it);
        let short = name.split_once('/').filter(|_| is_alone).map(|(_, rest)| rest);
        json!([escape::label(short.unwrap_or(&name)), glyph])
    });
    Json::Array(told.collect())
}

fn rows(history: &History, states: &States) -> Json {
    let names = &history.names;
    let told = states.rows.keys.iter().map(|key| {
        let name = format!("{}/{}", names.table(key.table), names.row(key.table, key.row));
        json!([escape::label(&name), key.instance.0])
    });
    Json::Array(told.collect())
}
