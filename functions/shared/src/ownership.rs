//! Tags, names and tokens: how we know our own again.
//!
//! Tags are the truth about who made what, because they live and die with the
//! resource. Three kinds of tag:
//!
//! - [`MANAGED_BY`]: ours; nothing without it is ever changed or deleted;
//! - [`ORIGIN`]: *made* by us, or *adopted* (made by hand and then used). What
//!   was adopted is never deleted, only let go;
//! - one [`Claim`] for each connection that uses the resource. Two clusters behind
//!   one endpoint service share one endpoint of a VPC, so a resource goes only
//!   with its last claim.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::ids::{AccountId, ClusterId, Region, ServiceName, VpcId};

/// The tags of a resource.
pub type Tags = BTreeMap<String, String>;

/// Key of the tag that says that a resource is ours.
pub const MANAGED_BY: &str = "cockroachdb-privatelink:managed-by";
/// Value of [`MANAGED_BY`].
pub const OWNER: &str = "crdb-privatelink";
/// Key of the tag that says how a resource came to be ours.
pub const ORIGIN: &str = "cockroachdb-privatelink:origin";
/// How the description of every rule of ours begins.
const RULE_PREFIX: &str = "crdb-privatelink ";
const CLAIM_PREFIX: &str = "cockroachdb-privatelink:cluster:";
const FOUND_PREFIX: &str = "cockroachdb-privatelink:registration-found:";
const WITHOUT_DNS_PREFIX: &str = "cockroachdb-privatelink:without-private-dns:";
const TRUSTED_PREFIX: &str = "cockroachdb-privatelink:account-trusted:";
const PROTECTED_PREFIX: &str = "cockroachdb-privatelink:protected:";

/// How a resource came to be ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// We made it and may delete it.
    Made,
    /// Somebody else made it; we use it and may only let it go.
    Adopted,
}

impl Origin {
    fn as_str(self) -> &'static str {
        match self {
            Origin::Made => "made",
            Origin::Adopted => "adopted",
        }
    }

    /// The origin that the tags tell; `None` for what is not ours. Ours without a
    /// readable origin counts as adopted, because that is the harmless reading.
    pub fn of(tags: &Tags) -> Option<Origin> {
        if tags.get(MANAGED_BY).map(String::as_str) != Some(OWNER) {
            return None;
        }
        match tags.get(ORIGIN).map(String::as_str) {
            Some("made") => Some(Origin::Made),
            _ => Some(Origin::Adopted),
        }
    }
}

/// How a connection lets go of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Release {
    /// We made it, and nobody else claims it.
    Delete,
    /// It stays; these tags go. And why.
    Untag(Vec<String>, String),
}

/// One connection's use of a resource: the tag key names the cluster, the value
/// is the connection's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The cluster whose connection uses the resource.
    pub cluster_id: ClusterId,
    pub connection_id: String,
}

impl Claim {
    /// The claim of the connection of this VPC to this cluster.
    pub fn of(region: &Region, vpc: &VpcId, cluster: &ClusterId) -> Self {
        Self {
            cluster_id: cluster.clone(),
            connection_id: connection_id(region, vpc, cluster),
        }
    }

    /// The key of the tag that records this claim.
    pub fn key(&self) -> String {
        format!("{CLAIM_PREFIX}{}", self.cluster_id)
    }

    /// The key of the tag that says that the endpoint was registered with the
    /// cluster before this connection came, so that it stays registered after it.
    pub fn found_registration_key(&self) -> String {
        format!("{FOUND_PREFIX}{}", self.cluster_id)
    }

    /// The key of the tag of an endpoint that names the account which this connection
    /// added to the cluster's trusted owners, so that it is taken off them with it.
    pub fn trusted_account_key(&self) -> String {
        format!("{TRUSTED_PREFIX}{}", self.cluster_id)
    }

    /// The key of the tag of an endpoint that says that this connection was asked for
    /// without private DNS. An endpoint that has none and does not say so was left by
    /// a run that did not come so far, and did not work yet.
    pub fn without_private_dns_key(&self) -> String {
        format!("{WITHOUT_DNS_PREFIX}{}", self.cluster_id)
    }

    /// The key of the tag of an endpoint that says that this connection was asked for
    /// with `protect: true`. It is read by whoever removes it, with the ledger of that
    /// request or without.
    pub fn protected_key(&self) -> String {
        format!("{PROTECTED_PREFIX}{}", self.cluster_id)
    }

    /// Whether the tags of its endpoint say that this connection is protected.
    pub fn is_protected(&self, tags: &Tags) -> bool {
        self.is_in(tags) && tags.contains_key(&self.protected_key())
    }

    /// The account that this connection added to the cluster's trusted owners,
    /// as the tags of its endpoint tell.
    pub fn trusted_account(&self, tags: &Tags) -> Option<AccountId> {
        let account = tags.get(&self.trusted_account_key());
        account
            .filter(|_| self.owns_registration(tags))
            .and_then(|account| account.parse().ok())
    }

    /// Whether the registration of an endpoint with these tags is this connection's own.
    pub fn owns_registration(&self, tags: &Tags) -> bool {
        self.is_in(tags) && !tags.contains_key(&self.found_registration_key())
    }

    /// Whether the tags hold this claim.
    pub fn is_in(&self, tags: &Tags) -> bool {
        tags.get(&self.key()) == Some(&self.connection_id)
    }

    /// How to let go of a resource with these tags, which hold this claim. Tags can be set
    /// by others on anything; what is not of a kind that we make was not made by us.
    pub fn release(&self, tags: &Tags, is_of_our_kind: bool) -> Release {
        let others = self.others_in(tags);
        if !others.is_empty() {
            let why = format!("cluster {} still uses it", others.join(" and cluster "));
            return Release::Untag(self.own_keys(), why);
        }
        match Origin::of(tags) {
            Some(Origin::Made) if is_of_our_kind => Release::Delete,
            Some(_) | None => {
                Release::Untag(self.keys(), "it was not made by this tool".to_owned())
            }
        }
    }

    /// All claims that the tags hold. A key that names no cluster, or one in another
    /// spelling than ours, is none of ours.
    pub fn all_in(tags: &Tags) -> Vec<Claim> {
        let claims = tags.iter().filter_map(|(key, connection_id)| {
            let claim = Claim {
                cluster_id: key.strip_prefix(CLAIM_PREFIX)?.parse().ok()?,
                connection_id: connection_id.clone(),
            };
            (claim.key() == *key).then_some(claim)
        });
        claims.collect()
    }

    /// The clusters of all other claims.
    pub fn others_in(&self, tags: &Tags) -> Vec<String> {
        let own = self.key();
        tags.keys()
            .filter(|key| **key != own)
            .filter_map(|key| key.strip_prefix(CLAIM_PREFIX))
            .map(str::to_owned)
            .collect()
    }

    /// The tags of a resource that we make or adopt for this claim.
    pub fn tags(&self, origin: Origin) -> Tags {
        Tags::from([
            (MANAGED_BY.to_owned(), OWNER.to_owned()),
            (ORIGIN.to_owned(), origin.as_str().to_owned()),
            (self.key(), self.connection_id.clone()),
        ])
    }

    /// The tags of an endpoint that we make for this claim: with a name, which is
    /// what the console lists.
    pub fn endpoint_tags(&self) -> Tags {
        let mut tags = self.tags(Origin::Made);
        tags.insert(
            "Name".to_owned(),
            format!("crdb-privatelink {}", self.connection_id),
        );
        tags
    }

    /// The description of rules that are made for this claim. Several claims may
    /// share a group, and an undo must know which rules are its own.
    pub fn rule_description(&self) -> String {
        format!("{RULE_PREFIX}{}", self.connection_id)
    }

    /// The same for rules that are added to a group that other claims share. Only
    /// these are taken off while others remain: a rule that was there when the
    /// next connection came was not made a second time, so others rely on it.
    pub fn added_rule_description(&self) -> String {
        format!("{RULE_PREFIX}{} added", self.connection_id)
    }

    /// Whether a rule with this description was made for this claim.
    pub fn is_own_rule(&self, description: &str) -> bool {
        description == self.rule_description() || description == self.added_rule_description()
    }

    /// Whether a rule with this description was made for another claim than this.
    pub fn is_rule_of_another(&self, description: &str) -> bool {
        description.starts_with(RULE_PREFIX) && !self.is_own_rule(description)
    }

    /// The tags by which this claim marks an endpoint: one that it makes, and one
    /// that is there already. What goes with the connection, and what must stay when
    /// it goes, is written down where it lives and dies with the endpoint.
    pub fn registration_tags(&self, owns_it: bool, trusted: Option<&AccountId>) -> Tags {
        let found = (!owns_it).then(|| (self.found_registration_key(), "yes".to_owned()));
        let trusted = trusted.map(|account| (self.trusted_account_key(), account.to_string()));
        found.into_iter().chain(trusted).collect()
    }

    /// The tag by which a connection that is asked for without private DNS marks an
    /// endpoint.
    pub fn private_dns_tags(&self, private_dns: bool) -> Tags {
        let without = (!private_dns).then(|| (self.without_private_dns_key(), "yes".to_owned()));
        without.into_iter().collect()
    }

    /// The tag by which a connection that is asked for with `protect: true` marks an
    /// endpoint.
    pub fn protection_tags(&self, protected: bool) -> Tags {
        let mark = protected.then(|| (self.protected_key(), "yes".to_owned()));
        mark.into_iter().collect()
    }

    /// The keys of the tags that are of this claim alone.
    fn own_keys(&self) -> Vec<String> {
        vec![
            self.key(),
            self.found_registration_key(),
            self.trusted_account_key(),
            self.without_private_dns_key(),
            self.protected_key(),
        ]
    }

    /// The keys of all our tags of a resource with this claim only.
    pub fn keys(&self) -> Vec<String> {
        let common = [MANAGED_BY.to_owned(), ORIGIN.to_owned()];
        common.into_iter().chain(self.own_keys()).collect()
    }
}

/// The id of a connection: short, stable, the same for everybody who asks for it.
/// The account is not part of it, because a caller may leave it out, and no two
/// VPCs have the same id (17 random hexadecimal digits).
pub fn connection_id(region: &Region, vpc: &VpcId, cluster: &ClusterId) -> String {
    short_hash(&[region.as_str(), vpc.as_str(), cluster.as_str()])
}

/// The name of the security group of the endpoint to a service. It follows from
/// the service and not from the cluster, because clusters share an endpoint and
/// with it the group. EC2 wants it unique in the VPC, at most 255 characters,
/// not starting with `sg-` (EC2 API reference, `CreateSecurityGroup`).
pub fn security_group_name(service: &ServiceName) -> String {
    let hash = short_hash(&[service.as_str()]);
    format!("{SECURITY_GROUP_PREFIX}{hash}")
}

/// How the names of all our security groups begin.
pub const SECURITY_GROUP_PREFIX: &str = "crdb-privatelink-";

/// The description of that group. EC2 cannot change it later.
pub const SECURITY_GROUP_DESCRIPTION: &str =
    "CockroachDB Cloud over PrivateLink, managed by crdb-privatelink";

/// A client token: the same for a repeated call of one run, another one for
/// other parameters or another run. A token of an earlier run could bring back
/// an endpoint that has been deleted since. EC2 allows 64 ASCII characters.
pub fn client_token(parts: &[&str]) -> String {
    hash(parts)
}

/// A short text that follows from the parts: 16 hexadecimal digits.
pub fn short_hash(parts: &[&str]) -> String {
    hash(parts).chars().take(16).collect()
}

/// SHA-256 over the parts, each with its length before it, so that no two lists
/// of parts run together into the same text.
pub(crate) fn hash(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn claim(cluster: &str) -> Claim {
        Claim {
            cluster_id: cluster.parse().unwrap(),
            connection_id: "c0ffee".into(),
        }
    }

    const A: &str = "1a2b3c4d-0000-4000-8000-00000000000a";
    const B: &str = "1a2b3c4d-0000-4000-8000-00000000000b";

    #[test]
    fn what_carries_no_tag_of_ours_has_no_origin() {
        assert_eq!(Origin::of(&Tags::new()), None);
        let foreign = Tags::from([(MANAGED_BY.to_owned(), "terraform".to_owned())]);
        assert_eq!(Origin::of(&foreign), None);
        assert_eq!(Origin::of(&claim(A).tags(Origin::Made)), Some(Origin::Made));
        assert_eq!(
            Origin::of(&claim(A).tags(Origin::Adopted)),
            Some(Origin::Adopted)
        );
    }

    #[test]
    fn claims_of_other_clusters_are_seen() {
        let mut tags = claim(A).tags(Origin::Made);
        assert!(claim(A).is_in(&tags));
        assert!(claim(A).others_in(&tags).is_empty());
        tags.extend(claim(B).tags(Origin::Made));
        assert_eq!(claim(A).others_in(&tags), [B]);
    }

    /// Nobody finds it again by its key.
    #[test]
    fn a_claim_has_one_spelling_and_in_another_it_is_none_of_ours() {
        let mut tags = claim(A).tags(Origin::Made);
        let spelled = claim(B).key().replace(B, &B.to_uppercase());
        assert_ne!(spelled, claim(B).key(), "it has letters");
        tags.insert(spelled, claim(B).connection_id);
        assert_eq!(Claim::all_in(&tags), [claim(A)]);
    }

    #[test]
    fn the_rules_of_other_claims_are_told_apart() {
        let mine = claim(A);
        for (description, of_another) in [
            (mine.rule_description().as_str(), false),
            (mine.added_rule_description().as_str(), false),
            ("crdb-privatelink 0ff1ce", true),
            ("crdb-privatelink 0ff1ce added", true),
            ("by hand", false),
            ("", false),
        ] {
            assert_eq!(
                mine.is_rule_of_another(description),
                of_another,
                "{description}"
            );
        }
    }

    #[test]
    fn a_resource_goes_only_if_we_made_it_and_nobody_else_claims_it() {
        let (made, adopted) = (claim(A).tags(Origin::Made), claim(A).tags(Origin::Adopted));
        let mut unmarked = made.clone();
        unmarked.remove(MANAGED_BY);
        let keys = |tags: &[&Tags]| {
            let tags = tags.iter().copied().flatten();
            match claim(A).release(&tags.map(|(k, v)| (k.clone(), v.clone())).collect(), true) {
                Release::Delete => None,
                Release::Untag(keys, _) => Some(keys),
            }
        };
        assert_eq!(keys(&[&made]), None);
        for by_hand in [adopted.clone(), unmarked] {
            assert_eq!(keys(&[&by_hand]), Some(claim(A).keys()));
        }
        for origin in [Origin::Made, Origin::Adopted] {
            let others = claim(B).tags(origin);
            assert_eq!(
                keys(&[&made, &others]),
                Some(claim(A).own_keys()),
                "our own tags, and no more"
            );
        }
    }

    #[test]
    fn an_endpoint_tells_what_goes_with_the_connection() {
        let account: AccountId = "111122223333".parse().unwrap();
        for (owns_it, trusted, expected) in [
            (true, None, (true, None)),
            (true, Some(&account), (true, Some(account.clone()))),
            (false, None, (false, None)),
            // A registration that stays needs the trust.
            (false, Some(&account), (false, None)),
        ] {
            let mut tags = claim(A).tags(Origin::Made);
            tags.extend(claim(A).registration_tags(owns_it, trusted));
            tags.extend(claim(A).private_dns_tags(false));
            let told = (
                claim(A).owns_registration(&tags),
                claim(A).trusted_account(&tags),
            );
            assert_eq!(told, expected);
            assert_eq!(claim(B).trusted_account(&tags), None);
            for key in claim(A).keys() {
                tags.remove(&key);
            }
            assert_eq!(tags, Tags::new(), "every tag of ours is known");
        }
    }

    #[test]
    fn a_hash_does_not_confuse_where_parts_end() {
        assert_ne!(client_token(&["ab", "c"]), client_token(&["a", "bc"]));
    }

    proptest! {
        /// Whatever else stands there, by whoever's hand, the thing stays.
        #[test]
        fn only_the_exact_words_give_the_right_to_delete(
            owner in "crdb-privatelink|[Cc]rdb-privatelink ?|[a-z-]{0,20}",
            origin in prop::option::of("made|Made|made |adopted|[a-z]{0,6}|.{0,6}"),
        ) {
            let mut tags = claim(A).tags(Origin::Adopted);
            tags.insert(MANAGED_BY.to_owned(), owner.clone());
            match &origin {
                Some(origin) => tags.insert(ORIGIN.to_owned(), origin.clone()),
                None => tags.remove(ORIGIN),
            };
            let may_delete = claim(A).release(&tags, true) == Release::Delete;
            prop_assert_eq!(may_delete, owner == OWNER && origin.as_deref() == Some("made"));
        }

        #[test]
        fn names_and_tags_keep_to_the_limits_of_ec2(service in "[a-z0-9-]{1,200}", cluster in "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}") {
            let service: ServiceName =
                format!("com.amazonaws.vpce.eu-west-1.vpce-svc-{service}").parse().unwrap();
            let name = security_group_name(&service);
            prop_assert!(name.len() <= 255 && !name.starts_with("sg-"));
            prop_assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
            for (key, value) in claim(&cluster).tags(Origin::Made) {
                prop_assert!(key.len() <= 128 && value.len() <= 256 && !key.starts_with("aws:"));
            }
            let token = client_token(&[service.as_str(), &cluster]);
            prop_assert!(token.len() <= 64 && token.is_ascii());
        }
    }
}
