//! The rules that a scenario must keep for its world to make sense.

mod network;

use std::fmt::Display;

use super::stack::CONNECTION_ID;
use super::{Scenario, ScenarioError};
use crate::calls::is_account;
use crate::faults::Service;

/// Says which value breaks which rule.
pub(super) fn check(scenario: &Scenario) -> Result<(), ScenarioError> {
    let account = &scenario.account;
    rule(
        "account",
        account,
        is_account(account),
        "an account number has twelve digits",
    )?;
    for (n, zone) in scenario.zones.iter().enumerate() {
        let first = scenario
            .zones
            .iter()
            .position(|z| z.id == zone.id || z.name == zone.name);
        rule(
            &format!("zones[{n}].id"),
            &zone.id,
            first == Some(n),
            "a zone is listed once, by one id and one name",
        )?;
    }
    network::check(scenario)?;
    clusters(scenario)?;
    for (n, key) in scenario.keys.iter().enumerate() {
        // The value is a secret, so the error does not repeat it.
        rule(
            &format!("keys[{n}].secret"),
            "",
            !key.secret.is_empty(),
            "a key is not empty",
        )?;
    }
    for (n, secret) in scenario.secrets.iter().enumerate() {
        let first = scenario.secrets.iter().position(|s| s.name == secret.name);
        rule(
            &format!("secrets[{n}].name"),
            &secret.name,
            first == Some(n) && !secret.name.is_empty(),
            "a secret has a name of its own",
        )?;
    }
    stack(scenario)?;
    faults(scenario)
}

fn stack(scenario: &Scenario) -> Result<(), ScenarioError> {
    let stack = &scenario.stack;
    rule(
        "stack.leases_table",
        &stack.leases_table,
        stack.leases_table != stack.connections_table,
        "connections and leases are in two tables",
    )?;
    for (n, item) in stack.connections.iter().enumerate() {
        let key = item.get(CONNECTION_ID).map_or("", String::as_str);
        rule(
            &format!("stack.connections[{n}].{CONNECTION_ID}"),
            key,
            !key.is_empty(),
            "an item of the table of connections has its key",
        )?;
    }
    for group in stack.groups_seen.keys() {
        rule(
            "stack.groups_seen",
            group,
            crate::ec2::well_formed("sg", group),
            "a group that was seen is named by its id",
        )?;
    }
    for (n, role) in scenario.roles.iter().enumerate() {
        rule(
            &format!("roles[{n}].account"),
            &role.account,
            is_account(&role.account),
            "an account number has twelve digits",
        )?;
    }
    Ok(())
}

fn clusters(scenario: &Scenario) -> Result<(), ScenarioError> {
    for (n, cluster) in scenario.clusters.iter().enumerate() {
        let at = |field: &str| format!("clusters[{n}].{field}");
        rule(
            &at("id"),
            &cluster.id,
            is_uuid(&cluster.id),
            "the id of a cluster is a UUID in lower case",
        )?;
        let first = scenario.clusters.iter().position(|c| c.id == cluster.id);
        rule(
            &at("id"),
            &cluster.id,
            first == Some(n),
            "a cluster is listed once",
        )?;
        rule(
            &at("regions"),
            "[]",
            !cluster.regions.is_empty(),
            "a cluster has at least one region",
        )?;
        for (m, region) in cluster.regions.iter().enumerate() {
            let Some(name) = &region.service.name else {
                continue;
            };
            let right = cluster.cloud != super::CloudProvider::Aws
                || name.starts_with(&format!("com.amazonaws.vpce.{}.vpce-svc-", region.name));
            rule(
                &at(&format!("regions[{m}].service.name")),
                name,
                right,
                "an AWS service name is com.amazonaws.vpce.<region>.vpce-svc-…",
            )?;
        }
        for (m, owner) in cluster.trusted_owners.iter().flatten().enumerate() {
            rule(
                &at(&format!("trusted_owners[{m}]")),
                owner,
                owner == "*" || is_account(owner),
                "a trusted owner is an account number or `*`",
            )?;
        }
    }
    Ok(())
}

fn faults(scenario: &Scenario) -> Result<(), ScenarioError> {
    for (n, fault) in scenario.faults.iter().enumerate() {
        let known = fault.operation == "*" || Service::of(&fault.operation).is_some();
        rule(
            &format!("faults[{n}].operation"),
            &fault.operation,
            known,
            "an operation is `ec2:…`, `cloud:…` or the like, or `*`",
        )?;
        rule(
            &format!("faults[{n}].nth"),
            fault.nth,
            fault.nth > 0,
            "calls are counted from 1",
        )?;
        rule(
            &format!("faults[{n}].repeat"),
            fault.repeat,
            fault.repeat > 0,
            "a fault hits at least one call",
        )?;
    }
    Ok(())
}

fn rule(field: &str, value: impl Display, kept: bool, rule: &str) -> Result<(), ScenarioError> {
    if kept {
        return Ok(());
    }
    Err(ScenarioError::Rule {
        field: field.to_owned(),
        value: value.to_string(),
        rule: rule.to_owned(),
    })
}

fn is_uuid(text: &str) -> bool {
    crate::cloud::is_uuid(text) && !text.contains(|c: char| c.is_ascii_uppercase())
}
