//! Networks in canonical form.
//!
//! EC2 stores `10.0.1.7/16` as `10.0.0.0/16` (EC2 API reference,
//! `AuthorizeSecurityGroupIngress`), so two spellings of one network must
//! compare as equal before we ask for a rule.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::Malformed;

/// Both families as a regular expression, for schemas. IPv6 addresses that end
/// in an IPv4 address are left out: nobody writes networks like that.
const PATTERN: &str = concat!(
    "^(",
    "(([0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])[.]){3}",
    "([0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])/([0-9]|[12][0-9]|3[0-2])",
    "|(([0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}",
    "|([0-9a-fA-F]{1,4}:){1,7}:",
    "|([0-9a-fA-F]{1,4}:){1,6}:[0-9a-fA-F]{1,4}",
    "|([0-9a-fA-F]{1,4}:){1,5}(:[0-9a-fA-F]{1,4}){1,2}",
    "|([0-9a-fA-F]{1,4}:){1,4}(:[0-9a-fA-F]{1,4}){1,3}",
    "|([0-9a-fA-F]{1,4}:){1,3}(:[0-9a-fA-F]{1,4}){1,4}",
    "|([0-9a-fA-F]{1,4}:){1,2}(:[0-9a-fA-F]{1,4}){1,5}",
    "|[0-9a-fA-F]{1,4}:(:[0-9a-fA-F]{1,4}){1,6}",
    "|:((:[0-9a-fA-F]{1,4}){1,7}|:)",
    ")/([0-9]|[1-9][0-9]|1[01][0-9]|12[0-8])",
    ")$"
);

/// An IPv4 or IPv6 network without host bits, in its shortest spelling.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(
    with = "String",
    description = "An IPv4 or IPv6 network, such as 10.0.0.0/16",
    extend("pattern" = PATTERN)
)]
pub struct Cidr(IpNet);

impl Cidr {
    /// All of IPv4.
    pub fn every_ipv4() -> Self {
        Self(IpNet::V4(Ipv4Net::default()))
    }

    /// Whether this is an IPv6 network. Rule quotas count the families apart.
    pub fn is_ipv6(self) -> bool {
        matches!(self.0, IpNet::V6(_))
    }

    /// The number of bits that all its addresses have in common.
    pub fn prefix_length(self) -> u8 {
        self.0.prefix_len()
    }

    /// Whether every address of this network is in one of the others, all taken together:
    /// two halves are the whole.
    pub fn is_covered_by(self, networks: impl IntoIterator<Item = Cidr>) -> bool {
        let networks: Vec<IpNet> = networks.into_iter().map(|network| network.0).collect();
        let joined = IpNet::aggregate(&networks);
        joined.iter().any(|network| network.contains(&self.0))
    }

    /// What of this network is not in `other`, in as few networks as there can be.
    pub fn without(self, other: Cidr) -> Vec<Cidr> {
        if other.0.contains(&self.0) {
            return Vec::new();
        }
        if !self.0.contains(&other.0) {
            return vec![self];
        }
        // It has more than one address, and so it has halves.
        let halves = self.0.subnets(self.prefix_length() + 1);
        let halves = halves.into_iter().flatten();
        halves.flat_map(|half| Cidr(half).without(other)).collect()
    }

    /// The same addresses in as few networks as there can be, in their order.
    pub fn merged(networks: &[Cidr]) -> Vec<Cidr> {
        let networks: Vec<IpNet> = networks.iter().map(|network| network.0).collect();
        IpNet::aggregate(&networks).into_iter().map(Cidr).collect()
    }

    pub fn first_address(self) -> IpAddr {
        self.0.network()
    }

    /// Whether the address is in this network.
    pub fn contains_address(self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }
}

impl TryFrom<String> for Cidr {
    type Error = Malformed;
    fn try_from(value: String) -> Result<Self, Malformed> {
        match value.trim().parse::<IpNet>() {
            Ok(net) => Ok(Self(net.trunc())),
            Err(_) => Err(Malformed {
                value,
                rule: "an IPv4 or IPv6 network in CIDR form, such as 10.0.0.0/16 or 2001:db8::/56",
            }),
        }
    }
}

impl std::str::FromStr for Cidr {
    type Err = Malformed;
    fn from_str(value: &str) -> Result<Self, Malformed> {
        Self::try_from(value.to_owned())
    }
}

impl From<Cidr> for String {
    fn from(cidr: Cidr) -> String {
        cidr.to_string()
    }
}

impl std::fmt::Display for Cidr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::string::string_regex;

    use super::*;

    #[test]
    fn host_bits_and_long_spellings_disappear() {
        let canonical = |text: &str| text.parse::<Cidr>().unwrap().to_string();
        assert_eq!(canonical("10.0.1.7/16"), "10.0.0.0/16");
        assert_eq!(canonical("2001:0DB8:0000::1/56"), "2001:db8::/56");
        assert_eq!(canonical("0.0.0.0/0"), "0.0.0.0/0");
        assert_eq!(canonical(" 10.0.1.7/16\r\n"), "10.0.0.0/16");
    }

    #[test]
    fn networks_cover_together_what_none_of_them_covers_alone() {
        for (networks, wanted, covered) in [
            (&[][..], "10.0.0.0/24", false),
            (&["10.0.0.0/16"], "10.0.7.0/24", true),
            (&["10.0.7.0/24"], "10.0.0.0/16", false),
            (&["10.0.0.0/25", "10.0.0.128/25"], "10.0.0.0/24", true),
            (&["10.0.0.0/25", "10.0.0.192/26"], "10.0.0.0/24", false),
            // Out of order, of several sizes, and one within another.
            (
                &[
                    "10.0.0.128/26",
                    "10.0.0.0/25",
                    "10.0.0.192/26",
                    "10.0.0.8/29",
                ],
                "10.0.0.0/24",
                true,
            ),
            // What lies at their border does not belong together.
            (&["10.0.1.0/24", "10.0.2.0/24"], "10.0.0.0/23", false),
            (&["10.0.1.0/24", "10.0.2.0/23"], "10.0.2.0/24", true),
            (&["0.0.0.0/1", "128.0.0.0/1"], "0.0.0.0/0", true),
            (&["255.255.255.254/31"], "255.255.255.255/32", true),
            (&["::/1", "8000::/1"], "::/0", true),
            (
                &["2001:DB8:0:0000::/65", "2001:db8:0:0:8000::/65"],
                "2001:db8::/64",
                true,
            ),
            // No IPv6 network has IPv4 addresses.
            (&["::/0"], "10.0.0.0/8", false),
            (&["0.0.0.0/0"], "2001:db8::/56", false),
        ] {
            let networks = networks.iter().map(|text| text.parse::<Cidr>().unwrap());
            let wanted: Cidr = wanted.parse().unwrap();
            assert_eq!(wanted.is_covered_by(networks), covered, "{wanted}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "10.0.0.0",
            "10.0.0.0/33",
            "10.0.0/8",
            "fe80::/129",
            "10.0.0.0 /8",
        ] {
            assert!(text.parse::<Cidr>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_taken_out_of_a_network_leaves_the_rest_of_it() {
        for (network, out, rest) in [
            ("10.0.0.0/24", "10.0.0.0/24", &[][..]),
            ("10.0.0.0/24", "10.0.0.0/8", &[]),
            ("10.0.0.0/24", "10.0.1.0/24", &["10.0.0.0/24"]),
            ("10.0.0.0/24", "::/0", &["10.0.0.0/24"]),
            (
                "10.0.0.0/24",
                "10.0.0.64/26",
                &["10.0.0.0/26", "10.0.0.128/25"],
            ),
            ("10.0.0.0/31", "10.0.0.0/32", &["10.0.0.1/32"]),
            ("::/0", "8000::/1", &["::/1"]),
        ] {
            let parsed = |text: &str| text.parse::<Cidr>().unwrap();
            let left = parsed(network).without(parsed(out));
            let expected: Vec<Cidr> = rest.iter().map(|it| parsed(it)).collect();
            assert_eq!(left, expected, "{network} without {out}");
            if parsed(out).is_covered_by([parsed(network)]) {
                let all: Vec<Cidr> = left.into_iter().chain([parsed(out)]).collect();
                assert_eq!(Cidr::merged(&all), [parsed(network)]);
            }
        }
    }

    proptest! {
        #[test]
        fn what_matches_the_pattern_is_a_network(text in string_regex(PATTERN.trim_matches(['^', '$'])).unwrap()) {
            prop_assert!(text.parse::<Cidr>().is_ok(), "{text}");
        }

        #[test]
        fn canonical_form_is_reached_in_one_step(address: [u8; 4], length in 0u8..=32) {
            let [a, b, c, d] = address;
            let first: Cidr = format!("{a}.{b}.{c}.{d}/{length}").parse().unwrap();
            let again: Cidr = first.to_string().parse().unwrap();
            prop_assert_eq!(first, again);
            prop_assert!(first.contains_address(IpAddr::from(address)));
        }

        /// Address by address, in the last octet.
        #[test]
        fn covered_is_what_has_all_its_addresses_in_some_network(
            networks in prop::collection::vec((any::<u8>(), 24u8..=32), 0..12),
            wanted in (any::<u8>(), 24u8..=32),
        ) {
            let network = |(octet, length): (u8, u8)| -> Cidr {
                format!("10.0.0.{octet}/{length}").parse().unwrap()
            };
            let networks: Vec<Cidr> = networks.into_iter().map(network).collect();
            let wanted = network(wanted);
            let expected = (0..=255u8)
                .map(|octet| IpAddr::from([10, 0, 0, octet]))
                .filter(|address| wanted.contains_address(*address))
                .all(|address| networks.iter().any(|it| it.contains_address(address)));
            prop_assert_eq!(wanted.is_covered_by(networks), expected);
        }

        #[test]
        fn any_host_of_a_network_names_the_same_network(address: u128, host: u128, length in 0u8..=128) {
            let mask = if length == 0 { 0 } else { u128::MAX << (128 - length) };
            let spell = |bits: u128| format!("{}/{length}", std::net::Ipv6Addr::from(bits));
            let one: Cidr = spell((address & mask) | (host & !mask)).parse().unwrap();
            let other: Cidr = spell(address & mask).parse().unwrap();
            prop_assert_eq!(one, other);
        }
    }
}
