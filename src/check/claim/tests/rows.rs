//! Claims about rows and tables.

use crate::check::claim::tests::{TEAMS, judged, millis, stub};
use crate::plan::{Claim, RowState};
use crate::trace::tale::{two_teams, whole};
use crate::words::{ColumnId, InstanceId, TableId, Value};

#[test]
fn a_row_is_missing_or_unchanged_at_any_time() {
    let mut tale = stub();
    let fabrikam = tale.row("europe/account/fabrikam");
    let original = tale.row("us/account/fabrikam");
    let nobody = tale.row("europe/account/nobody");
    let user = tale.row("us/user/x");
    let name = |text: &str| RowState::Is(vec![(ColumnId(0), Value::text(text))]);
    let blank = || RowState::Is(vec![(ColumnId(0), Value::Null), (ColumnId(1), Value::Null)]);
    let row = |row: &_, by: Option<u64>, state| Claim::Row {
        row: std::clone::Clone::clone(row),
        by: by.map(millis),
        state,
    };
    let claims = vec![
        row(&fabrikam, Some(39), RowState::Missing),
        row(&fabrikam, Some(40), blank()),
        row(&fabrikam, None, name("Fabrikam")),
        row(&original, None, RowState::Unchanged),
        row(&user, None, RowState::Missing),
        row(&fabrikam, Some(40), RowState::Missing),
        row(&fabrikam, Some(15), blank()),
        row(&fabrikam, Some(45), name("Fabrikam")),
        row(&fabrikam, None, blank()),
        row(&fabrikam, None, name("Contoso")),
        row(&nobody, None, blank()),
        row(&user, None, RowState::Is(vec![(TEAMS, whole(3))])),
        row(&user, Some(75), RowState::Missing),
        row(&fabrikam, None, RowState::Unchanged),
    ];
    insta::assert_snapshot!(judged(&tale, claims), @r#"
    holds, by None
    holds, by Some(16)
    holds, by Some(25)
    holds, by Some(0)
    holds, by Some(34)
    expected europe/account/fabrikam does not exist at 40 ms
      found it exists, committed by lob app at 40 ms
      by Some(16)
      nearest it did not exist before 40 ms
    expected europe/account/fabrikam exists at 15 ms
      found it does not
      by None
      nearest it exists from 40 ms on
    expected europe/account/fabrikam has name = "Fabrikam" at 45 ms
      found name = null, committed by lob app at 40 ms
      by Some(16)
      nearest name = "Fabrikam" from 60 ms on
    expected europe/account/fabrikam has name = null
      found name = "Fabrikam", committed by flow at 60 ms
      by Some(25)
    expected europe/account/fabrikam has name = "Contoso"
      found name = "Fabrikam", committed by flow at 60 ms
      by Some(25)
    expected europe/account/nobody exists
      found it does not
      by None
      nearest europe has 1 other row of account
    expected us/user/x exists
      found it does not
      by Some(34)
      nearest it was deleted, committed by job at 80 ms
    expected us/user/x does not exist at 75 ms
      found it exists, as loaded
      by Some(1)
      nearest it was deleted at 80 ms
    expected europe/account/fabrikam is as it was loaded
      found it was updated (name = "Fabrikam"), committed by flow at 60 ms
      by Some(25)
    "#);
}

#[test]
fn an_uncommitted_value_is_the_nearest_where_it_was_rolled_back() {
    let mut tale = two_teams();
    let mut y = tale.row("us/user/y");
    let is = |row: &_, number| Claim::Row {
        row: std::clone::Clone::clone(row),
        by: Some(millis(100)),
        state: RowState::Is(vec![(TEAMS, whole(number))]),
    };
    let mut claims = vec![is(&y, 5), is(&y, 6)];
    y.instance = InstanceId(1);
    claims.push(is(&y, 5));
    insta::assert_snapshot!(judged(&tale, claims), @r"
    holds, by Some(1)
    expected us/user/y has teams = 6 at 100 ms
      found teams = 5, as loaded
      by Some(1)
      nearest teams = 6 from 250 ms on
    expected europe/user/y exists at 100 ms
      found it does not
      by None
      nearest us has user/y
    ");
}

#[test]
fn the_values_of_a_column_come_in_the_order_of_creation() {
    let rows = |values: &[i64]| Claim::Rows {
        instance: InstanceId(0),
        table: TableId(0),
        column: TEAMS,
        values: values.iter().copied().map(whole).collect(),
    };
    let claims = vec![rows(&[4, 6]), rows(&[6, 4]), rows(&[4])];
    insta::assert_snapshot!(judged(&two_teams(), claims), @r"
    holds, by Some(30)
    expected teams of us/user is [6, 4]
      found it is [4, 6]
      by Some(30)
      nearest the same values, in another order
    expected teams of us/user is [4]
      found it is [4, 6]
      by Some(30)
    ");
}

#[test]
fn instances_converge_or_differ() {
    let tale = stub();
    let converged = |table, by: Option<u64>, converged| Claim::Converged {
        table,
        by: by.map(millis),
        converged,
    };
    let accounts = Some(TableId(1));
    let claims = vec![
        converged(accounts, None, true),
        converged(None, None, true),
        converged(accounts, Some(45), false),
        converged(accounts, Some(45), true),
        converged(accounts, Some(5), true),
        converged(accounts, None, false),
        converged(None, Some(75), true),
    ];
    insta::assert_snapshot!(judged(&tale, claims), @r#"
    holds, by Some(25)
    holds, by Some(34)
    holds, by Some(16)
    expected the instances hold the same rows of account at 45 ms
      found account/fabrikam has name = "Fabrikam" in us and null in europe
      by Some(16)
      nearest they hold the same from 60 ms on
    expected the instances hold the same rows of account at 5 ms
      found europe lacks account/fabrikam, which us has
      by Some(0)
      nearest they hold the same from 60 ms on
    expected the instances differ in account
      found they hold the same
      by Some(25)
    expected the instances hold the same rows of every shared table at 75 ms
      found europe lacks user/x, which us has
      by Some(1)
      nearest they hold the same from 80 ms on
    "#);
}
