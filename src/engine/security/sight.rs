//! What a query's user may see: its privileges, worked out to owners and shared rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::database::{Query, Sight, Visible};
use crate::engine::fiber::RequestFrame;
use crate::engine::security::rights::Holdings;
use crate::engine::store::View;
use crate::engine::world::World;
use crate::plan::{Right, Security};
use crate::words::{RowId, TableId, TransactionId, Value};

impl World {
    /// The query on top of the stack, told what its user may see.
    pub(in crate::engine) fn with_sight(
        &self,
        frame: &RequestFrame,
        user: RowId,
        query: &Arc<Query>,
    ) -> Arc<Query> {
        let plan = &self.shared.plan;
        let Some(security) = plan.security_of(frame.instance) else {
            return Arc::clone(query);
        };
        let reader = frame.transaction.map(|transaction| transaction.id);
        let held = match self.users.entries.get(&(frame.instance, user)) {
            Some(holdings) => holdings.clone(),
            // The entry has gone since the check: what the rows say now counts.
            None => self.hold(security, user, None),
        };
        let tables = query.tables(plan, frame.request.table);
        let partly = tables.into_iter().filter(|table| !held.has_for_all(Right::Read, *table));
        let sights = partly.map(|table| (table, self.sight(security, &held, table, reader)));
        let visible = Visible { tables: sights.collect() };
        Arc::new(Query { visible: Some(Arc::new(visible)), ..(**query).clone() })
    }

    fn sight(
        &self,
        security: &Security,
        holdings: &Holdings,
        table: TableId,
        reader: Option<TransactionId>,
    ) -> Sight {
        let mut sight = Sight { owner: security.owners[table.index()], ..Sight::default() };
        if !holdings.has(Right::Read, table) {
            return sight;
        }
        for principals in [security.tables.user, security.tables.team] {
            for principal in self.ids_of(security, principals, reader) {
                let owner = self.owner(security, principal, reader);
                if holdings.reaches(security, Right::Read, table, owner) {
                    sight.owners.insert(principal);
                }
            }
        }
        let mut with = self.teams_of(security, holdings.user, None, reader);
        with.push(holdings.user);
        sight.shared = self.shared_with(security, &with, reader);
        sight
    }

    /// The rows of a table that a transaction sees.
    fn ids_of(
        &self,
        security: &Security,
        table: TableId,
        reader: Option<TransactionId>,
    ) -> Vec<RowId> {
        let Ok(store) = self.databases[security.instance.index()].store(table) else {
            return Vec::new();
        };
        let view = View::Committed { reader };
        store.rows().filter_map(|row| store.read(row, view)).map(|image| image.id()).collect()
    }

    /// The rows, of any table, that are shared with one of these for reading.
    fn shared_with(
        &self,
        security: &Security,
        principals: &[RowId],
        reader: Option<TransactionId>,
    ) -> BTreeSet<RowId> {
        let tables = &security.tables;
        let Ok(store) = self.databases[security.instance.index()].store(tables.share) else {
            return BTreeSet::new();
        };
        let view = View::Committed { reader };
        let shares = store.rows().filter_map(|row| store.read(row, view));
        let shared = shares.filter_map(|share| {
            let Value::Id(with) = share.value(tables.share_principal) else { return None };
            let Value::Id(object) = share.value(tables.share_object) else { return None };
            let reads = [tables.share_rights, tables.share_inherited].into_iter().any(|column| {
                let Value::Text(rights) = share.value(column) else { return false };
                rights.split(", ").any(|it| it == Right::Read.word())
            });
            (reads && principals.contains(&with)).then_some(object)
        });
        shared.collect()
    }
}
