//! VPC endpoints: what they are. How they come, change and go is in the
//! modules below.

pub(super) mod create;
pub(super) mod delete;
pub(super) mod describe;
pub(super) mod dns;
pub(super) mod life;
pub(super) mod modify;
mod placement;
mod state;
pub(super) mod view;

use std::net::Ipv4Addr;

use time::OffsetDateTime;

pub use state::EndpointState;

use super::Tags;
use crate::calls::Caller;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub id: String,
    pub owner: String,
    pub region: String,
    pub vpc_id: String,
    pub kind: EndpointType,
    /// The service it leads to.
    pub service_name: String,
    pub state: EndpointState,
    pub state_since: OffsetDateTime,
    pub created: OffsetDateTime,
    /// From when on other calls can see it.
    pub visible: OffsetDateTime,
    /// Until when it is listed once it is deleted.
    pub listed_until: Option<OffsetDateTime>,
    pub groups: Vec<String>,
    /// Its interfaces, with those that are still draining.
    pub interfaces: Vec<Interface>,
    pub private_dns: bool,
    /// What private DNS is going to be, while it is being switched.
    pub private_dns_wanted: Option<bool>,
    pub last_error: Option<LastError>,
    pub tags: Tags,
    /// Counts the changes of direction, so that what was foreseen before one
    /// does not happen after it.
    pub epoch: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum EndpointType {
    /// Interfaces in subnets.
    Interface,
    /// An entry in route tables. What one gets who asks for no type; here it can be
    /// there, but not be made.
    #[default]
    Gateway,
}

impl EndpointType {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            EndpointType::Interface => "Interface",
            EndpointType::Gateway => "Gateway",
        }
    }

    /// Reads the word on the wire.
    pub fn from_word(word: &str) -> Option<EndpointType> {
        match word {
            "Interface" => Some(EndpointType::Interface),
            "Gateway" => Some(EndpointType::Gateway),
            _ => None,
        }
    }
}

/// An interface that an endpoint has in a subnet. Its addresses stay the same
/// as long as it lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    pub id: String,
    pub subnet_id: String,
    /// Its IPv4 address.
    pub ipv4: Ipv4Addr,
    /// Once it is no longer used: when it is gone.
    pub drained: Option<OffsetDateTime>,
}

impl Interface {
    /// Whether it still takes an address and still holds its groups.
    pub(super) fn lives(&self, now: OffsetDateTime) -> bool {
        self.drained.is_none_or(|drained| now < drained)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastError {
    pub code: String,
    pub message: String,
}

impl Endpoint {
    /// Whether a call of this caller can see it: EC2 is consistent only after
    /// a while, and a deleted endpoint stays listed for a while.
    pub(super) fn seen_by(&self, caller: &Caller, now: OffsetDateTime) -> bool {
        self.owner == caller.account
            && self.region == caller.region
            && self.visible <= now
            && self.listed_until.is_none_or(|until| now < until)
    }

    pub fn subnet_ids(&self) -> impl Iterator<Item = &str> {
        self.interfaces
            .iter()
            .filter(|interface| interface.drained.is_none())
            .map(|interface| interface.subnet_id.as_str())
    }

    /// Whether private DNS is on, or going to be.
    pub(super) fn claims_dns(&self) -> bool {
        self.state.is_there() && self.private_dns_wanted.unwrap_or(self.private_dns)
    }
}
