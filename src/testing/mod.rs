//! Tests of other crates: folders of scenarios, and plug-ins without any scenario file.
//!
//! [`Folder`] makes a test of each variant of each scenario file. [`Testbed`] is a world that a
//! test is alone with: it is set up in Rust, asked one thing after the other, and looked into.
//!
//! ```
//! use multiverse::plan::{Message, Stage};
//! use multiverse::plug_in::{Context, Interruption};
//! use multiverse::testing::{Setup, Step};
//!
//! /// A new account gets the number after the largest.
//! fn number_accounts(context: &mut Context<'_>) -> Result<(), Interruption> {
//!     let row = context.retrieve("counter", "accounts")?;
//!     let next = row.value("next").as_whole().unwrap_or(1);
//!     context.update("counter", "accounts", &[("next", (next + 1).into())])?;
//!     context.set_target("number", next)
//! }
//!
//! let mut bed = Setup::new("Accounts are numbered")
//!     .table("account", &[("name", "text"), ("number", "whole number")])
//!     .table("counter", &[("next", "whole number")])
//!     .row("counter", "accounts", &[("next", 7.into())])
//!     .step(
//!         Step::new("number accounts", number_accounts)
//!             .on(Message::Create, "account")
//!             .stage(Stage::PreOperation),
//!     )
//!     .start()
//!     .unwrap();
//!
//! bed.create("account", "contoso", &[("name", "Contoso".into())]).unwrap();
//! assert_eq!(bed.value("account", "contoso", "number"), 7.into());
//! assert_eq!(bed.value("counter", "accounts", "next"), 8.into());
//! ```

mod folder;
mod setup;
mod step;
mod testbed;
mod text;

pub use folder::{Case, Folder, Outcome};
pub use setup::{Setup, SetupError};
pub use step::Step;
pub use testbed::{Caller, Testbed};
