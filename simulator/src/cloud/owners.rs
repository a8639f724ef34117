//! Trusted owners: the AWS accounts that may connect to a cluster.
//!
//! An empty list lets everybody in. What the real service does there is not
//! documented; the feature is described as optional.

use time::OffsetDateTime;

use super::access::Permission;
use super::cluster::ClusterRecord;
use super::{ApiCaller, Cloud, Plan, check_uuid, errors};
use crate::calls::{ApiError, is_account};
use crate::splitmix::{fold, mix};
use crate::world::World;

/// An entry of the list (Cloud API, `PrivateEndpointTrustedOwner`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedOwner {
    /// The UUID of the entry, which is not the account.
    pub id: String,
    pub cluster_id: String,
    /// The AWS account, or `*` for all.
    pub external_owner_id: String,
    /// When the entry was made.
    pub created_at: OffsetDateTime,
}

impl TrustedOwner {
    fn new(cluster_id: &str, account: &str, number: u64, now: OffsetDateTime) -> Self {
        TrustedOwner {
            id: uuid(fold(cluster_id) ^ mix(number)),
            cluster_id: cluster_id.to_owned(),
            external_owner_id: account.to_owned(),
            created_at: now,
        }
    }
}

pub(super) fn from_spec(
    cluster_id: &str,
    accounts: &[String],
    now: OffsetDateTime,
) -> Vec<TrustedOwner> {
    // Numbers from the upper end, so that later entries cannot meet them.
    let numbers = (0..u64::MAX).rev();
    accounts
        .iter()
        .zip(numbers)
        .map(|(account, number)| TrustedOwner::new(cluster_id, account, number, now))
        .collect()
}

/// Whether endpoints of this account may be registered.
pub(super) fn trusts(record: &ClusterRecord, account: &str) -> bool {
    record.trusted_owners.as_ref().is_none_or(|owners| {
        owners
            .iter()
            .any(|owner| owner.external_owner_id == "*" || owner.external_owner_id == account)
    })
}

impl World {
    /// GET `/api/v1/clusters/{cluster_id}/networking/private-endpoint-trusted-owners`.
    pub fn cloud_list_trusted_owners(
        &mut self,
        caller: &ApiCaller,
        cluster_id: &str,
    ) -> Result<Vec<TrustedOwner>, ApiError> {
        let now = self.now;
        let record =
            self.cloud
                .admit_owners(caller, Permission::ManagePrivateEndpoints, cluster_id, now)?;
        Ok(record.trusted_owners.clone().unwrap_or_default())
    }

    /// POST `…/private-endpoint-trusted-owners`. The same account twice is one
    /// entry, or a conflict.
    pub fn cloud_add_trusted_owner(
        &mut self,
        caller: &ApiCaller,
        cluster_id: &str,
        account: &str,
    ) -> Result<TrustedOwner, ApiError> {
        let now = self.now;
        let number = self.cloud.owners_made + 1;
        let conflicts = self.cloud.habits.second_owner_conflicts;
        let record =
            self.cloud
                .admit_owners(caller, Permission::ManageTrustedOwners, cluster_id, now)?;
        if account != "*" && !is_account(account) {
            return Err(errors::invalid(format!(
                "external_owner_id: {account:?} is not an AWS account ID"
            )));
        }
        let owners = record.trusted_owners.get_or_insert_default();
        if let Some(owner) = owners
            .iter()
            .find(|owner| owner.external_owner_id == account)
        {
            return match conflicts {
                true => Err(errors::error(
                    409,
                    format!("trusted owner '{account}' already exists"),
                )),
                false => Ok(owner.clone()),
            };
        }
        let owner = TrustedOwner::new(cluster_id, account, number, now);
        owners.push(owner.clone());
        self.cloud.owners_made = number;
        Ok(owner)
    }

    /// DELETE `…/private-endpoint-trusted-owners/{owner_id}`. The answer is
    /// the removed entry.
    pub fn cloud_delete_trusted_owner(
        &mut self,
        caller: &ApiCaller,
        cluster_id: &str,
        owner_id: &str,
    ) -> Result<TrustedOwner, ApiError> {
        let now = self.now;
        let record =
            self.cloud
                .admit_owners(caller, Permission::ManageTrustedOwners, cluster_id, now)?;
        check_uuid("owner_id", owner_id)?;
        let Some(owners) = &mut record.trusted_owners else {
            return Err(owner_not_found(owner_id));
        };
        let found = owners.iter().position(|owner| owner.id == owner_id);
        let removed = owners.remove(found.ok_or_else(|| owner_not_found(owner_id))?);
        if owners.is_empty() {
            record.trusted_owners = None;
        }
        Ok(removed)
    }
}

impl Cloud {
    /// Trusted owners are in limited access, and are documented for Advanced
    /// clusters only.
    fn admit_owners(
        &mut self,
        caller: &ApiCaller,
        permission: Permission,
        cluster_id: &str,
        now: OffsetDateTime,
    ) -> Result<&mut ClusterRecord, ApiError> {
        let enrolled = self.habits.trusted_owners_enrolled;
        let not_enrolled = self.habits.not_enrolled_status;
        let record = match permission {
            Permission::ManageTrustedOwners => {
                self.admit_change(caller, permission, cluster_id, now)?
            }
            Permission::ReadClusters | Permission::ManagePrivateEndpoints => {
                self.admit_networking(caller, permission, cluster_id, now)?
            }
        };
        if !enrolled {
            let message = "private endpoint trusted owners are not enabled for this organization";
            return Err(errors::error(not_enrolled, message));
        }
        match record.cluster.plan {
            Plan::Advanced | Plan::Unknown(_) => Ok(record),
            Plan::Basic | Plan::Standard => Err(errors::invalid(
                "trusted owners are not supported for this plan",
            )),
        }
    }
}

fn owner_not_found(id: &str) -> ApiError {
    errors::error(
        404,
        format!("internal call failed: trusted owner '{id}' not found"),
    )
}

/// A UUID that is the same for the same seed, with the marks of version 4.
fn uuid(seed: u64) -> String {
    let (high, low) = (mix(seed), mix(mix(seed)));
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        (low >> 48) & 0xfff,
        low & 0xffff_ffff_ffff,
    )
}
