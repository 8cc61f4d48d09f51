//! The examples say what they are said to say.

#[allow(dead_code, reason = "its `main` is for `cargo run`")]
#[path = "../examples/auto_number.rs"]
mod auto_number;
#[allow(dead_code, reason = "its `main` is for `cargo run`")]
#[path = "../examples/credit_limit.rs"]
mod credit_limit;
#[allow(dead_code, reason = "its `main` is for `cargo run`")]
#[path = "../examples/stub_account.rs"]
mod stub_account;

use multiverse::testing::Testbed;

fn sound(bed: &Testbed) {
    assert!(bed.violations().is_empty(), "{:#?}", bed.violations());
}

#[test]
fn a_credit_is_kept() {
    insta::assert_snapshot!(credit_limit::tell());
    let mut shop = credit_limit::shop();
    credit_limit::order(&mut shop, "all", 100).unwrap();
    credit_limit::order(&mut shop, "one more", 10).unwrap_err();
    assert!(shop.row("order", "one more").is_none());
    sound(&shop);
}

#[test]
fn who_reads_before_writing_numbers_twice_and_who_locks_first_does_not() {
    insta::assert_snapshot!(auto_number::tell());
    let mut office = auto_number::office(auto_number::read_then_write);
    assert_eq!(auto_number::two_at_once(&mut office), [1, 1]);
    sound(&office);
    let mut office = auto_number::office(auto_number::lock_first);
    assert_eq!(auto_number::two_at_once(&mut office), [1, 2]);
    sound(&office);
}

#[test]
fn a_stub_is_created_once_in_virtual_time() {
    insta::assert_snapshot!(stub_account::tell());
    let run = stub_account::in_virtual_time();
    assert!(run.verdict.holds(), "{}", stub_account::tell());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn and_in_real_time() {
    let late = stub_account::in_real_time().await.unwrap();
    assert!(late < 5, "the one that creates the account is not late");
}
