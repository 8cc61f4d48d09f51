//! Clients: what a program outside calls instances with.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::{Answer, Arrival, Ask, GuestId, Input};
use crate::fault::{Fault, FaultKind};
use crate::host::parking::Parking;
use crate::host::{Awaiting, Reply, Shared, stopping};
use crate::plan::Isolation;
use crate::words::{ActorId, Name, Record, RowId, Value};

/// A client of one instance. It makes one call at a time; take several for calls beside one
/// another. A call whose future is dropped is cancelled: its client is gone for the instance, and
/// comes anew with the next call.
///
/// Assumed: what a client has asked for outside a transaction is carried out though it is gone,
/// and its transaction is rolled back at once; no page says what becomes of either.
pub struct Client {
    shared: Arc<Shared>,
    instance: usize,
    user: Option<Name>,
    /// As whom the instance knows it, once it has called.
    guest: Option<GuestId>,
    /// The longest that it waits for an answer.
    patience: Option<Duration>,
    standing: Standing,
}

/// Whether a client is in a transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It is in none.
    Free,
    /// It is in one.
    InTransaction,
    /// The one that it was in went with a call that was given up.
    Lost,
}

impl Client {
    pub(super) const fn new(shared: Arc<Shared>, instance: usize, user: Option<Name>) -> Self {
        Self { shared, instance, user, guest: None, patience: None, standing: Standing::Free }
    }

    /// This client, that gives up waiting for an answer after so long, beside the limit of the
    /// plan. Its fault is then [`FaultKind::ClientTimeout`].
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Adds a row and answers its id. Without a name the platform draws the id.
    ///
    /// # Errors
    ///
    /// The request's fault.
    pub async fn create(
        &mut self,
        table: &str,
        name: Option<&str>,
        columns: &[(&str, Value)],
    ) -> Result<RowId, Fault> {
        let ask = Ask::create(table).set_all(columns);
        let ask = match name {
            Some(name) => ask.row(name),
            None => ask,
        };
        match self.ask(ask).await? {
            Answer::Id(id) => Ok(id),
            _ => Err(unexpected()),
        }
    }

    /// Reads a row.
    ///
    /// # Errors
    ///
    /// The request's fault.
    pub async fn retrieve(&mut self, table: &str, name: &str) -> Result<Arc<Record>, Fault> {
        match self.ask(Ask::retrieve(table, name)).await? {
            Answer::Record(record) => Ok(record),
            _ => Err(unexpected()),
        }
    }

    /// Changes a row.
    ///
    /// # Errors
    ///
    /// The request's fault.
    pub async fn update(
        &mut self,
        table: &str,
        name: &str,
        columns: &[(&str, Value)],
    ) -> Result<(), Fault> {
        self.ask(Ask::update(table, name).set_all(columns)).await.map(drop)
    }

    /// Removes a row.
    ///
    /// # Errors
    ///
    /// The request's fault.
    pub async fn delete(&mut self, table: &str, name: &str) -> Result<(), Fault> {
        self.ask(Ask::delete(table, name)).await.map(drop)
    }

    /// Makes any request.
    ///
    /// # Errors
    ///
    /// The request's fault.
    pub async fn ask(&mut self, ask: Ask) -> Result<Answer, Fault> {
        self.call(|guest| Input::Call(guest, ask)).await
    }

    /// Opens a transaction, at the level of the instance or at another. It is rolled back when it
    /// is dropped before it is committed.
    ///
    /// # Errors
    ///
    /// The instance is not there, or does not answer.
    pub async fn begin(&mut self, isolation: Option<Isolation>) -> Result<Transaction<'_>, Fault> {
        self.call(|guest| Input::Begin(guest, isolation)).await?;
        self.standing = Standing::InTransaction;
        Ok(Transaction { client: self, is_open: true })
    }

    /// Brings an input and waits for the reply to it.
    async fn call(&mut self, input: impl FnOnce(GuestId) -> Input) -> Reply {
        if self.standing == Standing::Lost {
            let message = "The transaction was rolled back when a call in it was given up.";
            return Err(Fault::new(FaultKind::TransactionAborted, message));
        }
        let shared = Arc::clone(&self.shared);
        let live = &shared.instances[self.instance];
        let (guest, is_new) = match self.guest {
            Some(guest) => (guest, false),
            None => (shared.number_guest(), true),
        };
        let parking = Arc::new(Parking::new());
        shared.parked.insert(guest, Awaiting::Caller(Arc::clone(&parking)));
        // A host that stops settles all who wait after it has said that it stops. So who looks
        // only when it waits already is either told here or settled there.
        if shared.is_stopping() {
            shared.parked.remove(&guest);
            return Err(stopping());
        }
        if is_new {
            let name = self.user.clone().unwrap_or_else(|| Name::from("client"));
            let name = Name::from(format!("{name} #{}", guest.0));
            let (actor, user) = (ActorId(0), self.user.clone());
            let arrival = Arrival { instance: live.id, actor, name, user };
            live.bring(&shared, Input::Enter(guest, arrival));
        }
        self.guest = Some(guest);
        let mut wait = Wait { client: self, parking, guest, is_over: false };
        live.bring(&shared, input(guest));
        let reply = wait.reply().await;
        wait.is_over = true;
        reply
    }

    /// Tells the instance that the client is gone.
    fn leave(&mut self) {
        if self.standing == Standing::InTransaction {
            self.standing = Standing::Lost;
        }
        if let Some(guest) = self.guest.take() {
            self.shared.parked.remove(&guest);
            self.shared.instances[self.instance].post(Input::Leave(guest));
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.leave();
    }
}

/// A call under way. Dropped before it is over, it is cancelled.
struct Wait<'a> {
    client: &'a mut Client,
    parking: Arc<Parking<Reply>>,
    guest: GuestId,
    is_over: bool,
}

impl Wait<'_> {
    async fn reply(&mut self) -> Reply {
        let parking = Arc::clone(&self.parking);
        let answer = poll_fn(|context| parking.poll(context.waker()));
        let Some(patience) = self.client.patience else {
            return answer.await;
        };
        tokio::pin!(answer);
        tokio::select! {
            biased;
            reply = &mut answer => return reply,
            () = tokio::time::sleep(patience) => {}
        }
        let message = "The client gave up waiting for an answer. The request may or may not have \
                       been carried out.";
        let fault = Fault::new(FaultKind::ClientTimeout, message);
        if self.parking.settle(Err(fault)) {
            self.client.leave();
        }
        answer.await
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if !self.is_over && self.client.guest == Some(self.guest) {
            self.parking.cancel();
            self.client.leave();
        }
    }
}

/// A client's transaction.
pub struct Transaction<'a> {
    client: &'a mut Client,
    is_open: bool,
}

impl Transaction<'_> {
    /// The client, for requests in the transaction. After a call that timed out or was cancelled
    /// the transaction is rolled back, and so its commit fails.
    pub const fn client(&mut self) -> &mut Client {
        self.client
    }

    /// Commits.
    ///
    /// # Errors
    ///
    /// The transaction was rolled back already; or the fault with which it is now.
    pub async fn commit(mut self) -> Result<(), Fault> {
        let ended = self.client.call(Input::Commit).await;
        self.is_open = false;
        ended.map(drop)
    }

    /// Rolls back.
    ///
    /// # Errors
    ///
    /// The transaction is no more.
    pub async fn roll_back(mut self) -> Result<(), Fault> {
        let ended = self.client.call(Input::RollBack).await;
        self.is_open = false;
        ended.map(drop)
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.is_open {
            self.client.leave();
        }
        self.client.standing = Standing::Free;
    }
}

fn unexpected() -> Fault {
    let message = "The platform's answer is not of the kind that was asked for.";
    Fault::new(FaultKind::PlugInFailed, message)
}
