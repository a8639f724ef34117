//! The organization, and the list of its clusters.

use time::{Duration, OffsetDateTime};

use super::access::Permission;
use super::{ApiCaller, Cluster, ClusterState, errors};
use crate::calls::ApiError;
use crate::world::World;

/// The organization that all clusters belong to (Cloud API, `Organization`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// The UUID.
    pub id: String,
    /// The short name in addresses.
    pub label: String,
    /// The name.
    pub name: String,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

impl Organization {
    pub(super) fn new(now: OffsetDateTime) -> Self {
        Organization {
            id: "2b1c8f3e-52a4-4f5e-9a6d-0d3c5f7e1b90".to_owned(),
            label: "simulated-x1y".to_owned(),
            name: "Simulated".to_owned(),
            created_at: now - Duration::days(365),
        }
    }
}

/// The query of a list of clusters.
#[derive(Debug, Clone, Default)]
pub struct ClusterQuery {
    /// Also those that are deleted or could not be made.
    pub show_inactive: bool,
    /// Where to go on, from an earlier page.
    pub page: Option<String>,
    /// The most that a page may hold. The default of the real service is not
    /// documented; here it is 500.
    pub limit: Option<u32>,
    /// Whether the order is reversed.
    pub descending: bool,
    /// What the order follows.
    pub sort_by: SortBy,
}

/// What the order of clusters follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortBy {
    /// The name.
    #[default]
    Name,
    /// The time of creation.
    CreatedAt,
    /// The time of deletion; active clusters by the time of creation.
    DeletedAt,
}

/// One page of a list of clusters.
#[derive(Debug, Clone)]
pub struct ClusterPage {
    /// The clusters.
    pub clusters: Vec<Cluster>,
    /// Where the next page begins, if there is one.
    pub next_page: Option<String>,
    /// Where the page before began, if there is one.
    pub previous_page: Option<String>,
}

const DEFAULT_LIMIT: u32 = 500;

impl World {
    /// GET `/api/v1/organization`.
    pub fn cloud_get_organization(&mut self, caller: &ApiCaller) -> Result<Organization, ApiError> {
        let cloud = &mut self.cloud;
        cloud.keys.enter(caller, &cloud.habits, self.now)?;
        cloud
            .keys
            .allow(caller, Permission::ReadOrganization, None)?;
        Ok(cloud.organization.clone())
    }

    /// GET `/api/v1/clusters`. Clusters that the caller may not read are left
    /// out.
    pub fn cloud_list_clusters(
        &mut self,
        caller: &ApiCaller,
        query: &ClusterQuery,
    ) -> Result<ClusterPage, ApiError> {
        let cloud = &mut self.cloud;
        cloud.keys.enter(caller, &cloud.habits, self.now)?;
        cloud.keys.allow(caller, Permission::ReadClusters, None)?;
        let readable = |cluster: &&Cluster| {
            cloud
                .keys
                .allow(caller, Permission::ReadClusters, Some(&cluster.id))
                .is_ok()
        };
        let active = |cluster: &&Cluster| {
            !matches!(
                cluster.state,
                ClusterState::Deleted | ClusterState::CreationFailed
            )
        };
        let mut clusters: Vec<&Cluster> = cloud
            .clusters()
            .map(|record| &record.cluster)
            .filter(readable)
            .filter(|cluster| query.show_inactive || active(cluster))
            .collect();
        clusters.sort_by(|one, other| match query.sort_by {
            SortBy::Name => one.name.cmp(&other.name),
            SortBy::CreatedAt => one.created_at.cmp(&other.created_at),
            SortBy::DeletedAt => {
                (one.deleted_at, one.created_at).cmp(&(other.deleted_at, other.created_at))
            }
        });
        if query.descending {
            clusters.reverse();
        }
        page(&clusters, query)
    }
}

fn page(clusters: &[&Cluster], query: &ClusterQuery) -> Result<ClusterPage, ApiError> {
    let start = match &query.page {
        None => 0,
        Some(token) => {
            position(token).ok_or_else(|| errors::invalid("pagination.page is not a page"))?
        }
    };
    let limit = query
        .limit
        .filter(|&limit| limit > 0)
        .unwrap_or(DEFAULT_LIMIT) as usize;
    let end = clusters.len().min(start.saturating_add(limit));
    let shown = clusters.get(start..end).unwrap_or_default();
    Ok(ClusterPage {
        clusters: shown.iter().map(|&cluster| cluster.clone()).collect(),
        next_page: (end < clusters.len()).then(|| token(end)),
        previous_page: (start > 0).then(|| token(start.saturating_sub(limit))),
    })
}

/// Page tokens are opaque; a prefix keeps callers from making their own.
fn token(position: usize) -> String {
    format!("eyJ{position:06}")
}

fn position(token: &str) -> Option<usize> {
    token.strip_prefix("eyJ")?.parse().ok()
}
