//! What each level forbids, as a table, and histories that break the promise.

use crate::check::History;
use crate::check::dependency::tests::{circles, history_at};
use crate::check::dependency::{Forbidden, forbids};
use crate::plan::{Anomaly, Isolation};

#[test]
fn the_table_of_the_levels() {
    let mut table = format!("{:25}", "");
    for anomaly in Anomaly::ALL {
        table.push_str(&format!("{:>9}", anomaly.facts().code));
    }
    for level in Isolation::ALL {
        table.push_str(&format!("\n{:25}", level.word()));
        for anomaly in Anomaly::ALL {
            let mark = match forbids(level, anomaly) {
                Forbidden::No => "-",
                Forbidden::OnRows => "rows",
                Forbidden::Yes => "never",
            };
            table.push_str(&format!("{mark:>9}"));
        }
    }
    insta::assert_snapshot!(table);
}

/// Which levels each history breaks, and by what.
#[test]
fn each_level_is_broken_by_what_it_forbids_and_by_nothing_else() {
    let histories = [
        ("dirty write", "w1(x,11) w2(x,12) w2(y,22) c2 w1(y,21) c1"),
        ("circular information flow", "w1(x,11) w2(y,22) r1(y2) r2(x1) c1 c2"),
        ("vanishing", "w1(x,11) w1(y,19) c1 w2(x,12) r3(x2) w2(y,18) r3(y1) c2 c3"),
        ("many preceders", "s1(=30:) w2(z,30) c2 s1(%3:z2) c1"),
        ("many preceders, deleting", "s1(=20:y0) d2(y) c2 s1(=20:) c1"),
        ("lost update", "r1(x0) r2(x0) w1(x,11) c1 w2(x,12) c2"),
        ("read skew", "r1(x0) w2(x,12) w2(y,18) c2 r1(y2) c1"),
        ("read skew by a search", "s1(%5:x0,y0) w2(x,12) c2 s1(%3:x2) c1"),
        ("write skew", "r1(x0) r1(y0) r2(x0) r2(y0) w1(x,11) w2(y,21) c1 c2"),
        ("phantom", "s1(%3:) s2(%3:) w1(z,30) w2(v,42) c1 c2"),
        ("two edges", "s1(*:x0,y0) r2(y0) w2(y,25) c2 s3(*:x0,y2) c3 w1(x,0) c1"),
        ("serial", "r1(x0) w1(x,11) c1 r2(x1) w2(x,12) s2(*:x2,y0) c2"),
    ];
    let mut told = String::new();
    for (name, text) in histories {
        told.push_str(&format!("{name}\n"));
        for level in Isolation::ALL {
            let breaches = circles(&history_at(text, level)).breaches;
            let mut names: Vec<_> = breaches.iter().map(|it| it.cycle.anomaly.name()).collect();
            names.sort();
            names.dedup();
            if !names.is_empty() {
                told.push_str(&format!("  {}: {}\n", level.word(), names.join(", ")));
            }
        }
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_breach_names_who_read_what_before_whom() {
    let trace = history_at("r1(x0) w2(x,12) w2(y,18) c2 r1(y2) c1", Isolation::Snapshot);
    let circles = circles(&trace);
    let history = History::of(&trace);
    let told: Vec<_> = circles.breaches.iter().map(|it| it.cycle.told(&history)).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    T1 read us/user/x at 4 ms before T2's write of it at 9 ms; T1 read us/user/y at 17 ms as T2 wrote it at 12 ms
    ");
}
