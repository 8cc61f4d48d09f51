//! The README's tables, as one list: which line tells of which benchmarks.

use crate::figures::{Target, Unit};

/// One table.
pub struct Table {
    /// Its heading.
    pub subject: &'static str,
    /// What a reader has to know.
    pub about: &'static str,
    /// What its lines tell apart.
    pub what: &'static str,
    /// What its columns tell apart; those of a bound have heads of their own.
    pub columns: &'static [&'static str],
    /// Its lines.
    pub lines: &'static [Line],
}

/// One line of a table.
pub struct Line {
    /// What is measured.
    pub what: &'static str,
    /// The benchmarks' group.
    pub group: &'static str,
    /// The case of each column.
    pub cases: &'static [&'static str],
    /// In what they are told.
    pub unit: Unit,
    /// What the last of them should reach.
    pub target: Option<Target>,
}

impl Table {
    /// The names of all its benchmarks.
    pub fn cases(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.lines.iter().flat_map(|line| line.cases.iter().map(|case| (line.group, *case)))
    }

    /// The unit of its lines, as far as it decides their cells.
    pub fn unit(&self) -> Option<Unit> {
        self.lines.first().map(|line| line.unit)
    }

    /// Whether there is anything that should be reached.
    pub fn has_targets(&self) -> bool {
        self.lines.iter().any(|line| line.target.is_some())
    }
}

impl Line {
    /// The same, with what it should reach.
    const fn reaches(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }
}

const fn line(
    what: &'static str,
    group: &'static str,
    cases: &'static [&'static str],
    unit: Unit,
) -> Line {
    Line { what, group, cases, unit, target: None }
}

/// All tables, in their order.
pub const TABLES: &[Table] = &[
    ANCHORS, TRACE, HOST, HOST_PAIR, ORDER, NUMBERS, EARLY, LEVELS, READERS, VICTIMS, LENGTH,
    GROWTH, ACTORS, WORLDS, PIPELINE, LOCKS, STORE, FILES,
];

const A_SECOND: Unit = Unit::Bound("a second");
const ROWS_A_SECOND: Unit = Unit::Bound("rows a second");

const ANCHORS: Table = Table {
    subject: "Beside the bare bound",
    about: "W1 to W7, the kernel's database with its trace off. Ten updates are a transaction.",
    what: "what",
    columns: &["measured"],
    lines: &[
        line("W1: random rows of 1,000,000, 1 session", "W1 uncontended", &["1 session"], A_SECOND)
            .reaches(Target::Times(0.35)),
        line("W1: 2 sessions", "W1 uncontended", &["2 sessions"], A_SECOND),
        line("W1: 16 sessions", "W1 uncontended", &["16 sessions"], A_SECOND),
        line(
            "W2: 100 hot rows in ascending order, 1 session",
            "W2 hot rows sorted",
            &["1 session"],
            A_SECOND,
        ),
        line("W2: 2 sessions", "W2 hot rows sorted", &["2 sessions"], A_SECOND),
        line("W2: 16 sessions", "W2 hot rows sorted", &["16 sessions"], A_SECOND)
            .reaches(Target::Times(0.8)),
        line(
            "W3: the same in any order, 1 session; bare waits for nobody and begins again",
            "W3 hot rows unsorted",
            &["1 session"],
            A_SECOND,
        ),
        line("W3: 2 sessions", "W3 hot rows unsorted", &["2 sessions"], A_SECOND),
        line("W3: 16 sessions", "W3 hot rows unsorted", &["16 sessions"], A_SECOND)
            .reaches(Target::Times(0.1)),
        line(
            "W4: deadlocks of two, from the request that closes the circle to the victim's error",
            "W4 deadlock",
            &["closing request to victim"],
            A_SECOND,
        ),
        line(
            "W5: a nolock scan of 1,000,000 rows, a writer beside it",
            "W5 scan",
            &["nolock beside a writer"],
            ROWS_A_SECOND,
        )
        .reaches(Target::Times(0.25)),
        line(
            "W5: a scan of committed versions, nobody beside it; bare locks each row",
            "W5 scan",
            &["committed versions"],
            ROWS_A_SECOND,
        ),
        line(
            "W5: the same with a lock on each row",
            "W5 scan",
            &["read committed, with locks"],
            ROWS_A_SECOND,
        ),
        line(
            "W6: loading records of 10 columns with an alternate key",
            "W6 load",
            &["records with an alternate key"],
            A_SECOND,
        )
        .reaches(Target::Times(0.3)),
        line("W7: point reads of a column by id", "W7 point read", &["by id"], A_SECOND)
            .reaches(Target::Times(0.8)),
        line("W7: the same by alternate key", "W7 point read", &["by alternate key"], A_SECOND)
            .reaches(Target::Times(0.8)),
    ],
};

const TRACE: Table = Table {
    subject: "The trace",
    about: "W2 with 16 sessions and the trace on, beside the same with it off.",
    what: "what",
    columns: &["measured"],
    lines: &[line("trace on", "Trace", &["on beside off"], A_SECOND).reaches(Target::Times(0.5))],
};

const TRANSACTIONS: Unit = Unit::Rate("a second");

const HOST: Table = Table {
    subject: "The host in real time",
    about: "64 callers, whose transactions each update two of 10,000 rows in ascending order; every \
            cost is zero and nothing is kept. A transaction is one ExecuteTransaction, or four \
            calls: begin, two updates, commit. The kernel has the same work in virtual time, on \
            one thread.",
    what: "what",
    columns: &["measured"],
    lines: &[
        line(
            "one instance, one request each, 1 thread",
            "Host of one instance",
            &["one request, 1 threads"],
            TRANSACTIONS,
        ),
        line(
            "one instance, one request each, 2 threads",
            "Host of one instance",
            &["one request, 2 threads"],
            TRANSACTIONS,
        )
        .reaches(Target::AtLeast(300_000.0)),
        line(
            "one instance, call by call, 1 thread",
            "Host of one instance",
            &["call by call, 1 threads"],
            TRANSACTIONS,
        ),
        line(
            "one instance, call by call, 2 threads",
            "Host of one instance",
            &["call by call, 2 threads"],
            TRANSACTIONS,
        ),
        line(
            "the kernel alone in virtual time",
            "Kernel in virtual time",
            &["64 callers of one instance"],
            TRANSACTIONS,
        ),
    ],
};

const HOST_PAIR: Table = Table {
    subject: "Two threads beside one",
    about: "The same callers, half of them on each of two instances.",
    what: "what",
    columns: &["measured"],
    lines: &[
        line(
            "one request each",
            "Host of two instances, 2 threads beside 1",
            &["one request"],
            A_SECOND,
        )
        .reaches(Target::Times(1.3)),
        line(
            "call by call",
            "Host of two instances, 2 threads beside 1",
            &["call by call"],
            A_SECOND,
        )
        .reaches(Target::Times(1.3)),
    ],
};

const BOOKINGS: Unit = Unit::Simulated("transactions");
const ACCOUNTS: Unit = Unit::Simulated("accounts");

const ORDER: Table = Table {
    subject: "The order of the locks",
    about: "Sessions whose transactions each update four rows, in virtual time with the default costs; a deadlock waits for the monitor. Figures a second are of virtual time, and the same in every run; in italics what the kernel takes for one in real time. So in the tables that follow.",
    what: "what",
    columns: &["10 rows", "100 rows", "10,000 rows"],
    lines: &[
        line(
            "in one order, 2 sessions",
            "Rows in one order",
            &["2 sessions, 10 rows", "2 sessions, 100 rows", "2 sessions, 10000 rows"],
            BOOKINGS,
        ),
        line(
            "in one order, 16 sessions",
            "Rows in one order",
            &["16 sessions, 10 rows", "16 sessions, 100 rows", "16 sessions, 10000 rows"],
            BOOKINGS,
        ),
        line(
            "in one order, 64 sessions",
            "Rows in one order",
            &["64 sessions, 10 rows", "64 sessions, 100 rows", "64 sessions, 10000 rows"],
            BOOKINGS,
        ),
        line(
            "in any order, 2 sessions",
            "Rows in any order",
            &["2 sessions, 10 rows", "2 sessions, 100 rows", "2 sessions, 10000 rows"],
            BOOKINGS,
        ),
        line(
            "in any order, 16 sessions",
            "Rows in any order",
            &["16 sessions, 10 rows", "16 sessions, 100 rows", "16 sessions, 10000 rows"],
            BOOKINGS,
        ),
        line(
            "in any order, 64 sessions",
            "Rows in any order",
            &["64 sessions, 10 rows", "64 sessions, 100 rows", "64 sessions, 10000 rows"],
            BOOKINGS,
        ),
    ],
};

const NUMBERS: Table = Table {
    subject: "Auto-number designs",
    about: "The designs of `scenarios/transaction-patterns/auto-number.yaml`, and one more: creators who each create ten accounts, numbered from one counter row; creating one takes 460 ms.",
    what: "the counter is",
    columns: &["1 creator", "8 at once", "64 at once"],
    lines: &[
        line(
            "read and counted up in PreValidation, outside the transaction",
            "Auto-number",
            &[
                "outside the transaction, 1 at once",
                "outside the transaction, 8 at once",
                "outside the transaction, 64 at once",
            ],
            ACCOUNTS,
        ),
        line(
            "in PreOperation, read, then updated",
            "Auto-number",
            &[
                "in the transaction, 1 at once",
                "in the transaction, 8 at once",
                "in the transaction, 64 at once",
            ],
            ACCOUNTS,
        ),
        line(
            "the same at repeatable read",
            "Auto-number",
            &[
                "in the transaction, reads lock, 1 at once",
                "in the transaction, reads lock, 8 at once",
                "in the transaction, reads lock, 64 at once",
            ],
            ACCOUNTS,
        ),
        line(
            "the same at snapshot",
            "Auto-number",
            &[
                "in the transaction, reads of a snapshot, 1 at once",
                "in the transaction, reads of a snapshot, 8 at once",
                "in the transaction, reads of a snapshot, 64 at once",
            ],
            ACCOUNTS,
        ),
        line(
            "locked by an update that changes nothing, then read",
            "Auto-number",
            &["locked first, 1 at once", "locked first, 8 at once", "locked first, 64 at once"],
            ACCOUNTS,
        ),
        line(
            "the same as the last thing in the transaction",
            "Auto-number",
            &["locked last, 1 at once", "locked last, 8 at once", "locked last, 64 at once"],
            ACCOUNTS,
        ),
        line(
            "ten numbers taken at once, in a transaction of their own",
            "Auto-number",
            &[
                "in blocks of ten, 1 at once",
                "in blocks of ten, 8 at once",
                "in blocks of ten, 64 at once",
            ],
            ACCOUNTS,
        ),
    ],
};

const EARLY: Table = Table {
    subject: "A contended row early and late",
    about: "The bookings of `scenarios/transaction-patterns/contended-lock-early-and-late.yaml`: 300 ms each, of which one update is of a row that all need.",
    what: "the row is",
    columns: &["8 at once", "64 at once"],
    lines: &[
        line(
            "taken first",
            "Contended row",
            &["taken first, 8 at once", "taken first, 64 at once"],
            Unit::Simulated("bookings"),
        ),
        line(
            "taken last",
            "Contended row",
            &["taken last, 8 at once", "taken last, 64 at once"],
            Unit::Simulated("bookings"),
        ),
    ],
};

const LEVELS: Table = Table {
    subject: "Isolation levels",
    about: "16 sessions that each read one of 20 rows and then write one more into it.",
    what: "level",
    columns: &["16 sessions"],
    lines: &[
        line("read uncommitted", "Read, then update", &["read uncommitted"], BOOKINGS),
        line("read committed", "Read, then update", &["read committed"], BOOKINGS),
        line(
            "read committed snapshot",
            "Read, then update",
            &["read committed snapshot"],
            BOOKINGS,
        ),
        line("repeatable read", "Read, then update", &["repeatable read"], BOOKINGS),
        line("snapshot", "Read, then update", &["snapshot"], BOOKINGS),
        line("serializable", "Read, then update", &["serializable"], BOOKINGS),
    ],
};

const READERS: Table = Table {
    subject: "Readers beside writers",
    about: "8 readers that go over 1,000 rows, and 8 writers that each hold one of them for 15 ms, at SQL level.",
    what: "the readers read",
    columns: &["8 readers, 8 writers"],
    lines: &[
        line("nolock", "Readers beside writers", &["nolock"], BOOKINGS),
        line("committed versions", "Readers beside writers", &["committed versions"], BOOKINGS),
        line("with locks", "Readers beside writers", &["with locks"], BOOKINGS),
    ],
};

const VICTIMS: Table = Table {
    subject: "Who is the victim",
    about: "16 sessions that update rows in any order, of 50 or, in the last line, 10: half of them 12 rows and half 2, in the last line all 2.",
    what: "the victim is",
    columns: &["16 sessions"],
    lines: &[
        line("who has written the least", "Victim", &["who has written the least"], BOOKINGS),
        line(
            "who has the lowest priority, here who writes much",
            "Victim",
            &["who has the lowest priority, here who writes much"],
            BOOKINGS,
        ),
        line(
            "who has closed the circle, all else being equal",
            "Victim",
            &["who has closed the circle, all else being equal"],
            BOOKINGS,
        ),
    ],
};

const LENGTH: Table = Table {
    subject: "The length of a transaction",
    about: "8 writers that update 2,000 of 10,000 rows each, so many in a transaction, in ascending order.",
    what: "updates",
    columns: &["8 writers"],
    lines: &[
        line("1", "Transaction", &["of 1 updates"], BOOKINGS),
        line("10", "Transaction", &["of 10 updates"], BOOKINGS),
        line("100", "Transaction", &["of 100 updates"], BOOKINGS),
        line("1,000", "Transaction", &["of 1000 updates"], BOOKINGS),
    ],
};

const GROWTH: Table = Table {
    subject: "Rows",
    about: "A whole request to one row of so many: step, message, pipeline, transaction, answer; rows of 10 columns with a name and an alternate key.",
    what: "request",
    columns: &["1,000", "10,000", "100,000", "1,000,000"],
    lines: &[
        line(
            "Retrieve",
            "Retrieve",
            &["of 1000 rows", "of 10000 rows", "of 100000 rows", "of 1000000 rows"],
            Unit::Each,
        ),
        line(
            "Update",
            "Update",
            &["of 1000 rows", "of 10000 rows", "of 100000 rows", "of 1000000 rows"],
            Unit::Each,
        ),
        line(
            "Upsert by alternate key",
            "Upsert by key",
            &["of 1000 rows", "of 10000 rows", "of 100000 rows", "of 1000000 rows"],
            Unit::Each,
        ),
    ],
};

const ACTORS: Table = Table {
    subject: "Actors",
    about: "An update and a virtual pause of one of so many actors.",
    what: "actors",
    columns: &["an update"],
    lines: &[
        line(
            "10, each with a row of its own",
            "Actors",
            &["10 with rows of their own"],
            Unit::Each,
        ),
        line(
            "100, each with a row of its own",
            "Actors",
            &["100 with rows of their own"],
            Unit::Each,
        ),
        line(
            "1,000, each with a row of its own",
            "Actors",
            &["1000 with rows of their own"],
            Unit::Each,
        ),
        line(
            "10,000, each with a row of its own",
            "Actors",
            &["10000 with rows of their own"],
            Unit::Each,
        ),
        line("10,000 on 100 hot rows", "Actors", &["10000 on 100 rows"], Unit::Each),
    ],
};

const WORLDS: Table = Table {
    subject: "Worlds as values",
    about: "A world of 1,000,000 named rows of 10 columns; a copy shares what it can.",
    what: "what",
    columns: &["measured"],
    lines: &[
        line("loading it, each row", "World", &["load of 1000000 named rows"], Unit::Each),
        line(
            "clone of a world of 20 rows and 5 fibers",
            "World",
            &["clone of 20 rows and 5 fibers"],
            Unit::Each,
        )
        .reaches(Target::AtMost(2e3)),
        line("clone of a world of 1,000,000 rows", "World", &["clone of 1000000 rows"], Unit::Each)
            .reaches(Target::AtMost(1e6)),
    ],
};

const PIPELINE: Table = Table {
    subject: "The pipeline",
    about: "",
    what: "what",
    columns: &["measured"],
    lines: &[
        line(
            "one more nested request, with its row work, at depth 2",
            "Nested request",
            &["at depth 2"],
            Unit::Each,
        ),
        line(
            "one more nested request, with its row work, at depth 4",
            "Nested request",
            &["at depth 4"],
            Unit::Each,
        ),
        line(
            "one more nested request, with its row work, at depth 8",
            "Nested request",
            &["at depth 8"],
            Unit::Each,
        ),
        line(
            "an update with 10 registered steps, of which one applies",
            "Update with one step",
            &["of 10 registered"],
            Unit::Each,
        ),
        line(
            "an update with 1,000 registered steps, of which one applies",
            "Update with one step",
            &["of 1000 registered"],
            Unit::Each,
        ),
        line(
            "an update with 1 step that runs and does nothing",
            "Update with steps",
            &["1 that run"],
            Unit::Each,
        ),
        line(
            "an update with 10 steps that run and do nothing",
            "Update with steps",
            &["10 that run"],
            Unit::Each,
        ),
        line(
            "an update with 100 steps that run and do nothing",
            "Update with steps",
            &["100 that run"],
            Unit::Each,
        ),
    ],
};

const LOCKS: Table = Table {
    subject: "The lock table",
    about: "",
    what: "what",
    columns: &["measured"],
    lines: &[
        line(
            "a lock taken and released, of one of 100 rows",
            "Lock and release",
            &["one of 100 rows"],
            Unit::Each,
        ),
        line(
            "a lock taken and released, of one of 1,000,000 rows",
            "Lock and release",
            &["one of 1000000 rows"],
            Unit::Each,
        ),
        line(
            "the same beside 1,000 locks of others",
            "Lock and release",
            &["beside 1000 locks of others"],
            Unit::Each,
        ),
        line(
            "the same beside 1,000,000 locks of others",
            "Lock and release",
            &["beside 1000000 locks of others"],
            Unit::Each,
        ),
        line(
            "a request behind 1 waiter, with the search for a circle",
            "Wait and look for a circle",
            &["behind 1"],
            Unit::Each,
        ),
        line(
            "a request behind 10 waiters, with the search for a circle",
            "Wait and look for a circle",
            &["behind 10"],
            Unit::Each,
        ),
        line(
            "a request behind 100 waiters, with the search for a circle",
            "Wait and look for a circle",
            &["behind 100"],
            Unit::Each,
        ),
        line(
            "a request behind 1,000 waiters, with the search for a circle",
            "Wait and look for a circle",
            &["behind 1000"],
            Unit::Each,
        ),
        line(
            "one of 2 that get a row one after the other",
            "Queue on one row",
            &["one of 2"],
            Unit::Each,
        ),
        line(
            "one of 256 that get a row one after the other",
            "Queue on one row",
            &["one of 256"],
            Unit::Each,
        ),
        line("a circle of 2 closed and found", "Close and find a circle", &["of 2"], Unit::Each),
        line("a circle of 16 closed and found", "Close and find a circle", &["of 16"], Unit::Each),
        line("a circle of 64 closed and found", "Close and find a circle", &["of 64"], Unit::Each),
    ],
};

const STORE: Table = Table {
    subject: "The row store",
    about: "A table of 1,000,000 rows of 10 columns with two alternate keys, about 100 bytes of values each.",
    what: "what",
    columns: &["measured"],
    lines: &[
        line(
            "loading, keys in no order, each row",
            "Table load",
            &["keys in no order"],
            Unit::Each,
        ),
        line(
            "loading, keys in ascending order, each row",
            "Table load",
            &["keys in ascending order"],
            Unit::Each,
        ),
        line(
            "memory of a row, its values and its keys in it",
            "Table load",
            &["keys in no order"],
            Unit::Told("bytes", "bytes"),
        )
        .reaches(Target::AtMost(400.0)),
        line(
            "a row found by id, and a column read",
            "Table",
            &["find and read a column"],
            Unit::Each,
        ),
        line("a row found by key", "Table", &["find by key"], Unit::Each),
        line(
            "a row found, updated and committed",
            "Table",
            &["find, update and commit"],
            Unit::Each,
        ),
        line("a scan, each row", "Table scan", &["at once"], Unit::Each),
        line(
            "a scan that can be interrupted, each row",
            "Table scan",
            &["step by step"],
            Unit::Each,
        ),
        line("the same along an index", "Table scan", &["step by step along an index"], Unit::Each),
        line("clone of a table of 20 rows", "Table clone", &["of 20 rows"], Unit::Each),
        line("clone of a table of 10,000 rows", "Table clone", &["of 10000 rows"], Unit::Each),
        line("clone of a table of 1,000,000 rows", "Table clone", &["of 1000000 rows"], Unit::Each),
        line(
            "the first write after a clone, 20 rows",
            "First write after a clone",
            &["of 20 rows"],
            Unit::Each,
        ),
        line(
            "the first write after a clone, 10,000 rows",
            "First write after a clone",
            &["of 10000 rows"],
            Unit::Each,
        ),
        line(
            "the first write after a clone, 1,000,000 rows",
            "First write after a clone",
            &["of 1000000 rows"],
            Unit::Each,
        ),
    ],
};

const FILES: Table = Table {
    subject: "Scenario files",
    about: "`scenarios/eventual-consistency/stub-by-guid.yaml`, with the trace on.",
    what: "what",
    columns: &["measured"],
    lines: &[
        line("reading it, 2 variants", "Scenario", &["parse of 2 variants"], Unit::Each),
        line("running a variant", "Scenario", &["run of 1 variant"], Unit::Each),
        line("checking a run", "Scenario", &["check of 1 variant"], Unit::Each),
        line("telling its story", "Scenario", &["story of 1 variant"], Unit::Each),
        line(
            "reading, running and checking both variants",
            "Scenario",
            &["all of it for 2 variants"],
            Unit::Each,
        ),
        line(
            "the same for all files of `scenarios`",
            "Scenario",
            &["all files read, run and checked"],
            Unit::Each,
        ),
    ],
};
