//! Any event about row versions.

use crate::plan::DeltaTokens;
use crate::trace::tale::any::Parts;
use crate::trace::{ChangesAnswered, VersionEvent};

impl Parts {
    pub(super) fn of_versions(&self) -> VersionEvent {
        let (request, instance) = (self.request(), self.instance());
        let (table, row, version) = (self.table(), self.row(), self.large);
        let other = u64::from(self.small[0]);
        match self.small[1] % 3 {
            0 => VersionEvent::Mismatched {
                request,
                instance,
                table,
                row,
                asked: version,
                found: other,
            },
            1 => VersionEvent::NotModified { request, instance, table, row, version },
            _ => VersionEvent::ChangesAnswered(ChangesAnswered {
                request,
                instance,
                table,
                since: self.flag.then_some(other),
                is_first_page: self.flag,
                rows: vec![(row, version)],
                deleted: vec![row],
                is_last_page: !self.flag,
                token: other,
                tokens: if self.flag { DeltaTokens::Bounded } else { DeltaTokens::Latest },
                latest: version,
            }),
        }
    }
}
