//! The rules there are and the rules there should be.

use std::collections::BTreeSet;

use shared::ec2::{IngressRule, Source, admits};
use shared::ownership::Claim;
use shared::report::SQL_PORT;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) missing: Vec<Source>,
    pub(crate) extra: Vec<String>,
}

/// Compares the rules there are with the sources there should be. Each of these gets a
/// rule of its own, since another rule that lets it in may go with whoever made it; and
/// a rule is too much only if it lets in more than all of them together.
pub(crate) fn compare(rules: &[IngressRule], planned: &[Source], claim: &Claim) -> Difference {
    let admitted: BTreeSet<&Source> = rules
        .iter()
        .filter(|rule| rule.is_exactly_tcp(SQL_PORT))
        .map(|rule| &rule.source)
        .collect();
    let missing = planned
        .iter()
        .filter(|source| !admitted.contains(source))
        .cloned()
        .collect();
    let asked: BTreeSet<&Source> = planned.iter().collect();
    let extra = rules
        .iter()
        .filter(|rule| !rule.is_exactly_tcp(SQL_PORT) || !admits(&asked, &rule.source))
        // What this connection asked for earlier was found by `inspect-network`.
        .filter(|rule| !claim.is_own_rule(&rule.description))
        .map(ToString::to_string)
        .collect();
    Difference { missing, extra }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::Cidr(text.parse().unwrap())
    }

    #[test]
    fn rules_are_compared_by_what_they_admit() {
        let rule = |protocol: &str, ports, from: &str| IngressRule {
            id: "sgr-1".to_owned(),
            group_id: "sg-0a71e831".parse().unwrap(),
            protocol: protocol.to_owned(),
            ports,
            source: source(from),
            description: "somebody".to_owned(),
        };
        let sql = Some((SQL_PORT, SQL_PORT));
        let claim = in_process::stage::a_claim();
        let mut earlier = rule("tcp", sql, "10.9.0.0/16");
        earlier.description = claim.rule_description();
        let both = vec![
            rule("6", sql, "10.0.0.0/16"),
            rule("tcp", sql, "10.1.0.0/16"),
        ];
        let planned = [source("10.0.0.0/16"), source("10.1.0.0/16")];
        for (rules, missing, extra) in [
            (vec![], 2, 0),
            (vec![rule("tcp", sql, "10.0.0.0/16")], 1, 0),
            (both, 0, 0),
            (vec![rule("tcp", sql, "10.9.0.0/16")], 2, 1),
            // Wider than planned: the planned rule is added, the wide one reported.
            (vec![rule("-1", None, "10.0.0.0/16")], 2, 1),
            (vec![rule("tcp", Some((0, 65535)), "10.0.0.0/16")], 2, 1),
            (vec![rule("udp", sql, "10.0.0.0/16")], 2, 1),
            (vec![earlier], 2, 0),
            // A part of what is planned, and both networks in one.
            (vec![rule("tcp", sql, "10.0.7.0/24")], 2, 0),
            (vec![rule("tcp", sql, "10.0.0.0/15")], 2, 0),
            (vec![rule("tcp", sql, "10.0.0.0/14")], 2, 1),
        ] {
            let found = compare(&rules, &planned, &claim);
            let found = (found.missing.len(), found.extra.len());
            assert_eq!(found, (missing, extra), "{rules:?}");
        }
    }
}
