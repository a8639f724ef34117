//! The tags that people set on VPCs and subnets, and those that are written back: their
//! keys, and how their values are read. Whoever reads one of them reads it here, so that all
//! functions see the same wish.

use crate::ids::{ClusterId, Malformed, words};
use crate::ownership::Tags;

const CLUSTER_ID: &str = "cluster-id";
const CIDRS: &str = "cidrs";
const PRIVATE_DNS: &str = "private-dns";
const PROTECT: &str = "protect";
const SUBNET: &str = "subnet";
const STATUS: &str = "status";

/// The keys of the tags that people set, and of those that are written back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagKeys {
    prefix: String,
}

impl TagKeys {
    /// Keys that begin with this prefix and a colon.
    pub fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
        }
    }

    fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.prefix)
    }

    /// Which clusters to connect: one or several ids.
    pub fn cluster_id(&self) -> String {
        self.key(CLUSTER_ID)
    }

    /// Who may connect: networks and prefix lists. Left out: all networks of the VPC.
    pub fn cidrs(&self) -> String {
        self.key(CIDRS)
    }

    /// Whether the cluster's private host shall resolve in the VPC: `true` or `false`.
    pub fn private_dns(&self) -> String {
        self.key(PRIVATE_DNS)
    }

    /// Whether connections of the VPC are protected: `true` or `false`. On an endpoint:
    /// whether its own are.
    pub fn protect(&self) -> String {
        self.key(PROTECT)
    }

    /// On a subnet: whether endpoints are to be in it. `true` puts it before the others of
    /// its zone, `false` shuts it out.
    pub fn subnet(&self) -> String {
        self.key(SUBNET)
    }

    /// Written back: why the wish of the tags is not followed.
    pub fn status(&self) -> String {
        self.key(STATUS)
    }

    /// Written back by `tag-vpc`: what became of the connection to one cluster. The
    /// value begins with the phase.
    pub fn status_of(&self, cluster: &ClusterId) -> String {
        format!("{}:{cluster}", self.status())
    }

    /// The pattern that all our keys fit, as EC2's filter `tag-key` takes it.
    pub fn pattern(&self) -> String {
        self.key("*")
    }

    /// Whether a change of this tag can change what is wanted. What we write back
    /// cannot, or every answer of ours would be a new question.
    pub fn is_wish(&self, key: &str) -> bool {
        self.name_of(key).is_some_and(|name| !is_status(name))
    }

    /// Our keys among these tags that say neither what is wanted nor how it stands.
    /// A misspelled one would be lost without a word.
    pub fn unknown_in<'t>(&self, tags: &'t Tags) -> Vec<&'t str> {
        let known = [
            self.cluster_id(),
            self.cidrs(),
            self.private_dns(),
            self.protect(),
        ];
        tags.keys()
            .filter(|key| self.is_wish(key) && !known.contains(key))
            .map(String::as_str)
            .collect()
    }

    /// What these tags ask to connect; `None` if they say nothing about it.
    pub fn asked_in(&self, tags: &Tags) -> Option<Asked> {
        tags.get(&self.cluster_id()).map(|value| Asked::read(value))
    }

    /// The value of the tag that protects what carries these tags, if one does. Only a
    /// clear no does not: whoever set the tag meant something by it.
    pub fn protecting<'t>(&self, tags: &'t Tags) -> Option<&'t str> {
        let value = tags.get(&self.protect())?;
        (yes_or_no(value, true) != Ok(false)).then_some(value)
    }

    /// What the tags of a subnet say about endpoints in it; `None` if they say nothing.
    pub fn use_of_subnet(&self, tags: &Tags) -> Option<Result<bool, String>> {
        let value = tags.get(&self.subnet())?;
        Some(yes_or_no(value, true))
    }

    /// The phase that the status of a cluster's connection tells.
    pub fn phase_in<'t>(&self, tags: &'t Tags, cluster: &ClusterId) -> Option<&'t str> {
        tags.get(&self.status_of(cluster))?.split(' ').next()
    }

    /// The clusters whose connections have a status written back.
    pub fn clusters_with_status(&self, tags: &Tags) -> Vec<ClusterId> {
        let prefix = format!("{}:", self.status());
        tags.keys()
            .filter_map(|key| key.strip_prefix(&prefix)?.parse().ok())
            // We write it in one spelling; in any other it is none of ours.
            .filter(|cluster| tags.contains_key(&self.status_of(cluster)))
            .collect()
    }

    fn name_of<'k>(&self, key: &'k str) -> Option<&'k str> {
        key.strip_prefix(self.prefix.as_str())?.strip_prefix(':')
    }
}

fn is_status(name: &str) -> bool {
    name.split(':').next() == Some(STATUS)
}

/// Whether a tag may protect what carries these tags, whatever the prefix of people's
/// keys is and whatever the value: for functions that are not told the prefix.
pub fn may_protect(tags: &Tags) -> bool {
    let is_protect = |key: &String| {
        key.strip_suffix(PROTECT)
            .is_some_and(|prefix| prefix.ends_with(':'))
    };
    tags.keys().any(is_protect)
}

/// The clusters that a VPC asks for by its tag.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Each once, in the order of the tag.
    pub clusters: Vec<ClusterId>,
    /// The words that are no id.
    pub malformed: Vec<Malformed>,
}

impl Asked {
    /// Reads the value of the tag.
    fn read(value: &str) -> Self {
        let mut asked = Self::default();
        for word in words(value) {
            match word.parse::<ClusterId>() {
                Ok(cluster) if asked.clusters.contains(&cluster) => {}
                Ok(cluster) => asked.clusters.push(cluster),
                Err(malformed) => asked.malformed.push(malformed),
            }
        }
        asked
    }

    /// Whether it names this cluster.
    pub fn names(&self, cluster: &ClusterId) -> bool {
        self.clusters.contains(cluster)
    }

    /// Whether it names this cluster, or may mean it: a word that cannot be read may be
    /// the id of any cluster.
    pub fn may_mean(&self, cluster: &ClusterId) -> bool {
        self.names(cluster) || !self.malformed.is_empty()
    }
}

/// Reads `true` or `false`, also as `yes` or `no`, in small letters or capitals. An empty
/// value is `default`.
///
/// # Errors
/// The word, if it is neither.
pub fn yes_or_no(value: &str, default: bool) -> Result<bool, String> {
    match value.trim().to_ascii_lowercase().as_str() {
        "" => Ok(default),
        "true" | "yes" => Ok(true),
        "false" | "no" => Ok(false),
        other => Err(other.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "1a2b3c4d-0000-4000-8000-00000000000a";
    const B: &str = "1a2b3c4d-0000-4000-8000-00000000000b";

    fn keys() -> TagKeys {
        TagKeys::new("cockroachdb-privatelink")
    }

    #[test]
    fn what_we_write_back_is_no_wish() {
        let cluster = A.parse().unwrap();
        for (key, wish) in [
            (keys().cluster_id(), true),
            (keys().cidrs(), true),
            (keys().private_dns(), true),
            ("cockroachdb-privatelink:cidr".to_owned(), true),
            ("cockroachdb-privatelink:statuses".to_owned(), true),
            (keys().status(), false),
            (keys().status_of(&cluster), false),
            ("cockroachdb-privatelinks:cidrs".to_owned(), false),
            ("cockroachdb-privatelink".to_owned(), false),
            ("Name".to_owned(), false),
        ] {
            assert_eq!(keys().is_wish(&key), wish, "{key}");
        }
    }

    #[test]
    fn misspelled_keys_are_found() {
        let tags = [keys().cidrs(), keys().status(), "Name".to_owned()];
        let mut tags: Tags = tags.into_iter().map(|key| (key, String::new())).collect();
        assert!(keys().unknown_in(&tags).is_empty());
        tags.insert("cockroachdb-privatelink:cidr".to_owned(), String::new());
        assert_eq!(keys().unknown_in(&tags), ["cockroachdb-privatelink:cidr"]);
    }

    #[test]
    fn clusters_are_asked_for_one_by_one_and_an_unreadable_id_may_be_any() {
        let [a, b]: [ClusterId; 2] = [A, B].map(|id| id.parse().unwrap());
        let asked = |value: &str| {
            let tags = Tags::from([(keys().cluster_id(), value.to_owned())]);
            keys().asked_in(&tags).unwrap()
        };
        assert_eq!(keys().asked_in(&Tags::new()), None);
        let both = Asked {
            clusters: vec![a.clone(), b.clone()],
            malformed: Vec::new(),
        };
        for value in [
            format!("{A};{B}"),
            format!("{A}+{B}"),
            format!(" {} , {B} {A}", A.to_uppercase()),
        ] {
            assert_eq!(asked(&value), both, "{value}");
        }
        let only_a = asked(A);
        assert!(only_a.names(&a) && !only_a.may_mean(&b));
        let unclear = asked(&format!("{A} orders"));
        assert!(unclear.names(&a) && !unclear.names(&b) && unclear.may_mean(&b));
        assert_eq!(unclear.malformed[0].value, "orders");
        assert_eq!(asked(""), Asked::default());
    }

    #[test]
    fn yes_and_no_are_read_in_any_case() {
        for (value, expected) in [
            (" True ", Ok(true)),
            ("FALSE", Ok(false)),
            ("Yes", Ok(true)),
            ("no", Ok(false)),
            ("", Ok(true)),
            ("On", Err("on".to_owned())),
        ] {
            assert_eq!(yes_or_no(value, true), expected, "{value}");
        }
        assert_eq!(yes_or_no(" ", false), Ok(false));
    }

    #[test]
    fn only_a_clear_no_does_not_protect() {
        let with = |key: String, value: &str| Tags::from([(key, value.to_owned())]);
        for (value, protects) in [
            ("true", true),
            ("", true),
            ("on", true),
            (" False ", false),
            ("no", false),
        ] {
            let tags = with(keys().protect(), value);
            assert_eq!(keys().protecting(&tags), protects.then_some(value));
            assert!(may_protect(&tags), "nobody knows better without the prefix");
        }
        for key in ["protect", "net:protected", "net:unprotect"] {
            assert!(!may_protect(&with(key.to_owned(), "true")), "{key}");
        }
    }

    #[test]
    fn a_subnet_says_whether_it_is_to_be_used() {
        let said = |value: &str| {
            let tags = Tags::from([(keys().subnet(), value.to_owned())]);
            keys().use_of_subnet(&tags).unwrap()
        };
        assert_eq!(keys().use_of_subnet(&Tags::new()), None);
        for (value, expected) in [
            ("true", Ok(true)),
            ("", Ok(true)),
            ("No", Ok(false)),
            ("tgw", Err("tgw".to_owned())),
        ] {
            assert_eq!(said(value), expected, "{value}");
        }
        // It is for subnets, and means nothing on a VPC.
        let tags = Tags::from([(keys().subnet(), "true".to_owned())]);
        assert_eq!(keys().unknown_in(&tags), ["cockroachdb-privatelink:subnet"]);
    }

    #[test]
    fn a_status_tells_the_phase() {
        let cluster = A.parse().unwrap();
        let status = "ready - 2026-11-22T18:00:00Z".to_owned();
        let key = keys().status_of(&cluster);
        let tags = Tags::from([(key.clone(), status.clone())]);
        assert_eq!(keys().phase_in(&tags, &cluster), Some("ready"));
        assert_eq!(keys().phase_in(&tags, &B.parse().unwrap()), None);
        assert_eq!(keys().clusters_with_status(&tags), [cluster]);
        // In another spelling it is none that we wrote.
        let spelled = Tags::from([(key.replace(A, &A.to_uppercase()), status)]);
        assert_eq!(keys().clusters_with_status(&spelled), []);
    }
}
