//! Everything of ours in one account and Region, whichever VPC it is in.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::{Endpoint, SecurityGroup};
use crate::StepError;
use crate::ids::{Region, VpcId};
use crate::ownership::{Claim, Tags};

/// Reads of what carries [`crate::ownership::MANAGED_BY`] with our name in it.
pub trait Inventory {
    /// The interface endpoints, those that are leaving or have left excepted.
    async fn managed_endpoints(&self) -> Result<Vec<Managed<Endpoint>>, StepError>;
    /// The security groups.
    async fn managed_groups(&self) -> Result<Vec<Managed<SecurityGroup>>, StepError>;
}

/// A thing of ours and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Managed<T> {
    pub vpc_id: VpcId,
    /// When it was made, as far as EC2 tells: of a security group it does not.
    pub created_at: Option<OffsetDateTime>,
    /// The thing.
    pub it: T,
}

/// What carries the claim of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The claim, as the tags have it.
    pub claim: Claim,
    /// The VPC that it lies in.
    pub vpc_id: VpcId,
    pub endpoints: Vec<Managed<Endpoint>>,
    pub groups: Vec<Managed<SecurityGroup>>,
}

impl Claimed {
    /// Whether the claim is that of this VPC. It is not where somebody has copied
    /// tags from one thing to another; then no run for any connection touches it.
    pub fn is_at_home(&self, region: &Region) -> bool {
        Claim::of(region, &self.vpc_id, &self.claim.cluster_id) == self.claim
    }
}

/// What belongs together: by VPC and connection, so that copied tags do not throw
/// together what lies in different VPCs. A shared endpoint belongs to several.
pub fn by_connection(
    endpoints: &[Managed<Endpoint>],
    groups: &[Managed<SecurityGroup>],
) -> Vec<Claimed> {
    let mut found: BTreeMap<(String, VpcId, String), Claimed> = BTreeMap::new();
    for endpoint in endpoints {
        for of in entries(&mut found, &endpoint.vpc_id, &endpoint.it.tags) {
            if let Some(claimed) = found.get_mut(&of) {
                claimed.endpoints.push(endpoint.clone());
            }
        }
    }
    for group in groups {
        for of in entries(&mut found, &group.vpc_id, &group.it.tags) {
            if let Some(claimed) = found.get_mut(&of) {
                claimed.groups.push(group.clone());
            }
        }
    }
    found.into_values().collect()
}

/// The keys of the connections that these tags claim a thing for.
fn entries(
    found: &mut BTreeMap<(String, VpcId, String), Claimed>,
    vpc: &VpcId,
    tags: &Tags,
) -> Vec<(String, VpcId, String)> {
    let claims = Claim::all_in(tags).into_iter().map(|claim| {
        let id = claim.connection_id.clone();
        let key = (id, vpc.clone(), claim.cluster_id.to_string());
        found.entry(key.clone()).or_insert_with(|| Claimed {
            claim,
            vpc_id: vpc.clone(),
            endpoints: Vec::new(),
            groups: Vec::new(),
        });
        key
    });
    claims.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ownership::Origin;

    const VPC: &str = "vpc-0a71e831cb5152c43";
    const OTHER_VPC: &str = "vpc-0a71e831cb5152c44";

    fn claim(cluster: &str) -> Claim {
        let region = "eu-west-1".parse().unwrap();
        Claim::of(&region, &VPC.parse().unwrap(), &cluster.parse().unwrap())
    }

    fn group(vpc: &str, tags: Tags) -> Managed<SecurityGroup> {
        Managed {
            vpc_id: vpc.parse().unwrap(),
            created_at: None,
            it: SecurityGroup {
                id: "sg-0a71e831".parse().unwrap(),
                name: "it".into(),
                tags,
            },
        }
    }

    #[test]
    fn a_shared_thing_belongs_to_each_and_a_copied_tag_is_not_at_home() {
        let [a, b] = [1, 2].map(|n| claim(&format!("1a2b3c4d-0000-4000-8000-00000000000{n}")));
        let mut shared = a.tags(Origin::Made);
        shared.extend(b.tags(Origin::Made));
        let found = by_connection(
            &[],
            &[group(VPC, shared), group(OTHER_VPC, a.tags(Origin::Made))],
        );
        let region: Region = "eu-west-1".parse().unwrap();
        assert_eq!(found.len(), 3);
        let at_home: Vec<_> = found.iter().filter(|it| it.is_at_home(&region)).collect();
        assert_eq!(at_home.len(), 2);
        assert!(at_home.iter().all(|it| it.vpc_id.as_str() == VPC));
        let copied = found.iter().find(|it| it.vpc_id.as_str() == OTHER_VPC);
        assert_eq!(copied.map(|it| &it.claim), Some(&a));
    }
}
