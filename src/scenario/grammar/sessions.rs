//! The grammar of `sessions:`, of `order:`, and of the steps at SQL level.
//!
//! A statement names its table as the verb's value and has the rest beside it, as SQL has its
//! clauses: `{ select: test, where: "=value > 3" }`. A request of the platform has its arguments
//! in a map of their own, so one can't be taken for the other.

use crate::scenario::grammar::control::{
    AT, CALL, CONDITION, FAIL, IF, LET, LIST, NOTE, PAUSE, WITH, WORK, control_over,
};
use crate::scenario::grammar::document::{
    self, DURATION, EVERY, FROM, HOW_MANY, INSTANCE_NAME, ISOLATION, JITTER, NAME, ON,
    SET_OF_NAMES, SINGLE_VALUE, TABLE_NAME, UNTIL, UP_TO, WAIT,
};
use crate::scenario::grammar::steps::{FAULTS, NAMES, VALUES_BY_NAME};
use crate::scenario::grammar::words::{HINT_WORDS, TRANSACTION_WORDS};
use crate::scenario::grammar::{Kind, Map, Shape, elsewhere, may, must, with};

pub(super) static SESSIONS: Shape = Shape::new("a map of sessions").or_map(&SESSIONS_MAP);
static SESSIONS_MAP: Map = Map::named("session", &SESSION);
static SESSION: Shape = Shape::new("a session").or_map(&SESSION_MAP);
static SESSION_MAP: Map = Map::of(&[
    must("in", &INSTANCE_NAME, "the instance to whose database it is connected"),
    document::AT,
    FROM,
    EVERY,
    UNTIL,
    HOW_MANY,
    may("with", &VALUES_BY_NAME, "the bindings with which it begins"),
    may("isolation", &ISOLATION, "the level of its transactions; default the instance's"),
    may("lock timeout", &DURATION, "how long a statement waits for a lock; default for ever"),
    may("deadlock priority", &PRIORITY, "the lower goes first as a victim; default `normal`"),
    must("steps", &LABELLED_STEPS, "what it does: labelled steps, in order"),
]);
static PRIORITY: Shape =
    Shape::of("`low`, `normal`, `high`, or a number from -10 to 10", Kind::Priority);
static LABELLED_STEPS: Shape = Shape::new("a map of steps by label").or_map(&LABELLED_STEPS_MAP);
static LABELLED_STEPS_MAP: Map = Map::named("step", &LABELLED_STEP);

/// One labelled step of a session: one step, or several in a row.
pub static LABELLED_STEP: Shape = Shape::of("a session's step", Kind::Word(TRANSACTION_WORDS))
    .like(EXAMPLE)
    .or_list(&SESSION_STEP)
    .or_map(&SESSION_STEP_MAP);

/// One of several steps in a row, or of those inside control.
pub static SESSION_STEP: Shape = Shape::of("a session's step", Kind::Word(TRANSACTION_WORDS))
    .like(EXAMPLE)
    .or_map(&SESSION_STEP_MAP);

const EXAMPLE: &str = "{ select: account, where: … }";

pub(super) static SESSION_STEPS: Shape =
    Shape::new("a list of a session's steps").or_list(&SESSION_STEP);

/// A step by its session and label.
pub(super) static STEP_PATH: Shape = Shape::of("a step such as `t1.read`", Kind::StepPath);

static SESSION_STEP_MAP: Map = Map::of(&[
    may("select", &TABLE_NAME, "reads the rows of a table that match"),
    may("insert", &TABLE_NAME, "adds a row to a table"),
    may("update", &CHANGED_TABLE, "changes the rows of a table that match"),
    may("delete", &EMPTIED_TABLE, "removes the rows of a table that match"),
    may("alter", &TABLE_NAME, "changes a table's definition: nobody else may use the table"),
    may("begin", &ISOLATION, "begins a transaction at this level; `begin` alone: the session's"),
    with(SEARCHES, "where", &CONDITION, "the condition on a row; every row when absent"),
    with(&["select"], "order", &SET_OF_NAMES, "the columns to order by; `-column` for descending"),
    with(&["select"], "top", &SINGLE_VALUE, "the most rows that are answered"),
    with(&["select"], "expand", &SET_OF_NAMES, "the lookups whose rows are answered too"),
    with(&["select"], "columns", &NAMES, "the columns that are asked for; default all"),
    with(SEARCHES, "hint", &HINT, "how the search departs from the isolation level"),
    with(
        &["insert"],
        "row",
        &SINGLE_VALUE,
        "the new row's name or id, drawn when absent; `where` finds old ones",
    ),
    with(&["insert", "update"], "set", &VALUES_BY_NAME, "the columns' values"),
    with(
        &["select", "insert", "update", "delete"],
        "as",
        &NAME,
        "the binding that gets the rows, the new row's id, or how many rows were written",
    ),
    WORK,
    PAUSE,
    AT,
    FAIL,
    LET,
    IF,
    with(&["if"], "then", &SESSION_STEPS, "the steps when the condition holds"),
    with(&["if"], "else", &SESSION_STEPS, "the steps when it does not"),
    may("for each", &FOR_EACH, "repeats steps for each element of a list"),
    may("repeat", &REPEAT, "repeats steps; `n` counts from 1"),
    may("retry", &RETRY, "tries steps again when they end in a fault"),
    may("try", &TRY, "handles the faults of steps"),
    CALL,
    WITH,
    NOTE,
    elsewhere("create", REQUEST, "`insert: account` with `set: { … }` adds a row"),
    elsewhere("retrieve", REQUEST, "`select: account` with `where: …` reads rows"),
    elsewhere("query", REQUEST, "`select: account` with `where: …` reads rows"),
    elsewhere("changes", REQUEST, "`select: account` with `where: …` reads rows"),
    elsewhere("upsert", REQUEST, "`update` changes rows, `insert` adds one"),
    elsewhere("transaction", REQUEST, "a session says `begin`, `commit` and `rollback`"),
    elsewhere(
        "in",
        "a session is connected to one instance",
        "`in` stands once, on the session itself",
    ),
])
.one_of(&[VERBS]);

const REQUEST: &str = "a request of the platform, with plug-ins and all";
const SEARCHES: &[&str] = &["select", "update", "delete"];

static CHANGED_TABLE: Shape = Shape::of("the name of a table, in a step", Kind::Text)
    .like("{ update: account, where: …, set: … }");
static EMPTIED_TABLE: Shape =
    Shape::of("the name of a table, in a step", Kind::Text).like("{ delete: account, where: … }");
static HINT: Shape = Shape::of("a table hint", Kind::Word(HINT_WORDS)).or_list(&SINGLE_HINT);
static SINGLE_HINT: Shape = Shape::of("a table hint", Kind::Word(HINT_WORDS));

control_over!(SESSION_STEPS);

/// The verbs: what a step that is a map has exactly one of.
static VERBS: &[&str] = &[
    "select", "insert", "update", "delete", "alter", "begin", "work", "wait", "at", "fail", "let",
    "if", "for each", "repeat", "retry", "try", "call", "note",
];
