//! From what was seen to findings: pure.

use shared::cloud::{Registration, RegistrationStatus};
use shared::ec2::Claimed;
use shared::ids::{ClusterId, EndpointId, VpcId};
use shared::ledger::{Connection, Phase};
use shared::ownership::Origin;
use shared::place::Place;
use shared::request::DeprovisionRequest;
use shared::subject::Subject;
use shared::{Code, bounds};
use time::OffsetDateTime;

use crate::gather::{Seen, says_that_something_is_there};
use crate::{Finding, Input, Kind};

/// Most things of one finding that are told by name; many carry copied tags.
const MOST_THINGS: usize = 10;

/// Most bytes of what a finding says, written in JSON: a run keeps a hundred of them.
const LONGEST_SENTENCE: usize = 500;

/// What looks left behind and carried something within a day is in use.
const UNLESS_TRAFFIC_MINUTES: u32 = 24 * 60;

/// All findings of a place, in the order of their keys.
pub(crate) fn findings(
    seen: &Seen,
    place: &Place,
    told: &[ClusterId],
    input: &Input,
) -> Vec<Finding> {
    let judge = Judge { seen, place, input };
    let orphans = seen.things.iter().filter_map(|it| judge.orphan(it));
    let alone = seen.things.iter().filter_map(|it| judge.unregistered(it));
    let twice = seen.things.iter().filter_map(|it| judge.made_twice(it));
    let entries = seen.entries.values().filter_map(|it| judge.entry(it));
    let clusters = seen.clusters.iter().filter(|(id, _)| !told.contains(id));
    let stale = clusters.flat_map(|(id, cluster)| {
        let registrations = cluster.iter().flatten().flatten();
        registrations.filter_map(|it| judge.stale(id, it))
    });
    let mut all: Vec<Finding> = orphans
        .chain(alone)
        .chain(twice)
        .chain(entries)
        .chain(stale)
        .collect();
    all.sort_by_key(Finding::key);
    all
}

struct Judge<'a> {
    seen: &'a Seen,
    place: &'a Place,
    input: &'a Input,
}

/// What makes a finding one of its kind.
struct Case<'a> {
    kind: Kind,
    code: Code,
    vpc_id: &'a VpcId,
    cluster_id: &'a ClusterId,
    connection_id: &'a str,
    things: Vec<String>,
    sentence: String,
}

impl Judge<'_> {
    fn finding(&self, case: Case<'_>) -> Finding {
        Finding {
            kind: case.kind,
            code: case.code.to_string(),
            connection_id: Some(case.connection_id.to_owned()),
            place: self.place.clone(),
            vpc_id: Some(case.vpc_id.clone()),
            cluster_id: case.cluster_id.clone(),
            things: case.things,
            age_hours: None,
            sentence: bounds::text(&case.sentence, LONGEST_SENTENCE),
            kept: None,
            fix: case.code.fix().to_owned(),
            removal: None,
        }
    }

    /// Things with tags and without a live entry.
    fn orphan(&self, it: &Claimed) -> Option<Finding> {
        let Claimed { claim, vpc_id, .. } = it;
        let entry = self.seen.entries.get(&claim.connection_id);
        let is_at_home = it.is_at_home(&self.place.region);
        let things = names(it);
        let which = format!("{} in {vpc_id} ({})", things.join(", "), self.place);
        let case = |kind, code, sentence| Case {
            kind,
            code,
            vpc_id,
            cluster_id: &claim.cluster_id,
            connection_id: &claim.connection_id,
            things: things.clone(),
            sentence,
        };
        if !is_at_home {
            let whose = &claim.connection_id;
            let sentence =
                format!("{which}: the tags are those of connection {whose} of another VPC.");
            let case = case(Kind::TagsCopied, Code::TagsOfAnotherVpc, sentence);
            let mut finding = self.finding(case);
            finding.kept = Some("nobody can tell whose it is".to_owned());
            return Some(finding);
        }
        if self.seen.is_live(it) {
            return None;
        }
        let which = format!("{which} of the connection to cluster {}", claim.cluster_id);
        let (kind, why) = match entry.map(|entry| entry.phase.as_str()) {
            None => (
                Kind::Unrecorded,
                "the ledger does not know this connection".to_owned(),
            ),
            Some(phase) => (
                Kind::LeftOver,
                format!("by the ledger nothing is left of it ({phase})"),
            ),
        };
        let sentence = format!("{which}: {why}.");
        let mut finding = self.finding(case(kind, Code::OrphanedResources, sentence));
        let youngest = self.youngest(it, entry);
        self.offer(&mut finding, vpc_id, youngest, entry);
        Some(finding)
    }

    /// Since when the youngest part of something has existed for certain.
    fn youngest(&self, it: &Claimed, entry: Option<&Connection>) -> Option<OffsetDateTime> {
        let endpoints = it.endpoints.iter().map(|it| it.created_at);
        let groups = it.groups.iter();
        let groups = groups.map(|it| self.seen.groups_seen.get(&it.it.id).copied());
        let entry = entry.map(|entry| Some(entry.updated_at));
        let parts: Option<Vec<_>> = endpoints.chain(groups).chain(entry).collect();
        parts?.into_iter().max()
    }

    /// An entry with nothing behind it.
    fn entry(&self, entry: &Connection) -> Option<Finding> {
        let id = &entry.connection_id;
        let is_tagged = |it: &&Claimed| it.claim.connection_id == *id && it.vpc_id == entry.vpc_id;
        let endpoint = entry.endpoint();
        let exists = endpoint.is_some_and(|endpoint| self.seen.existing.contains(endpoint));
        if !says_that_something_is_there(entry)
            || self.seen.things.iter().any(|it| is_tagged(&it))
            || exists && entry.phase != Phase::Disconnected
        {
            return None;
        }
        let what = endpoint.map_or("nothing".to_owned(), |it| format!("endpoint {it}"));
        let mut sentence = format!(
            "The ledger has the connection from {} ({}) to cluster {} as {} with {what}, and nothing of it is there.",
            entry.vpc_id,
            self.place,
            entry.cluster_id,
            entry.phase.as_str()
        );
        if endpoint.is_some_and(|endpoint| self.is_registered(&entry.cluster_id, endpoint)) {
            sentence.push_str(" The cluster still lists the endpoint.");
        }
        let mut finding = self.finding(Case {
            kind: Kind::EntryOnly,
            code: Code::EntryWithoutResources,
            vpc_id: &entry.vpc_id,
            cluster_id: &entry.cluster_id,
            connection_id: id,
            things: Vec::new(),
            sentence,
        });
        let since = Some(entry.updated_at);
        self.offer(&mut finding, &entry.vpc_id, since, Some(entry));
        Some(finding)
    }

    fn registrations(&self, cluster: &ClusterId) -> impl Iterator<Item = &Registration> {
        let seen = self.seen.clusters.get(cluster);
        let seen = seen.and_then(|seen| seen.as_ref().ok());
        seen.into_iter().flatten().flatten()
    }

    fn is_registered(&self, cluster: &ClusterId, endpoint: &EndpointId) -> bool {
        self.registrations(cluster)
            .any(|it| it.endpoint_id == endpoint.as_str() && !it.status.is_gone())
    }

    /// Whether the cluster is gone or another key's: nobody can tell.
    fn is_out_of_sight(&self, cluster: &ClusterId) -> bool {
        let seen = self.seen.clusters.get(cluster);
        let error = seen.and_then(|seen| seen.as_ref().err());
        error.is_some_and(|error| error.code == Code::ClusterNotFound)
    }

    /// The endpoint of a connection that works by the ledger, and that the cluster
    /// does not know. Provisioning again sets it right, so it is only reported;
    /// where that is wanted, the check of the fleet starts it.
    fn unregistered(&self, it: &Claimed) -> Option<Finding> {
        let Claimed { claim, vpc_id, .. } = it;
        let own = self.endpoint_in_use(it)?;
        let cluster = self.seen.clusters.get(&claim.cluster_id)?.as_ref().ok()?;
        let unknown = |id: &EndpointId| !self.is_registered(&claim.cluster_id, id);
        let endpoints = it.endpoints.iter().map(|it| &it.it.id);
        let alone = endpoints
            .filter(|id| *id == own && unknown(id))
            .map(|id| format!("endpoint {id}"));
        let alone = bounds::texts(alone, MOST_THINGS);
        if alone.is_empty() {
            return None;
        }
        let (code, why) = match cluster {
            Some(_) => (Code::RegistrationGone, "does not list it any more"),
            None => (Code::ClusterDeleted, "is deleted"),
        };
        let mut finding = self.finding(Case {
            kind: Kind::RegistrationGone,
            code,
            vpc_id,
            cluster_id: &claim.cluster_id,
            connection_id: &claim.connection_id,
            sentence: format!(
                "{} in {vpc_id} ({}): cluster {} {why}.",
                alone.join(", "),
                self.place,
                claim.cluster_id
            ),
            things: alone,
        });
        finding.kept = Some("the ledger has the connection".to_owned());
        if cluster.is_none() {
            finding.fix = "Disconnect (deprovision).".to_owned();
        }
        Some(finding)
    }

    /// The endpoint of a connection that stands, while no run is at work on it.
    fn endpoint_in_use(&self, it: &Claimed) -> Option<&EndpointId> {
        let entry = self.seen.entries.get(&it.claim.connection_id)?;
        let rests = entry.stands() && entry.phase.is_over();
        entry
            .endpoint()
            .filter(|_| rests && it.is_at_home(&self.place.region))
    }

    /// Other endpoints that were made for a connection that stands. Only a run knows
    /// which one works, so they are only reported; the next one deletes what nobody can
    /// be using.
    fn made_twice(&self, it: &Claimed) -> Option<Finding> {
        let Claimed { claim, vpc_id, .. } = it;
        let own = self.endpoint_in_use(it)?;
        let others = it.endpoints.iter().map(|it| &it.it).filter(|it| {
            it.id != *own
                && Origin::of(&it.tags) == Some(Origin::Made)
                && claim.others_in(&it.tags).is_empty()
                && !it.state.is_dead()
        });
        let others = others.map(|it| format!("endpoint {}", it.id));
        let others = bounds::texts(others, MOST_THINGS);
        if others.is_empty() {
            return None;
        }
        let mut finding = self.finding(Case {
            kind: Kind::MadeTwice,
            code: Code::EndpointMadeTwice,
            vpc_id,
            cluster_id: &claim.cluster_id,
            connection_id: &claim.connection_id,
            sentence: format!(
                "{} in {vpc_id} ({}) of the connection to cluster {}: it uses endpoint {own}.",
                others.join(", "),
                self.place,
                claim.cluster_id
            ),
            things: others,
        });
        finding.kept =
            Some("its connection's next execution deletes it if nobody can be using it".to_owned());
        Some(finding)
    }

    /// A registration without an endpoint that no entry explains. One that an entry
    /// has goes with that connection.
    fn stale(&self, cluster: &ClusterId, it: &Registration) -> Option<Finding> {
        let known = &self.seen.known_endpoints;
        let is_known = known.iter().any(|id| id.as_str() == it.endpoint_id);
        if it.status != RegistrationStatus::Stale || is_known {
            return None;
        }
        let account = it.account.as_deref();
        let account = account.map_or(String::new(), |account| format!(" of account {account}"));
        let code = Code::ForeignRegistrationStale;
        let (id, status) = (&it.endpoint_id, &it.status);
        let sentence =
            format!("Cluster {cluster} lists endpoint {id}{account}, which is gone ({status}).");
        let thing = format!("private endpoint connection {id}");
        Some(Finding {
            kind: Kind::RegistrationStale,
            code: code.to_string(),
            connection_id: None,
            place: self.place.clone(),
            vpc_id: None,
            cluster_id: cluster.clone(),
            things: bounds::texts([thing], MOST_THINGS),
            age_hours: None,
            sentence: bounds::text(&sentence, LONGEST_SENTENCE),
            kept: Some("nothing proves that it was made by this tool".to_owned()),
            fix: code.fix().to_owned(),
            removal: None,
        })
    }

    /// Says how old it is, and offers to remove it unless something speaks against it.
    fn offer(
        &self,
        finding: &mut Finding,
        vpc: &VpcId,
        since: Option<OffsetDateTime>,
        entry: Option<&Connection>,
    ) {
        let age = since.map(|since| (self.input.now - since).whole_hours().max(0));
        finding.age_hours = age.and_then(|age| u32::try_from(age).ok());
        let minimum = self.input.minimum_age_hours;
        let asked = self.seen.asked_for.get(vpc);
        let young = format!("it may be younger than {minimum} hours");
        let kept = if entry.is_some_and(Connection::stands) {
            // It may be protected, and the check of the fleet may repair it.
            "by the ledger it works, so it is the health check's to tell of it, or to repair it"
        } else if self.seen.leased.contains(vpc) {
            "an execution is changing this VPC"
        } else if self.is_out_of_sight(&finding.cluster_id) {
            "its cluster is not shown to this API key, so what the cluster has of it could not be removed"
        } else if finding.age_hours.is_none_or(|age| age < minimum) {
            young.as_str()
        } else if asked.is_some_and(|asked| asked.names(&finding.cluster_id)) {
            "a tag on the VPC asks for this connection"
        } else if asked.is_some_and(|asked| asked.may_mean(&finding.cluster_id)) {
            "a tag on the VPC may ask for this connection, because one of its words is no cluster id"
        } else {
            finding.removal = Some(self.removal(&finding.cluster_id, vpc, entry));
            return;
        };
        finding.kept = Some(kept.to_owned());
    }

    /// The request to remove it as long as the ledger has of it what it has now.
    fn removal(
        &self,
        cluster: &ClusterId,
        vpc: &VpcId,
        entry: Option<&Connection>,
    ) -> DeprovisionRequest {
        let request = match entry {
            Some(entry) => entry.removal(),
            None => {
                let place = self.place.clone();
                DeprovisionRequest::of(Subject::of(place, vpc.clone(), cluster.clone()))
            }
        };
        let nothing = shared::request::Seen { execution: None };
        DeprovisionRequest {
            // An entry that names no account is found by what is there.
            account_id: request.account_id.or_else(|| self.place.account_id.clone()),
            unless_changed: Some(entry.map_or(nothing, Connection::seen)),
            unless_traffic_minutes: Some(UNLESS_TRAFFIC_MINUTES),
            ..request
        }
    }
}

/// What a connection's things are called.
fn names(it: &Claimed) -> Vec<String> {
    let (endpoints, groups) = (it.endpoints.iter(), it.groups.iter());
    let endpoints = endpoints.map(|it| format!("endpoint {}", it.it.id));
    let groups = groups.map(|it| format!("security group {}", it.it.id));
    bounds::texts(endpoints.chain(groups), MOST_THINGS)
}

#[cfg(test)]
mod tests;
