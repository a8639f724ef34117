//! What is found, and how old it must be to go.

use shared::ec2::{Managed, SecurityGroup};
use shared::ownership::{Claim, Origin};
use shared::vpc_tags::Asked;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::*;

const NOW: OffsetDateTime = datetime!(2027-01-15 08:00 UTC);

fn input() -> Input {
    Input {
        now: NOW,
        ..crate::tests::input()
    }
}

/// What is made of an endpoint and a group of these ages in hours, of which the ledger
/// knows nothing.
fn kept(
    endpoint: Option<i64>,
    group: Option<i64>,
    change: impl FnOnce(&mut Seen),
) -> Option<String> {
    let vpc: VpcId = "vpc-0a1b2c3d4e5f60718".parse().unwrap();
    let place = Place {
        account_id: None,
        region: "eu-west-1".parse().unwrap(),
    };
    let cluster = "1a2b3c4d-0000-4000-8000-00000000000a".parse().unwrap();
    let claim = Claim::of(&place.region, &vpc, &cluster);
    let ago = |hours: i64| NOW - Duration::hours(hours);
    let group_id: shared::ids::SecurityGroupId = "sg-0a71e831".parse().unwrap();
    let mut seen = Seen::default();
    if let Some(hours) = group {
        seen.groups_seen.insert(group_id.clone(), ago(hours));
    }
    seen.things = vec![Claimed {
        endpoints: vec![Managed {
            vpc_id: vpc.clone(),
            created_at: endpoint.map(ago),
            it: in_process::stage::endpoint("available"),
        }],
        groups: vec![Managed {
            vpc_id: vpc.clone(),
            created_at: None,
            it: SecurityGroup {
                id: group_id,
                name: "ours".to_owned(),
                tags: claim.tags(Origin::Made),
            },
        }],
        vpc_id: vpc,
        claim,
    }];
    change(&mut seen);
    let mut found = findings(&seen, &place, &[], &input());
    assert_eq!(found.len(), 1, "{found:?}");
    let found = found.remove(0);
    assert_eq!(found.removal.is_some(), found.kept.is_none());
    found.kept
}

#[test]
fn the_youngest_part_must_have_the_minimum_age() {
    let young = Some("it may be younger than 24 hours".to_owned());
    for (endpoint, group, expected) in [
        (Some(24), Some(24), None),
        (Some(23), Some(24), young.clone()),
        (Some(24), Some(23), young.clone()),
        (Some(1000), Some(0), young.clone()),
        // Nobody knows how old it is.
        (None, Some(24), young.clone()),
        (Some(24), None, young.clone()),
        (Some(-5), Some(24), young),
    ] {
        let kept = kept(endpoint, group, |_| {});
        assert_eq!(kept, expected, "{endpoint:?} {group:?}");
    }
}

#[test]
fn what_a_run_is_changing_or_a_tag_asks_for_stays_whatever_its_age() {
    let leased = kept(Some(1000), Some(1000), |seen| {
        seen.leased.insert(seen.things[0].vpc_id.clone());
    });
    assert_eq!(leased.as_deref(), Some("an execution is changing this VPC"));
    let asked_for = kept(Some(1000), Some(1000), |seen| {
        let things = &seen.things[0];
        let asked = Asked {
            clusters: vec![things.claim.cluster_id.clone()],
            malformed: Vec::new(),
        };
        seen.asked_for.insert(things.vpc_id.clone(), asked);
    });
    assert!(asked_for.is_some_and(|it| it.contains("asks for this")));
}

/// Somebody has taken our tags off an endpoint: of a connection that works it is in use,
/// and of one that is over nothing should be there.
#[test]
fn an_entry_alone_is_told_unless_its_endpoint_is_in_use() {
    let place = Place {
        account_id: None,
        region: "eu-west-1".parse().unwrap(),
    };
    for (phase, exists, is_told) in [
        (Phase::Ready, true, false),
        (Phase::Ready, false, true),
        (Phase::Disconnected, true, true),
        (Phase::Disconnected, false, true),
        (Phase::EndpointMade, false, false),
    ] {
        let request = in_process::stage::Stage::shipped("connected").request;
        let endpoint: EndpointId = "vpce-0a10000000000000e".parse().unwrap();
        let mut entry = in_process::stage::entry(request, phase, NOW);
        entry.endpoint_id = Some(endpoint.clone());
        let mut seen = Seen::default();
        if exists {
            seen.existing.insert(endpoint);
        }
        seen.entries.insert(entry.connection_id.clone(), entry);
        let found = findings(&seen, &place, &[], &input());
        let kept = "by the ledger it works";
        for finding in &found {
            let is_kept = finding.kept.as_ref().is_some_and(|why| why.contains(kept));
            assert_eq!(is_kept, phase == Phase::Ready);
            assert!(!is_kept || finding.removal.is_none());
        }
        let kinds = found.into_iter().map(|finding| finding.kind);
        let expected = is_told.then_some(Kind::EntryOnly);
        assert!(kinds.eq(expected), "{phase:?} {exists}");
    }
}
