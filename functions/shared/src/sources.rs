//! Which networks may become sources of a connection.

use crate::cidr::Cidr;
use crate::{Code, StepError};

/// The widest networks that need no permission of their own: a slip of the pen, such
/// as /0, lets the whole world in.
const WIDEST_IPV4: u8 = 8;
const WIDEST_IPV6: u8 = 32;

/// The networks that all sources must lie in; without any, every network that is not
/// [too wide](is_wide).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedSources(pub Vec<Cidr>);

impl AllowedSources {
    /// Whether these networks may become sources.
    ///
    /// # Errors
    /// [`Code::SourceNotAllowed`], naming the first that may not.
    pub fn admit<'c>(&self, sources: impl IntoIterator<Item = &'c Cidr>) -> Result<(), StepError> {
        for source in sources {
            let why = if self.0.is_empty() {
                if !is_wide(*source) {
                    continue;
                }
                format!(
                    "is wider than /{WIDEST_IPV4} (IPv4) or /{WIDEST_IPV6} (IPv6), and no \
                     allowed sources are set that it lies in"
                )
            } else {
                if source.is_covered_by(self.0.iter().copied()) {
                    continue;
                }
                let allowed: Vec<String> = self.0.iter().map(ToString::to_string).collect();
                format!(
                    "lies in none of the allowed sources: {}",
                    allowed.join(", ")
                )
            };
            let detail = format!("source {source} {why}");
            return Err(StepError::new(Code::SourceNotAllowed, detail));
        }
        Ok(())
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

    fn networks(texts: &[&str]) -> Vec<Cidr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn sources_lie_in_what_is_allowed_or_are_not_too_wide() {
        for (allowed, source, said) in [
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
        ] {
            let refused = AllowedSources(networks(allowed)).admit(&networks(&[source]));
            match said {
                None => assert_eq!(refused, Ok(()), "{source}"),
                Some(said) => {
                    let error = refused.unwrap_err();
                    assert_eq!(error.code, Code::SourceNotAllowed);
                    assert!(error.detail.contains(said), "{error}");
                }
            }
        }
    }
}
