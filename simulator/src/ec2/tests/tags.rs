//! Tags.

use super::*;

impl Stage {
    fn tag(&mut self, id: &str, tags: &[(&str, &str)]) -> Result<(), ApiError> {
        let request = CreateTags {
            resources: vec![id.to_owned()],
            tags: tags
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
        };
        self.world.create_tags(&self.caller, &request)
    }

    fn untag(&mut self, id: &str, keys: &[&str]) -> Result<(), ApiError> {
        let request = DeleteTags {
            resources: vec![id.to_owned()],
            keys: keys.iter().map(ToString::to_string).collect(),
        };
        self.world.delete_tags(&self.caller, &request)
    }
}

/// EC2 user guide, "Tag your Amazon EC2 resources", restrictions.
#[test]
fn tags_keep_rules() {
    let mut stage = Stage::new();
    let (long_key, long_value) = ("k".repeat(129), "v".repeat(257));
    for (key, value, expected) in [
        ("", "x", "InvalidTagKey.Malformed"),
        ("aws:mine", "x", "InvalidTagKey.Malformed"),
        (long_key.as_str(), "x", "InvalidParameterValue"),
        ("k", long_value.as_str(), "InvalidParameterValue"),
    ] {
        assert_eq!(code(stage.tag(VPC, &[(key, value)])), expected);
    }
    assert_eq!(
        stage.tag(VPC, &[(&long_key[1..], &long_value[1..])]),
        Ok(())
    );
    assert_eq!(
        code(stage.tag(VPC, &[("a", "1"), ("a", "2")])),
        "InvalidParameterValue"
    );
}

/// The same page: 50 tags.
#[test]
fn a_resource_has_at_most_fifty_tags() {
    let mut stage = Stage::new();
    let keys: Vec<String> = (0..50).map(|n| n.to_string()).collect();
    let tags: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "")).collect();
    stage.tag(VPC, &tags).unwrap();
    assert_eq!(code(stage.tag(VPC, &[("more", "")])), "TagLimitExceeded");
    assert_eq!(stage.tag(VPC, &[("49", "a new value")]), Ok(()));
}

/// EC2 API reference, `DeleteTags`: without any tag all go.
#[test]
fn tags_are_removed_by_key_and_all_of_them_without_a_key() {
    let mut stage = Stage::new();
    stage
        .tag(GROUP, &[("a", "1"), ("b", "2"), ("c", "3")])
        .unwrap();
    stage.untag(GROUP, &["a", "absent"]).unwrap();
    let keys: Vec<_> = stage.world.ec2.groups[GROUP].tags.keys().cloned().collect();
    assert_eq!(keys, ["b", "c"]);
    stage.untag(GROUP, &[]).unwrap();
    assert!(stage.world.ec2.groups[GROUP].tags.is_empty());
}

/// EC2 API reference, `CreateVpcEndpoint`, `TagSpecifications`.
#[test]
fn resources_get_tags_at_creation_and_only_of_their_own_kind() {
    let mut stage = Stage::new();
    let tags = Tags::from([("who".to_owned(), "us".to_owned())]);
    let with = |kind: &str| CreateVpcEndpoint {
        tag_specifications: vec![TagSpecification::new(kind, &tags)],
        ..request()
    };
    assert_eq!(code(stage.create(with("subnet"))), "InvalidParameterValue");
    let made = stage.create(with("vpc-endpoint")).unwrap();
    assert_eq!(made.tags, tags);
    stage.wait(3);
    let by_tag = [Filter::one("tag:who", "us")];
    let found = stage.told(World::describe_vpc_endpoints, by_tag);
    let ids: Vec<_> = found.iter().map(|it| &it.vpc_endpoint_id).collect();
    assert_eq!(ids, [&made.vpc_endpoint_id]);
}

#[test]
fn what_is_not_there_or_not_visible_cannot_be_tagged() {
    let mut stage = Stage::new();
    let id = stage.create(request()).unwrap().vpc_endpoint_id;
    assert_eq!(
        code(stage.tag(&id, &[("a", "b")])),
        "InvalidVpcEndpointId.NotFound"
    );
    stage.wait(3);
    assert_eq!(stage.tag(&id, &[("a", "b")]), Ok(()));
    assert_eq!(
        code(stage.tag("sg-0fffffffffffffff0", &[("a", "b")])),
        "InvalidGroup.NotFound"
    );
    assert_eq!(code(stage.tag("nonsense", &[("a", "b")])), "InvalidID");
}
