//! The grammar of a file's top level and of everything that it defines.

use crate::scenario::grammar::expectations::EXPECTATIONS;
use crate::scenario::grammar::messages::MESSAGES;
use crate::scenario::grammar::relationships::RELATIONSHIPS;
use crate::scenario::grammar::security::SECURITY;
use crate::scenario::grammar::sessions::{SESSION_STEPS, SESSIONS, STEP_PATH};
use crate::scenario::grammar::steps::{BACKOFF, FAULTS, NAMES, STEPS, VALUES_BY_NAME};
use crate::scenario::grammar::words::{
    COLUMN_WORDS, DELTA_TOKEN_WORDS, INSTANCE_WORDS, ISOLATION_WORDS, LOCKING_WORDS, METHOD_WORDS,
    MODE_WORDS, STAGE_WORDS, STEP_KIND_WORDS, WRITE_WORDS,
};
use crate::scenario::grammar::{Key, Kind, Map, Shape, later, may, must, with};

pub(super) static TEXT: Shape = Shape::of("a text", Kind::Text);
pub(super) static NAME: Shape = Shape::of("a name", Kind::Text);
pub(super) static COUNT: Shape = Shape::of("a number from 0", Kind::Count);
pub(super) static WHOLE: Shape = Shape::of("a whole number", Kind::Whole);
pub(super) static BOOLEAN: Shape = Shape::of("true or false", Kind::Boolean);
pub(super) static DURATION: Shape =
    Shape::of("a duration such as `150ms` or `2 min`", Kind::Duration);
pub(super) static MOMENT: Shape =
    Shape::of("a time such as `06:00`, `2026-01-06T02:10` or `250ms`", Kind::Moment);
static DATE_TIME: Shape =
    Shape::of("a date and time such as `2026-01-05T08:00:00Z`", Kind::DateTime);
pub(super) static TABLE_NAME: Shape = Shape::of("the name of a table", Kind::Text);
pub(super) static INSTANCE_NAME: Shape = Shape::of("the name of an instance", Kind::Text);
pub(super) static VALUE: Shape = Shape::of("a value", Kind::Value).or_list(&SINGLE_VALUE);
pub(super) static SINGLE_VALUE: Shape = Shape::of("a value", Kind::Value);
pub(super) static ISOLATION: Shape = Shape::of("an isolation level", Kind::Word(ISOLATION_WORDS));

/// Whatever a later version will make of it.
pub static ANYTHING: Shape =
    Shape::of("anything", Kind::Value).or_list(&ANYTHING).or_map(&ANYTHING_MAP);
static ANYTHING_MAP: Map = Map::named("name", &ANYTHING);

/// One name or several.
pub static SET_OF_NAMES: Shape = Shape::of("a name or a list of names", Kind::Text).or_list(&NAME);

/// A whole file.
pub static DOCUMENT: Shape = Shape::new("a scenario").or_map(&DOCUMENT_MAP);

static DOCUMENT_MAP: Map = Map::of(&[
    must("scenario", &TEXT, "the scenario's one-line title"),
    may("about", &TEXT, "two sentences: what happens, and why it is worth a look"),
    may("source", &TEXT, "the document and section that it comes from"),
    may(
        "start",
        &DATE_TIME,
        "the date and time at which the world begins; default 2026-01-05T08:00:00Z",
    ),
    may(
        "until",
        &MOMENT,
        "no schedule begins a run after this; default the last moment that the file mentions",
    ),
    may("seed", &COUNT, "the seed of all randomness; default 0"),
    may("params", &PARAMS, "named values: `$name` or `=params.name` anywhere"),
    may("costs", &COSTS, "what things take in virtual time"),
    may("limits", &LIMITS, "the platform's limits, and those of the run"),
    must("tables", &TABLES, "the tables, with columns, alternate keys and indexes"),
    must("instances", &INSTANCES, "the Dataverse instances"),
    may("rows", &ROWS_BY_INSTANCE, "the rows that exist at the start: by instance, then table"),
    may("security", &SECURITY, "who may do what, by instance; without it nothing is checked"),
    may("relationships", &RELATIONSHIPS, "what becomes of the rows that refer to others"),
    may("programs", &PROGRAMS, "lists of steps that `call` runs by name"),
    may("messages", &MESSAGES, "custom process actions and custom APIs"),
    may("plug-ins", &PLUG_INS, "the registered steps: plug-ins and workflows"),
    may("outages", &OUTAGES, "when an instance does not answer as it should"),
    may("flows", &FLOWS, "what copies rows from one instance to another"),
    may("actors", &ACTORS, "who does what: users, apps, jobs"),
    may("sessions", &SESSIONS, "connections to a database that speak SQL, in labelled steps"),
    may("order", &ORDER, "the order in which the sessions' steps begin: `session.step`"),
    may(
        "variants",
        &VARIANTS,
        "several designs that differ in the parts they name; `none` takes a part away",
    ),
    may("expect", &EXPECTATIONS, "what must hold"),
    later("dual-write", "dual-write maps"),
    later("policies", "retry, breaker and journal of calls"),
]);

static ORDER: Shape = Shape::new("a list of steps").or_list(&STEP_PATH);

static PARAMS: Shape = Shape::new("a map of named values").or_map(&PARAMS_MAP);
static PARAMS_MAP: Map = Map::named("parameter", &VALUE);

static COSTS: Shape = Shape::new("a map of durations").or_map(&COSTS_MAP);
static COSTS_MAP: Map = Map::of(&[
    may("request", &DURATION, "each request, nested ones too; default 5 ms"),
    may("read", &DURATION, "each read statement; default 2 ms"),
    may("row", &DURATION, "each row or index entry that a statement examines; default 20 us"),
    may("column", &DURATION, "each value that a query answers; default 1 us"),
    may("write", &DURATION, "each row that is written, after its lock was granted; default 5 ms"),
    may("plug-in", &DURATION, "each plug-in step that runs; default 2 ms"),
    may("network", &DURATION, "one way between a flow and an instance; default 40 ms"),
    may("client", &DURATION, "one way between an actor and an instance; default 0 ms"),
    may("async service", &DURATION, "from a job's commit to the service's look; default 1 s"),
]);

static LIMITS: Shape = Shape::new("a map of limits").or_map(&LIMITS_MAP);
static LIMITS_MAP: Map = Map::of(&[
    may("sql command", &DURATION, "the SQL command time-out, waits included; default 120 s"),
    may("plug-in", &DURATION, "how long a plug-in step may take; default 2 min"),
    may("depth", &COUNT, "the deepest chain of nested requests; default 8"),
    may("message size", &COUNT, "the largest request for a plug-in, in bytes; default 116.85 MB"),
    may("client", &DURATION, "how long a client waits for an answer; default 2 min"),
    may("deadlock monitor", &DURATION, "between two searches of the deadlock monitor; default 5 s"),
    may("deadlock monitor least", &DURATION, "the same right after a deadlock; default 100 ms"),
    may("lock escalation", &COUNT, "how many locks one statement may hold; default 5,000"),
    may("lock escalation retry", &COUNT, "how many more until it is tried again; default 1,250"),
    may("transaction", &DURATION, "how long a transaction may take; default for ever"),
    may("page size", &COUNT, "the most rows that one query answers; default 5,000"),
    may("paged rows", &COUNT, "how far pages reach without a cookie; default 50,000 rows"),
    may("aggregated rows", &COUNT, "the most rows that are computed over; default 50,000"),
    may("changes page", &COUNT, "how many rows one answer of `changes` has; default 5,000"),
    may("change tracking", &DURATION, "how long a delta token is good for; default 7 days"),
    may("async batch", &COUNT, "how many jobs the async service takes at one look; default 20"),
    may("async attempts", &COUNT, "how many times a job is tried that asks for it; default 4"),
    may("assign cascade", &COUNT, "from how many rows on a job gives them away; default 1,000"),
    may("delete cascade", &COUNT, "from how many rows on a job deletes them; default 10,000"),
    may("merge cascade", &COUNT, "from how many rows on a job takes them along; default 1,000"),
    may("cascade batch", &COUNT, "how many rows such a job does in one go; default 100"),
    may("async retry", &DURATION, "how long such a job waits before its next try; default 1 min"),
    may("workflow runs", &COUNT, "how many times a workflow may run for one row; default 16"),
    may("workflow period", &DURATION, "the time in which these are counted; default 1 h"),
    may("transitions", &COUNT, "how many transitions a run may take; default 10,000,000"),
    may("virtual time", &DURATION, "how much virtual time a run may take; default 366 days"),
]);

static TABLES: Shape = Shape::new("a map of tables").or_map(&TABLES_MAP);
static TABLES_MAP: Map = Map::named("table", &TABLE);
static TABLE: Shape = Shape::new("a table").or_map(&TABLE_MAP);
static TABLE_MAP: Map = Map::of(&[
    must("columns", &COLUMNS, "the columns, each with its type"),
    may("keys", &KEYS, "the alternate keys, each with its columns"),
    may("indexes", &INDEXES, "other indexes, each with its columns; each lookup has one already"),
    may("change tracking", &BOOLEAN, "whether its changes are tracked; default false"),
    may("optimistic concurrency", &BOOLEAN, "whether `if match` may name a version; default true"),
]);
pub(super) static COLUMNS: Shape = Shape::new("a map of columns").or_map(&COLUMNS_MAP);
static COLUMNS_MAP: Map = Map::named("column", &COLUMN);
static COLUMN: Shape = Shape::of("a column type", Kind::Word(COLUMN_WORDS)).or_map(&COLUMN_MAP);
static COLUMN_MAP: Map = Map::of(&[
    may("text", &COUNT, "text of at most so many characters"),
    may("choice", &NAMES, "one of these labels"),
    may("lookup", &TABLE_NAME, "the id of a row of this table"),
])
.one_of(&[&["text", "choice", "lookup"]]);
static KEYS: Shape = Shape::new("a map of alternate keys").or_map(&KEYS_MAP);
static KEYS_MAP: Map = Map::named("alternate key", &NAMES);
static INDEXES: Shape = Shape::new("a map of indexes").or_map(&INDEXES_MAP);
static INDEXES_MAP: Map = Map::named("index", &NAMES);

static INSTANCES: Shape = Shape::new("a map of instances").or_map(&INSTANCES_MAP);
static INSTANCES_MAP: Map = Map::named("instance", &INSTANCE);
static INSTANCE: Shape = Shape::new("an instance").or_map(&INSTANCE_MAP);
static INSTANCE_MAP: Map = Map::of(&[
    must("tables", &NAMES, "the tables that it has"),
    may("isolation", &ISOLATION, "the isolation level of its transactions"),
    may("locking", &LOCKING, "how its writes lock: `classic` (the default) or `optimized`"),
    may("delta tokens", &DELTA_TOKENS, "up to where they reach: `bounded` (the default), `latest`"),
    may("kind", &INSTANCE_KIND, "what kind of environment it is"),
    later("company", "the company of a finance and operations environment"),
]);
static LOCKING: Shape = Shape::of("a way of locking", Kind::Word(LOCKING_WORDS));
static DELTA_TOKENS: Shape = Shape::of("a kind of delta token", Kind::Word(DELTA_TOKEN_WORDS));
static INSTANCE_KIND: Shape = Shape::of("a kind of instance", Kind::Word(INSTANCE_WORDS));

static ROWS_BY_INSTANCE: Shape = Shape::new("a map of instances").or_map(&ROWS_BY_INSTANCE_MAP);
static ROWS_BY_INSTANCE_MAP: Map = Map::named("instance", &ROWS_BY_TABLE);
static ROWS_BY_TABLE: Shape = Shape::new("a map of tables").or_map(&ROWS_BY_TABLE_MAP);
static ROWS_BY_TABLE_MAP: Map = Map::named("table", &ROWS);
static ROWS: Shape = Shape::new("rows by name, or a pattern of many").or_map(&ROWS_MAP);
static ROWS_MAP: Map = Map::named("row", &VALUES_BY_NAME).or_with("count", &ROW_PATTERN);
static ROW_PATTERN: Map = Map::of(&[
    must("count", &COUNT, "how many rows; `n` counts them from 1"),
    may("named", &TEXT, "each row's name, such as `acct {n}`; without it ids are drawn"),
    may("set", &VALUES_BY_NAME, "the columns' values"),
]);

static PROGRAMS: Shape = Shape::new("a map of programs").or_map(&PROGRAMS_MAP);
static PROGRAMS_MAP: Map = Map::named("program", &PROGRAM);
static PROGRAM: Shape = Shape::new("a program").or_map(&PROGRAM_MAP);
static PROGRAM_MAP: Map = Map::of(&[
    with(&["do"], "in", &INSTANCE_NAME, "the instance that its steps mean; default the caller's"),
    may("do", &STEPS, "its steps, for actors, plug-ins and other programs"),
    may("sql", &SESSION_STEPS, "its steps, for sessions"),
])
.one_of(&[&["do", "sql"]]);

static PLUG_INS: Shape = Shape::new("a list of plug-in steps").or_list(&PLUG_IN);
/// One plug-in step.
pub static PLUG_IN: Shape = Shape::new("a plug-in step").or_map(&PLUG_IN_MAP);
static PLUG_IN_MAP: Map = Map::of(&[
    must("name", &NAME, "its name"),
    may("kind", &STEP_KIND, "what it was made with: `plug-in` (the default) or `workflow`"),
    must("on", &EVENT, "what it listens to: `Create ticket`, or `Create` for all tables"),
    must("in", &INSTANCE_NAME, "the instance in which it is registered"),
    must("stage", &STAGE, "the stage in which it runs"),
    may("mode", &MODE, "when it runs: `sync` (the default) in its stage, `async` after it"),
    may("rank", &WHOLE, "its execution order, lower first; default 1"),
    may(
        "images",
        &IMAGES,
        "copies of the row: `{ before: { pre: [name] }, after: { post: all } }`",
    ),
    may("run as", &NAME, "the user as whom it runs; default the one who made the request"),
    may("enabled", &BOOLEAN, "whether it runs at all; default true"),
    may("about", &TEXT, "what it is for"),
    may("filter", &NAMES, "for Update: the columns of which one must be in the request"),
    may("do", &STEPS, "its steps; `$target` is what the request writes, `$before` the row before"),
    may("rust", &NAME, "the name of a plug-in written in Rust"),
])
.one_of(&[&["do", "rust"]]);
static IMAGES: Shape = Shape::new("a map of images").or_map(&IMAGES_MAP);
static IMAGES_MAP: Map = Map::named("image", &IMAGE);
static IMAGE: Shape = Shape::new("an image").like("{ pre: [name] }").or_map(&IMAGE_MAP);
static IMAGE_MAP: Map = Map::of(&[
    may("pre", &IMAGE_COLUMNS, "the row before the main operation: these columns, or `all`"),
    may("post", &IMAGE_COLUMNS, "the row after the main operation: these columns, or `all`"),
])
.one_of(&[&["pre", "post"]]);
static IMAGE_COLUMNS: Shape = Shape::of("a list of columns, or `all`", Kind::Text).or_list(&NAME);
static EVENT: Shape = Shape::of("a message and a table, such as `Create ticket`", Kind::Event);
static STAGE: Shape = Shape::of("a stage", Kind::Word(STAGE_WORDS));

static STEP_KIND: Shape = Shape::of("a kind of step", Kind::Word(STEP_KIND_WORDS));
static MODE: Shape = Shape::of("`sync` or `async`", Kind::Word(MODE_WORDS));

static OUTAGES: Shape = Shape::new("a list of outages").or_list(&OUTAGE);
static OUTAGE: Shape = Shape::new("an outage").or_map(&OUTAGE_MAP);
static OUTAGE_MAP: Map = Map::of(&[
    may("name", &NAME, "its name; default `outage of` and the instance"),
    must("instance", &INSTANCE_NAME, "the instance that is affected"),
    must("from", &MOMENT, "its first instant"),
    must("until", &MOMENT, "the first instant at which it is over"),
    must("as", &OUTAGE_KIND, "what callers see: `unreachable`, `maintenance` or `slow by 2s`"),
]);
static OUTAGE_KIND: Shape =
    Shape::of("`unreachable`, `maintenance` or `slow by` a duration", Kind::Outage);

static FLOWS: Shape = Shape::new("a map of flows").or_map(&FLOWS_MAP);
static FLOWS_MAP: Map = Map::named("flow", &FLOW);
static FLOW: Shape = Shape::new("a flow").or_map(&FLOW_MAP);
static FLOW_MAP: Map = Map::of(&[
    must("method", &METHOD, "what carries it out; it decides the default retries"),
    must("from", &INSTANCE_NAME, "the instance that it reads"),
    must("to", &INSTANCE_NAME, "the instance that it writes"),
    may("table", &TABLE_NAME, "the table that it copies"),
    may("tables", &NAMES, "the tables that it copies, parents first"),
    may("every day at", &MOMENT, "the time of day at which it begins"),
    may("every", &DURATION, "the time from one run to the next, the first at the start"),
    may("at", &MOMENT, "when it runs, once"),
    may("until", &MOMENT, "no run begins at or after this"),
    may("write", &WRITE, "how it writes"),
    may("retry", &FLOW_RETRY, "its retries of each request; `none` for no retries"),
])
.one_of(&[&["table", "tables"], &["every day at", "every", "at"]]);
static METHOD: Shape = Shape::of("a sync method", Kind::Word(METHOD_WORDS));
static WRITE: Shape = Shape::of("`upsert`", Kind::Word(WRITE_WORDS));
static FLOW_RETRY: Shape = Shape::of("`none`, or a map", Kind::Text).or_map(&FLOW_RETRY_MAP);
static FLOW_RETRY_MAP: Map = Map::of(&[UP_TO, WAIT, JITTER, ON]);

pub(super) const UP_TO: Key = must("up to", &COUNT, "how many more times after the first, at most");
pub(super) const WAIT: Key =
    must("wait", &BACKOFF, "how long before each: `2s`, or `exponential from 2s to 30s`");
pub(super) const JITTER: Key =
    may("jitter", &BOOLEAN, "whether each wait is drawn between half of it and all of it");
pub(super) const ON: Key =
    may("on", &FAULTS, "the faults worth another try; default all that may pass");

static ACTORS: Shape = Shape::new("a map of actors").or_map(&ACTORS_MAP);
static ACTORS_MAP: Map = Map::named("actor", &ACTOR);
static ACTOR: Shape = Shape::new("an actor")
    .like("{ in: europe, do: [ … ] }")
    .or_list(&super::STEP)
    .or_map(&ACTOR_MAP);
static ACTOR_MAP: Map = Map::of(&[
    may("in", &INSTANCE_NAME, "the instance that its steps mean when they name none"),
    may("as", &NAME, "the user of `security`; default a system administrator"),
    AT,
    FROM,
    EVERY,
    UNTIL,
    HOW_MANY,
    may("call", &NAME, "the program that it runs"),
    with(&["call"], "with", &VALUES_BY_NAME, "the bindings with which the program begins"),
    may("do", &STEPS, "its steps"),
])
.one_of(&[&["call", "do"]]);

pub(super) const AT: Key = may("at", &MOMENT, "when it begins; default at the start");
pub(super) const FROM: Key =
    with(&["every"], "from", &MOMENT, "when its first run begins; default at the start");
pub(super) const EVERY: Key = may("every", &DURATION, "the time from one run to the next");
pub(super) const UNTIL: Key = with(&["every"], "until", &MOMENT, "no run begins at or after this");
pub(super) const HOW_MANY: Key =
    may("count", &COUNT, "how many of it there are; each counts itself in `n`");

static VARIANTS: Shape = Shape::new("a map of variants").or_map(&VARIANTS_MAP);
static VARIANTS_MAP: Map = Map::named("variant", &VARIANT);
/// What a variant says: parts of the file, to be laid over it.
pub static VARIANT: Shape = Shape::new("the parts that differ").or_map(&ANYTHING_MAP);
