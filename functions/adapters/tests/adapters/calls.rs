//! Every method of the ports as a value, so that a table can go through them all.

use std::collections::BTreeMap;
use std::fmt::Debug;

use in_process::InProcess;
use serde_json::json;
use shared::StepError;
use shared::cloud::Cloud;
use shared::ec2::{SecurityGroups, Source};
use shared::executions::{Executions, Machine};
use shared::ledger::Ledger;
use shared::secret::Secrets;

use crate::endpoints::new_endpoint;
use crate::groups::new_group;
use crate::stage::{
    ACCOUNT, CLUSTER, CONNECTION, DHCP_OPTIONS, ENDPOINT, GROUP, REGION, RUN, SERVICE, SUBNET_1,
    VPC, parsed,
};
use time::OffsetDateTime;

/// All ports of one world.
pub(crate) struct Ports<'p, E, C, S, L, X> {
    pub(crate) ec2: &'p E,
    pub(crate) cloud: &'p C,
    pub(crate) secrets: &'p S,
    pub(crate) ledger: &'p L,
    pub(crate) executions: &'p X,
}

impl<'p> Ports<'p, InProcess, InProcess, InProcess, InProcess, InProcess> {
    /// Those without a wire are one.
    pub(crate) fn of(world: &'p InProcess) -> Self {
        Self {
            ec2: world,
            cloud: world,
            secrets: world,
            ledger: world,
            executions: world,
        }
    }
}

macro_rules! methods {
    ($($method:ident $operation:literal,)*) => {
        /// A method of a port.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Method {
            $($method,)*
        }

        /// The methods, and the operation behind each.
        pub(crate) const ALL: [(Method, &str); [$($operation),*].len()] =
            [$((Method::$method, $operation)),*];
    };
}

methods! {
    Vpc "ec2:DescribeVpcs",
    VpcDns "ec2:DescribeVpcAttribute",
    PeeredVpcs "ec2:DescribeVpcPeeringConnections",
    Subnets "ec2:DescribeSubnets",
    ExistingGroups "ec2:DescribeSecurityGroups",
    PrefixLists "ec2:DescribeManagedPrefixLists",
    HostedZones "route53:ListHostedZonesByVPC",
    ZonesNamed "route53:ListHostedZonesByName",
    ResolverRules "route53resolver:ListResolverRules",
    VpcsOfRule "route53resolver:ListResolverRuleAssociations",
    Profiles "route53profiles:ListProfileAssociations",
    ProfileResources "route53profiles:ListProfileResourceAssociations",
    DnsServers "ec2:DescribeDhcpOptions",
    NetworkAcls "ec2:DescribeNetworkAcls",
    VpcTags "ec2:DescribeVpcs",
    TaggedVpcs "ec2:DescribeVpcs",
    TagVpc "ec2:CreateTags",
    UntagVpc "ec2:DeleteTags",
    EndpointService "ec2:DescribeVpcEndpointServices",
    Endpoints "ec2:DescribeVpcEndpoints",
    Endpoint "ec2:DescribeVpcEndpoints",
    EndpointsById "ec2:DescribeVpcEndpoints",
    CreateEndpoint "ec2:CreateVpcEndpoint",
    SetPrivateDns "ec2:ModifyVpcEndpoint",
    SetGroup "ec2:ModifyVpcEndpoint",
    DeleteEndpoint "ec2:DeleteVpcEndpoints",
    TagEndpoint "ec2:CreateTags",
    UntagEndpoint "ec2:DeleteTags",
    GroupNamed "ec2:DescribeSecurityGroups",
    IngressRules "ec2:DescribeSecurityGroupRules",
    CreateGroup "ec2:CreateSecurityGroup",
    Authorize "ec2:AuthorizeSecurityGroupIngress",
    Revoke "ec2:RevokeSecurityGroupIngress",
    DeleteGroup "ec2:DeleteSecurityGroup",
    GroupsNaming "ec2:DescribeSecurityGroups",
    InterfacesWith "ec2:DescribeNetworkInterfaces",
    TagGroup "ec2:CreateTags",
    UntagGroup "ec2:DeleteTags",
    Cluster "cloud:GET cluster",
    EndpointServices "cloud:GET private-endpoint-services",
    RequestEndpointServices "cloud:POST private-endpoint-services",
    Registrations "cloud:GET private-endpoint-connections",
    Register "cloud:POST private-endpoint-connections",
    Deregister "cloud:DELETE private-endpoint-connection",
    TrustedOwners "cloud:GET private-endpoint-trusted-owners",
    TrustOwner "cloud:POST private-endpoint-trusted-owners",
    DistrustOwner "cloud:DELETE private-endpoint-trusted-owner",
    ApiKey "secretsmanager:GetSecretValue",
    Connection "dynamodb:GetItem",
    Connections "dynamodb:Scan",
    RecordHealth "dynamodb:UpdateItem",
    RecordInterruption "dynamodb:UpdateItem",
    ReleaseLease "dynamodb:DeleteItem",
    ShortenLease "dynamodb:UpdateItem",
    StartRun "states:StartExecution",
    RunStanding "states:DescribeExecution",
}

use Method::*;

/// Calls a method once with arguments that the world of these tests takes. The
/// result is its value as text.
pub(crate) async fn call(
    method: Method,
    ports: &Ports<
        '_,
        impl shared::ec2::Network + shared::ec2::Endpoints + SecurityGroups + shared::ec2::VpcTags,
        impl Cloud,
        impl Secrets,
        impl Ledger,
        impl Executions,
    >,
) -> Result<String, StepError> {
    let Ports {
        ec2,
        cloud,
        secrets,
        ledger,
        executions,
    } = ports;
    let vpc = parsed(VPC);
    let group = parsed(GROUP);
    let endpoint = parsed(ENDPOINT);
    let cluster = parsed(CLUSTER);
    let tags = BTreeMap::from([("owner".to_owned(), "us".to_owned())]);
    let keys = ["Name".to_owned()];
    let sources = [Source::Cidr(parsed("10.9.0.0/16"))];
    let (region, past) = (parsed(REGION), OffsetDateTime::UNIX_EPOCH);
    let (machine, input) = (Machine::Provision, json!({"a": 1}));
    let health = crate::ledger::health();
    match method {
        Vpc => text(ec2.vpc(&vpc).await),
        VpcDns => text(ec2.vpc_dns(&vpc).await),
        PeeredVpcs => text(ec2.peered_vpcs(&vpc).await),
        Subnets => text(ec2.subnets(&vpc).await),
        ExistingGroups => text(ec2.existing_groups(std::slice::from_ref(&group)).await),
        PrefixLists => text(ec2.prefix_lists(&[parsed("pl-0a000000000000001")]).await),
        HostedZones => text(ec2.hosted_zones(&vpc).await),
        ZonesNamed => text(ec2.zones_named("db.example.com").await),
        ResolverRules => text(ec2.resolver_rules().await),
        VpcsOfRule => text(ec2.vpcs_of_rule("rslvr-rr-1").await),
        Profiles => text(ec2.profiles().await),
        ProfileResources => text(ec2.profile_resources("rp-1").await),
        DnsServers => text(ec2.dns_servers(&[DHCP_OPTIONS.to_owned()]).await),
        NetworkAcls => text(ec2.network_acls(&[parsed(SUBNET_1)]).await),
        VpcTags => text(ec2.vpc_tags(&vpc).await),
        TaggedVpcs => text(ec2.tagged_vpcs("Na*").await),
        TagVpc => text(ec2.tag_vpc(&vpc, &tags).await),
        UntagVpc => text(ec2.untag_vpc(&vpc, &keys).await),
        EndpointService => text(ec2.endpoint_service(&parsed(SERVICE)).await),
        Endpoints => text(ec2.endpoints(&vpc).await),
        Endpoint => text(ec2.endpoint(&endpoint).await),
        EndpointsById => text(ec2.endpoints_by_id(std::slice::from_ref(&endpoint)).await),
        CreateEndpoint => text(ec2.create_endpoint(&new_endpoint()).await),
        SetPrivateDns => text(ec2.set_private_dns(&endpoint, false).await),
        SetGroup => text(ec2.set_group(&endpoint, &group, true).await),
        DeleteEndpoint => text(ec2.delete_endpoint(&endpoint).await),
        TagEndpoint => text(ec2.tag_endpoint(&endpoint, &tags).await),
        UntagEndpoint => text(ec2.untag_endpoint(&endpoint, &keys).await),
        GroupNamed => text(ec2.group_named(&vpc, "by hand").await),
        IngressRules => text(ec2.ingress_rules(std::slice::from_ref(&group)).await),
        CreateGroup => text(ec2.create_group(&new_group()).await),
        Authorize => text(ec2.authorize(&group, &sources, "orders").await),
        // Whichever rule it is, it is always the same one.
        Revoke => {
            let rules = ec2.ingress_rules(std::slice::from_ref(&group)).await?;
            let first: Vec<String> = rules.into_iter().map(|rule| rule.id).take(1).collect();
            text(ec2.revoke(&group, &first).await)
        }
        DeleteGroup => text(ec2.delete_group(&parsed("sg-0a000000000000003")).await),
        GroupsNaming => text(ec2.groups_naming(&vpc, &group).await),
        InterfacesWith => text(ec2.interfaces_with(&group).await),
        TagGroup => text(ec2.tag_group(&group, &tags).await),
        UntagGroup => text(ec2.untag_group(&group, &keys).await),
        Cluster => text(cloud.cluster(&cluster).await),
        EndpointServices => text(cloud.endpoint_services(&cluster).await),
        RequestEndpointServices => text(cloud.request_endpoint_services(&cluster).await),
        Registrations => text(cloud.registrations(&cluster).await),
        Register => text(
            cloud
                .register(&cluster, &parsed("vpce-0a000000000000003"))
                .await,
        ),
        Deregister => text(
            cloud
                .deregister(&cluster, &parsed("vpce-0a000000000000004"))
                .await,
        ),
        TrustedOwners => text(cloud.trusted_owners(&cluster).await),
        TrustOwner => text(cloud.trust_owner(&cluster, &parsed(ACCOUNT)).await),
        DistrustOwner => {
            let owners = cloud.trusted_owners(&cluster).await?.unwrap_or_default();
            let first = owners
                .first()
                .map_or("00000000-0000-4000-8000-000000000000", |owner| &owner.id);
            text(cloud.distrust_owner(&cluster, first).await)
        }
        ApiKey => {
            let key = secrets.api_key(&cluster).await;
            text(key.map(|key| key.expose().to_owned()))
        }
        Connection => text(ledger.connection(CONNECTION).await),
        Connections => text(ledger.connections(None, 10).await),
        RecordHealth => text(ledger.record_health(CONNECTION, &health).await),
        RecordInterruption => text(ledger.record_interruption(CONNECTION, RUN).await),
        ReleaseLease => text(ledger.release_lease(&region, &vpc, RUN).await),
        ShortenLease => text(ledger.shorten_lease(&region, &vpc, RUN, past).await),
        StartRun => text(executions.start(machine, "another", &input).await),
        RunStanding => text(executions.standing(machine, RUN).await),
    }
}

fn text<T: Debug>(result: Result<T, StepError>) -> Result<String, StepError> {
    result.map(|value| format!("{value:?}"))
}
