//! What is held against something else, or against a rate.

use super::{Table, line};
use crate::figures::{Target, Unit};

const A_SECOND: Unit = Unit::Bound("a second");
const ROWS_A_SECOND: Unit = Unit::Bound("rows a second");

pub const ANCHORS: Table = Table {
    subject: "Beside the bare bound",
    about: "W1 to W7, the kernel's database with its trace off. Ten updates are a transaction. In W1 \
            the kernel, as the bare bound, is told a transaction's rows at its beginning, as those \
            of an UpdateMultiple are.",
    what: "what",
    columns: &["measured", "times bare"],
    lines: &[
        line("W1: random rows of 1,000,000, 1 session", "W1 uncontended", &["1 session"], A_SECOND)
            .reaches(Target::Times(0.35)),
        line("W1: 2 sessions", "W1 uncontended", &["2 sessions"], A_SECOND),
        line("W1: 16 sessions", "W1 uncontended", &["16 sessions"], A_SECOND),
        line(
            "W1, each row known with its update only: 1 session",
            "W1 row by row",
            &["1 session"],
            A_SECOND,
        ),
        line("the same: 2 sessions", "W1 row by row", &["2 sessions"], A_SECOND),
        line("the same: 16 sessions", "W1 row by row", &["16 sessions"], A_SECOND),
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

pub const TRACE: Table = Table {
    subject: "The trace",
    about: "W2 with 16 sessions and the trace on, beside the same with it off.",
    what: "what",
    columns: &["measured", "times off"],
    lines: &[line("trace on", "Trace", &["on beside off"], A_SECOND).reaches(Target::Times(0.5))],
};

const TRANSACTIONS: Unit = Unit::Rate("a second");
/// The group of what two threads make of two instances.
const PAIR: &str = "Host of two instances, 2 threads beside 1";

pub const HOST: Table = Table {
    subject: "The host in real time",
    about: "64 callers, whose transactions each update two of 10,000 rows in ascending order; every \
            cost is zero and nothing is kept. A transaction is one ExecuteTransaction, or four \
            calls: begin, two updates, commit. The kernel has the same work in virtual time, on one \
            thread.",
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
        ),
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
        line("two instances, one request each, 2 threads", PAIR, &["one request"], TRANSACTIONS)
            .reaches(Target::AtLeast(300_000.0)),
        line("two instances, call by call, 2 threads", PAIR, &["call by call"], TRANSACTIONS)
            .reaches(Target::AtLeast(300_000.0)),
        line(
            "the kernel alone in virtual time",
            "Kernel in virtual time",
            &["64 callers of one instance"],
            TRANSACTIONS,
        ),
    ],
};

pub const HOST_PAIR: Table = Table {
    subject: "Two threads beside one",
    about: "The same callers, half of them on each of two instances.",
    what: "what",
    columns: &["measured", "times 1 thread"],
    lines: &[
        line("one request each", PAIR, &["one request"], A_SECOND).reaches(Target::Times(1.3)),
        line("call by call", PAIR, &["call by call"], A_SECOND).reaches(Target::Times(1.3)),
    ],
};
