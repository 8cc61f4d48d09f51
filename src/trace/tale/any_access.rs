//! Any happening to a user's privileges.

use std::time::Duration;

use crate::plan::Right;
use crate::trace::tale::any::Parts;
use crate::trace::{Access, CacheLoss};

impl Parts {
    pub(super) fn duration(&self) -> Duration {
        Duration::from_micros(self.large)
    }

    pub(super) fn of_access(&self) -> Access {
        let (request, instance) = (self.request(), self.instance());
        let (table, row) = (self.table(), self.row());
        match self.small[1] % 3 {
            0 => Access::UserCacheInvalidated {
                transaction: self.transaction(),
                instance,
                user: row,
                why: match self.flag {
                    true => CacheLoss::UserWritten,
                    false => CacheLoss::OwnerTeamsChanged,
                },
            },
            1 => Access::PrivilegesRecalculated {
                request,
                instance,
                user: row,
                took: self.duration(),
                teams: u32::from(self.small[0]),
                business_units: u32::from(self.small[2]),
            },
            _ => Access::PrivilegeDenied {
                request,
                instance,
                principal: row,
                right: Right::ALL[usize::from(self.small[0]) % Right::ALL.len()],
                table,
                row: self.flag.then_some(row),
            },
        }
    }
}
