//! Makes entries of the ledger anew from the tags on endpoints and security groups,
//! one account and Region a call. An entry is written only where there is none, and
//! nothing else is.
//!
//! Tags tell whose an endpoint is, whether its registration goes with the connection,
//! and which account was trusted for it; EC2 tells the rest. What was asked for is
//! read from what there is: sources from the rules that are the connection's own, the
//! subnets, private DNS. What cannot be read (SQL user, limits, what to do after a
//! failure) has its default. Whether the connection works is for the next check to
//! say, so its health is unknown.
//!
//! A connection without an endpoint gets no entry: a sweep finds what is left of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::cidr::Cidr;
use shared::config::Config;
use shared::ec2::{
    Claimed, Endpoint, IngressRule, Inventory, Managed, Network, SecurityGroups, Source, Vpc,
    VpcTags, by_connection,
};
use shared::ids::{AccountId, ClusterId, PrefixListId, SecurityGroupId, SourceGroup, VpcId};
use shared::ledger::{
    Connection, Finding, Health, HealthStatus, Ledger, Milestone, OwnRegistration, Phase, Upkeep,
};
use shared::place::{Place, Places};
use shared::places::{PlaceList, Unseen};
use shared::request::{ProvisionRequest, RequestedBy};
use shared::vpc_tags::TagKeys;
use shared::{Code, StepError, bounds};
use time::OffsetDateTime;

#[cfg(test)]
mod tests;

/// Where to look, and what came of the calls before.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The places that are left, the present one first; `None` on the first call.
    pub cursor: Option<Vec<Place>>,
    /// The only places to look at, as `444455556666/us-east-1` or `us-east-1`. All if
    /// there are none: those below, and those that the ledger has connections in.
    pub only: Vec<String>,
    /// Places to look at in any case, separated by spaces.
    pub always: String,
    /// Whether entries are written, or only told of.
    pub write: bool,
    #[serde(with = "time::serde::rfc3339")]
    pub now: OffsetDateTime,
    /// The run that rebuilds, which the entries name as their last one.
    pub execution: String,
    /// The sum of the calls before; `None` on the first one.
    pub sum: Option<Sum>,
}

/// What became of the places so far, by number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sum {
    /// Places that were looked at.
    pub places: usize,
    /// Connections that an endpoint was found of.
    pub connections: usize,
    /// Those of them that had an entry.
    pub recorded: usize,
    /// Those of them whose entry was written, or would be.
    pub rebuilt: usize,
    /// What could not be looked at.
    pub unseen: Vec<Unseen>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The places that are left; `None` if every place was looked at.
    pub next: Option<Vec<Place>>,
    /// The entries that were written, or would be: the first of them, if they are
    /// many. The sum counts and the log names them all.
    pub entries: Vec<Entry>,
    /// The sum of all calls so far.
    pub sum: Sum,
}

/// An entry that was written, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub connection_id: String,
    /// The account and the Region.
    pub place: Place,
    pub vpc_id: VpcId,
    pub cluster_id: ClusterId,
}

/// What the surroundings say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    own_account: Option<AccountId>,
    keys: TagKeys,
}

impl Known {
    /// What this configuration says.
    ///
    /// # Errors
    /// `configuration-invalid` if the own account is malformed.
    pub fn new(config: &Config) -> Result<Self, StepError> {
        Ok(Self {
            own_account: config.own_account()?,
            keys: TagKeys::new(&config.tag_prefix),
        })
    }
}

/// Looks at one place.
///
/// # Errors
/// `invalid-request` for a place that cannot be read. Those of the ledger. A place
/// that cannot be looked at is part of the answer.
pub async fn handle<P, L>(
    places: &P,
    ledger: &L,
    known: &Known,
    input: Input,
) -> Result<Output, StepError>
where
    P: Places<Ec2: Inventory + Network + SecurityGroups + VpcTags>,
    L: Ledger + Upkeep,
{
    let own = known.own_account.as_ref();
    let mut sum = input.sum.clone().unwrap_or_default();
    let left = match &input.cursor {
        Some(left) => left.clone(),
        None => {
            let all = PlaceList::read(ledger, own, &input.only, &input.always, &[]).await?;
            all.telling(&mut sum.unseen)
        }
    };
    let mut entries = Vec::new();
    if let Some(place) = left.first() {
        let mut connections = 0;
        match look(places, known, place).await {
            Ok(seen) => {
                sum.places += 1;
                for it in &seen {
                    connections += 1;
                    let found = Found {
                        place,
                        it,
                        input: &input,
                    };
                    let Some(entry) = found.entry() else {
                        continue;
                    };
                    let is_new = if input.write {
                        ledger.restore(&entry).await?
                    } else {
                        let known = ledger.connection(&entry.connection_id).await?;
                        known.is_none_or(|known| known.leaves_nothing())
                    };
                    if is_new {
                        sum.rebuilt += 1;
                        entries.push(Entry {
                            connection_id: entry.connection_id,
                            place: place.clone(),
                            vpc_id: entry.vpc_id,
                            cluster_id: entry.cluster_id,
                        });
                    } else {
                        sum.recorded += 1;
                    }
                }
            }
            Err(error) => Unseen::new(place, &error).add_to(&mut sum.unseen),
        }
        sum.connections += connections;
    }
    for entry in entries.iter().skip(bounds::LISTED) {
        tracing::info!("{}", serde_json::json!(entry));
    }
    entries.truncate(bounds::LISTED);
    let rest: Vec<Place> = left.into_iter().skip(1).collect();
    Ok(Output {
        next: Some(rest).filter(|rest| !rest.is_empty()),
        entries,
        sum,
    })
}

/// One connection as EC2 shows it.
struct Shown {
    claimed: Claimed,
    endpoint: Managed<Endpoint>,
    vpc: Vpc,
    /// The inbound rules of all groups of the endpoint.
    rules: Vec<IngressRule>,
    /// Whether a tag on the VPC asks for it.
    asked_by_tag: bool,
}

async fn look<P>(places: &P, known: &Known, place: &Place) -> Result<Vec<Shown>, StepError>
where
    P: Places<Ec2: Inventory + Network + SecurityGroups + VpcTags>,
{
    let ec2 = &places.ec2(place).await?;
    let endpoints = ec2.managed_endpoints().await?;
    let groups = ec2.managed_groups().await?;
    let asking = ec2.tagged_vpcs(&known.keys.cluster_id()).await?;
    let of_endpoints: BTreeSet<&SecurityGroupId> =
        endpoints.iter().flat_map(|it| &it.it.group_ids).collect();
    let of_endpoints: Vec<SecurityGroupId> = of_endpoints.into_iter().cloned().collect();
    let rules = ec2.ingress_rules(&of_endpoints).await?;
    let mut shown = Vec::new();
    for claimed in by_connection(&endpoints, &groups) {
        let best = best(&claimed.endpoints).cloned();
        let Some(endpoint) = best.filter(|_| claimed.is_at_home(&place.region)) else {
            continue;
        };
        // A VPC cannot go while it has an endpoint.
        let Some(vpc) = ec2.vpc(&claimed.vpc_id).await? else {
            continue;
        };
        let asks = asking.iter().any(|(vpc, tags)| {
            let asked = known.keys.asked_in(tags);
            let cluster = &claimed.claim.cluster_id;
            *vpc == claimed.vpc_id && asked.is_some_and(|asked| asked.names(cluster))
        });
        let rules = rules.iter();
        let rules = rules.filter(|rule| endpoint.it.group_ids.contains(&rule.group_id));
        shown.push(Shown {
            rules: rules.cloned().collect(),
            asked_by_tag: asks,
            claimed,
            endpoint,
            vpc,
        });
    }
    Ok(shown)
}

/// Of several endpoints, as an interrupted run may have left them, the one that can
/// still work, and of these the oldest.
fn best(endpoints: &[Managed<Endpoint>]) -> Option<&Managed<Endpoint>> {
    let key = |it: &&Managed<Endpoint>| (it.it.state.is_dead(), it.created_at, it.it.id.clone());
    endpoints
        .iter()
        .filter(|it| it.it.is_interface)
        .min_by_key(key)
}

struct Found<'a> {
    place: &'a Place,
    it: &'a Shown,
    input: &'a Input,
}

impl Found<'_> {
    /// The entry, with the registration as far as tags tell of it.
    fn entry(&self) -> Option<Connection> {
        let Shown {
            claimed,
            endpoint,
            vpc,
            ..
        } = self.it;
        let claim = &claimed.claim;
        let made_at = endpoint.created_at.unwrap_or(self.input.now);
        let owns = claim.owns_registration(&endpoint.it.tags);
        let registration = owns.then(|| OwnRegistration {
            endpoint_id: endpoint.it.id.clone(),
            trusted_account: endpoint.it.trusted_account(claim),
        });
        let request = self.request()?;
        let entry = Connection {
            connection_id: claim.connection_id.clone(),
            account_id: Some(vpc.owner.clone()),
            region: self.place.region.clone(),
            vpc_id: vpc.id.clone(),
            cluster_id: claim.cluster_id.clone(),
            cluster_name: None,
            request,
            asked: None,
            phase: Phase::Ready,
            timeline: vec![Milestone {
                phase: Phase::Ready,
                at: self.input.now,
            }],
            execution: self.input.execution.clone(),
            started_at: made_at,
            updated_at: self.input.now,
            endpoint_id: Some(endpoint.it.id.clone()),
            security_group_id: self.group(),
            service_name: endpoint.it.service_name.parse().ok(),
            stands_since: Some(made_at),
            ready: None,
            registrations: registration.into_iter().collect(),
            outcome: None,
            health: Some(Health {
                status: HealthStatus::Unknown,
                findings: vec![Finding {
                    code: Code::LedgerRebuilt.to_string(),
                    detail: format!("made anew from the tags by {}", self.input.execution),
                }],
                since: self.input.now,
                checked_at: self.input.now,
                before: None,
                to_announce: false,
            }),
        };
        Some(entry)
    }

    /// The group with the claim that is on the endpoint, or any that is.
    fn group(&self) -> Option<SecurityGroupId> {
        let on_endpoint = &self.it.endpoint.it.group_ids;
        let claimed = self.it.claimed.groups.iter().map(|group| &group.it.id);
        let ours = claimed.filter(|id| on_endpoint.contains(id)).min();
        ours.or(on_endpoint.first()).cloned()
    }

    /// What was asked for, as far as it shows.
    fn request(&self) -> Option<ProvisionRequest> {
        let Shown {
            claimed,
            endpoint,
            vpc,
            asked_by_tag,
            ..
        } = self.it;
        let (cidrs, groups, lists) = self.sources();
        let of_the_vpc: BTreeSet<String> = vpc.cidrs.iter().map(Cidr::to_string).collect();
        // All networks of the VPC is what nobody needs to ask for.
        let is_the_vpc = groups.is_empty() && lists.is_empty() && cidrs == of_the_vpc;
        let cidrs = if is_the_vpc { BTreeSet::new() } else { cidrs };
        let by = if *asked_by_tag {
            RequestedBy::VpcTag
        } else {
            RequestedBy::Call
        };
        let request = json!({
            "cluster_id": claimed.claim.cluster_id,
            "region": self.place.region,
            "vpc_id": vpc.id,
            "account_id": self.place.account_id,
            "subnet_ids": endpoint.it.subnet_ids,
            "sources": {
                "cidrs": cidrs,
                "security_group_ids": groups,
                "prefix_list_ids": lists,
            },
            "private_dns": endpoint.it.private_dns,
            "add_trusted_owner": endpoint.it.trusted_account(&claimed.claim).is_some(),
            "protect": claimed.claim.is_protected(&endpoint.it.tags),
            "requested_by": by,
        });
        ProvisionRequest::parse(&request)
            .inspect_err(|error| tracing::warn!("{}: {error}", claimed.claim.connection_id))
            .ok()
    }

    /// Whom the rules let in that were made for this connection. On a group that is
    /// shared or was adopted they may be another's, and then all count that let in on
    /// the port.
    fn sources(
        &self,
    ) -> (
        BTreeSet<String>,
        BTreeSet<SourceGroup>,
        BTreeSet<PrefixListId>,
    ) {
        let claim = &self.it.claimed.claim;
        let admits = |rule: &&IngressRule| rule.admits_tcp(shared::report::SQL_PORT);
        let is_own = |rule: &&IngressRule| {
            rule.description == claim.rule_description()
                || rule.description == claim.added_rule_description()
        };
        let admitting = || self.it.rules.iter().filter(admits);
        let own: Vec<&IngressRule> = admitting().filter(is_own).collect();
        let rules = if own.is_empty() {
            admitting().collect()
        } else {
            own
        };
        let mut cidrs = BTreeSet::new();
        let mut groups = BTreeSet::new();
        let mut lists = BTreeSet::new();
        for rule in rules {
            match &rule.source {
                Source::Cidr(cidr) => {
                    cidrs.insert(cidr.to_string());
                }
                Source::Group(group) => {
                    groups.insert(group.clone());
                }
                Source::PrefixList(list) => {
                    lists.insert(list.clone());
                }
            }
        }
        (cidrs, groups, lists)
    }
}
