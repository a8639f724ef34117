//! The HTTP face of Route 53: the REST-XML protocol of API version 2013-04-01,
//! as the botocore model `route53/2013-04-01` describes it.

use axum::http::Method;
use axum::http::request::Parts;
use axum::response::Response;

use super::ec2::caller;
use super::rest_xml::{refused, respond};
use super::xml::Xml;
use crate::calls::{ApiError, Refusal};
use crate::route53::{
    HostedZoneSummary, ListHostedZonesByName, ListHostedZonesByNameResult, ListHostedZonesByVpc,
    ListHostedZonesByVpcResult, Owner, invalid_input,
};
use crate::simulator::Simulator;

/// What the paths of this API version begin with.
const PREFIX: &str = "/2013-04-01/";
const NAMESPACE: &str = "https://route53.amazonaws.com/doc/2013-04-01/";

/// Whether a request is for this service.
pub(super) fn is_meant(parts: &Parts) -> bool {
    parts.uri.path().starts_with(PREFIX)
}

pub(super) fn answer(sim: &Simulator, parts: &Parts) -> Result<Response, Refusal> {
    let name = parts.uri.path().strip_prefix(PREFIX);
    let caller = caller(sim, parts);
    let query = parts.uri.query().unwrap_or_default();
    // A request that Route 53 cannot read is a call like any other.
    let answered = match name.filter(|_| parts.method == Method::GET) {
        Some("hostedzonesbyvpc") => sim
            .call("route53:ListHostedZonesByVPC", |world| {
                world.list_hosted_zones_by_vpc(&caller, &read(query)?)
            })
            .map(|answer| {
                respond(NAMESPACE, 200, "ListHostedZonesByVPCResponse", |xml| {
                    write(xml, &answer);
                })
            }),
        Some("hostedzonesbyname") => sim
            .call("route53:ListHostedZonesByName", |world| {
                world.list_hosted_zones_by_name(&caller, &read_by_name(query)?)
            })
            .map(|answer| {
                respond(NAMESPACE, 200, "ListHostedZonesByNameResponse", |xml| {
                    write_by_name(xml, &answer);
                })
            }),
        Some(_) | None => {
            let error = ApiError::new(404, "UnknownOperationException", "");
            Ok(refused(NAMESPACE, &error))
        }
    };
    match answered {
        Err(Refusal::Answer(error)) => Ok(refused(NAMESPACE, &error)),
        answered => answered,
    }
}

/// Reads a query. A parameter that this face does not know is refused, not
/// ignored.
fn read(query: &str) -> Result<ListHostedZonesByVpc, ApiError> {
    let mut request = ListHostedZonesByVpc::default();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()).into_owned() {
        match name.as_str() {
            "vpcid" => request.vpc_id = value,
            "vpcregion" => request.vpc_region = value,
            "nexttoken" => request.next_token = Some(value),
            "maxitems" => request.max_items = Some(number(&value)?),
            _ => return Err(unknown(&name)),
        }
    }
    Ok(request)
}

fn read_by_name(query: &str) -> Result<ListHostedZonesByName, ApiError> {
    let mut request = ListHostedZonesByName::default();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()).into_owned() {
        match name.as_str() {
            "dnsname" => request.dns_name = value,
            "maxitems" => request.max_items = Some(number(&value)?),
            _ => return Err(unknown(&name)),
        }
    }
    Ok(request)
}

fn number(value: &str) -> Result<usize, ApiError> {
    let number = value.parse();
    number.map_err(|_| invalid_input(format!("maxitems is {value}.")))
}

fn unknown(name: &str) -> ApiError {
    invalid_input(format!("The simulator does not know the parameter {name}."))
}

/// Ids are paths here, as they are not in a list by VPC.
fn write_by_name(xml: &mut Xml, answer: &ListHostedZonesByNameResult) {
    xml.node("HostedZones", |xml| {
        for (id, name) in &answer.hosted_zones {
            xml.node("HostedZone", |xml| {
                xml.leaf("Id", format!("/hostedzone/{id}"));
                xml.leaf("Name", name);
                xml.leaf("CallerReference", id);
                xml.node("Config", |xml| xml.leaf("PrivateZone", true));
            });
        }
    });
    xml.leaf("IsTruncated", answer.next.is_some());
    xml.maybe("NextDNSName", answer.next.as_ref().map(|(_, name)| name));
    xml.maybe("NextHostedZoneId", answer.next.as_ref().map(|(id, _)| id));
    xml.leaf("MaxItems", answer.max_items);
}

fn write(xml: &mut Xml, answer: &ListHostedZonesByVpcResult) {
    xml.node("HostedZoneSummaries", |xml| {
        for zone in &answer.hosted_zone_summaries {
            xml.node("HostedZoneSummary", |xml| summary(xml, zone));
        }
    });
    xml.leaf("MaxItems", answer.max_items);
    xml.maybe("NextToken", answer.next_token.as_ref());
}

fn summary(xml: &mut Xml, zone: &HostedZoneSummary) {
    xml.leaf("HostedZoneId", &zone.hosted_zone_id);
    xml.leaf("Name", &zone.name);
    xml.node("Owner", |xml| match &zone.owner {
        Owner::Account(account) => xml.leaf("OwningAccount", account),
        Owner::Service(service) => xml.leaf("OwningService", service),
    });
}
