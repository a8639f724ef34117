//! Security groups as XML.

use super::{Xml, no_tags, page, tags};
use crate::ec2::{Described, Rule, SecurityGroup, Source};

pub(in crate::http::ec2) fn security_groups(xml: &mut Xml, answer: &Described<SecurityGroup>) {
    page(xml, "securityGroupInfo", answer, |xml, group| {
        xml.leaf("ownerId", &group.owner);
        xml.leaf("groupId", &group.id);
        xml.leaf("groupName", &group.name);
        xml.leaf("groupDescription", &group.description);
        xml.leaf("vpcId", &group.vpc_id);
        xml.leaf("securityGroupArn", group.arn());
        permissions(xml, "ipPermissions", group, false);
        permissions(xml, "ipPermissionsEgress", group, true);
        tags(xml, &group.tags);
    });
}

/// The rules of one direction, those of the same protocol and ports in one
/// entry.
fn permissions(xml: &mut Xml, name: &str, group: &SecurityGroup, egress: bool) {
    type Key<'a> = (&'a str, Option<i32>, Option<i32>);
    let mut entries: Vec<(Key<'_>, Vec<&Rule>)> = Vec::new();
    for rule in group.rules.iter().filter(|rule| rule.is_egress == egress) {
        let key = (rule.protocol.as_str(), rule.from_port, rule.to_port);
        match entries.iter_mut().find(|(known, _)| *known == key) {
            Some((_, rules)) => rules.push(rule),
            None => entries.push((key, vec![rule])),
        }
    }
    xml.list(name, entries, |xml, ((protocol, from, to), rules)| {
        xml.leaf("ipProtocol", protocol);
        xml.maybe("fromPort", from);
        xml.maybe("toPort", to);
        let of = |wanted: fn(&Source) -> bool| {
            rules
                .iter()
                .filter(move |rule| wanted(&rule.source))
                .copied()
                .collect::<Vec<&Rule>>()
        };
        let ranges = [
            ("ipRanges", "cidrIp", of(|s| matches!(s, Source::Ipv4(_)))),
            (
                "ipv6Ranges",
                "cidrIpv6",
                of(|s| matches!(s, Source::Ipv6(_))),
            ),
            (
                "prefixListIds",
                "prefixListId",
                of(|s| matches!(s, Source::PrefixList(_))),
            ),
        ];
        for (list, member, rules) in ranges {
            xml.list(list, rules, |xml, rule| {
                xml.leaf(member, rule.source.text());
                xml.maybe("description", rule.description.as_ref());
            });
        }
        xml.list(
            "groups",
            of(|s| matches!(s, Source::Group(_))),
            |xml, rule| {
                if let Some((account, group)) = rule.referenced_group() {
                    xml.leaf("userId", account);
                    xml.leaf("groupId", group);
                }
                xml.maybe("description", rule.description.as_ref());
            },
        );
    });
}

pub(in crate::http::ec2) fn security_group_rules(xml: &mut Xml, answer: &Described<Rule>) {
    page(xml, "securityGroupRuleSet", answer, rule);
}

/// A rule. Where there are no ports the numbers are -1.
fn rule(xml: &mut Xml, rule: &Rule) {
    xml.leaf("securityGroupRuleId", &rule.id);
    xml.leaf(
        "securityGroupRuleArn",
        format!(
            "arn:aws:ec2:{}:{}:security-group-rule/{}",
            rule.region, rule.group_owner, rule.id
        ),
    );
    xml.leaf("groupId", &rule.group_id);
    xml.leaf("groupOwnerId", &rule.group_owner);
    rule_words(xml, rule);
    if let Some((account, group)) = rule.referenced_group() {
        xml.node("referencedGroupInfo", |xml| {
            xml.leaf("groupId", group);
            xml.leaf("userId", account);
        });
    }
    no_tags(xml);
}

/// What a rule says, without its group.
fn rule_words(xml: &mut Xml, rule: &Rule) {
    xml.leaf("isEgress", rule.is_egress);
    xml.leaf("ipProtocol", &rule.protocol);
    xml.leaf("fromPort", rule.from_port.unwrap_or(-1));
    xml.leaf("toPort", rule.to_port.unwrap_or(-1));
    match &rule.source {
        Source::Ipv4(net) => xml.leaf("cidrIpv4", net),
        Source::Ipv6(net) => xml.leaf("cidrIpv6", net),
        Source::PrefixList(id) => xml.leaf("prefixListId", id),
        Source::Group(_) => {}
    }
    xml.maybe("description", rule.description.as_ref());
}

pub(in crate::http::ec2) fn created(xml: &mut Xml, group: &SecurityGroup) {
    xml.leaf("return", true);
    xml.leaf("groupId", &group.id);
    xml.leaf("securityGroupArn", group.arn());
    tags(xml, &group.tags);
}

pub(in crate::http::ec2) fn authorized(xml: &mut Xml, rules: &[Rule]) {
    xml.leaf("return", true);
    xml.list("securityGroupRuleSet", rules, rule);
}

pub(in crate::http::ec2) fn revoked(xml: &mut Xml, rules: &[Rule]) {
    xml.leaf("return", true);
    xml.list("revokedSecurityGroupRuleSet", rules, |xml, rule| {
        xml.leaf("securityGroupRuleId", &rule.id);
        xml.leaf("groupId", &rule.group_id);
        rule_words(xml, rule);
        if let Some((_, group)) = rule.referenced_group() {
            xml.leaf("referencedGroupId", group);
        }
    });
}

pub(in crate::http::ec2) fn deleted(xml: &mut Xml, group_id: &str) {
    xml.leaf("return", true);
    xml.leaf("groupId", group_id);
}
