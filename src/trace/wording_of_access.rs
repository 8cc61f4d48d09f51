//! The sentences about users' privileges.

use crate::trace::{Access, CacheLoss, Event, Names};
use crate::words::{Value, format_duration};

impl Names<'_> {
    /// Sentences of what happened to users' privileges.
    pub(super) fn access_event(&self, event: &Event) -> Option<String> {
        let Event::Access(access) = event else { return None };
        let who = |id| self.value(&Value::Id(id));
        Some(match access {
            Access::UserCacheInvalidated { instance, user, why, .. } => {
                let (user, instance) = (who(*user), self.instance(*instance));
                format!("{instance} forgets the privileges of {user}: {}", why.told())
            }
            Access::PrivilegesRecalculated { user, took, teams, business_units, .. } => {
                let (user, took) = (who(*user), format_duration(*took));
                format!(
                    "the privileges of {user} are worked out again in {took}: {teams} owner teams, \
                     {business_units} business units"
                )
            }
            Access::PrivilegeDenied { instance, principal, right, table, row, .. } => {
                let place = match row {
                    Some(row) => self.place(*instance, *table, *row),
                    None => self.table_of(*instance, *table),
                };
                let (user, right) = (who(*principal), right.word());
                format!("{user} does not hold the right to {right} for {place}")
            }
        })
    }
}

impl CacheLoss {
    /// Why, as the end of a sentence.
    pub const fn told(self) -> &'static str {
        match self {
            Self::UserWritten => "the user's row was written",
            Self::OwnerTeamsChanged => "the user's owner teams changed",
        }
    }
}
