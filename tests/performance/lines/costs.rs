//! What single things cost.

use super::{Table, line};
use crate::figures::{Target, Unit};

pub const GROWTH: Table = Table {
    subject: "Rows",
    about: "A whole request to one row of so many: step, message, pipeline, transaction, answer; \
            rows of 10 columns with a name and an alternate key.",
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

pub const ACTORS: Table = Table {
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

pub const WORLDS: Table = Table {
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

pub const PIPELINE: Table = Table {
    subject: "The pipeline",
    about: "",
    what: "what",
    columns: &["measured"],
    lines: &[
        line("an update alone", "Chain of requests", &["of depth 1"], Unit::Each),
        line("updates in a chain of depth 4", "Chain of requests", &["of depth 4"], Unit::Each),
        line("updates in a chain of depth 8", "Chain of requests", &["of depth 8"], Unit::Each),
        line(
            "each nested request in it, with its row work",
            "Chain of requests",
            &["each nested one"],
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

pub const LOCKS: Table = Table {
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

pub const STORE: Table = Table {
    subject: "The row store",
    about: "A table of 1,000,000 rows of 10 columns with two alternate keys, about 100 bytes of \
            values each.",
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

pub const FILES: Table = Table {
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
