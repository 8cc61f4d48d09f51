//! The grammar of `expect:`.
//!
//! One line may claim several things about one subject. Which keys go together is said here key
//! by key; the lowering tells any key that no claim of its line has a use for.

use crate::scenario::grammar::document::{
    BOOLEAN, INSTANCE_NAME, MOMENT, NAME, SET_OF_NAMES, TABLE_NAME,
};
use crate::scenario::grammar::sessions::STEP_PATH;
use crate::scenario::grammar::words::{ANOMALY_WORDS, FINALLY_WORDS};
use crate::scenario::grammar::{Key, Kind, Map, Shape, may};

pub(super) static EXPECTATIONS: Shape = Shape::new("a list of expectations").or_list(&EXPECTATION);

/// One line of `expect:`.
pub static EXPECTATION: Shape = Shape::new("an expectation").or_map(&EXPECTATION_MAP);

static EXPECTATION_MAP: Map = Map::of(KEYS).or_with("rows", &ROWS_MAP);
/// A line about the rows of a table names columns, too.
static ROWS_MAP: Map = Map::of(KEYS).and_others("column", &COLUMN_VALUES);
static COLUMN_VALUES: Shape = Shape::new("a list of values").or_list(&SINGLE_VALUE);
static SINGLE_VALUE: Shape = Shape::of("a value", Kind::Value);
static FAULT: Shape =
    Shape::of("a fault, such as `deadlock victim` or `0x80044150`, or `none`", Kind::FaultOrNone);

static KEYS: &[Key] = &[
    may("variant", &SET_OF_NAMES, "the variants for which the line counts; default all"),
    may(
        "by",
        &MOMENT_OR_END,
        "the instant at whose end it must hold, or `end`; default when the actors are done",
    ),
    may("actor", &NAME, "whom the line is about"),
    may("step", &STEP_PATH, "which step of a session the line is about: `session.step`"),
    may("blocks", &BOOLEAN, "whether the step waits for a lock"),
    may("blocks until", &STEP_PATH, "the step that frees what the step waits for"),
    may("unblocks", &STEP_PATH, "a step that waits for what the step frees"),
    may("when", &STEP_PATH, "the step during which, or because of which, the step ends"),
    may("affected", &NUMBER, "how many rows the step's insert, update or delete writes"),
    may("succeeds", &BOOLEAN, "whether all the actor's runs end without a fault"),
    may("fault", &FAULT, "a fault that the actor (or the victim, or anybody) meets; of a step too"),
    may("ends", &ENDS, "when the actor's last run ends"),
    may("waits for", &NAME, "who holds the lock that the actor waits for, or `anybody`"),
    may("on", &ROW_PATH, "the row that it waits for"),
    may("at least", &BOUND, "the least number, or time waited"),
    may("at most", &BOUND, "the most"),
    may("longest wait", &DURATIONS, "how long the longest wait for a lock takes"),
    may("total wait", &DURATIONS, "how long all waits for locks take together"),
    may("answer", &NAME, "a binding of the actor, as it was at the end of its last run"),
    may(
        "rows",
        &ROWS,
        "with `answer`: how many it holds; with `step`: a list of them; else a table, and columns \
         beside it",
    ),
    may("deleted", &SET_OF_NAMES, "with `answer`: the rows that are gone, in that order"),
    may("row", &ROW_PATH, "a row: `instance/table/name`"),
    may("is", &STATE, "what it must be: columns with values, a value, a number, or `missing`"),
    may("unchanged", &BOOLEAN, "nothing was committed to the row since the start"),
    may("count", &TABLE_PATH, "the number of rows of `instance/table`"),
    may("writes", &ROW_PATH, "the number of committed writes to a row"),
    may("deadlocks", &NUMBER, "how many deadlocks there are"),
    may("victim", &NAME, "the actor that is a deadlock's victim"),
    may("requests", &NUMBER, "how many requests are carried out, nested ones too"),
    may("of", &EVENT, "with `requests`: the message and the table; with `rows examined`: a table"),
    may("in", &INSTANCE_NAME, "with `requests`, `commits` or `rollbacks`: the instance"),
    may("faults", &NUMBER, "how many faults callers meet"),
    may("retries", &NUMBER, "how many tries follow a first one"),
    may("waits", &NUMBER, "how many waits for locks there are"),
    may("escalations", &NUMBER, "how often locks on rows give way to one on their table"),
    may("recalculations", &NUMBER, "how many requests wait for their user's privileges"),
    may("cross-instance waits", &NUMBER, "how many cycles of waits span several instances"),
    may("rows examined", &NUMBER, "how many rows and index entries statements examine"),
    may("commits", &NUMBER, "how many transactions are committed"),
    may("rollbacks", &NUMBER, "how many transactions are rolled back"),
    may("plug-in", &NAME, "a plug-in step"),
    may("runs", &NUMBER, "how often the plug-in step runs"),
    may("in transaction", &BOOLEAN, "whether its runs are inside a database transaction"),
    may("outage", &NAME, "an outage"),
    may("hits", &NUMBER, "how many messages the outage stops or turns away"),
    may("never", &PHENOMENON, "what must not happen"),
    may("happens", &PHENOMENON, "what must happen at least once"),
    may("anomaly", &ANOMALY, "an anomaly that must happen"),
    may("finally", &FINALLY, "whether the instances hold the same rows"),
    may("table", &TABLE_NAME, "with `finally`: the table; default all that are shared"),
    may("order", &HAPPENINGS, "what happens in this order"),
];

static MOMENT_OR_END: Shape =
    Shape::of("a time such as `06:00` or `2026-01-06T02:10`, or `end`", Kind::MomentOrEnd);
static ROW_PATH: Shape = Shape::of("a row such as `europe/account/fabrikam`", Kind::RowPath);
static TABLE_PATH: Shape = Shape::of("a table such as `europe/account`", Kind::TablePath);
static ROWS: Shape = Shape::of("a number, or a table such as `europe/account`", Kind::CountOrPath)
    .or_list(&ANSWERED_ROW)
    .or_map(&NUMBERS);
static ANSWERED_ROW: Shape = Shape::new("a row such as `{ value: 10 }`").or_map(&STATE_MAP);
static EVENT: Shape =
    Shape::of("a message, such as `Create account`, or a table", Kind::EventOrPath);
static BOUND: Shape = Shape::of("a number or a duration", Kind::Text);
static NUMBER: Shape =
    Shape::of("a number, or `{ at least: …, at most: … }`", Kind::Count).or_map(&NUMBERS);
static NUMBERS: Map = Map::of(&[
    may("at least", &COUNT, "the least number"),
    may("at most", &COUNT, "the greatest number"),
]);
static COUNT: Shape = Shape::of("a number from 0", Kind::Count);
static DURATIONS: Shape =
    Shape::of("a duration, or `{ at least: …, at most: … }`", Kind::Duration).or_map(&DURATION_MAP);
static DURATION_MAP: Map = Map::of(&[
    may("at least", &DURATION, "the shortest time"),
    may("at most", &DURATION, "the longest time"),
]);
static DURATION: Shape = Shape::of("a duration such as `150ms`", Kind::Duration);
static ENDS: Shape = Shape::new("`{ after: …, by: … }`").or_map(&ENDS_MAP);
static ENDS_MAP: Map = Map::of(&[
    may("after", &MOMENT, "the first instant that is right"),
    may("by", &MOMENT, "the last instant that is right"),
]);
static STATE: Shape = Shape::of("columns with values, or a value", Kind::Value)
    .or_list(&SINGLE_VALUE)
    .or_map(&STATE_MAP);
static STATE_MAP: Map = Map::named("column", &SINGLE_VALUE);
static PHENOMENON: Shape =
    Shape::of("a phenomenon such as `deadlock`, or a fault", Kind::Text).or_map(&WRITE_MAP);
static WRITE_MAP: Map = Map::of(&[
    may("create", &ROW_PATH, "a row that is created"),
    may("update", &ROW_PATH, "a row that is updated"),
    may("delete", &ROW_PATH, "a row that is deleted"),
    may("write", &ROW_PATH, "a row that is written in any way"),
])
.one_of(&[&["create", "update", "delete", "write"]]);
static ANOMALY: Shape = Shape::of("an anomaly", Kind::Word(ANOMALY_WORDS));
static FINALLY: Shape = Shape::of("`converged` or `diverged`", Kind::Word(FINALLY_WORDS));
static HAPPENINGS: Shape = Shape::new("a list of happenings").or_list(&HAPPENING);
static HAPPENING: Shape =
    Shape::new("a happening such as `{ ends: lob app }`").or_map(&HAPPENING_MAP);
static HAPPENING_MAP: Map = Map::of(&[
    may("created", &ROW_PATH, "a row is created"),
    may("updated", &ROW_PATH, "a row is updated"),
    may("deleted", &ROW_PATH, "a row is deleted"),
    may("written", &ROW_PATH, "a row is written in any way"),
    may("begins", &NAME, "a run of an actor begins"),
    may("ends", &NAME, "a run of an actor ends"),
    may("outage ends", &NAME, "an outage is over"),
])
.one_of(&[&["created", "updated", "deleted", "written", "begins", "ends", "outage ends"]]);
