//! The same by hand: the plan as AWS CLI and curl commands that can be run as
//! they are. They lead to the same group, rules, endpoint, tags and registration
//! as `provision`, so that a later run finds them as its own.

use std::fmt::Write;

use serde_json::{Value, json};
use shared::cloud::CC_VERSION;
use shared::ec2::Source;
use shared::ids::{ClusterId, SubnetId};
use shared::ownership::{Claim, MANAGED_BY, ORIGIN, Origin, SECURITY_GROUP_DESCRIPTION, Tags};
use shared::plain;
use shared::plan::{ClusterFacts, NetworkPlan, SecurityGroupPlan};
use shared::report::{Login, SQL_PORT};
use shared::request::ProvisionRequest;

/// The plan as a bash script. It reads the Cloud API key from `CRDB_API_KEY`
/// and never shows it.
pub fn commands(request: &ProvisionRequest, cluster: &ClusterFacts, plan: &NetworkPlan) -> String {
    let script = Script {
        request,
        cluster,
        plan,
        claim: request.subject().claim(),
    };
    let parts = [
        script.head(),
        script.group(),
        script.endpoint(),
        script.trust(),
        script.registration(),
        script.group_back(),
        script.subnets(),
        script.private_dns(),
        script.old_rules(),
        script.end(),
    ];
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The cluster in the Cloud API, for a shell.
pub fn cluster_url(cluster: &ClusterId) -> String {
    format!("${{COCKROACH_SERVER:-https://cockroachlabs.cloud}}/api/v1/clusters/{cluster}")
}

struct Script<'a> {
    request: &'a ProvisionRequest,
    cluster: &'a ClusterFacts,
    plan: &'a NetworkPlan,
    claim: Claim,
}

impl Script<'_> {
    fn head(&self) -> String {
        let (vpc, region) = (&self.request.vpc_id, &self.request.region);
        let name = &self.cluster.cluster_name;
        let cluster_url = cluster_url(&self.request.cluster_id);
        format!(
            r#"#!/usr/bin/env bash
# Connects {vpc} to cluster {name}, as `crdb-privatelink provision` would.
# Needs curl, the AWS CLI with credentials of account {account}, and an API key
# of CockroachDB Cloud in the variable CRDB_API_KEY.
set -euo pipefail
: "${{CRDB_API_KEY:?}}"
export AWS_REGION={region} AWS_DEFAULT_REGION={region} AWS_PAGER=
CLUSTER_URL={cluster_url}
PAUSE=${{PAUSE:-10}}  # seconds between two looks

# Waits until the endpoint is in one of the given states.
until_endpoint_is() {{
  local state=unknown tries=0
  until [[ " $* " == *" $state "* ]]; do
    if [[ $state =~ ^(rejected|failed|expired|deleted)$ ]] || (( ++tries > 90 )); then
      echo "endpoint $ENDPOINT_ID is $state" >&2
      return 1
    fi
    (( tries == 1 )) || sleep "$PAUSE"
    state=$(aws ec2 describe-vpc-endpoints --vpc-endpoint-ids "$ENDPOINT_ID" \
      --query 'VpcEndpoints[0].State' --output text) || state=invisible
  done
}}

# Calls the Cloud API; the key is not shown in the list of processes.
cloud() {{
  curl --silent --show-error --fail-with-body --write-out '\n' \
    --header @- --header 'Cc-Version: {CC_VERSION}' --header 'Content-Type: application/json' \
    "$@" <<< "Authorization: Bearer $CRDB_API_KEY"
}}
"#,
            account = self.plan.account_id,
            name = comment(name),
        )
    }

    fn group(&self) -> String {
        match &self.plan.security_group {
            None => String::new(),
            Some(group) if self.plan.endpoint.existing.is_some() => self.existing_group(group),
            Some(group) => self.new_group(group),
        }
    }

    fn new_group(&self, group: &SecurityGroupPlan) -> String {
        format!(
            r#"# The security group: TCP {SQL_PORT} from the planned sources.
GROUP_ID=$(aws ec2 create-security-group \
  --vpc-id {vpc} \
  --group-name {name} \
  --description '{SECURITY_GROUP_DESCRIPTION}' \
  --tag-specifications '{tags}' \
  --query GroupId --output text)
aws ec2 wait security-group-exists --group-ids "$GROUP_ID"
aws ec2 authorize-security-group-ingress --group-id "$GROUP_ID" --output text \
  --ip-permissions '{permissions}'
"#,
            vpc = self.request.vpc_id,
            name = group.name,
            tags = specification("security-group", &self.tags(self.claim.tags(Origin::Made))),
            permissions = Value::Array(self.permissions(&group.sources)),
        )
    }

    fn existing_group(&self, group: &SecurityGroupPlan) -> String {
        let mut text = format!(
            r#"# The security group of the endpoint is there; rules that it has already are fine.
GROUP_ID=$(aws ec2 describe-security-groups \
  --filters Name=vpc-id,Values={vpc} Name=group-name,Values={name} \
  --query 'SecurityGroups[0].GroupId' --output text)
aws ec2 create-tags --resources "$GROUP_ID" --tags {tags}
allow() {{
  local said
  said=$(aws ec2 authorize-security-group-ingress --group-id "$GROUP_ID" --ip-permissions "$1" 2>&1) ||
    [[ $said == *InvalidPermission.Duplicate* ]] || {{ echo "$said" >&2; return 1; }}
}}
"#,
            vpc = self.request.vpc_id,
            name = group.name,
            tags = words(&self.claim.tags(Origin::Made)),
        );
        for permission in self.permissions(&group.sources) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "allow '[{permission}]'");
        }
        text
    }

    /// With those of the customer's.
    fn tags(&self, mut tags: Tags) -> Tags {
        tags.extend(self.request.tags.clone());
        tags
    }

    fn permissions(&self, sources: &[Source]) -> Vec<Value> {
        sources
            .iter()
            .map(|source| permission(source, &self.claim.rule_description()))
            .collect()
    }

    fn endpoint(&self) -> String {
        let endpoint = &self.plan.endpoint;
        if let Some(existing) = &endpoint.existing {
            let mut tags = self.claim.tags(Origin::Adopted);
            tags.remove(ORIGIN);
            tags.extend(self.claim.protection_tags(endpoint.protected));
            let change = self.plan.change.as_ref();
            let shape = change.and_then(|it| it.endpoint.as_ref());
            let unmark = match shape.and_then(|it| it.protected) {
                Some(false) => format!(
                    "aws ec2 delete-tags --resources \"$ENDPOINT_ID\" --tags 'Key={}'\n",
                    self.claim.protected_key()
                ),
                Some(true) | None => String::new(),
            };
            return format!(
                r#"# The endpoint is there and is used.
ENDPOINT_ID={existing}
ORIGIN=$(aws ec2 describe-vpc-endpoints --vpc-endpoint-ids "$ENDPOINT_ID" --output text \
  --query "VpcEndpoints[0].Tags[?Key=='{ORIGIN}'].Value | [0]")
[[ $ORIGIN == made ]] || ORIGIN=adopted
aws ec2 create-tags --resources "$ENDPOINT_ID" --tags {tags} "Key={ORIGIN},Value=$ORIGIN"
{unmark}"#,
                tags = words(&tags),
            );
        }
        let subnets: Vec<&str> = endpoint
            .subnet_ids
            .iter()
            .map(|subnet| subnet.as_str())
            .collect();
        let mut tags = self.claim.endpoint_tags();
        tags.extend(self.claim.private_dns_tags(self.request.private_dns));
        tags.extend(self.claim.protection_tags(endpoint.protected));
        format!(
            r#"# The endpoint, without private DNS: a service that must accept refuses it at creation.
ENDPOINT_ID=$(aws ec2 create-vpc-endpoint \
  --vpc-endpoint-type Interface \
  --vpc-id {vpc} \
  --service-name {service} \
  --subnet-ids {subnets} \
  --security-group-ids "$GROUP_ID" \
  --no-private-dns-enabled \
  --client-token "by-hand-$GROUP_ID" \
  --tag-specifications '{tags}' \
  --query VpcEndpoint.VpcEndpointId --output text)
until_endpoint_is pendingAcceptance pending available
"#,
            vpc = self.request.vpc_id,
            service = endpoint.service_name,
            subnets = subnets.join(" "),
            tags = specification("vpc-endpoint", &self.tags(tags)),
        )
    }

    fn trust(&self) -> String {
        let Some(account) = &self.plan.trust_account else {
            return String::new();
        };
        let body = json!({ "type": "AWS_ACCOUNT_ID", "external_owner_id": account.as_str() });
        format!(
            r#"# The cluster lets only trusted accounts connect.
cloud "$CLUSTER_URL/networking/private-endpoint-trusted-owners" --data '{body}'
"#
        )
    }

    fn registration(&self) -> String {
        let existing = self.plan.endpoint.existing.as_ref().map(|id| id.as_str());
        let wait = "until_endpoint_is available\n";
        if existing.is_some_and(|id| self.cluster.registered.contains(id)) {
            return format!("# The cluster knows the endpoint already.\n{wait}");
        }
        let (comment, tolerant) = if existing
            .is_some_and(|id| self.cluster.half_registered.contains(id))
        {
            (
                "# The cluster knows the endpoint, but it is not available yet; told twice is fine.",
                " || true",
            )
        } else {
            (
                "# The private endpoint connection: the cluster accepts only endpoints that it was told of.",
                "",
            )
        };
        format!(
            r#"{comment}
cloud "$CLUSTER_URL/networking/private-endpoint-connections" \
  --data "{{\"endpoint_id\": \"$ENDPOINT_ID\"}}"{tolerant}
{wait}"#
        )
    }

    /// Our group, where somebody has taken it off the endpoint.
    fn group_back(&self) -> String {
        let change = self.plan.change.as_ref();
        let shape = change.and_then(|it| it.endpoint.as_ref());
        let Some(group) = shape.and_then(|it| it.group.as_ref()) else {
            return String::new();
        };
        format!(
            r#"# The security group of the connection goes back on the endpoint.
aws ec2 modify-vpc-endpoint --vpc-endpoint-id "$ENDPOINT_ID" --add-security-group-ids {} --output text
until_endpoint_is available
"#,
            group.id
        )
    }

    /// The subnets of an endpoint that is there, one change after the other: new zones
    /// first, then other subnets of the zones that it is in, old zones last.
    fn subnets(&self) -> String {
        let change = self.plan.change.as_ref();
        let shapes = change.and_then(|it| it.endpoint.as_ref().zip(it.former_endpoint.as_ref()));
        let Some((wanted, former)) = shapes else {
            return String::new();
        };
        let list = |ids: &[SubnetId], others: &[SubnetId]| {
            let ids = ids.iter().filter(|id| !others.contains(id));
            let ids: Vec<&str> = ids.map(|id| id.as_str()).collect();
            ids.join(" ")
        };
        let added = list(&wanted.subnet_ids, &former.subnet_ids);
        let removed = list(&former.subnet_ids, &wanted.subnet_ids);
        if added.is_empty() && removed.is_empty() {
            return String::new();
        }
        format!(
            r#"# The subnets of the endpoint. EC2 takes one for each zone, and one change at a time.
NEW_SUBNETS=({added})
OLD_SUBNETS=({removed})
change_subnet() {{
  aws ec2 modify-vpc-endpoint --vpc-endpoint-id "$ENDPOINT_ID" "$1" "$2" --output text
  until_endpoint_is available
}}
zone_of() {{
  aws ec2 describe-subnets --subnet-ids "$1" \
    --query 'Subnets[0].AvailabilityZoneId' --output text
}}
old_in() {{
  local old
  for old in "${{OLD_SUBNETS[@]}}"; do
    [[ $(zone_of "$old") != "$1" ]] || echo "$old"
  done
}}
SWAPPED=
for new in "${{NEW_SUBNETS[@]}}"; do
  [[ -n $(old_in "$(zone_of "$new")") ]] || change_subnet --add-subnet-ids "$new"
done
for new in "${{NEW_SUBNETS[@]}}"; do
  old=$(old_in "$(zone_of "$new")")
  [[ -n $old ]] || continue
  change_subnet --remove-subnet-ids "$old"
  change_subnet --add-subnet-ids "$new"
  SWAPPED="$SWAPPED $old "
done
for old in "${{OLD_SUBNETS[@]}}"; do
  [[ $SWAPPED == *" $old "* ]] || change_subnet --remove-subnet-ids "$old"
done
"#
        )
    }

    /// Rules that are asked for no more, when everything else is done.
    fn old_rules(&self) -> String {
        let change = self.plan.change.as_ref();
        let removed = change.map_or(&[][..], |it| it.sources_removed.as_slice());
        if removed.is_empty() {
            return String::new();
        }
        let mut text = "# Old rules of this connection go last.\n".to_owned();
        for source in removed {
            let mut permission = permission(source, "");
            forget_description(&mut permission);
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "aws ec2 revoke-security-group-ingress --group-id \"$GROUP_ID\" --output text \\\n  --ip-permissions '[{permission}]'"
            );
        }
        text
    }

    fn private_dns(&self) -> String {
        let change = self.plan.change.as_ref();
        let shape = change.and_then(|it| it.endpoint.as_ref());
        if shape.is_some_and(|it| it.private_dns == Some(false)) {
            let tags = words(&self.claim.private_dns_tags(false));
            return format!(
                r#"# Private DNS goes off.
aws ec2 create-tags --resources "$ENDPOINT_ID" --tags {tags}
aws ec2 modify-vpc-endpoint --vpc-endpoint-id "$ENDPOINT_ID" --no-private-dns-enabled --output text
until_endpoint_is available
"#
            );
        }
        let Some(host) = &self.plan.private_host else {
            return String::new();
        };
        let modify = r#"aws ec2 modify-vpc-endpoint --vpc-endpoint-id "$ENDPOINT_ID" --private-dns-enabled --output text"#;
        let command = match self.plan.endpoint.existing {
            None => modify.to_owned(),
            Some(_) => format!(
                r#"[[ $(aws ec2 describe-vpc-endpoints --vpc-endpoint-ids "$ENDPOINT_ID" \
  --query 'VpcEndpoints[0].PrivateDnsEnabled' --output text) == True ]] ||
  {modify}"#
            ),
        };
        let was_without = change.and_then(|it| it.former_endpoint.as_ref());
        let mark = match was_without.and_then(|it| it.private_dns) {
            Some(false) => format!(
                "aws ec2 delete-tags --resources \"$ENDPOINT_ID\" --tags 'Key={}'\n",
                self.claim.without_private_dns_key()
            ),
            Some(true) | None => String::new(),
        };
        format!(
            r#"# Private DNS: from now on {host} resolves inside the VPC.
{command}
until_endpoint_is available
{mark}"#,
            host = comment(host),
        )
    }

    fn end(&self) -> String {
        let login = Login {
            sql_user: self.request.sql_user.clone(),
            database: self.request.database.clone(),
            routing_id: self.cluster.routing_id.clone(),
        };
        match &self.plan.private_host {
            Some(host) => format!(
                "printf '%s\\n' '{}'\n",
                quoted(&login.connection_string(host, true))
            ),
            None => {
                let (head, tail) = login.around_host(false);
                format!(
                    r#"HOST=$(aws ec2 describe-vpc-endpoints --vpc-endpoint-ids "$ENDPOINT_ID" \
  --query 'VpcEndpoints[0].DnsEntries[0].DnsName' --output text)
printf '%s%s%s\n' '{}' "$HOST" '{}'
"#,
                    quoted(&head),
                    quoted(&tail)
                )
            }
        }
    }
}

/// A rule as EC2 takes it.
fn permission(source: &Source, description: &str) -> Value {
    let (ranges, range) = match source {
        Source::Cidr(cidr) if cidr.is_ipv6() => ("Ipv6Ranges", json!({ "CidrIpv6": cidr })),
        Source::Cidr(cidr) => ("IpRanges", json!({ "CidrIp": cidr })),
        Source::Group(group) => {
            let mut pair = json!({ "GroupId": group.id() });
            if let Some(account) = group.account() {
                pair["UserId"] = json!(account);
            }
            ("UserIdGroupPairs", pair)
        }
        Source::PrefixList(list) => ("PrefixListIds", json!({ "PrefixListId": list })),
    };
    let mut range = range;
    range["Description"] = json!(description);
    json!({ "IpProtocol": "tcp", "FromPort": SQL_PORT, "ToPort": SQL_PORT, ranges: [range] })
}

/// A rule is found by what it lets in, whatever its description.
fn forget_description(permission: &mut Value) {
    for ranges in permission.as_object_mut().into_iter().flatten() {
        for range in ranges.1.as_array_mut().into_iter().flatten() {
            if let Some(range) = range.as_object_mut() {
                range.remove("Description");
            }
        }
    }
}

/// Tags at creation, for the AWS CLI within single quotes. As JSON, because its shorthand
/// has no way to write every character.
fn specification(kind: &str, tags: &Tags) -> String {
    let tags = tags
        .iter()
        .map(|(key, value)| json!({ "Key": key, "Value": value }));
    let tags: Vec<Value> = tags.collect();
    quoted(&json!([{ "ResourceType": kind, "Tags": tags }]).to_string())
}

/// Tags as separate words, in the order in which they are told apart best.
fn words(tags: &Tags) -> String {
    let mut tags: Vec<(&String, &String)> = tags.iter().collect();
    tags.sort_by_key(|(key, _)| key.as_str() != MANAGED_BY);
    let tags: Vec<String> = tags
        .iter()
        .map(|(key, value)| format!("'Key={key},Value={value}'"))
        .collect();
    tags.join(" ")
}

/// Names from outside stand in comments only, and on one line.
fn comment(name: &str) -> String {
    plain::text(&name.replace('\n', " ")).into_owned()
}

/// Text within single quotes.
fn quoted(text: &str) -> String {
    text.replace('\'', r"'\''")
}

#[cfg(test)]
mod tests;
