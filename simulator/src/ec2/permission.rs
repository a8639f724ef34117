//! Permissions of security groups as requests write them, and the rules that
//! EC2 makes of them.

use ipnet::{Ipv4Net, Ipv6Net};

use super::error::{client, invalid_value, missing};
use super::rule::Source;
use crate::calls::ApiError;

/// One entry of a request: a protocol, ports, and any number of sources.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IpPermission {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1` for all.
    pub ip_protocol: String,
    pub from_port: Option<i32>,
    pub to_port: Option<i32>,
    pub ip_ranges: Vec<IpRange>,
    pub ipv6_ranges: Vec<IpRange>,
    pub user_id_group_pairs: Vec<GroupPair>,
    pub prefix_list_ids: Vec<IpRange>,
}

/// A range, or the id of a prefix list, with a description.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IpRange {
    /// The range as the caller wrote it.
    pub cidr: String,
    pub description: Option<String>,
}

/// A group as a source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupPair {
    /// The account that owns it; the caller's if left out.
    pub user_id: Option<String>,
    pub group_id: String,
    pub description: Option<String>,
}

/// One rule that a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) protocol: String,
    pub(super) from_port: Option<i32>,
    pub(super) to_port: Option<i32>,
    pub(super) source: Source,
    pub(super) description: Option<String>,
}

impl IpPermission {
    /// Takes the entry of a caller of this account apart: one rule for each source.
    pub(super) fn rules(&self, account: &str) -> Result<Vec<Wanted>, ApiError> {
        let (protocol, from_port, to_port) = self.ports()?;
        let mut sources = Vec::new();
        for range in &self.ip_ranges {
            sources.push((Source::Ipv4(ipv4(&range.cidr)?), &range.description));
        }
        for range in &self.ipv6_ranges {
            sources.push((Source::Ipv6(ipv6(&range.cidr)?), &range.description));
        }
        for pair in &self.user_id_group_pairs {
            let group = match &pair.user_id {
                Some(user) if user != account => format!("{user}/{}", pair.group_id),
                Some(_) | None => pair.group_id.clone(),
            };
            sources.push((Source::Group(group), &pair.description));
        }
        for list in &self.prefix_list_ids {
            let source = Source::PrefixList(list.cidr.clone());
            sources.push((source, &list.description));
        }
        if sources.is_empty() {
            return Err(missing("IpPermissions source"));
        }
        sources
            .into_iter()
            .map(|(source, description)| {
                check_description(description.as_deref(), &source)?;
                Ok(Wanted {
                    protocol: protocol.clone(),
                    from_port,
                    to_port,
                    source,
                    description: description.clone(),
                })
            })
            .collect()
    }

    fn ports(&self) -> Result<(String, Option<i32>, Option<i32>), ApiError> {
        let protocol = match self.ip_protocol.to_ascii_lowercase().as_str() {
            "" => return Err(missing("ipProtocol")),
            "6" => "tcp".to_owned(),
            "17" => "udp".to_owned(),
            "1" => "icmp".to_owned(),
            "58" => "icmpv6".to_owned(),
            "all" => "-1".to_owned(),
            word @ ("tcp" | "udp" | "icmp" | "icmpv6" | "-1") => word.to_owned(),
            number if number.parse::<u8>().is_ok() => number.to_owned(),
            other => {
                return Err(invalid_value(format!(
                    "Invalid value '{other}' for IP protocol. Unknown protocol."
                )));
            }
        };
        if protocol == "-1" {
            // Without a protocol there are no ports to speak of.
            return Ok((protocol, None, None));
        }
        if protocol == "tcp" || protocol == "udp" {
            let (Some(from), Some(to)) = (self.from_port, self.to_port) else {
                return Err(missing("fromPort and toPort"));
            };
            let good = (0..=65_535).contains(&from) && (0..=65_535).contains(&to) && from <= to;
            if !good {
                return Err(invalid_value(format!(
                    "Invalid value '{from}-{to}' for portRange"
                )));
            }
        }
        Ok((protocol, self.from_port, self.to_port))
    }
}

/// Reads a range the way EC2 does: host bits are cut off, so `10.0.1.7/16` is
/// `10.0.0.0/16` ("Security group rules", VPC user guide).
fn ipv4(text: &str) -> Result<Ipv4Net, ApiError> {
    text.parse::<Ipv4Net>()
        .map(|net| net.trunc())
        .map_err(|_| malformed(text))
}

fn ipv6(text: &str) -> Result<Ipv6Net, ApiError> {
    text.parse::<Ipv6Net>()
        .map(|net| net.trunc())
        .map_err(|_| malformed(text))
}

fn malformed(text: &str) -> ApiError {
    invalid_value(format!("CIDR block {text} is malformed"))
}

/// What names and descriptions may consist of, besides letters and digits.
const SIGNS: &str = " ._-:/()#,@[]+=&;{}!$*";

/// Whether a text may be the name or description of a group.
pub(super) fn plain(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_ascii_alphanumeric() || SIGNS.contains(c))
}

/// Descriptions of rules may have the same signs, but `&` only where the
/// source is a range of addresses.
fn check_description(text: Option<&str>, source: &Source) -> Result<(), ApiError> {
    let Some(text) = text else {
        return Ok(());
    };
    let ampersand_allowed = matches!(source, Source::Ipv4(_) | Source::Ipv6(_));
    if text.len() > 255 || !plain(text) || (!ampersand_allowed && text.contains('&')) {
        return Err(client(
            "InvalidParameterValue",
            "Invalid rule description. Valid descriptions are strings less than 256 characters \
             from the following set: a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
        ));
    }
    Ok(())
}
