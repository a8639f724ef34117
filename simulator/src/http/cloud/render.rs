//! The answers of the Cloud API as JSON.
//!
//! With the habits that published answers show: times with microseconds, 64-bit
//! numbers as text, `null` and empty texts for what is not set.

use std::time::Duration;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::calls::ApiError;
use crate::cloud::{
    CloudProvider, Cluster, Connection, PrivateEndpointService, Region, RetryAfter, TrustedOwner,
    grpc_code,
};

const MICROSECONDS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");
const HTTP_DATE: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

pub(super) fn cluster(cluster: &Cluster) -> Value {
    let config = match &cluster.routing_id {
        Some(routing_id) => json!({ "serverless": {
            "routing_id": routing_id,
            "upgrade_type": "AUTOMATIC",
            "usage_limits": { "provisioned_virtual_cpus": "2" },
        } }),
        None => json!({ "dedicated": {
            "machine_type": "m6i.xlarge",
            "num_virtual_cpus": 4,
            "storage_gib": 150,
            "memory_gib": 16,
            "disk_iops": 2250,
        } }),
    };
    json!({
        "id": cluster.id,
        "name": cluster.name,
        "cockroach_version": "v25.2.4",
        "upgrade_status": "FINALIZED",
        "plan": cluster.plan.as_str(),
        "cloud_provider": cluster.cloud_provider.as_str(),
        "account_id": cluster.account_id,
        "state": cluster.state.as_str(),
        "creator_id": "7cde0cd9-0d8a-4008-8f90-45092ce8afc1",
        "operation_status": cluster.operation_status,
        "config": config,
        "regions": cluster.regions.iter().map(region).collect::<Vec<_>>(),
        "created_at": time(cluster.created_at),
        "updated_at": time(cluster.created_at),
        "deleted_at": cluster.deleted_at.map(time),
        "sql_dns": cluster.sql_dns,
        "network_visibility": "PUBLIC",
        "cidr_range": "",
        "labels": {},
        "is_customer_cloud_account": false,
    })
}

fn region(region: &Region) -> Value {
    json!({
        "name": region.name,
        "sql_dns": region.sql_dns,
        "ui_dns": region.ui_dns,
        "internal_dns": region.internal_dns,
        "private_endpoint_dns": "",
        "node_count": region.node_count,
    })
}

pub(super) fn services(services: &[PrivateEndpointService]) -> Value {
    json!({ "services": services.iter().map(service).collect::<Vec<_>>() })
}

fn service(service: &PrivateEndpointService) -> Value {
    let mut rendered = json!({
        "region_name": service.region_name,
        "cloud_provider": service.cloud_provider.as_str(),
        "status": service.status.as_str(),
        "name": service.name,
        "endpoint_service_id": service.endpoint_service_id,
        "availability_zone_ids": service.availability_zone_ids,
    });
    if service.cloud_provider == CloudProvider::Aws {
        rendered["aws"] = json!({
            "service_name": service.name,
            "service_id": service.endpoint_service_id,
            "availability_zone_ids": service.availability_zone_ids,
        });
    }
    rendered
}

pub(super) fn connections(connections: &[Connection]) -> Value {
    json!({ "connections": connections.iter().map(connection).collect::<Vec<_>>() })
}

pub(super) fn connection(connection: &Connection) -> Value {
    json!({
        "region_name": connection.region_name,
        "cloud_provider": connection.cloud_provider.as_str(),
        "status": connection.status.as_str(),
        "endpoint_id": connection.endpoint_id,
        "endpoint_service_id": connection.endpoint_service_id,
        "service_name": connection.service_name,
        "external_owner_id": connection.external_owner_id,
    })
}

/// The list is optional in the document, and left out when it is empty.
pub(super) fn trusted_owners(owners: &[TrustedOwner]) -> Value {
    if owners.is_empty() {
        return json!({});
    }
    json!({ "trusted_owners": owners.iter().map(trusted_owner_fields).collect::<Vec<_>>() })
}

pub(super) fn trusted_owner(owner: &TrustedOwner) -> Value {
    json!({ "trusted_owner": trusted_owner_fields(owner) })
}

fn trusted_owner_fields(owner: &TrustedOwner) -> Value {
    json!({
        "id": owner.id,
        "cluster_id": owner.cluster_id,
        "type": "AWS_ACCOUNT_ID",
        "external_owner_id": owner.external_owner_id,
        "created_at": time(owner.created_at),
    })
}

pub(super) fn error(error: &ApiError) -> Value {
    let code = error
        .code
        .parse()
        .unwrap_or_else(|_| grpc_code(error.status));
    json!({ "code": code, "message": error.message, "details": [] })
}

/// The header `Retry-After`. Whole seconds, rounded up: who comes back a
/// moment too early is refused again.
pub(super) fn retry_after(wait: Duration, form: RetryAfter, now: OffsetDateTime) -> String {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    match form {
        RetryAfter::Seconds => seconds.to_string(),
        RetryAfter::Date => {
            // A date has no parts of a second, so the present is rounded up too.
            let then = now + Duration::from_secs(seconds + 1);
            then.format(HTTP_DATE).unwrap_or_default()
        }
    }
}

fn time(time: OffsetDateTime) -> String {
    time.to_offset(time::UtcOffset::UTC)
        .format(MICROSECONDS)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_with_microseconds() {
        assert_eq!(
            time(OffsetDateTime::UNIX_EPOCH),
            "1970-01-01T00:00:00.000000Z"
        );
    }

    #[test]
    fn retry_after_is_rounded_up_in_both_forms() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let wait = Duration::from_millis(1200);
        assert_eq!(retry_after(wait, RetryAfter::Seconds, now), "2");
        assert_eq!(
            retry_after(wait, RetryAfter::Date, now),
            "Thu, 01 Jan 1970 00:00:03 GMT"
        );
    }
}
