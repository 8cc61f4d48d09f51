//! The lines about users' privileges: what made a cache invalid, who waits for it, and who was
//! turned away and why.

use crate::report::story::line::Mark;
use crate::report::story::teller::Teller;
use crate::trace::{Access, Entry};
use crate::words::{LaneId, RowId, Value, format_duration};

impl Teller<'_, '_> {
    /// The lane that a line about privileges belongs to.
    pub(super) fn lane_of_access(&self, access: &Access) -> Option<LaneId> {
        match access {
            Access::UserCacheInvalidated { transaction, .. } => {
                self.lane_of_transaction(*transaction)
            }
            _ => access.request().and_then(|request| self.lane_of_request(request)),
        }
    }

    pub(super) fn access(&mut self, entry: &Entry, access: &Access) {
        let Some(lane) = self.lane_of_access(access) else { return };
        let names = &self.history.names;
        let who = |id: RowId| names.value(&Value::Id(id));
        match access {
            Access::UserCacheInvalidated { user, why, .. } => {
                let (user, why) = (who(*user), why.told());
                let text = format!("makes the cache of {user} invalid: {why}");
                self.say(entry, lane, Mark::None, "invalidates", text);
            }
            Access::PrivilegesRecalculated { user, took, teams, business_units, .. } => {
                let teams = number(*teams, "owner team");
                let units = number(*business_units, "business unit");
                let text = format!(
                    "waits {} while the privileges of {} are worked out ({teams}, {units})",
                    format_duration(*took),
                    who(*user),
                );
                self.say(entry, lane, Mark::Faint, "recalculates", text);
            }
            Access::PrivilegeDenied { instance, principal, right, table, row, .. } => {
                let place = match row {
                    Some(row) => names.place(*instance, *table, *row),
                    None => names.table_of(*instance, *table),
                };
                let (user, right) = (who(*principal), right.word());
                let text = format!("{user} may not {right} {place}");
                self.say(entry, lane, Mark::None, "may not", text);
            }
        }
    }
}

/// A number with its noun.
fn number(count: u32, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
