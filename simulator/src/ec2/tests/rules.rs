//! Rules of security groups.

use super::*;
use crate::scenario::{PeeringSpec, PrefixListSpec};

impl Stage {
    pub(super) fn authorize(
        &mut self,
        group: &str,
        permissions: Vec<IpPermission>,
    ) -> Result<Vec<Rule>, ApiError> {
        let request = AuthorizeSecurityGroupIngress {
            group_id: group.to_owned(),
            ip_permissions: permissions,
        };
        self.world
            .authorize_security_group_ingress(&self.caller, &request)
    }

    fn allow(&mut self, permission: IpPermission) -> Result<Vec<Rule>, ApiError> {
        self.authorize(GROUP, vec![permission])
    }

    fn inbound(&self) -> usize {
        let rules = self.world.ec2.groups[GROUP].rules.iter();
        rules.filter(|rule| !rule.is_egress).count()
    }
}

fn from(cidrs: &[&str]) -> IpPermission {
    let ranges = |ipv6: bool| -> Vec<IpRange> {
        let of_family = cidrs.iter().filter(|cidr| cidr.contains(':') == ipv6);
        let ranges = of_family.map(|cidr| IpRange {
            cidr: (*cidr).to_owned(),
            description: None,
        });
        ranges.collect()
    };
    IpPermission {
        ip_protocol: "tcp".to_owned(),
        from_port: Some(26257),
        to_port: Some(26257),
        ip_ranges: ranges(false),
        ipv6_ranges: ranges(true),
        ..IpPermission::default()
    }
}

pub(super) fn from_group(id: &str, description: Option<&str>) -> IpPermission {
    IpPermission {
        user_id_group_pairs: vec![GroupPair {
            user_id: None,
            group_id: id.to_owned(),
            description: description.map(str::to_owned),
        }],
        ..from(&[])
    }
}

/// VPC user guide, "Security group rules": ranges are brought into their
/// canonical form, and a duplicate in another form is a duplicate.
#[test]
fn ranges_are_made_canonical_before_they_are_compared() {
    let mut stage = Stage::new();
    let made = stage
        .allow(from(&["10.0.1.7/16", "2001:DB8::1/56"]))
        .unwrap();
    let texts: Vec<_> = made.iter().map(|rule| rule.source.text()).collect();
    assert_eq!(texts, ["10.0.0.0/16", "2001:db8::/56"]);
    let again = stage.allow(from(&["10.0.99.99/16"])).unwrap_err();
    assert_eq!(again.code, "InvalidPermission.Duplicate");
    assert_eq!(
        again.message,
        "the specified rule \"peer: 10.0.0.0/16, TCP, from port: 26257, to port: 26257, ALLOW\" already exists"
    );
}

/// EC2 API reference, "Error codes": `InvalidPermission.Duplicate`. That the
/// batch fails as a whole is what callers must reckon with.
#[test]
fn one_duplicate_fails_the_whole_batch() {
    let mut stage = Stage::new();
    stage.allow(from(&["10.0.0.0/16"])).unwrap();
    let batch = stage.authorize(GROUP, vec![from(&["10.1.0.0/16"]), from(&["10.0.0.0/16"])]);
    assert_eq!(code(batch), "InvalidPermission.Duplicate");
    let twice = stage.allow(from(&["10.1.0.0/16", "10.1.0.0/16"]));
    assert_eq!(code(twice), "InvalidPermission.Duplicate");
    assert_eq!(stage.inbound(), 1);
}

/// "Amazon VPC quotas": 60 inbound rules for IPv4 and 60 for IPv6.
#[test]
fn rules_of_each_address_family_have_a_quota_of_their_own() {
    let mut stage = Stage::new();
    for n in 0..60 {
        let four = format!("10.{n}.0.0/16");
        let six = format!("2001:db8:{n}::/48");
        stage.allow(from(&[&four, &six])).unwrap();
    }
    for more in ["10.60.0.0/16", "2001:db8:60::/48"] {
        let refused = stage.allow(from(&[more]));
        assert_eq!(code(refused), "RulesPerSecurityGroupLimitExceeded");
    }
    assert_eq!(stage.inbound(), 120);
}

#[test]
fn what_cannot_be_a_rule_is_refused() {
    let mut stage = Stage::new();
    let odd = |change: fn(&mut IpPermission)| {
        let mut permission = from(&["10.0.0.0/16"]);
        change(&mut permission);
        permission
    };
    for (permission, expected) in [
        (odd(|p| p.ip_ranges.clear()), "MissingParameter"),
        (
            odd(|p| p.ip_protocol = "tpc".to_owned()),
            "InvalidParameterValue",
        ),
        (odd(|p| p.to_port = Some(70_000)), "InvalidParameterValue"),
        (odd(|p| p.to_port = Some(80)), "InvalidParameterValue"),
        (odd(|p| p.from_port = None), "MissingParameter"),
        (from(&["10.0.0.0/33"]), "InvalidParameterValue"),
        (
            odd(|p| p.ip_ranges[0].description = Some("it's".to_owned())),
            "InvalidParameterValue",
        ),
        (from_group(GROUP, Some("a & b")), "InvalidParameterValue"),
        (
            from_group("sg-0fffffffffffffff0", None),
            "InvalidGroup.NotFound",
        ),
    ] {
        assert_eq!(
            code(stage.allow(permission.clone())),
            expected,
            "{permission:?}"
        );
    }
    assert_eq!(code(stage.authorize(GROUP, Vec::new())), "MissingParameter");
    let ampersand = odd(|p| p.ip_ranges[0].description = Some("a & b".to_owned()));
    assert!(stage.allow(ampersand).is_ok());
    assert!(stage.allow(from_group(GROUP, Some("itself"))).is_ok());
}

#[test]
fn rules_can_be_revoked_by_id() {
    let mut stage = Stage::new();
    let made = stage.allow(from(&["10.0.0.0/16", "10.1.0.0/16"])).unwrap();
    let mut revoke = |ids: &[&str]| {
        let request = RevokeSecurityGroupIngress {
            group_id: GROUP.to_owned(),
            security_group_rule_ids: ids.iter().map(ToString::to_string).collect(),
        };
        let Stage { world, caller } = &mut stage;
        world.revoke_security_group_ingress(caller, &request)
    };
    assert_eq!(revoke(&[&made[0].id]).unwrap(), made[..1]);
    let again = revoke(&[&made[1].id, &made[0].id]);
    assert_eq!(code(again), "InvalidSecurityGroupRuleId.NotFound");
    assert_eq!(code(revoke(&[])), "MissingParameter");
    assert_eq!(stage.inbound(), 1);
}

/// EC2 API reference, `DescribeSecurityGroupRules`.
#[test]
fn rules_of_both_directions_are_listed_one_by_one() {
    let mut stage = Stage::new();
    stage
        .allow(from(&["10.0.0.0/16", "2001:db8::/56"]))
        .unwrap();
    let by_group = [Filter::one("group-id", GROUP)];
    let rules = stage.told(World::describe_security_group_rules, by_group);
    let inbound = rules.iter().filter(|rule| !rule.is_egress).count();
    assert_eq!((rules.len(), inbound), (3, 2));
}

fn from_list(id: &str) -> IpPermission {
    IpPermission {
        prefix_list_ids: vec![IpRange {
            cidr: id.to_owned(),
            description: None,
        }],
        ..from(&[])
    }
}

fn list(id: &str, account: Option<&str>, family: &str, max_entries: u32) -> PrefixListSpec {
    PrefixListSpec {
        id: id.to_owned(),
        name: "clients".to_owned(),
        account: account.map(str::to_owned),
        region: None,
        address_family: family.to_owned(),
        max_entries,
    }
}

/// VPC user guide, "Security group rules": a prefix list counts for its maximum size, and
/// one of AWS for its weight, which `DescribeManagedPrefixLists` does not tell.
#[test]
fn a_prefix_list_counts_for_all_entries_that_it_may_have() {
    let mut stage = Stage::with(|scenario| {
        scenario.prefix_lists = vec![
            list("pl-0a000001", None, "IPv4", 59),
            list("pl-0a000002", Some("AWS"), "IPv6", 61),
            list("pl-0a000003", Some("222222222222"), "IPv4", 1),
        ];
    });
    let lists = stage.told(World::describe_managed_prefix_lists, Vec::<Filter>::new());
    let told: Vec<_> = lists
        .iter()
        .map(|list| (list.id.as_str(), list.max_entries_told()))
        .collect();
    assert_eq!(told, [("pl-0a000001", Some(59)), ("pl-0a000002", None)]);

    let full = "RulesPerSecurityGroupLimitExceeded";
    let absent = "InvalidPrefixListID.NotFound";
    assert!(stage.allow(from_list("pl-0a000001")).is_ok());
    assert_eq!(
        code(stage.allow(from_list("pl-0a000001"))),
        "InvalidPermission.Duplicate"
    );
    assert_eq!(code(stage.allow(from_list("pl-0a000002"))), full);
    assert_eq!(code(stage.allow(from_list("pl-0a000003"))), absent);
    assert!(stage.allow(from(&["10.0.0.0/16"])).is_ok());
    assert_eq!(code(stage.allow(from(&["10.1.0.0/16"]))), full);
    assert!(stage.allow(from(&["2001:db8::/56"])).is_ok());
}

/// VPC peering guide, "Update your security groups to reference peer security groups":
/// by account and id, within the Region, and only while the peering is active.
#[test]
fn a_group_of_a_peered_vpc_may_be_a_source_whoever_owns_it() {
    let with = |status: &str, region: Option<&str>| {
        Stage::with(|scenario| {
            let mut neighbour = scenario.vpcs[1].clone();
            neighbour.id = "vpc-0a000003".to_owned();
            neighbour.account = Some("222222222222".to_owned());
            neighbour.is_default = false;
            neighbour.subnets.clear();
            neighbour.groups[0].id = "sg-0a000003".to_owned();
            scenario.vpcs.push(neighbour);
            scenario.vpcs[0].peerings = vec![PeeringSpec {
                id: "pcx-0a000001".to_owned(),
                peer_vpc: "vpc-0a000003".to_owned(),
                peer_account: Some("222222222222".to_owned()),
                peer_region: region.map(str::to_owned),
                peer_cidrs: Vec::new(),
                peer_ipv6_cidrs: Vec::new(),
                status: status.to_owned(),
                requested_by_peer: true,
            }];
        })
    };
    let of = |account: Option<&str>, id: &str| {
        let mut permission = from_group(id, None);
        permission.user_id_group_pairs[0].user_id = account.map(str::to_owned);
        vec![permission]
    };
    let neighbours = Some("222222222222");
    let mut stage = with("active", None);
    let made = stage
        .authorize(GROUP, of(neighbours, "sg-0a000003"))
        .unwrap();
    assert_eq!(
        made[0].referenced_group(),
        Some(("222222222222", "sg-0a000003"))
    );
    let own = stage
        .authorize(GROUP, of(Some("111122223333"), GROUP))
        .unwrap();
    assert_eq!(own[0].source, Source::Group(GROUP.to_owned()));
    for (account, id, said) in [
        // Without its account it is looked for in the caller's.
        (None, "sg-0a000003", "The security group 'sg-0a000003' does"),
        (
            neighbours,
            "sg-0a000004",
            "The security group 'sg-0a000004'",
        ),
        (None, GROUP_ELSEWHERE, "belong to different networks"),
    ] {
        let error = stage.authorize(GROUP, of(account, id)).unwrap_err();
        assert_eq!(error.code, "InvalidGroup.NotFound");
        assert!(error.message.contains(said), "{error}");
    }
    for mut stage in [with("deleted", None), with("active", Some("us-east-1"))] {
        let error = stage
            .authorize(GROUP, of(neighbours, "sg-0a000003"))
            .unwrap_err();
        assert!(error.message.contains("different networks"), "{error}");
    }
}
