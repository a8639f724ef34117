//! Who may do what, and how often.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use time::OffsetDateTime;

use super::errors;
use super::habits::{Habits, WINDOW};
use crate::calls::ApiError;
use crate::scenario::KeySpec;

/// The one API version that this service speaks.
pub const VERSION: &str = "2024-09-16";

/// A caller of the Cloud API, as its request describes it.
#[derive(Clone)]
pub struct ApiCaller {
    pub bearer: Option<String>,
    /// The header `Cc-Version`. Left out, the service uses its latest version.
    pub version: Option<String>,
}

impl ApiCaller {
    /// A well-behaved caller with this key.
    pub fn with_key(key: impl Into<String>) -> Self {
        ApiCaller {
            bearer: Some(key.into()),
            version: Some(VERSION.to_owned()),
        }
    }
}

impl fmt::Debug for ApiCaller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiCaller")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// A set of roles, any one of which suffices (Cloud API, description of each
/// operation).
#[derive(Debug, Clone, Copy)]
pub(super) enum Permission {
    ReadClusters,
    ManagePrivateEndpoints,
    ManageTrustedOwners,
}

impl Permission {
    fn roles(self) -> &'static [&'static str] {
        match self {
            Permission::ReadClusters => &[
                "ORG_ADMIN",
                "CLUSTER_ADMIN",
                "CLUSTER_OPERATOR_WRITER",
                "CLUSTER_DEVELOPER",
                "FOLDER_ADMIN",
                "FOLDER_MOVER",
                "METRICS_VIEWER",
                "CLUSTER_MONITOR",
            ],
            // ORG_ADMIN alone is in no list of a private-endpoint call.
            Permission::ManagePrivateEndpoints => &["CLUSTER_ADMIN", "CLUSTER_OPERATOR_WRITER"],
            Permission::ManageTrustedOwners => &["CLUSTER_ADMIN"],
        }
    }
}

/// The API keys that the service knows.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    known: BTreeMap<String, Key>,
}

#[derive(Debug, Clone)]
struct Key {
    roles: Vec<String>,
    clusters: Vec<String>,
    other_organization: bool,
    recent: VecDeque<OffsetDateTime>,
}

impl Keys {
    pub(super) fn new(specs: &[KeySpec]) -> Keys {
        let mut keys = Keys::default();
        for spec in specs {
            keys.add(spec);
        }
        keys
    }

    /// Makes a key known, or gives a known one other roles.
    pub fn add(&mut self, spec: &KeySpec) {
        let key = Key {
            roles: spec.roles.clone(),
            clusters: spec.clusters.clone(),
            other_organization: spec.other_organization,
            recent: VecDeque::new(),
        };
        self.known.insert(spec.secret.clone(), key);
    }

    /// Forgets a key, as happens when a key is rotated or leaked.
    pub fn revoke(&mut self, secret: &str) {
        self.known.remove(secret);
    }

    /// Lets a caller in: a known key, not too often, in a known version.
    pub(super) fn enter(
        &mut self,
        caller: &ApiCaller,
        habits: &Habits,
        now: OffsetDateTime,
    ) -> Result<(), ApiError> {
        let key = caller
            .bearer
            .as_ref()
            .and_then(|bearer| self.known.get_mut(bearer));
        let key = key.ok_or_else(errors::unauthenticated)?;
        key.pace(habits, now)?;
        match caller.version.as_deref() {
            None | Some(VERSION) => Ok(()),
            Some(other) => Err(errors::invalid(format!(
                "Cc-Version {other:?} is invalid; the current one is {VERSION}"
            ))),
        }
    }

    /// Whether the caller's organization has these clusters. Another one is answered as
    /// if there were none: *not found* in the API's document is for what does not
    /// exist, and no word of it tells the two apart. That a caller without access is
    /// answered 404 is the harsh reading; GitLab's API does so
    /// (terraform-provider-gitlab issue 130).
    pub(super) fn see_clusters(&self, caller: &ApiCaller) -> bool {
        let bearer = caller.bearer.as_ref();
        let key = bearer.and_then(|bearer| self.known.get(bearer));
        key.is_some_and(|key| !key.other_organization)
    }

    /// Whether one of the caller's roles covers this permission for this cluster.
    pub(super) fn allow(
        &self,
        caller: &ApiCaller,
        permission: Permission,
        cluster: &str,
    ) -> Result<(), ApiError> {
        let key = caller
            .bearer
            .as_ref()
            .and_then(|bearer| self.known.get(bearer));
        let key = key.ok_or_else(errors::unauthenticated)?;
        let wanted = permission.roles();
        let has_role = key.roles.iter().any(|role| wanted.contains(&role.as_str()));
        let in_scope = key.clusters.is_empty() || key.clusters.iter().any(|scope| scope == cluster);
        if has_role && in_scope {
            return Ok(());
        }
        Err(errors::forbidden(&format!(
            "one of the roles {} is needed",
            wanted.join(", ")
        )))
    }
}

impl Key {
    /// A sliding window: at most so many requests in any second. Refused
    /// requests do not count, so that a patient caller always gets through.
    fn pace(&mut self, habits: &Habits, now: OffsetDateTime) -> Result<(), ApiError> {
        let limit = habits.requests_per_second as usize;
        if limit == 0 {
            return Ok(());
        }
        while self.recent.front().is_some_and(|&at| at + WINDOW <= now) {
            self.recent.pop_front();
        }
        if let Some(&oldest) = self.recent.front()
            && self.recent.len() >= limit
        {
            let wait = (oldest + WINDOW - now).unsigned_abs();
            return Err(errors::rate_limited(habits.rate_limit_status, wait));
        }
        self.recent.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn keys(roles: &[&str], clusters: &[&str]) -> Keys {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Keys::new(&[KeySpec {
            secret: "key".to_owned(),
            roles: owned(roles),
            clusters: owned(clusters),
            other_organization: false,
        }])
    }

    fn allowed(roles: &[&str], permission: Permission) -> bool {
        keys(roles, &[])
            .allow(&ApiCaller::with_key("key"), permission, "c")
            .is_ok()
    }

    #[test]
    fn an_operator_manages_endpoints_but_not_trusted_owners() {
        let operator = &["CLUSTER_OPERATOR_WRITER"];
        assert!(allowed(operator, Permission::ReadClusters));
        assert!(allowed(operator, Permission::ManagePrivateEndpoints));
        assert!(!allowed(operator, Permission::ManageTrustedOwners));
        assert!(allowed(&["CLUSTER_ADMIN"], Permission::ManageTrustedOwners));
    }

    #[test]
    fn an_organization_admin_alone_may_not_manage_endpoints() {
        assert!(allowed(&["ORG_ADMIN"], Permission::ReadClusters));
        assert!(!allowed(&["ORG_ADMIN"], Permission::ManagePrivateEndpoints));
    }

    #[test]
    fn a_role_for_another_cluster_is_no_role_for_this_one() {
        let keys = keys(&["CLUSTER_ADMIN"], &["other"]);
        let caller = ApiCaller::with_key("key");
        let refused = keys.allow(&caller, Permission::ReadClusters, "this");
        assert_eq!(refused.map_err(|error| error.status), Err(403));
        assert!(
            keys.allow(&caller, Permission::ReadClusters, "other")
                .is_ok()
        );
    }

    #[test]
    fn the_eleventh_request_of_a_second_has_to_wait_for_the_first_to_be_a_second_old() {
        let mut keys = keys(&[], &[]);
        let caller = ApiCaller::with_key("key");
        let habits = Habits::default();
        let start = OffsetDateTime::UNIX_EPOCH;
        for step in 0..10 {
            let now = start + Duration::from_millis(step * 10);
            assert!(keys.enter(&caller, &habits, now).is_ok());
        }
        let error = keys.enter(&caller, &habits, start + Duration::from_millis(200));
        let error = error.expect_err("the limit is reached");
        assert_eq!(
            (error.status, error.message.as_str()),
            (429, "rate limit exceeded")
        );
        assert_eq!(error.retry_after, Some(Duration::from_millis(800)));
        assert!(
            keys.enter(&caller, &habits, start + Duration::from_secs(1))
                .is_ok()
        );
    }

    #[test]
    fn a_limit_of_zero_is_no_limit() {
        let mut keys = keys(&[], &[]);
        let habits = Habits {
            requests_per_second: 0,
            ..Habits::default()
        };
        let caller = ApiCaller::with_key("key");
        assert!((0..100).all(|_| {
            keys.enter(&caller, &habits, OffsetDateTime::UNIX_EPOCH)
                .is_ok()
        }));
    }

    #[test]
    fn an_unknown_key_and_an_unknown_version_are_refused() {
        let mut keys = keys(&[], &[]);
        let now = OffsetDateTime::UNIX_EPOCH;
        let habits = Habits::default();
        let mut enter = |bearer: Option<&str>, version: Option<&str>| {
            let caller = ApiCaller {
                bearer: bearer.map(str::to_owned),
                version: version.map(str::to_owned),
            };
            let entered = keys.enter(&caller, &habits, now);
            entered.map_err(|error| error.status)
        };
        assert_eq!(enter(Some("other"), Some(VERSION)), Err(401));
        assert_eq!(enter(None, None), Err(401));
        assert_eq!(enter(Some("key"), Some("2021-01-01")), Err(400));
        assert_eq!(enter(Some("key"), None), Ok(()));
    }
}
