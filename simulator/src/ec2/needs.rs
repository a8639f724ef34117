//! What EC2 asks IAM for ("Actions, resources, and condition keys for Amazon EC2",
//! service authorization reference).

use std::collections::BTreeSet;

use super::{
    CreateSecurityGroup, CreateTags, CreateVpcEndpoint, DeleteTags, ModifyVpcEndpoint,
    TagSpecification, Tags,
};
use crate::World;
use crate::authorization::Authorization;
use crate::calls::Caller;

/// What AWS may look for beside `CreateVpcEndpoint` ("Dependent actions").
const BESIDE_CREATE_VPC_ENDPOINT: [&str; 3] = [
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
];

/// The zone of private DNS is AWS's own, and nobody is told its id.
const HIDDEN_ZONE: &str = "arn:aws:route53:::hostedzone/Z0HIDDEN";

impl World {
    /// Notes what the call that is being carried out needs, if anybody wants to know.
    fn needs(&mut self, what: impl FnOnce(&World) -> Vec<Authorization>) {
        if self.needed.is_some() {
            let more = what(self);
            self.needed.get_or_insert_default().extend(more);
        }
    }

    /// A read, for which EC2 knows no resources.
    pub(super) fn needs_to_read(&mut self, caller: &Caller, operation: &str) {
        self.needs(|_| vec![Authorization::new(caller, &format!("ec2:{operation}"), "*")]);
    }

    /// An action on things that exist, by their ids. Without permission nobody is
    /// told whether one exists, so one that does not is asked about as well.
    pub(super) fn needs_on<'a>(
        &mut self,
        caller: &Caller,
        action: &str,
        ids: impl IntoIterator<Item = &'a String>,
    ) {
        self.needs(|world| {
            let ids = ids.into_iter();
            ids.map(|id| world.on(caller, action, id)).collect()
        });
    }

    pub(super) fn needs_for_group(&mut self, caller: &Caller, request: &CreateSecurityGroup) {
        let action = "ec2:CreateSecurityGroup";
        self.needs(|world| {
            let mut all = at_creation(
                caller,
                action,
                "security-group",
                &request.tag_specifications,
            );
            all.push(world.on(caller, action, &request.vpc_id));
            all
        });
    }

    pub(super) fn needs_for_endpoint(&mut self, caller: &Caller, request: &CreateVpcEndpoint) {
        let action = "ec2:CreateVpcEndpoint";
        self.needs(|world| {
            let mut all = at_creation(caller, action, "vpc-endpoint", &request.tag_specifications);
            for one in all.iter_mut().filter(|one| one.action == action) {
                *one = one
                    .clone()
                    .with("ec2:VpceServiceName", &request.service_name)
                    .with("ec2:VpceServiceRegion", &caller.region);
            }
            let used = request.subnet_ids.iter().chain(&request.security_group_ids);
            let used = used.chain([&request.vpc_id]);
            all.extend(used.map(|id| world.on(caller, action, id)));
            for beside in BESIDE_CREATE_VPC_ENDPOINT {
                all.push(Authorization::new(caller, beside, "*"));
            }
            all.push(hidden_zone(caller));
            all
        });
    }

    pub(super) fn needs_for_change(&mut self, caller: &Caller, request: &ModifyVpcEndpoint) {
        let action = "ec2:ModifyVpcEndpoint";
        self.needs(|world| {
            let ids = [&request.vpc_endpoint_id].into_iter();
            let ids = ids.chain(&request.add_subnet_ids);
            let ids = ids.chain(&request.remove_subnet_ids);
            let ids = ids.chain(&request.add_security_group_ids);
            let ids = ids.chain(&request.remove_security_group_ids);
            let mut all: Vec<_> = ids.map(|id| world.on(caller, action, id)).collect();
            if request.private_dns_enabled == Some(true) {
                all.push(hidden_zone(caller));
            }
            all
        });
    }

    pub(super) fn needs_to_tag(&mut self, caller: &Caller, request: &CreateTags) {
        let tags = request.tags.iter().map(|(key, value)| (key, value));
        self.needs(|world| {
            let ids = request.resources.iter();
            let on = ids.map(|id| world.on(caller, "ec2:CreateTags", id));
            on.map(|one| one.tagging(tags.clone())).collect()
        });
    }

    /// A key that is named without a value has none in the request either.
    pub(super) fn needs_to_untag(&mut self, caller: &Caller, request: &DeleteTags) {
        let keys: BTreeSet<String> = request.keys.iter().cloned().collect();
        self.needs(|world| {
            let ids = request.resources.iter();
            let on = ids.map(|id| world.on(caller, "ec2:DeleteTags", id));
            on.map(|one| one.tag_keys(keys.clone())).collect()
        });
    }

    /// An action on something that is there, with what it is known by now.
    fn on(&self, caller: &Caller, action: &str, id: &str) -> Authorization {
        let ec2 = &self.ec2;
        let kind = match id.rsplit_once('-').map_or("", |(prefix, _)| prefix) {
            "vpce" => "vpc-endpoint",
            "sg" => "security-group",
            prefix => prefix,
        };
        let known = match kind {
            "vpc-endpoint" => ec2.endpoints.get(id).map(|it| (&it.owner, &it.tags)),
            "security-group" => ec2.groups.get(id).map(|it| (&it.owner, &it.tags)),
            "vpc" => ec2.vpcs.get(id).map(|it| (&it.owner, &it.tags)),
            "subnet" => ec2.subnets.get(id).map(|it| (&it.owner, &it.tags)),
            _ => None,
        };
        let none = Tags::new();
        let (owner, tags) = known.unwrap_or((&caller.account, &none));
        let arn = format!("arn:aws:ec2:{}:{owner}:{kind}/{id}", caller.region);
        let on = Authorization::new(caller, action, arn).tagged(tags);
        match ec2.endpoints.get(id) {
            Some(endpoint) if action == "ec2:DeleteVpcEndpoints" => {
                on.with("ec2:VpceServiceName", &endpoint.service_name)
            }
            Some(_) | None => on,
        }
    }
}

/// Something is made, which has no id yet, and tagged in the same call ("Grant
/// permission to tag resources during creation", EC2 user guide).
fn at_creation(
    caller: &Caller,
    action: &str,
    kind: &str,
    specifications: &[TagSpecification],
) -> Vec<Authorization> {
    let Caller { account, region } = caller;
    let arn = format!("arn:aws:ec2:{region}:{account}:{kind}/new");
    let tags = || {
        let all = specifications.iter().flat_map(|one| &one.tags);
        all.map(|(key, value)| (key, value))
    };
    let mut all = vec![Authorization::new(caller, action, &arn).tagging(tags())];
    if !specifications.is_empty() {
        let by = action.trim_start_matches("ec2:");
        let tag = Authorization::new(caller, "ec2:CreateTags", &arn).tagging(tags());
        all.push(tag.with("ec2:CreateAction", by));
    }
    all
}

/// Private DNS needs the zone of its name as well.
fn hidden_zone(caller: &Caller) -> Authorization {
    Authorization::new(caller, "route53:AssociateVPCWithHostedZone", HIDDEN_ZONE)
}
