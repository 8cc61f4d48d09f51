//! The names that a plug-in step has of itself, as expressions carry them: each begins with a sign
//! that no binding of an author can begin with.

/// The execution context of the step.
pub const CONTEXT: &str = "$context";
/// The execution context of the request around the step's own.
pub const PARENT: &str = "$parent";
/// The shared variables of the step's own context.
pub const SHARED: &str = "$shared";
/// The shared variables of the contexts around.
pub const PARENT_SHARED: &str = "$parent.shared";
/// The targets of a bulk message.
pub const TARGETS: &str = "$targets";
/// The relationship of an Associate or Disassociate.
pub const RELATIONSHIP: &str = "$relationship";
/// The rows that an Associate or Disassociate names beside its target.
pub const RELATED: &str = "$related";
/// The input parameters of a custom message.
pub const INPUT: &str = "$input";
/// What the request answers: its output parameters.
pub const OUTPUT: &str = "$output";
/// What stands before the name of one of the step's images.
pub const IMAGE: &str = "$image ";

/// What an execution context tells.
pub const CONTEXT_MEMBERS: [&str; 7] =
    ["depth", "stage", "message", "mode", "in transaction", "user", "correlation id"];
