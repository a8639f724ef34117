//! The situations that a good run can meet, for tests that try something in each.

use std::collections::BTreeSet;

use serde_json::json;
use simulator::Scenario;

use crate::aftermath::{Snapshot, check};
use crate::run::{Ending, Stage, changes, ending};
use crate::situations::{add_neighbour, connected, registered_by_hand, sources_by_name};

/// A scenario with a request, as a good run meets it.
pub struct Variant {
    /// What is special about it.
    pub name: &'static str,
    /// Its world, made anew at each call.
    pub stage: fn() -> Stage,
}

fn brisk(name: &str) -> Stage {
    Stage::shipped(name).brisk()
}

fn without_dns(name: &str) -> Stage {
    brisk(name).asking("private_dns", json!(false))
}

/// An Advanced cluster that trusts another account, and may be told to trust ours.
pub(crate) fn trusted_owner() -> Stage {
    let mut scenario = Scenario::shipped("fresh-vpc").expect("a shipped scenario");
    scenario.clusters[0].trusted_owners = Some(vec!["999988887777".to_owned()]);
    scenario.keys[0].roles.push("CLUSTER_ADMIN".to_owned());
    let stage = Stage::of(&scenario).brisk();
    stage.asking("add_trusted_owner", json!(true))
}

/// A cluster that a prefix list and a group of another account are let in to as well.
fn by_name() -> Stage {
    let mut scenario = Scenario::shipped("standard-cluster").expect("a shipped scenario");
    add_neighbour(&mut scenario);
    let stage = Stage::of(&scenario).brisk();
    let stage = stage.asking("private_dns", json!(false));
    stage.asking("sources", sources_by_name())
}

thread_local! {
    static CONNECTED: Stage = connected(Stage::shipped("standard-cluster"));
    static ADOPTED: Stage = connected(registered_by_hand());
}

/// A connection that works already.
fn again() -> Stage {
    CONNECTED.with(Stage::forked)
}

/// The same over an endpoint that somebody had made and registered by hand.
fn adopted() -> Stage {
    ADOPTED.with(Stage::forked)
}

const fn variant(name: &'static str, stage: fn() -> Stage) -> Variant {
    Variant { name, stage }
}

/// All of them. Their long waits are [brisk](Stage::brisk), because something is tried at
/// every call.
pub const VARIANTS: [Variant; 12] = [
    variant("Advanced", || brisk("fresh-vpc")),
    variant("Advanced, no private DNS", || without_dns("fresh-vpc")),
    variant("Advanced, trusted owners", trusted_owner),
    variant("Standard", || brisk("standard-cluster")),
    variant("Standard, no private DNS, sources by name", by_name),
    variant("adopt", || brisk("half-made-by-hand")),
    variant("adopt, no private DNS", || without_dns("half-made-by-hand")),
    variant("adopt, registered by hand", registered_by_hand),
    variant("shared endpoint", || brisk("shared-endpoint")),
    variant("shared endpoint, no private DNS", || {
        without_dns("shared-endpoint")
    }),
    variant("works already", again),
    variant("works already, adopted", adopted),
];

/// One of them, by its name.
///
/// # Panics
/// When there is none of that name.
pub fn variant_of(name: &str) -> &'static Variant {
    let variant = VARIANTS.iter().find(|variant| variant.name == name);
    variant.unwrap_or_else(|| panic!("no variant {name}"))
}

/// The calls of a good run, each with its number among those of its operation.
///
/// # Panics
/// When the run is not good.
pub fn calls_of(variant: &Variant) -> Vec<(String, u32)> {
    let stage = (variant.stage)();
    let earlier = stage.simulator.calls().len();
    let before = Snapshot::settled(&stage);
    let execution = stage.provision("good");
    let ending = ending(&execution);
    assert!(
        matches!(ending, Ending::Ready(_)),
        "{}: {:?}",
        variant.name,
        execution.outcome
    );
    check(&stage, &before, &ending).unwrap_or_else(|broken| panic!("{}: {broken}", variant.name));
    let calls = stage.simulator.calls();
    calls[earlier..]
        .iter()
        .map(|call| (call.operation.clone(), call.nth))
        .collect()
}

/// What those of them do that change something.
pub fn changes_of(variant: &Variant) -> BTreeSet<String> {
    let operations = calls_of(variant)
        .into_iter()
        .map(|(operation, _)| operation);
    operations.filter(|operation| changes(operation)).collect()
}
