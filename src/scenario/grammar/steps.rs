//! The grammar of the step language.

use crate::scenario::grammar::batches::{BULK, EXECUTE_MULTIPLE, EXECUTE_TRANSACTION};
use crate::scenario::grammar::control::{
    AT, CALL, FAIL, IF, LET, LIST, NOTE, PAUSE, STATUS, THROW, TRACE, WITH, WORK, control_over,
};
use crate::scenario::grammar::document::{
    COUNT, INSTANCE_NAME, ISOLATION, JITTER, NAME, ON, SINGLE_VALUE, TABLE_NAME, UP_TO, VALUE, WAIT,
};
use crate::scenario::grammar::messages::EXECUTE;
use crate::scenario::grammar::queries::{HINT, QUERY};
use crate::scenario::grammar::relationships::ASSOCIATE;
use crate::scenario::grammar::security::{GRANT, MEMBERS, REVOKE};
use crate::scenario::grammar::words::WHEN_WORDS;
use crate::scenario::grammar::{Key, Kind, Map, Shape, elsewhere, later, may, must, with};

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
pub(super) static ROW: Shape = Shape::of("a row's name, a `$binding` or `any`", Kind::Value);

/// Steps in order.
pub static STEPS: Shape = Shape::new("a list of steps").or_list(&STEP);

/// One step: a map with one verb.
pub static STEP: Shape =
    Shape::new("a step").like("{ create: { table: account } }").or_map(&STEP_MAP);

static STEP_MAP: Map = Map::of(&[
    may("create", &CREATE, "adds a row"),
    may("retrieve", &RETRIEVE, "reads one row"),
    may("query", &QUERY, "reads the rows that match"),
    may("changes", &CHANGES, "reads what has changed in a table whose changes are tracked"),
    may("update", &UPDATE, "changes a row"),
    may("upsert", &UPSERT, "creates or updates a row"),
    may("delete", &DELETE, "removes a row"),
    may("merge", &MERGE, "merges another row into a row, with what refers to it"),
    may("execute", &EXECUTE, "asks for a custom message: a process action or custom API"),
    may("grant", &GRANT, "shares a row with a user or team"),
    may("revoke", &REVOKE, "takes a share of a row away"),
    may("add members", &MEMBERS, "adds users to a team"),
    may("remove members", &MEMBERS, "takes users out of a team"),
    may("assign", &ASSIGN, "gives a row to another owner: the message Assign"),
    may("set state", &SET_STATE, "changes a row's state: the message SetState"),
    may("associate", &ASSOCIATE, "associates a row with others, by a many-to-many relationship"),
    may("disassociate", &ASSOCIATE, "takes such associations back"),
    WORK,
    PAUSE,
    AT,
    FAIL,
    STATUS,
    THROW,
    may("set", &VALUES_BY_NAME, "sets columns of the plug-in's target"),
    may("set shared", &VALUES_BY_NAME, "sets shared variables, for later steps as `$shared.name`"),
    may("set input", &VALUES_BY_NAME, "sets parameters of the custom message, before it runs"),
    may("set output", &VALUES_BY_NAME, "sets what the custom message or the Retrieve answers"),
    LET,
    IF,
    with(&["if"], "then", &STEPS, "the steps when the condition holds"),
    with(&["if"], "else", &STEPS, "the steps when it does not"),
    may("for each", &FOR_EACH, "repeats steps for each element of a list"),
    may("repeat", &REPEAT, "repeats steps; `n` counts from 1"),
    may("retry", &RETRY, "tries steps again when they end in a fault"),
    may("try", &TRY, "handles the faults of steps"),
    may("transaction", &TRANSACTION, "runs steps in one database transaction"),
    may(
        "execute multiple",
        &EXECUTE_MULTIPLE,
        "sends requests as one, each carried out for itself",
    ),
    may("execute transaction", &EXECUTE_TRANSACTION, "sends requests as one, all or none"),
    may("create multiple", &BULK, "adds rows of one table, all or none"),
    may("update multiple", &BULK, "changes rows of one table, all or none"),
    may("upsert multiple", &BULK, "creates or updates rows of one table, all or none"),
    CALL,
    WITH,
    NOTE,
    TRACE,
    elsewhere("select", "a statement of a session", "`query: { table: …, where: … }` reads rows"),
    elsewhere("insert", "a statement of a session", "`create: { table: …, set: … }` adds a row"),
    elsewhere("alter", "a statement of a session", "only a session (`sessions:`) alters tables"),
    elsewhere("begin", "a statement of a session", IN_A_TRANSACTION),
    elsewhere("commit", "a statement of a session", IN_A_TRANSACTION),
    elsewhere("rollback", "a statement of a session", IN_A_TRANSACTION),
    elsewhere(
        "where",
        "beside the verb it is for a session's statements",
        "it stands inside a query: `query: { table: …, where: … }`",
    ),
])
.one_of(&[VERBS]);

const IN_A_TRANSACTION: &str =
    "`transaction: { do: [ … ] }` commits at its end, and is rolled back by a fault";

control_over!(STEPS);

/// The verbs: what a step has exactly one of.
static VERBS: &[&str] = &[
    "create",
    "retrieve",
    "query",
    "changes",
    "update",
    "upsert",
    "delete",
    "merge",
    "execute",
    "grant",
    "revoke",
    "add members",
    "remove members",
    "assign",
    "set state",
    "associate",
    "disassociate",
    "work",
    "wait",
    "at",
    "fail",
    "throw",
    "set",
    "set shared",
    "set input",
    "set output",
    "let",
    "if",
    "for each",
    "repeat",
    "retry",
    "try",
    "transaction",
    "execute multiple",
    "execute transaction",
    "create multiple",
    "update multiple",
    "upsert multiple",
    "call",
    "note",
    "trace",
];

pub(super) const IN: Key =
    may("in", &INSTANCE_NAME, "the instance; default the actor's or plug-in's");
const TABLE: Key = must("table", &TABLE_NAME, "the table");
pub(super) const ROW_KEY: Key = may("row", &ROW, "which row: its name, a `$binding`, or `any`");
pub(super) const KEY: Key =
    may("key", &SINGLE_VALUES_BY_NAME, "which row: by an alternate key's values");
const FROM: Key = may("from", &SINGLE_VALUE, "a row whose columns are copied first");
const SET: Key = may("set", &VALUES_BY_NAME, "the columns' values");
const IF_MATCH: Key =
    may("if match", &VERSION, "only the version of `$row` as read, or `any`: else a fault");
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

static MERGE: Shape =
    Shape::new("`merge`").like("{ table: …, row: …, subordinate: … }").or_map(&MERGE_MAP);
static MERGE_MAP: Map = Map::of(&[
    IN,
    TABLE,
    ROW_KEY,
    KEY,
    must("subordinate", &SINGLE_VALUE, "the row that is merged into it and becomes inactive"),
    SET,
])
.one_of(&[&["row", "key"]]);

static ASSIGN: Shape =
    Shape::new("`assign`").like("{ table: …, row: …, to: … }").or_map(&ASSIGN_MAP);
static ASSIGN_MAP: Map =
    Map::of(&[IN, TABLE, ROW_KEY, KEY, must("to", &SINGLE_VALUE, "the user or team that gets it")])
        .one_of(&[&["row", "key"]]);

static SET_STATE: Shape =
    Shape::new("`set state`").like("{ table: …, row: …, state: Inactive }").or_map(&SET_STATE_MAP);
static SET_STATE_MAP: Map = Map::of(&[
    IN,
    TABLE,
    ROW_KEY,
    KEY,
    must("state", &SINGLE_VALUE, "the value of `statecode`"),
    may("status", &SINGLE_VALUE, "the value of `statuscode`; default it stays"),
])
.one_of(&[&["row", "key"]]);

static RETRIEVE: Shape =
    Shape::new("`retrieve`").like("{ table: …, row: … }").or_map(&RETRIEVE_MAP);
static RETRIEVE_MAP: Map = Map::of(&[
    IN,
    TABLE,
    ROW_KEY,
    KEY,
    COLUMNS,
    HINT,
    may("if none match", &VERSION, "answers null when the row still has this version"),
    may("as", &NAME, "the binding that gets the row"),
])
.one_of(&[&["row", "key"]]);

static VERSION: Shape =
    Shape::of("a row as read, a row version, or `any`", Kind::Value).like("$row");

static CHANGES: Shape = Shape::new("`changes`").like("{ table: …, since: … }").or_map(&CHANGES_MAP);
static CHANGES_MAP: Map = Map::of(&[
    IN,
    TABLE,
    may("since", &SINGLE_VALUE, "the token of the last answer: `$delta.token`; default every row"),
    may("page after", &SINGLE_VALUE, "the answer whose next page is wanted: `$delta`"),
    may("page size", &COUNT, "the most rows and deletions of one answer; default 5,000"),
    COLUMNS,
    may("as", &NAME, "the binding that gets `rows`, `deleted`, `token` and `more`"),
]);

static UPDATE: Shape =
    Shape::new("`update`").like("{ table: …, row: …, set: … }").or_map(&UPDATE_MAP);
static UPDATE_MAP: Map =
    Map::of(&[IN, TABLE, ROW_KEY, KEY, FROM, SET, IF_MATCH]).one_of(&[&["row", "key"]]);

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
    IF_MATCH,
    may("if none match", &VERSION, "`any`: create the row; a fault where it is there already"),
    may("as", &NAME, "the binding that gets the row's id"),
])
.one_of(&[&["row", "key"]]);
static WHEN: Shape = Shape::of("`missing` or `exists`", Kind::Word(WHEN_WORDS));

static DELETE: Shape = Shape::new("`delete`").like("{ table: …, row: … }").or_map(&DELETE_MAP);
static DELETE_MAP: Map = Map::of(&[IN, TABLE, ROW_KEY, KEY, IF_MATCH]).one_of(&[&["row", "key"]]);

static TRANSACTION: Shape =
    Shape::new("`transaction`").like("{ do: [ … ] }").or_map(&TRANSACTION_MAP);
static TRANSACTION_MAP: Map = Map::of(&[
    IN,
    may("isolation", &ISOLATION, "the isolation level; default the instance's"),
    must("do", &STEPS, "the steps"),
]);
