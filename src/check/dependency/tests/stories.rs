//! One story for each phenomenon, most of them from the Hermitage suite.

use crate::check::dependency::tests::found;

#[test]
fn serial_transactions_show_nothing() {
    assert_eq!(found("r1(x0) w1(x,11) c1 r2(x1) w2(x,12) s2(*:x2,y0) c2 s3(*:x2,y0) c3"), "");
}

#[test]
fn who_changes_what_matches_its_own_search_depends_on_nobody() {
    assert_eq!(found("s1(*:x0,y0) w1(z,30) c1 s2(*:x0,y0,z1) w2(v,40) c2 s3(%3:z1) c3"), "");
}

#[test]
fn dirty_write() {
    assert_eq!(found("w1(x,11) w2(x,12) w1(y,21) c1 w2(y,22) c2"), "");
    insta::assert_snapshot!(found("w1(x,11) w2(x,12) w2(y,22) c2 w1(y,21) c1"), @r"
    dirty write (G0): T2 overwrote T1's us/user/x at 9 ms; T1 overwrote T2's us/user/y at 17 ms
    ");
}

#[test]
fn circular_information_flow() {
    insta::assert_snapshot!(found("w1(x,11) w2(y,22) r1(y2) r2(x1) c1 c2"), @r"
    circular information flow (G1c): T2 read us/user/x at 15 ms as T1 wrote it at 4 ms; T1 read us/user/y at 12 ms as T2 wrote it at 9 ms
    ");
}

#[test]
fn observed_transaction_vanishes() {
    let text = "w1(x,11) w1(y,19) c1 w2(x,12) r3(x2) w2(y,18) r3(y1) c2 c3";
    insta::assert_snapshot!(found(text), @r"
    observed transaction vanishes (OTV): T3 read us/user/x at 19 ms as T2 wrote it at 14 ms; T3 read us/user/y at 25 ms before T2's write of it at 22 ms
    read skew (G-single): T3 read us/user/x at 19 ms as T2 wrote it at 14 ms; T3 read us/user/y at 25 ms before T2's write of it at 22 ms
    ");
    // The other way round nothing that was seen vanishes.
    insta::assert_snapshot!(found("w1(x,11) w1(y,19) r3(y0) c1 r3(x1) c3"), @r"
    read skew (G-single): T3 read us/user/x at 17 ms as T1 wrote it at 4 ms; T3 read us/user/y at 12 ms before T1's write of it at 7 ms
    ");
}

#[test]
fn predicate_many_preceders() {
    insta::assert_snapshot!(found("s1(=30:) w2(z,30) c2 s1(%3:z2) c1"), @r"
    predicate-many-preceders (PMP): T1 searched us/user at 4 ms before T2's write of us/user/z at 9 ms changed what matches; T1 searched us/user at 14 ms after T2's write of us/user/z at 9 ms changed what matches
    read skew (G-single): T1 searched us/user at 4 ms before T2's write of us/user/z at 9 ms changed what matches; T1 read us/user/z at 14 ms as T2 wrote it at 9 ms
    phantom (G2): T1 searched us/user at 4 ms before T2's write of us/user/z at 9 ms changed what matches; T1 read us/user/z at 14 ms as T2 wrote it at 9 ms
    ");
    // A row that two searches miss for two reasons is no concern of the second.
    assert_eq!(found("s1(=30:) w2(z,31) c2 s1(=30:) c1"), "");
}

#[test]
fn a_row_that_a_second_search_misses() {
    insta::assert_snapshot!(found("s1(=20:y0) d2(y) c2 s1(=20:) c1"), @r"
    predicate-many-preceders (PMP): T1 searched us/user at 4 ms before T2's write of us/user/y at 10 ms changed what matches; T1 searched us/user at 15 ms after T2's write of us/user/y at 10 ms changed what matches
    read skew (G-single): T1 read us/user/y at 4 ms before T2's write of it at 10 ms; T1 searched us/user at 15 ms after T2's write of us/user/y at 10 ms changed what matches
    phantom (G2): T1 searched us/user at 4 ms before T2's write of us/user/y at 10 ms changed what matches; T1 searched us/user at 15 ms after T2's write of us/user/y at 10 ms changed what matches
    ");
}

#[test]
fn lost_update_is_a_read_skew_too() {
    insta::assert_snapshot!(found("r1(x0) r2(x0) w1(x,11) c1 w2(x,12) c2"), @r"
    read skew (G-single): T2 read us/user/x at 9 ms before T1's write of it at 12 ms; T2 overwrote T1's us/user/x at 17 ms
    ");
}

#[test]
fn read_skew() {
    insta::assert_snapshot!(found("r1(x0) w2(x,12) w2(y,18) c2 r1(y2) c1"), @r"
    read skew (G-single): T1 read us/user/x at 4 ms before T2's write of it at 9 ms; T1 read us/user/y at 17 ms as T2 wrote it at 12 ms
    ");
}

#[test]
fn write_skew() {
    insta::assert_snapshot!(found("r1(x0) r1(y0) r2(x0) r2(y0) w1(x,11) w2(y,21) c1 c2"), @r"
    write skew (G2-item): T1 read us/user/y at 7 ms before T2's write of it at 21 ms; T2 read us/user/x at 12 ms before T1's write of it at 18 ms
    ");
}

#[test]
fn write_skew_of_three() {
    let text = "w9(z,1) c9 r1(x0) r2(y0) r3(z9) w1(z,2) w2(x,2) w3(y,2) c1 c2 c3";
    insta::assert_snapshot!(found(text), @r"
    write skew (G2-item): T1 read us/user/x at 11 ms before T2's write of it at 27 ms; T2 read us/user/y at 16 ms before T3's write of it at 30 ms; T3 read us/user/z at 21 ms before T1's write of it at 24 ms
    ");
}

#[test]
fn phantoms_of_two_searches() {
    insta::assert_snapshot!(found("s1(%3:) s2(%3:) w1(z,30) w2(v,42) c1 c2"), @r"
    phantom (G2): T1 searched us/user at 4 ms before T2's write of us/user/v at 15 ms changed what matches; T2 searched us/user at 9 ms before T1's write of us/user/z at 12 ms changed what matches
    ");
}

#[test]
fn a_write_skew_through_a_third_that_only_reads() {
    insta::assert_snapshot!(found("s1(*:x0,y0) r2(y0) w2(y,25) c2 s3(*:x0,y2) c3 w1(x,0) c1"), @r"
    write skew (G2-item): T1 read us/user/y at 4 ms before T2's write of it at 14 ms; T3 read us/user/y at 21 ms as T2 wrote it at 14 ms; T3 read us/user/x at 21 ms before T1's write of it at 28 ms
    ");
}

#[test]
fn what_is_rolled_back_is_in_no_circle() {
    assert_eq!(found("r1(x0) w2(x,12) w2(y,18) r1(y2) a2 c1"), "");
}
