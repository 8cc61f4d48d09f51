//! The grammar of the step language.

use crate::scenario::grammar::document::{
    DURATION, INSTANCE_NAME, ISOLATION, JITTER, MOMENT, NAME, ON, SET_OF_NAMES, SINGLE_VALUE,
    TABLE_NAME, TEXT, UP_TO, VALUE, WAIT,
};
use crate::scenario::grammar::words::WHEN_WORDS;
use crate::scenario::grammar::{Key, Kind, Map, Shape, later, may, must, with};

pub(super) static NAMES: Shape = Shape::new("a list of names").or_list(&NAME);
pub(super) static VALUES_BY_NAME: Shape =
    Shape::new("a map of values by name").or_map(&VALUES_BY_NAME_MAP);
static VALUES_BY_NAME_MAP: Map = Map::named("name", &VALUE);
pub(super) static SINGLE_VALUES_BY_NAME: Shape =
    Shape::new("a map of values by name").or_map(&SINGLE_VALUES_BY_NAME_MAP);
static SINGLE_VALUES_BY_NAME_MAP: Map = Map::named("column", &SINGLE_VALUE);
pub(super) static FAULT: Shape =
    Shape::of("a fault, such as `deadlock victim` or `0x80044150`", Kind::Fault);
pub(super) static FAULTS: Shape =
    Shape::of("a fault or a list of faults", Kind::Fault).or_list(&FAULT);
pub(super) static BACKOFF: Shape =
    Shape::of("a wait such as `2s` or `exponential from 2s to 30s`", Kind::Backoff);
static CONDITION: Shape = Shape::of("a condition such as `=teams > 3`", Kind::Value);
static LIST: Shape = Shape::of("a list, or what is bound to one", Kind::Value).or_list(&VALUE);
static ROW: Shape = Shape::of("a row's name, a `$binding` or `any`", Kind::Value);

/// Steps in order.
pub static STEPS: Shape = Shape::new("a list of steps").or_list(&STEP);

/// One step: a map with one verb.
pub static STEP: Shape =
    Shape::new("a step").like("{ create: { table: account } }").or_map(&STEP_MAP);

static STEP_MAP: Map = Map::of(&[
    may("create", &CREATE, "adds a row"),
    may("retrieve", &RETRIEVE, "reads one row"),
    may("query", &QUERY, "reads the rows that match"),
    may("update", &UPDATE, "changes a row"),
    may("upsert", &UPSERT, "creates or updates a row"),
    may("delete", &DELETE, "removes a row"),
    may("work", &DURATION, "takes time: computing, or a call to something outside"),
    may("wait", &DURATION, "lets time pass"),
    may("at", &MOMENT, "waits for a moment; goes on at once when it is past"),
    may("fail", &TEXT, "raises a fault with this message"),
    may("set", &VALUES_BY_NAME, "sets columns of the plug-in's target"),
    may("let", &VALUES_BY_NAME, "binds values to names"),
    may("if", &CONDITION, "chooses between `then` and `else`"),
    with("if", "then", &STEPS, "the steps when the condition holds"),
    with("if", "else", &STEPS, "the steps when it does not"),
    may("for each", &FOR_EACH, "repeats steps for each element of a list"),
    may("repeat", &REPEAT, "repeats steps; `n` counts from 1"),
    may("retry", &RETRY, "tries steps again when they end in a fault"),
    may("try", &TRY, "handles the faults of steps"),
    may("transaction", &TRANSACTION, "runs steps in one database transaction"),
    may("call", &NAME, "runs a program by its name"),
    with("call", "with", &VALUES_BY_NAME, "the bindings with which the program begins"),
    may("note", &TEXT, "puts a remark into the story"),
    later("execute", "calls a custom API"),
    later("select", "reads at SQL level"),
])
.one_of(&[VERBS]);

/// The verbs: what a step has exactly one of.
static VERBS: &[&str] = &[
    "create",
    "retrieve",
    "query",
    "update",
    "upsert",
    "delete",
    "work",
    "wait",
    "at",
    "fail",
    "set",
    "let",
    "if",
    "for each",
    "repeat",
    "retry",
    "try",
    "transaction",
    "call",
    "note",
];

const IN: Key = may("in", &INSTANCE_NAME, "the instance; default the actor's or plug-in's");
const TABLE: Key = must("table", &TABLE_NAME, "the table");
const ROW_KEY: Key = may("row", &ROW, "which row: its name, a `$binding`, or `any`");
const KEY: Key = may("key", &SINGLE_VALUES_BY_NAME, "which row: by an alternate key's values");
const FROM: Key = may("from", &SINGLE_VALUE, "a row whose columns are copied first");
const SET: Key = may("set", &VALUES_BY_NAME, "the columns' values");
const COLUMNS: Key = may("columns", &NAMES, "the columns that are asked for; default all");

static CREATE: Shape = Shape::new("`create`").like("{ table: …, set: … }").or_map(&CREATE_MAP);
static CREATE_MAP: Map = Map::of(&[
    IN,
    TABLE,
    may("row", &SINGLE_VALUE, "the new row's name or id; drawn from the seed when absent"),
    FROM,
    SET,
    may("as", &NAME, "the binding that gets the new row's id"),
    later("through", "the policy that the call goes through"),
]);

static RETRIEVE: Shape =
    Shape::new("`retrieve`").like("{ table: …, row: … }").or_map(&RETRIEVE_MAP);
static RETRIEVE_MAP: Map =
    Map::of(&[IN, TABLE, ROW_KEY, KEY, COLUMNS, may("as", &NAME, "the binding that gets the row")])
        .one_of(&[&["row", "key"]]);

static QUERY: Shape = Shape::new("`query`").like("{ table: …, where: … }").or_map(&QUERY_MAP);
static QUERY_MAP: Map = Map::of(&[
    IN,
    TABLE,
    may("where", &CONDITION, "the condition on a row; every row when absent"),
    may("order", &SET_OF_NAMES, "the columns to order by; `-column` for descending"),
    may("top", &SINGLE_VALUE, "the most rows that are answered"),
    may("expand", &SET_OF_NAMES, "the lookups whose rows are answered too"),
    COLUMNS,
    may("as", &NAME, "the binding that gets the list of rows"),
]);

static UPDATE: Shape =
    Shape::new("`update`").like("{ table: …, row: …, set: … }").or_map(&UPDATE_MAP);
static UPDATE_MAP: Map = Map::of(&[IN, TABLE, ROW_KEY, KEY, FROM, SET]).one_of(&[&["row", "key"]]);

static UPSERT: Shape =
    Shape::new("`upsert`").like("{ table: …, row: …, set: … }").or_map(&UPSERT_MAP);
static UPSERT_MAP: Map = Map::of(&[
    IN,
    TABLE,
    ROW_KEY,
    KEY,
    FROM,
    SET,
    may("when", &WHEN, "`missing`: leave an existing row alone; `exists`: create nothing"),
    may("as", &NAME, "the binding that gets the row's id"),
])
.one_of(&[&["row", "key"]]);
static WHEN: Shape = Shape::of("`missing` or `exists`", Kind::Word(WHEN_WORDS));

static DELETE: Shape = Shape::new("`delete`").like("{ table: …, row: … }").or_map(&DELETE_MAP);
static DELETE_MAP: Map = Map::of(&[IN, TABLE, ROW_KEY, KEY]).one_of(&[&["row", "key"]]);

static FOR_EACH: Shape =
    Shape::new("`for each`").like("{ member: $members, do: [ … ] }").or_map(&FOR_EACH_MAP);
static FOR_EACH_MAP: Map =
    Map::of(&[must("do", &STEPS, "the steps")]).and_one_other("binding for each element", &LIST);

static REPEAT: Shape = Shape::new("`repeat`").like("{ times: 3, do: [ … ] }").or_map(&REPEAT_MAP);
static REPEAT_MAP: Map =
    Map::of(&[must("times", &SINGLE_VALUE, "how often"), must("do", &STEPS, "the steps")]);

static RETRY: Shape =
    Shape::new("`retry`").like("{ up to: 3, wait: 2s, do: [ … ] }").or_map(&RETRY_MAP);
static RETRY_MAP: Map = Map::of(&[UP_TO, WAIT, JITTER, ON, must("do", &STEPS, "the steps")]);

static TRY: Shape = Shape::new("`try`").like("{ do: [ … ], on fault: [ … ] }").or_map(&TRY_MAP);
static TRY_MAP: Map = Map::of(&[
    must("do", &STEPS, "the steps"),
    must("on fault", &STEPS, "the steps when those end in a fault; `$fault` is its word"),
    may("on", &FAULTS, "the faults that are handled; default all"),
]);

static TRANSACTION: Shape =
    Shape::new("`transaction`").like("{ do: [ … ] }").or_map(&TRANSACTION_MAP);
static TRANSACTION_MAP: Map = Map::of(&[
    IN,
    may("isolation", &ISOLATION, "the isolation level; default the instance's"),
    must("do", &STEPS, "the steps"),
]);
