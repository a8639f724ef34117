//! What an execution would add, change and remove, one by one.

use schemars::JsonSchema;
use serde::Serialize;
use shared::customer_tags;
use shared::ids::SubnetId;
use shared::ownership::Tags;
use shared::request::ProvisionRequest;

use self::DifferenceAction::{Add, Change, Remove};
use crate::Found;

/// What is different from what is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Differences {
    /// How many things would be added.
    pub to_add: usize,
    /// How many would be changed.
    pub to_change: usize,
    /// How many would be removed.
    pub to_remove: usize,
    /// These numbers in words, or that there is nothing to change.
    pub told: String,
    /// Each of them, in the order of the work.
    pub list: Vec<Difference>,
}

/// One thing that is different.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Difference {
    /// What would be done.
    pub action: DifferenceAction,
    /// To what, in a few words.
    pub what: String,
    /// Whether it takes something away that clients may be using.
    pub outage: bool,
}

/// What would be done to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceAction {
    /// It is not there yet.
    Add,
    /// It is there, and would be otherwise.
    Change,
    /// It would be gone.
    Remove,
}

impl Differences {
    pub(crate) fn of(request: &ProvisionRequest, found: &Found) -> Self {
        let mut list = Vec::new();
        group(&mut list, request, found);
        endpoint(&mut list, request, found);
        registration(&mut list, found);
        subnets(&mut list, found);
        private_dns(&mut list, found);
        old_things(&mut list, found);
        let count = |action| list.iter().filter(|it| it.action == action).count();
        let (to_add, to_change, to_remove) = (count(Add), count(Change), count(Remove));
        let told = match list.is_empty() {
            true => "nothing to change".to_owned(),
            false => format!("{to_add} to add, {to_change} to change, {to_remove} to remove"),
        };
        Self {
            to_add,
            to_change,
            to_remove,
            told,
            list,
        }
    }
}

fn difference(action: DifferenceAction, what: String) -> Difference {
    Difference {
        action,
        what,
        outage: false,
    }
}

fn group(list: &mut Vec<Difference>, request: &ProvisionRequest, found: &Found) {
    let Some(planned) = &found.plan.security_group else {
        return;
    };
    let Some(group) = &found.group else {
        let what = format!("security group {}", planned.name);
        list.push(difference(Add, what));
        return;
    };
    let name = format!("security group {}", group.id);
    list.extend(tags(&name, &group.tags, request));
    let missing = found.sources_missing.iter();
    list.extend(missing.map(|source| difference(Add, format!("let in {source}"))));
}

fn endpoint(list: &mut Vec<Difference>, request: &ProvisionRequest, found: &Found) {
    let Some(existing) = &found.plan.endpoint.existing else {
        let what = format!("endpoint to {}", found.plan.endpoint.service_name);
        list.push(difference(Add, what));
        return;
    };
    if let Some(endpoint) = &found.endpoint {
        let name = format!("endpoint {existing}");
        list.extend(tags(&name, &endpoint.tags, request));
    }
    let change = found.plan.change.as_ref();
    let shape = change.and_then(|it| it.endpoint.as_ref());
    if let Some(group) = shape.and_then(|it| it.group.as_ref()) {
        let what = format!(
            "security group {} on endpoint {existing}, which goes back on",
            group.id
        );
        list.push(difference(Add, what));
    }
    if let Some(protect) = shape.and_then(|it| it.protected) {
        let action = if protect { Add } else { Remove };
        let what = format!("protection, as a tag of endpoint {existing}");
        list.push(difference(action, what));
    }
}

/// The tags that something gets which is there.
fn tags(name: &str, there: &Tags, request: &ProvisionRequest) -> Option<Difference> {
    let claim = request.subject().claim();
    let own = (!claim.is_in(there)).then(|| claim.key());
    let asked = customer_tags::missing(&request.tags, there, &claim);
    let keys: Vec<String> = own.into_iter().chain(asked.into_keys()).collect();
    let what = || format!("tags of {name}: {}", keys.join(", "));
    (!keys.is_empty()).then(|| difference(Change, what()))
}

fn registration(list: &mut Vec<Difference>, found: &Found) {
    let name = &found.cluster.cluster_name;
    let trusted = found.cluster.trusted_accounts.as_deref();
    let is_listed = |account: &str| {
        let mut listed = trusted.unwrap_or_default().iter();
        listed.any(|it| it == account || it == "*")
    };
    // Without a list everybody is trusted.
    let account = found.plan.trust_account.as_ref();
    let account = account.filter(|it| trusted.is_some() && !is_listed(it.as_str()));
    if let Some(account) = account {
        let what = format!("account {account} in the trusted owners of cluster {name}");
        list.push(difference(Add, what));
    }
    let existing = found.plan.endpoint.existing.as_ref();
    let is_half = existing.is_some_and(|it| found.cluster.half_registered.contains(it.as_str()));
    if found.is_registered() {
        return;
    }
    list.push(match is_half {
        true => difference(
            Change,
            format!("private endpoint connection at cluster {name}, which is not available yet"),
        ),
        false => difference(
            Add,
            format!("private endpoint connection at cluster {name}"),
        ),
    });
}

/// The subnets of an endpoint that is there.
fn subnets(list: &mut Vec<Difference>, found: &Found) {
    let Some(endpoint) = &found.endpoint else {
        return;
    };
    let (has, gets) = (&endpoint.subnet_ids, &found.plan.endpoint.subnet_ids);
    let told = |id: &SubnetId| {
        let mut zones = found.subnets.iter().filter(|(subnet, _)| subnet == id);
        match zones.next().and_then(|(_, zone)| zone.as_ref()) {
            Some(zone) => format!("subnet {id} in {zone}"),
            None => format!("subnet {id}"),
        }
    };
    let added = gets.iter().filter(|id| !has.contains(id));
    list.extend(added.map(|id| difference(Add, told(id))));
    let removed = has.iter().filter(|id| !gets.contains(id));
    list.extend(removed.map(|id| difference(Remove, told(id))));
}

fn private_dns(list: &mut Vec<Difference>, found: &Found) {
    let change = found.plan.change.as_ref();
    let shape = change.and_then(|it| it.endpoint.as_ref());
    if shape.is_some_and(|it| it.private_dns == Some(false)) {
        let host = found.cluster.private_host.as_deref();
        let host = host.unwrap_or("the private host");
        list.push(Difference {
            action: Change,
            what: format!(
                "private DNS goes off: an outage for whoever uses {host}, which does not lead to \
                 the endpoint any more"
            ),
            outage: true,
        });
        return;
    }
    let Some(host) = &found.plan.private_host else {
        return;
    };
    match &found.endpoint {
        Some(endpoint) if endpoint.private_dns => {}
        Some(_) => list.push(difference(
            Change,
            format!("private DNS goes on: {host} resolves inside the VPC"),
        )),
        None => list.push(difference(
            Add,
            format!("private DNS: {host} resolves inside the VPC"),
        )),
    }
}

/// What goes when the rest is done.
fn old_things(list: &mut Vec<Difference>, found: &Found) {
    let change = found.plan.change.as_ref();
    let sources = change.map_or(&[][..], |it| it.sources_removed.as_slice());
    list.extend(sources.iter().map(|source| {
        let what = format!("let in {source}, when the rest is done");
        difference(Remove, what)
    }));
    list.extend(found.plan.twins.iter().map(|twin| {
        let what = format!("endpoint {twin}, which an execution that was lost has made");
        difference(Remove, what)
    }));
}
