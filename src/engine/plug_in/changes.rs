//! Reads of changes in Rust: of which table, since when, and how much at once.

use std::fmt::Display;
use std::sync::Arc;

use crate::engine::ask::named;
use crate::engine::asking::Asking;
use crate::fault::Fault;
use crate::plan::{ChangesFrom, Verb};
use crate::words::{Delta, Expression, InstanceId, Name, Value};

/// What has changed in a table whose changes are tracked: everything that is there, until it says
/// less.
///
/// ```
/// use multiverse::plug_in::Changes;
///
/// # fn token() -> &'static str { "31!01/05/2026 08:00:00" }
/// let _ = Changes::of("account").since(token()).columns(&["name"]).page_size(100);
/// ```
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Changes {
    table: Name,
    from: Since,
    columns: Option<Vec<Name>>,
    page_size: Option<u32>,
}

/// Since when.
#[derive(Clone, Debug, PartialEq, Hash)]
enum Since {
    Beginning,
    Token(Name),
    Page(Arc<Delta>),
}

impl Changes {
    /// Every row that there is, as changed.
    pub fn of(table: &str) -> Self {
        let table = Name::from(table);
        Self { table, from: Since::Beginning, columns: None, page_size: None }
    }

    /// Only what has changed since this token was handed out; see [`Delta::token`]. It is good for
    /// 7 days, unless the plan says otherwise.
    #[must_use]
    pub fn since(mut self, token: impl Display) -> Self {
        self.from = Since::Token(Name::from(token.to_string()));
        self
    }

    /// The page after this one, which has a [`Delta::next`].
    #[must_use]
    pub fn after(mut self, page: &Arc<Delta>) -> Self {
        self.from = Since::Page(Arc::clone(page));
        self
    }

    /// Answers these columns only.
    #[must_use]
    pub fn columns(mut self, columns: &[&str]) -> Self {
        self.columns = Some(named(columns));
        self
    }

    /// The most rows and deletions of one answer; the platform's limit by default.
    #[must_use]
    pub const fn page_size(mut self, size: u32) -> Self {
        self.page_size = Some(size);
        self
    }

    /// The table.
    pub(in crate::engine) fn table(&self) -> &str {
        &self.table
    }

    /// The step that reads them.
    ///
    /// # Errors
    ///
    /// It names a table or column that is not there.
    pub(in crate::engine) fn verb(
        &self,
        instance: Option<InstanceId>,
        asking: Asking<'_>,
    ) -> Result<Verb, Fault> {
        let table = asking.table(&self.table)?;
        let from = match &self.from {
            Since::Beginning => ChangesFrom::Beginning,
            Since::Token(token) => {
                ChangesFrom::Token(Expression::Literal(Value::Text(token.clone())))
            }
            Since::Page(page) => {
                ChangesFrom::PageAfter(Expression::Literal(Value::Delta(Arc::clone(page))))
            }
        };
        let columns = self.columns.as_ref().map(|names| asking.columns(table, names));
        let (columns, page_size) = (columns.transpose()?, self.page_size);
        Ok(Verb::Changes { instance, table, from, columns, page_size, bind: None })
    }
}
