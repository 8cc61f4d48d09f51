//! What a reader of changes gets: the rows that changed, the rows that went, and a token with which
//! it asks next time.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::words::{Name, TableId, Value};

/// How a token writes its moment.
const MOMENT: &str = "%m/%d/%Y %H:%M:%S";

/// Up to where a reader has seen the changes of a table. To the reader it is a text that means
/// nothing: `31!01/05/2026 08:00:00`.
///
/// Source: Microsoft Learn, "Use change tracking to synchronize data with external systems": the
/// delta link ends in `$deltatoken=919042!08/22/2017 08:10:44`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DeltaToken {
    /// Every change up to this row version has been seen.
    pub version: u64,
    /// When it was handed out, in whole seconds.
    pub at: Timestamp,
}

impl fmt::Display for DeltaToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}!{}", self.version, self.at.strftime(MOMENT))
    }
}

impl FromStr for DeltaToken {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (version, moment) = text.split_once('!').ok_or(())?;
        let moment = DateTime::strptime(MOMENT, moment).map_err(drop)?;
        let at = TimeZone::UTC.to_timestamp(moment).map_err(drop)?;
        Ok(Self { version: version.parse().map_err(drop)?, at })
    }
}

/// Where the next page of changes begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DeltaPage {
    /// The version after which the changes are; `None` for everything that there is.
    pub since: Option<u64>,
    /// The token that the last page hands out. It is of the moment of the first page: what was
    /// committed between two pages may have passed the reader by.
    pub token: DeltaToken,
    /// Whether all rows have been answered, and only deletions remain.
    pub in_deletions: bool,
    /// The version of the last row, or deletion, that was answered.
    pub after: u64,
}

/// One answer to a reader of changes.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub struct Delta {
    /// The table.
    pub table: TableId,
    /// The rows that are new or were updated, each as it is now, in the order of their versions.
    pub rows: Arc<[Value]>,
    /// The ids of the rows that are gone, in the order in which they went.
    pub deleted: Arc<[Value]>,
    /// The token with which to ask next time; on the last page only.
    pub token: Option<DeltaToken>,
    /// Where the next page begins; on every page but the last.
    pub next: Option<DeltaPage>,
}

impl Delta {
    /// The names of its members.
    pub const MEMBERS: [&str; 4] = ["rows", "deleted", "token", "more"];

    /// One of its members: `rows`, `deleted`, `token` (null before the last page), or `more`,
    /// whether there is another page.
    pub fn member(&self, name: &str) -> Option<Value> {
        Some(match name {
            "rows" => Value::List(Arc::clone(&self.rows)),
            "deleted" => Value::List(Arc::clone(&self.deleted)),
            "token" => {
                self.token.map_or(Value::Null, |token| Value::Text(Name::from(token.to_string())))
            }
            "more" => Value::Boolean(self.next.is_some()),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_as_it_was_written() {
        let at = Timestamp::constant(1_767_600_000, 0);
        let token = DeltaToken { version: 31, at };
        assert_eq!(token.to_string(), "31!01/05/2026 08:00:00");
        assert_eq!(token.to_string().parse(), Ok(token));
    }

    #[test]
    fn what_is_no_token_is_none() {
        for text in ["", "31", "31!", "x!01/05/2026 08:00:00", "31!05/01", "31!13/05/2026 08:00:00"]
        {
            assert_eq!(text.parse::<DeltaToken>(), Err(()), "{text}");
        }
    }
}
