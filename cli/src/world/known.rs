//! What there is in a simulated world.

use simulator::Scenario;

/// What can be named of it: accounts, Regions, VPCs, subnets and clusters.
pub(super) fn ids(scenario: &Scenario) -> Vec<&str> {
    let mut ids = vec![scenario.account.as_str(), scenario.region.as_str()];
    for vpc in &scenario.vpcs {
        ids.push(&vpc.id);
        ids.extend(vpc.account.as_deref());
        ids.extend(vpc.region.as_deref());
        ids.extend(vpc.subnets.iter().map(|subnet| subnet.id.as_str()));
    }
    for cluster in &scenario.clusters {
        ids.push(&cluster.id);
        ids.extend(cluster.regions.iter().map(|region| region.name.as_str()));
    }
    ids.extend(scenario.roles.iter().map(|role| role.account.as_str()));
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_built_in_world_asks_for_is_in_it() {
        for name in Scenario::names() {
            let scenario = Scenario::shipped(name).unwrap();
            let known = ids(&scenario);
            for field in ["cluster_id", "region", "vpc_id"] {
                let Some(asked) = scenario.request.get(field) else {
                    continue;
                };
                assert!(known.contains(&asked.as_str().unwrap()), "{name}: {field}");
            }
        }
    }
}
