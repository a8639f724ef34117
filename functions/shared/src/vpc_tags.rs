//! The tags that people set on VPCs and subnets, and those that are written back: their
//! keys, and how their values are read. Whoever reads one of them reads it here, so that all
//! functions see the same wish.
//!
//! AWS tells keys apart that differ in the case of their letters (EC2 user guide, "Tag
//! restrictions"), and so do we: a key that is ours but for case or blanks asks for nothing.
//! It was meant, though, so it is refused by name, and it protects.

use crate::ids::{ClusterId, Malformed, words};
use crate::ownership::Tags;

const CLUSTER_ID: &str = "cluster-id";
const CIDRS: &str = "cidrs";
const PRIVATE_DNS: &str = "private-dns";
const PROTECT: &str = "protect";
const SUBNET: &str = "subnet";
const STATUS: &str = "status";

/// The names of the tags that people set.
const PEOPLES: [&str; 5] = [CLUSTER_ID, CIDRS, PRIVATE_DNS, PROTECT, SUBNET];

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
        self.name_of(key).is_some_and(|name| !is_status(&name))
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

    /// Why a key of [`Self::unknown_in`] is not followed, for a person.
    pub fn unknown(&self, key: &str) -> String {
        match self.meant_by(key) {
            Some(meant) => format!(
                "{key}: this key must be spelled {meant}, with the same capitals and without blanks"
            ),
            None => format!("{key}: this key is not known"),
        }
    }

    /// The key of ours that this one would be but for the case of its letters or blanks.
    fn meant_by(&self, key: &str) -> Option<String> {
        let name = self.name_of(key)?;
        let meant = self.key(PEOPLES.into_iter().find(|own| *own == name)?);
        (meant != key).then_some(meant)
    }

    /// The first key among these tags that would be this one of ours but for its spelling.
    fn misspelt<'t>(&self, own: &str, tags: &'t Tags) -> Option<&'t str> {
        let mut keys = tags.keys().map(String::as_str);
        keys.find(|key| self.meant_by(key).as_deref() == Some(own))
    }

    /// Whether a tag asks for clusters under a key that is not spelled as ours. It may mean
    /// any cluster.
    pub fn may_ask(&self, tags: &Tags) -> bool {
        self.misspelt(&self.cluster_id(), tags).is_some()
    }

    /// What these tags ask to connect; `None` if they say nothing about it.
    pub fn asked_in(&self, tags: &Tags) -> Option<Asked> {
        tags.get(&self.cluster_id()).map(|value| Asked::read(value))
    }

    /// Key and value of the tag that protects what carries these tags, if one does, however
    /// its key is spelled. Only a clear no does not: whoever set the tag meant something by it.
    pub fn protecting<'t>(&self, tags: &'t Tags) -> Option<(&'t str, &'t str)> {
        let is_protect = |key: &str| self.name_of(key).as_deref() == Some(PROTECT);
        let mut tags = tags
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()));
        tags.find(|(key, value)| is_protect(key) && yes_or_no(key, value, true) != Ok(false))
    }

    /// Whether these tags say in so many words that nothing is protected.
    pub fn unprotects(&self, tags: &Tags) -> bool {
        tags.contains_key(&self.protect()) && self.protecting(tags).is_none()
    }

    /// What the tags of a subnet say about endpoints in it; `None` if they say nothing. An
    /// error is what cannot be read, for a person.
    pub fn use_of_subnet(&self, tags: &Tags) -> Option<Result<bool, String>> {
        let key = self.subnet();
        match tags.get(&key) {
            Some(value) => Some(yes_or_no(&key, value, true)),
            None => Some(Err(self.unknown(self.misspelt(&key, tags)?))),
        }
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

    /// What comes after the prefix and its colon, in small letters, of a key that begins so in
    /// whatever case. Blanks do not count.
    fn name_of(&self, key: &str) -> Option<String> {
        let key = key.trim().to_ascii_lowercase();
        let prefix = self.prefix.to_ascii_lowercase();
        let name = key.strip_prefix(prefix.as_str())?.trim_start();
        Some(name.strip_prefix(':')?.trim_start().to_owned())
    }
}

fn is_status(name: &str) -> bool {
    name.split(':').next() == Some(STATUS)
}

/// Whether a tag may protect what carries these tags, whatever the prefix of people's
/// keys is and whatever the value: for functions that are not told the prefix.
pub fn may_protect(tags: &Tags) -> bool {
    let is_protect = |key: &String| {
        let name = key.rsplit_once(':').map(|(_, name)| name.trim());
        name.is_some_and(|name| name.eq_ignore_ascii_case(PROTECT))
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

/// Reads the value of this key: `true` or `false`, also as `yes` or `no`, in small letters or
/// capitals. An empty value is `default`.
///
/// # Errors
/// What is neither, for a person.
pub fn yes_or_no(key: &str, value: &str, default: bool) -> Result<bool, String> {
    match value.trim().to_ascii_lowercase().as_str() {
        "" => Ok(default),
        "true" | "yes" => Ok(true),
        "false" | "no" => Ok(false),
        other => Err(format!("{key}: `{other}` is not true or false")),
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
            ("CockroachDB-PrivateLink:cluster-id".to_owned(), true),
            (" cockroachdb-privatelink: Cidrs ".to_owned(), true),
            ("CockroachDB-PrivateLink:Status:x".to_owned(), false),
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
    fn a_key_in_another_case_is_none_of_ours_and_it_is_told_how_ours_is_spelled() {
        for (key, own) in [
            ("CockroachDB-PrivateLink:cluster-id", keys().cluster_id()),
            ("cockroachdb-privatelink:Cluster-ID", keys().cluster_id()),
            ("cockroachdb-privatelink: cidrs", keys().cidrs()),
            (
                " cockroachdb-privatelink:private-dns ",
                keys().private_dns(),
            ),
        ] {
            let tags = Tags::from([(key.to_owned(), A.to_owned())]);
            assert_eq!(keys().asked_in(&tags), None, "{key}");
            assert_eq!(keys().unknown_in(&tags), [key]);
            let told = keys().unknown(key);
            assert!(told.contains(&format!("must be spelled {own},")), "{told}");
            assert_eq!(keys().may_ask(&tags), own == keys().cluster_id(), "{key}");
        }
        let capitals = TagKeys::new("Net");
        let tags = Tags::from([("Net:cidrs".to_owned(), String::new())]);
        assert_eq!(capitals.unknown_in(&tags), [""; 0]);
        assert_eq!(keys().unknown("x:cidrs"), "x:cidrs: this key is not known");
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
            ("On", Err("key: `on` is not true or false".to_owned())),
        ] {
            assert_eq!(yes_or_no("key", value, true), expected, "{value}");
        }
        assert_eq!(yes_or_no("key", " ", false), Ok(false));
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
            for key in [keys().protect(), keys().protect().to_uppercase()] {
                let tags = with(key.clone(), value);
                let found = protects.then_some((key.as_str(), value));
                assert_eq!(keys().protecting(&tags), found);
                assert!(may_protect(&tags), "nobody knows better without the prefix");
                let is_clear = !protects && key == keys().protect();
                assert_eq!(keys().unprotects(&tags), is_clear, "{key}={value}");
            }
        }
        assert!(
            !keys().unprotects(&Tags::new()),
            "to say nothing is not a no"
        );
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
            (
                "tgw",
                Err("cockroachdb-privatelink:subnet: `tgw` is not true or false".to_owned()),
            ),
        ] {
            assert_eq!(said(value), expected, "{value}");
        }
        let misspelt = "CockroachDB-PrivateLink:subnet";
        let mut tags = Tags::from([(misspelt.to_owned(), "false".to_owned())]);
        let said = keys().use_of_subnet(&tags);
        assert_eq!(said, Some(Err(keys().unknown(misspelt))));
        tags.insert(keys().subnet(), "no".to_owned());
        assert_eq!(keys().use_of_subnet(&tags), Some(Ok(false)));
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
