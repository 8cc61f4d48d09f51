//! What comes of designs in virtual time.

use super::{Table, line};
use crate::figures::Unit;

const BOOKINGS: Unit = Unit::Simulated("transactions");
const ACCOUNTS: Unit = Unit::Simulated("accounts");

pub const ORDER: Table = Table {
    subject: "The order of the locks",
    about: "Sessions whose transactions each update four rows, in virtual time with the default \
            costs; a deadlock waits for the monitor. Figures a second are of virtual time, and the \
            same in every run; in italics what the kernel takes for one in real time. So in the \
            tables that follow.",
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

pub const NUMBERS: Table = Table {
    subject: "Auto-number designs",
    about: "The designs of `scenarios/transaction-patterns/auto-number.yaml`, and one more: \
            creators who each create ten accounts, numbered from one counter row; creating one \
            takes 460 ms.",
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

pub const EARLY: Table = Table {
    subject: "A contended row early and late",
    about: "The bookings of `scenarios/transaction-patterns/contended-lock-early-and-late.yaml`: \
            300 ms each, of which one update is of a row that all need.",
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

pub const LEVELS: Table = Table {
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

pub const READERS: Table = Table {
    subject: "Readers beside writers",
    about: "8 readers that go over 1,000 rows, and 8 writers that each hold one of them for 15 ms, \
            at SQL level.",
    what: "the readers read",
    columns: &["8 readers, 8 writers"],
    lines: &[
        line("nolock", "Readers beside writers", &["nolock"], BOOKINGS),
        line("committed versions", "Readers beside writers", &["committed versions"], BOOKINGS),
        line("with locks", "Readers beside writers", &["with locks"], BOOKINGS),
    ],
};

pub const VICTIMS: Table = Table {
    subject: "Who is the victim",
    about: "16 sessions that update rows in any order, of 50 or, in the last line, 10: half of them \
            12 rows and half 2, in the last line all 2.",
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

pub const LENGTH: Table = Table {
    subject: "The length of a transaction",
    about: "8 writers that update 2,000 of 10,000 rows each, so many in a transaction, in ascending \
            order.",
    what: "updates",
    columns: &["8 writers"],
    lines: &[
        line("1", "Transaction", &["of 1 updates"], BOOKINGS),
        line("10", "Transaction", &["of 10 updates"], BOOKINGS),
        line("100", "Transaction", &["of 100 updates"], BOOKINGS),
        line("1,000", "Transaction", &["of 1000 updates"], BOOKINGS),
    ],
};
