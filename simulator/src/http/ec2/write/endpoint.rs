//! Endpoints and their services as XML.

use super::{Xml, tags, time};
use crate::ec2::{
    CreateVpcEndpointResult, DescribeVpcEndpointServicesResult, Described, Unsuccessful,
    VpcEndpoint,
};

/// The policy of an endpoint that was made without one.
const FULL_ACCESS: &str =
    r#"{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}"#;
/// The only kind of addresses that endpoints have here.
const IPV4: &str = "ipv4";

/// Services. Zones are listed by name and by id.
pub(in crate::http::ec2) fn services(xml: &mut Xml, answer: &DescribeVpcEndpointServicesResult) {
    let details = &answer.service_details;
    xml.values(
        "serviceNameSet",
        details.iter().map(|service| &service.name),
    );
    xml.list("serviceDetailSet", details, |xml, service| {
        xml.leaf("serviceName", &service.name);
        xml.leaf("serviceId", &service.id);
        xml.list("serviceType", [service.kind.word()], |xml, kind| {
            xml.leaf("serviceType", kind);
        });
        xml.leaf("serviceRegion", &service.region);
        let zones = answer.zones.iter();
        let names = zones.filter(|zone| service.zone_ids.contains(&zone.id));
        xml.values("availabilityZoneSet", names.map(|zone| &zone.name));
        xml.values("availabilityZoneIdSet", &service.zone_ids);
        xml.leaf("owner", &service.owner);
        xml.values("baseEndpointDnsNameSet", [service.base_dns_name()]);
        if let Some(name) = &service.private_dns_name {
            xml.leaf("privateDnsName", name);
            xml.list("privateDnsNameSet", [name], |xml, name| {
                xml.leaf("privateDnsName", name);
            });
            xml.leaf(
                "privateDnsNameVerificationState",
                service.verification.word(),
            );
        }
        xml.leaf("vpcEndpointPolicySupported", !service.acceptance_required);
        xml.leaf("acceptanceRequired", service.acceptance_required);
        xml.leaf("managesVpcEndpoints", false);
        xml.values("supportedIpAddressTypeSet", [IPV4]);
    });
}

pub(in crate::http::ec2) fn created(xml: &mut Xml, answer: &CreateVpcEndpointResult) {
    xml.node("vpcEndpoint", |xml| endpoint(xml, &answer.vpc_endpoint));
    xml.maybe("clientToken", answer.client_token.as_ref());
}

pub(in crate::http::ec2) fn described(xml: &mut Xml, answer: &Described<VpcEndpoint>) {
    xml.list("vpcEndpointSet", &answer.items, endpoint);
    // At the end the token is there, and empty.
    xml.leaf(
        "nextToken",
        answer.next_token.as_deref().unwrap_or_default(),
    );
}

fn endpoint(xml: &mut Xml, endpoint: &VpcEndpoint) {
    xml.leaf("vpcEndpointId", &endpoint.vpc_endpoint_id);
    xml.leaf("vpcEndpointType", endpoint.vpc_endpoint_type.word());
    xml.leaf("vpcId", &endpoint.vpc_id);
    xml.leaf("serviceName", &endpoint.service_name);
    xml.leaf("serviceRegion", &endpoint.region);
    xml.leaf("state", endpoint.state.word());
    xml.leaf("policyDocument", FULL_ACCESS);
    xml.values("routeTableIdSet", [""; 0]);
    xml.values("subnetIdSet", &endpoint.subnet_ids);
    xml.list("groupSet", &endpoint.groups, |xml, group| {
        xml.leaf("groupId", &group.group_id);
        xml.leaf("groupName", &group.group_name);
    });
    xml.leaf("ipAddressType", IPV4);
    xml.node("dnsOptions", |xml| xml.leaf("dnsRecordIpType", IPV4));
    xml.leaf("privateDnsEnabled", endpoint.private_dns_enabled);
    xml.leaf("requesterManaged", false);
    xml.values("networkInterfaceIdSet", &endpoint.network_interface_ids);
    xml.list("dnsEntrySet", &endpoint.dns_entries, |xml, entry| {
        xml.leaf("dnsName", &entry.dns_name);
        xml.leaf("hostedZoneId", &entry.hosted_zone_id);
    });
    xml.leaf("creationTimestamp", time(endpoint.creation_timestamp));
    tags(xml, &endpoint.tags);
    xml.leaf("ownerId", &endpoint.owner_id);
    if let Some(error) = &endpoint.last_error {
        xml.node("lastError", |xml| {
            xml.leaf("message", &error.message);
            xml.leaf("code", &error.code);
        });
    }
}

pub(in crate::http::ec2) fn deleted(xml: &mut Xml, unsuccessful: &[Unsuccessful]) {
    xml.list("unsuccessful", unsuccessful, |xml, item| {
        xml.node("error", |xml| {
            xml.leaf("code", &item.error.code);
            xml.leaf("message", &item.error.message);
        });
        xml.leaf("resourceId", &item.resource_id);
    });
}
