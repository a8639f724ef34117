//! What the tags of a VPC ask for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use shared::cidr::Cidr;
use shared::ids::{ClusterId, Malformed, PrefixListId, VpcId, words};
use shared::ownership::Tags;
use shared::place::Place;
use shared::request::{ProvisionRequest, RequestedBy};
use shared::vpc_tags::{self, TagKeys};
use shared::{Code, StepError};

use crate::refusal::Refusal;

/// What the tags of one VPC ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    /// What to connect, by cluster.
    requests: BTreeMap<ClusterId, ProvisionRequest>,
    /// Every cluster that is named, what is refused included.
    named: BTreeSet<ClusterId>,
    /// Whether some id cannot be read. It may be the id of any cluster.
    unreadable: bool,
    /// Whether a tag protects the VPC's connections. Only a clear no does not.
    protected: bool,
    /// Whether the tags say that clear no.
    unprotected: bool,
    /// What is not followed, and why.
    pub(crate) refusals: Vec<Refusal>,
}

/// What the tags of a VPC ask for about one cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted<'a> {
    /// It shall be connected.
    Connected(&'a ProvisionRequest),
    /// It is not named, so what the tag asked for before shall go, unless it was protected.
    Disconnected,
    /// The same, and the tags say that nothing is protected, whatever they said before.
    Released,
    /// It is not named, but another tag protects the VPC's connections.
    Protected,
    /// The tags cannot be followed: everything stays as it is.
    Unclear,
}

impl Wanted<'_> {
    /// Whether nothing is asked for, and no tag protects what is there.
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Wanted::Disconnected | Wanted::Released)
    }
}

impl Wish {
    /// Reads the tags of a VPC. `admits` says whether what they ask for is allowed.
    ///
    /// # Errors
    /// A configuration of `admits` that cannot be read: what people write into tags is refused, not failed.
    pub(crate) fn read(
        keys: &TagKeys,
        tags: &Tags,
        place: &Place,
        vpc: &VpcId,
        admits: impl Fn(&ProvisionRequest) -> Result<(), StepError>,
    ) -> Result<Self, StepError> {
        let mut wish = Wish {
            requests: BTreeMap::new(),
            named: BTreeSet::new(),
            unreadable: keys.may_ask(tags),
            protected: keys.protecting(tags).is_some(),
            unprotected: keys.unprotects(tags),
            refusals: Vec::new(),
        };
        let unknown = keys.unknown_in(tags).first().map(|key| keys.unknown(key));
        if let Some(detail) = &unknown {
            wish.refuse(Code::TagValueInvalid, detail.clone());
        }
        let key = keys.cluster_id();
        let Some(asked) = keys.asked_in(tags) else {
            return Ok(wish);
        };
        let options = match Options::read(keys, tags) {
            Ok(options) => Some(options).filter(|_| unknown.is_none()),
            Err(refusal) => {
                wish.refusals.push(refusal);
                None
            }
        };
        for cluster in asked.clusters {
            wish.named.insert(cluster.clone());
            let Some(options) = &options else { continue };
            let request = match options.request(&cluster, place, vpc) {
                Ok(request) => request,
                Err(error) => {
                    wish.refuse(Code::TagValueInvalid, error.detail);
                    continue;
                }
            };
            match admits(&request) {
                Ok(()) => {
                    wish.requests.insert(cluster, request);
                }
                Err(error) if error.code == Code::ConfigurationInvalid => return Err(error),
                Err(error) if error.code == Code::ClusterNotAllowed => {
                    wish.refuse(error.code, format!("{key}: {}", error.detail));
                }
                Err(error) => wish.refuse(error.code, error.detail),
            }
        }
        // One refusal for the value, however many words it has.
        if let Some(first) = asked.malformed.first() {
            wish.unreadable = true;
            let more = match asked.malformed.len() - 1 {
                0 => String::new(),
                more => format!(", nor are {more} more words"),
            };
            wish.refuse(Code::TagValueInvalid, format!("{key}: {first}{more}"));
        }
        Ok(wish)
    }

    fn refuse(&mut self, code: Code, detail: String) {
        self.refusals.push(Refusal::new(code, detail));
    }

    /// The clusters that are named.
    pub(crate) fn clusters(&self) -> impl Iterator<Item = &ClusterId> {
        self.named.iter()
    }

    /// What is asked for about a cluster. As long as an id cannot be read, nothing
    /// counts as no longer named: a slip of the pen must not cut a connection.
    pub(crate) fn about(&self, cluster: &ClusterId) -> Wanted<'_> {
        match self.requests.get(cluster) {
            Some(request) => Wanted::Connected(request),
            None if self.unreadable || self.named.contains(cluster) => Wanted::Unclear,
            None if self.protected => Wanted::Protected,
            None if self.unprotected => Wanted::Released,
            None => Wanted::Disconnected,
        }
    }
}

/// Whether both requests ask for the same as far as tags can say it. The rest is
/// defaults, which a later version may change without a new wish of anybody.
pub(crate) fn ask_the_same(one: &ProvisionRequest, other: &ProvisionRequest) -> bool {
    let cidrs = |request: &ProvisionRequest| -> BTreeSet<Cidr> {
        request.sources.cidrs.iter().copied().collect()
    };
    let lists = |request: &ProvisionRequest| -> BTreeSet<PrefixListId> {
        request.sources.prefix_list_ids.iter().cloned().collect()
    };
    cidrs(one) == cidrs(other)
        && lists(one) == lists(other)
        && one.sources.security_group_ids == other.sources.security_group_ids
        && one.sources.include_peered_vpcs == other.sources.include_peered_vpcs
        && one.private_dns == other.private_dns
        && one.protect == other.protect
}

/// What the tags besides the cluster ids say, for all clusters alike.
struct Options {
    cidrs: BTreeSet<Cidr>,
    prefix_lists: BTreeSet<PrefixListId>,
    private_dns: bool,
    protect: bool,
}

impl Options {
    fn read(keys: &TagKeys, tags: &Tags) -> Result<Self, Refusal> {
        let value = |key: &String| tags.get(key).map(String::as_str).unwrap_or_default();
        let key = keys.cidrs();
        let malformed = |malformed: Malformed| {
            Refusal::new(Code::TagValueInvalid, format!("{key}: {malformed}"))
        };
        let is_list = |word: &&str| word.to_ascii_lowercase().starts_with("pl-");
        let (lists, cidrs): (Vec<&str>, Vec<&str>) = words(value(&key)).partition(is_list);
        let cidrs: Result<BTreeSet<Cidr>, Malformed> = cidrs.into_iter().map(str::parse).collect();
        let cidrs = cidrs.map_err(malformed)?;
        let lists: Result<BTreeSet<PrefixListId>, Malformed> =
            lists.into_iter().map(str::parse).collect();
        let prefix_lists = lists.map_err(malformed)?;
        let yes_or_no = |key: String, default: bool| {
            let read = vpc_tags::yes_or_no(&key, value(&key), default);
            read.map_err(|why| Refusal::new(Code::TagValueInvalid, why))
        };
        let private_dns = yes_or_no(keys.private_dns(), true)?;
        // Who sets the tag without a value means it.
        let protect = yes_or_no(keys.protect(), tags.contains_key(&keys.protect()))?;
        Ok(Self {
            cidrs,
            prefix_lists,
            private_dns,
            protect,
        })
    }

    fn request(
        &self,
        cluster: &ClusterId,
        place: &Place,
        vpc: &VpcId,
    ) -> Result<ProvisionRequest, StepError> {
        ProvisionRequest::parse(&json!({
            "cluster_id": cluster,
            "region": place.region,
            "vpc_id": vpc,
            "account_id": place.account_id,
            "sources": { "cidrs": self.cidrs, "prefix_list_ids": self.prefix_lists },
            "private_dns": self.private_dns,
            "protect": self.protect,
            "requested_by": RequestedBy::VpcTag,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "1a2b3c4d-0000-4000-8000-00000000000a";
    const B: &str = "1a2b3c4d-0000-4000-8000-00000000000b";
    const VPC: &str = "vpc-0a71e831cb5152c43";

    fn wish(tags: &[(&str, &str)]) -> Wish {
        let keys = TagKeys::new("p");
        let tags = tags.iter();
        let tags = tags.map(|(key, value)| (format!("p:{key}"), (*value).to_owned()));
        let place = Place {
            account_id: "111122223333".parse().ok(),
            region: "us-east-1".parse().unwrap(),
        };
        let admits = |request: &ProvisionRequest| match &request.cluster_id {
            cluster if cluster.as_str().starts_with('f') => {
                Err(StepError::new(Code::ClusterNotAllowed, cluster.to_string()))
            }
            _ => Ok(()),
        };
        let vpc = VPC.parse().unwrap();
        Wish::read(&keys, &tags.collect(), &place, &vpc, admits).unwrap()
    }

    fn request(wish: &Wish, cluster: &str) -> ProvisionRequest {
        let wanted = wish.about(&cluster.parse().unwrap());
        let Wanted::Connected(request) = wanted else {
            panic!("{wanted:?}");
        };
        request.clone()
    }

    fn only(refusals: &[Refusal]) -> &Refusal {
        assert_eq!(refusals.len(), 1, "{refusals:?}");
        &refusals[0]
    }

    #[test]
    fn one_or_several_clusters_in_any_order_and_case() {
        let both = wish(&[("cluster-id", &format!("{A} {B}"))]);
        for value in [
            format!("{B},{A}"),
            format!("  {B} + {A};{B}"),
            format!("{} {B}", A.to_uppercase()),
        ] {
            assert_eq!(wish(&[("cluster-id", &value)]), both, "{value}");
        }
        assert_eq!(both.refusals, []);
        let request = request(&both, A);
        assert_eq!(request.vpc_id.as_str(), VPC);
        assert_eq!(request.requested_by, RequestedBy::VpcTag);
        assert_eq!(request.account_id, "111122223333".parse().ok());
        assert!(request.private_dns && request.sources.cidrs.is_empty());
    }

    #[test]
    fn networks_and_private_dns_are_chosen_by_tags() {
        let cidrs = "10.1.2.3/8 pl-63a5400a 2001:db8::/56 10.0.0.0/8 PL-63A5400A";
        let dns = ("private-dns", "False");
        let request = request(&wish(&[("cluster-id", A), ("cidrs", cidrs), dns]), A);
        let cidrs: Vec<String> = request.sources.cidrs.iter().map(Cidr::to_string).collect();
        assert_eq!(cidrs, ["10.0.0.0/8", "2001:db8::/56"]);
        let lists = request.sources.prefix_list_ids;
        assert_eq!(lists, ["pl-63a5400a".parse().unwrap()]);
        assert!(!request.private_dns);
    }

    #[test]
    fn without_a_cluster_nothing_is_asked_for_and_nothing_refused() {
        for tags in [
            &[][..],
            &[("cidrs", "nonsense")],
            &[("cluster-id", "")],
            &[("cluster-id", " , ")],
        ] {
            let wish = wish(tags);
            assert_eq!(wish.about(&A.parse().unwrap()), Wanted::Disconnected);
            assert_eq!(wish.refusals, [], "{tags:?}");
        }
    }

    /// AWS tells such keys apart, and whoever set them did not mean to.
    #[test]
    fn a_key_in_another_case_asks_for_nothing_and_takes_nothing_away() {
        for (tags, wanted) in [
            (vec![("Cluster-ID", A)], Wanted::Unclear),
            (vec![("cluster-id", A), (" cluster-id", B)], Wanted::Unclear),
            (vec![("Private-DNS", "no")], Wanted::Disconnected),
            (vec![("cluster", A)], Wanted::Disconnected),
            (vec![("PROTECT", "true")], Wanted::Protected),
            (vec![("Protect", "FALSE")], Wanted::Disconnected),
            (vec![("protect", "FALSE")], Wanted::Released),
        ] {
            let wish = wish(&tags);
            assert_eq!(wish.about(&B.parse().unwrap()), wanted, "{tags:?}");
            let refused: Vec<Code> = wish.refusals.iter().map(|it| it.code).collect();
            let is_misspelt = wanted != Wanted::Released;
            let expected = is_misspelt.then_some(Code::TagValueInvalid);
            assert_eq!(refused, Vec::from_iter(expected), "{tags:?}");
        }
        let misspelt = wish(&[("Cidrs", "10.0.0.0/8")]);
        let refusal = only(&misspelt.refusals);
        let said = "p:Cidrs: this key must be spelled p:cidrs,";
        assert!(refusal.detail.starts_with(said), "{}", refusal.detail);
    }

    #[test]
    fn what_cannot_be_followed_is_refused_and_changes_nothing() {
        let other = "ffffffff-0000-4000-8000-000000000001";
        for (cluster, tag, value, said) in [
            (other, "cluster-id", other, other),
            (A, "cluster-id", "orders", "`orders` is not a cluster id"),
            (A, "cidrs", "10.0.0.0/8 all", "`all` is not an IPv4 or IPv6"),
            (A, "cidrs", "pl-orders", "`pl-orders` is not a prefix"),
            (A, "private-dns", "on", "`on` is not true or false"),
            (A, "cidr", "10.0.0.0/8", "this key is not known"),
        ] {
            // A later tag takes the place of an earlier one.
            let wish = wish(&[("cluster-id", A), (tag, value)]);
            assert_eq!(wish.about(&cluster.parse().unwrap()), Wanted::Unclear);
            let refusal = only(&wish.refusals);
            let code = match cluster {
                A => Code::TagValueInvalid,
                _ => Code::ClusterNotAllowed,
            };
            assert_eq!(refusal.code, code);
            let said = format!("p:{tag}: {said}");
            assert!(refusal.detail.starts_with(&said), "{}", refusal.detail);
        }
    }

    #[test]
    fn a_refused_cluster_does_not_keep_the_others_from_being_connected() {
        let other = "ffffffff-0000-4000-8000-000000000001";
        let wish = wish(&[("cluster-id", &format!("{other} {A} x"))]);
        request(&wish, A);
        // `x` may mean the last one.
        for cluster in [other, B] {
            assert_eq!(wish.about(&cluster.parse().unwrap()), Wanted::Unclear);
        }
        assert_eq!(wish.refusals.len(), 2);
    }

    #[test]
    fn requests_are_compared_by_what_tags_can_say() {
        let asked = request(&wish(&[("cluster-id", A), ("cidrs", "10.0.0.0/8 ::/0")]), A);
        let mut recorded = asked.clone();
        recorded.sources.cidrs.reverse();
        recorded.limits.undo_seconds += 1;
        recorded.account_id = None;
        assert!(ask_the_same(&asked, &recorded));
        recorded.private_dns = false;
        assert!(!ask_the_same(&asked, &recorded));
        recorded.private_dns = true;
        recorded.sources.prefix_list_ids = vec!["pl-63a5400a".parse().unwrap()];
        assert!(!ask_the_same(&asked, &recorded));
        recorded.sources.prefix_list_ids.clear();
        recorded.sources.cidrs.pop();
        assert!(!ask_the_same(&asked, &recorded));
    }
}
