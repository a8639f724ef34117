//! Who may become a source of a connection.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use crate::cidr::Cidr;
use crate::ec2::Source;
use crate::ids::{AccountId, Malformed, PrefixListId};
use crate::{Code, StepError};

/// The widest networks that need no permission of their own: a slip of the pen, such
/// as /0, lets the whole world in.
const WIDEST_IPV4: u8 = 8;
const WIDEST_IPV6: u8 = 32;

/// What all sources must be in; without any, every source but networks that are
/// [too wide](is_wide). Security groups of the VPC's own account are always allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedSources(pub Vec<Allowed>);

/// What sources may be in. What is on a prefix list, and who is in a group of another
/// account, changes without us, so both are allowed by name only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    Network(Cidr),
    PrefixList(PrefixListId),
    /// The security groups of this account.
    GroupsOf(AccountId),
}

impl FromStr for Allowed {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let read = if text.to_ascii_lowercase().starts_with("pl-") {
            text.parse().map(Self::PrefixList)
        } else if text.contains('/') {
            text.parse().map(Self::Network)
        } else {
            text.parse().map(Self::GroupsOf)
        };
        read.map_err(|Malformed { value, .. }| Malformed {
            value,
            rule: "a network such as 10.0.0.0/8, the id of a prefix list, or an account id",
        })
    }
}

impl Display for Allowed {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => network.fmt(f),
            Self::PrefixList(list) => list.fmt(f),
            Self::GroupsOf(account) => account.fmt(f),
        }
    }
}

impl AllowedSources {
    /// Whether these may become sources.
    ///
    /// # Errors
    /// [`Code::SourceNotAllowed`], naming the first that may not.
    pub fn admit<'s>(
        &self,
        sources: impl IntoIterator<Item = &'s Source>,
    ) -> Result<(), StepError> {
        for source in sources {
            if let Some(why) = self.against(source) {
                let detail = format!("source {source} {why}");
                return Err(StepError::new(Code::SourceNotAllowed, detail));
            }
        }
        Ok(())
    }

    /// Why this may not become a source.
    fn against(&self, source: &Source) -> Option<String> {
        if matches!(source, Source::Group(group) if group.account().is_none()) {
            return None;
        }
        if self.0.is_empty() {
            let is_too_wide = matches!(source, Source::Cidr(cidr) if is_wide(*cidr));
            return is_too_wide.then(|| {
                format!(
                    "is wider than /{WIDEST_IPV4} (IPv4) or /{WIDEST_IPV6} (IPv6), and no \
                     allowed sources are set that it lies in"
                )
            });
        }
        if self.have(source) {
            return None;
        }
        let allowed: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        let allowed = allowed.join(", ");
        Some(format!("lies in none of the allowed sources: {allowed}"))
    }

    /// Whether the source is in what is allowed. A network may be in several of the
    /// allowed ones together.
    fn have(&self, source: &Source) -> bool {
        match source {
            Source::Cidr(cidr) => cidr.is_covered_by(self.0.iter().filter_map(|it| match it {
                Allowed::Network(network) => Some(*network),
                Allowed::PrefixList(_) | Allowed::GroupsOf(_) => None,
            })),
            Source::PrefixList(list) => self.0.contains(&Allowed::PrefixList(list.clone())),
            Source::Group(group) => group
                .account()
                .is_some_and(|account| self.0.contains(&Allowed::GroupsOf(account))),
        }
    }
}

/// Whether a network is so wide that the reader of a plan should know.
pub fn is_wide(source: Cidr) -> bool {
    let widest = if source.is_ipv6() {
        WIDEST_IPV6
    } else {
        WIDEST_IPV4
    };
    source.prefix_length() < widest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        if text.starts_with("pl-") {
            Source::PrefixList(text.parse().unwrap())
        } else if text.contains("sg-") {
            Source::Group(text.parse().unwrap())
        } else {
            Source::Cidr(text.parse().unwrap())
        }
    }

    #[test]
    fn sources_lie_in_what_is_allowed_or_are_not_too_wide() {
        let list = "pl-0123456789abcdef0";
        let group = "222222222222/sg-0a71e831";
        for (allowed, asked, said) in [
            (&[][..], "10.0.0.0/8", None),
            (&[], "2001:db8::/32", None),
            (&[], "10.0.0.0/7", Some("wider than /8")),
            (&[], "::/0", Some("wider than /8")),
            (&["10.0.0.0/8"], "10.7.0.0/16", None),
            (&["10.0.0.0/8"], "10.0.0.0/8", None),
            (
                &["10.0.0.0/8"],
                "172.16.0.0/12",
                Some("in none of the allowed"),
            ),
            (&["10.0.0.0/8"], "0.0.0.0/0", Some("in none of the allowed")),
            (
                &["10.0.0.0/8"],
                "2001:db8::/56",
                Some("sources: 10.0.0.0/8"),
            ),
            (&["10.0.0.0/8", "::/0"], "2001:db8::/56", None),
            (&["0.0.0.0/0"], "0.0.0.0/0", None),
            (&["10.0.0.0/9", "10.128.0.0/9"], "10.0.0.0/8", None),
            (
                &["10.0.0.0/9", "10.64.0.0/10"],
                "10.0.0.0/8",
                Some("in none of the allowed"),
            ),
            (
                &["2001:DB8:0:0::/65", "2001:db8::8000:0:0:0/65"],
                "2001:db8::/64",
                None,
            ),
            // A list may get any network, and a group any member, at any time.
            (&[], list, None),
            (&["0.0.0.0/0"], list, Some("in none of the allowed")),
            (&["pl-0123456789abcdef0"], list, None),
            (
                &["pl-0a000000000000001"],
                list,
                Some("source pl-0123456789abcdef0 lies"),
            ),
            (&[], group, None),
            (&["0.0.0.0/0"], group, Some("in none of the allowed")),
            (&["10.0.0.0/8", "222222222222"], group, None),
            (&["333333333333"], group, Some("sources: 333333333333")),
            (&["10.0.0.0/8"], "sg-0a71e831", None),
            (&[list], "10.0.0.0/8", Some("in none of the allowed")),
        ] {
            let allowed = allowed.iter().map(|text| text.parse().unwrap()).collect();
            let refused = AllowedSources(allowed).admit([&source(asked)]);
            match said {
                None => assert_eq!(refused, Ok(()), "{asked}"),
                Some(said) => {
                    let error = refused.unwrap_err();
                    assert_eq!(error.code, Code::SourceNotAllowed);
                    assert!(error.detail.contains(said), "{error}");
                }
            }
        }
    }

    #[test]
    fn what_is_allowed_is_read_and_written_alike() {
        for text in ["10.0.0.0/8", "2001:db8::/32", "pl-63a5400a", "222222222222"] {
            let allowed: Allowed = text.parse().unwrap();
            assert_eq!(allowed.to_string(), text);
        }
        for (text, read) in [
            ("PL-63A5400A", "pl-63a5400a"),
            ("2222-2222-2222", "222222222222"),
        ] {
            assert_eq!(
                text.parse::<Allowed>().map(|it| it.to_string()),
                Ok(read.to_owned())
            );
        }
        for text in ["10.0.0.0", "pl-1", "2222", "any", "sg-0a71e831"] {
            assert!(text.parse::<Allowed>().is_err(), "{text}");
        }
    }
}
