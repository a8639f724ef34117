//! The states of endpoints.

use serde::Deserialize;

/// The state of an endpoint. On the wire its words begin with a small letter,
/// although the API model says otherwise (awslabs/aws-sdk-rust issue 619).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EndpointState {
    /// The provider has not accepted it.
    PendingAcceptance,
    /// Being built or changed.
    Pending,
    Available,
    /// On its way out.
    Deleting,
    /// Gone, and listed for a while.
    Deleted,
    /// The provider refused it, at first or later.
    Rejected,
    /// AWS could not build it.
    Failed,
    /// The provider did not accept it in time.
    Expired,
    /// In the enumeration of the API; nobody says when it appears.
    Partial,
}

impl EndpointState {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            EndpointState::PendingAcceptance => "pendingAcceptance",
            EndpointState::Pending => "pending",
            EndpointState::Available => "available",
            EndpointState::Deleting => "deleting",
            EndpointState::Deleted => "deleted",
            EndpointState::Rejected => "rejected",
            EndpointState::Failed => "failed",
            EndpointState::Expired => "expired",
            EndpointState::Partial => "partial",
        }
    }

    /// Whether the endpoint is neither gone nor going.
    pub fn is_there(self) -> bool {
        !matches!(self, EndpointState::Deleting | EndpointState::Deleted)
    }
}
