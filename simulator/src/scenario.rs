//! Scenarios: worlds written down, so that a person can read what is there.

mod check;
pub mod cluster;
pub mod network;
mod shipped;
pub mod stack;

use serde::Deserialize;

pub use cluster::{
    CloudProvider, ClusterSpec, ClusterState, ConnectionSpec, ConnectionStatus, EndpointOutcome,
    KeySpec, Plan, RegionSpec, SecretSpec, SecretState, ServiceOutcome, ServiceSpec, ServiceStatus,
    WordSpec,
};
pub use network::{
    AclAction, AclRule, AclSpec, EndpointServiceSpec, EndpointSpec, GroupSpec, InterfaceSpec,
    PeeringSpec, PrefixListSpec, ProfileSpec, ResolverRuleSpec, RuleSpec, SubnetSpec, TrafficSpec,
    VpcSpec, ZoneSpec,
};
pub use stack::{RoleSpec, StackSpec};

use crate::cloud::Habits;
use crate::faults::Fault;
use crate::pace::Pace;

/// A world as it is when it begins, and how it behaves from then on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// A few words for a list.
    pub title: String,
    /// A sentence that says what happens here and why it is of interest.
    pub story: String,
    /// The AWS account of the callers.
    #[serde(default = "account")]
    pub account: String,
    /// The AWS Region of the callers.
    #[serde(default = "region")]
    pub region: String,
    /// What the operator would ask for in this world, in the operator's words.
    #[serde(default)]
    pub request: serde_json::Map<String, serde_json::Value>,
    #[serde(default)]
    pub pace: Pace,
    /// Which request throttles are on.
    #[serde(default)]
    pub throttle: Throttle,
    /// How much of each thing the account may have.
    #[serde(default)]
    pub quotas: Quotas,
    /// The Regions that are not enabled in any account.
    #[serde(default)]
    pub regions_off: Vec<String>,
    /// The availability zones of the Region. Three if none are given.
    #[serde(default)]
    pub zones: Vec<ZoneSpec>,
    #[serde(default)]
    pub vpcs: Vec<VpcSpec>,
    #[serde(default)]
    pub prefix_lists: Vec<PrefixListSpec>,
    /// Endpoint services that belong to no cluster.
    #[serde(default)]
    pub endpoint_services: Vec<EndpointServiceSpec>,
    /// The clusters of the organization.
    #[serde(default)]
    pub clusters: Vec<ClusterSpec>,
    /// How CockroachDB Cloud behaves where its documentation is silent.
    #[serde(default)]
    pub habits: Habits,
    /// What Secrets Manager holds.
    #[serde(default)]
    pub secrets: Vec<SecretSpec>,
    /// The API keys that CockroachDB Cloud knows.
    #[serde(default)]
    pub keys: Vec<KeySpec>,
    /// The names of what the stack of this project has in the account.
    #[serde(default)]
    pub stack: StackSpec,
    /// The roles in other accounts that the callers may assume.
    #[serde(default)]
    pub roles: Vec<RoleSpec>,
    #[serde(default)]
    pub faults: Vec<Fault>,
}

fn account() -> String {
    "111122223333".to_owned()
}

fn region() -> String {
    "eu-west-1".to_owned()
}

/// Which request throttles are on. The hard one for new endpoints is on unless
/// a scenario says otherwise, because callers meet it in earnest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Throttle {
    /// Nobody is throttled.
    None,
    /// Only `CreateVpcEndpoint`.
    #[default]
    CreateVpcEndpoint,
}

/// How much of each thing there may be ("Amazon VPC quotas" and "AWS
/// PrivateLink quotas", 2026).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quotas {
    /// Interface and Gateway Load Balancer endpoints in one VPC.
    pub endpoints_per_vpc: u32,
    /// Security groups in one Region.
    pub groups_per_region: u32,
    /// Rules of one direction and one address family in one group.
    pub rules_per_group: u32,
    /// Security groups of one network interface.
    pub groups_per_interface: u32,
    /// Network interfaces in one Region.
    pub interfaces_per_region: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Quotas {
            endpoints_per_vpc: 50,
            groups_per_region: 2_500,
            rules_per_group: 60,
            groups_per_interface: 5,
            interfaces_per_region: 5_000,
        }
    }
}

/// Why a text is not a scenario.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// The text is not TOML of the right shape; the message names the place.
    #[error("not a scenario: {message}")]
    Shape {
        /// What the reader said, with line and field.
        message: String,
    },
    /// A value breaks a rule.
    #[error("{field} is `{value}`: {rule}")]
    Rule {
        /// The path of the field, such as `vpcs[0].subnets[1].zone`.
        field: String,
        value: String,
        rule: String,
    },
    /// No scenario of this name is shipped.
    #[error("there is no scenario `{name}`; there are: {}", known.join(", "))]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The names there are.
        known: Vec<&'static str>,
    },
}

impl Scenario {
    /// Reads a scenario and checks it.
    pub fn parse(text: &str) -> Result<Scenario, ScenarioError> {
        let mut scenario: Scenario =
            toml::from_str(text).map_err(|error| ScenarioError::Shape {
                message: error.to_string(),
            })?;
        scenario.fill();
        check::check(&scenario)?;
        Ok(scenario)
    }

    /// A scenario that comes with the crate.
    pub fn shipped(name: &str) -> Result<Scenario, ScenarioError> {
        Scenario::parse(Scenario::shipped_text(name)?)
    }

    /// The text of a scenario that comes with the crate.
    pub fn shipped_text(name: &str) -> Result<&'static str, ScenarioError> {
        shipped::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, text)| *text)
            .ok_or_else(|| ScenarioError::Unknown {
                name: name.to_owned(),
                known: Scenario::names().collect(),
            })
    }

    /// The names of the scenarios that come with the crate, the default first.
    pub fn names() -> impl Iterator<Item = &'static str> {
        shipped::ALL.iter().map(|(name, _)| *name)
    }

    /// Adds what a scenario may leave out because it follows from the rest.
    fn fill(&mut self) {
        if self.zones.is_empty() {
            self.zones = ZoneSpec::usual(&self.region);
        }
    }
}

#[cfg(test)]
mod tests;
