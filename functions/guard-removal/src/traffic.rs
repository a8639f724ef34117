//! Whether the connection's endpoints carry traffic.

use shared::ec2::Endpoint;
use shared::ids::{Region, VpcId};
use shared::ownership::Claim;
use shared::subject::Subject;
use shared::traffic::{Carried, Dimensions, ENDPOINT_DIMENSION, Traffic, Window};
use shared::{Code, StepError, StepErrorName};
use time::{Duration, OffsetDateTime};

use crate::Input;

/// Refuses if something went through one of the endpoints in the last `minutes`.
///
/// # Errors
/// `connection-carries-traffic`, which says how much, and `traffic-unknown`.
pub(crate) async fn refuse<T: Traffic>(
    traffic: &T,
    endpoints: &[Endpoint],
    minutes: u32,
    input: &Input,
) -> Result<(), StepError> {
    let window = window(input.now, minutes);
    let connection = &input.connection;
    for endpoint in endpoints {
        let carried = look(traffic, endpoint, connection, &window).await?;
        if !carried.is_nothing() {
            return Err(carries(endpoint, &carried, minutes, &connection.claim()));
        }
    }
    Ok(())
}

/// What went through an endpoint of the connection in the last `minutes`.
///
/// # Errors
/// `traffic-unknown`, and what of CloudWatch may pass.
pub async fn carried<T: Traffic>(
    traffic: &T,
    endpoint: &Endpoint,
    connection: &Subject,
    minutes: u32,
    now: OffsetDateTime,
) -> Result<Carried, StepError> {
    look(traffic, endpoint, connection, &window(now, minutes)).await
}

async fn look<T: Traffic>(
    traffic: &T,
    endpoint: &Endpoint,
    connection: &Subject,
    window: &Window,
) -> Result<Carried, StepError> {
    if !has_metrics(endpoint, &connection.region) {
        return Err(unknown(
            &endpoint.id,
            "its service is in another Region, and CloudWatch has no metrics of such endpoints",
        ));
    }
    let carried = ask(traffic, endpoint, &connection.vpc_id, window).await;
    carried.map_err(|error| {
        if error.name() == StepErrorName::Transient {
            error
        } else {
            unknown(&endpoint.id, &error.to_string())
        }
    })
}

/// What cannot be told is refused like what is known.
pub(crate) fn unknown(endpoint: &impl std::fmt::Display, why: &str) -> StepError {
    StepError::new(Code::TrafficUnknown, format!("{endpoint}: {why}"))
}

fn carries(endpoint: &Endpoint, carried: &Carried, minutes: u32, claim: &Claim) -> StepError {
    let mut detail = format!("{}: {carried} in the last {minutes} minutes", endpoint.id);
    let others = claim.others_in(&endpoint.tags);
    if !others.is_empty() {
        let others = others.join(", ");
        detail.push_str(&format!(
            "; that is the traffic of all clusters that share the endpoint, here also of {others}"
        ));
    }
    StepError::new(Code::ConnectionCarriesTraffic, detail)
}

/// Whole minutes, because the metrics are.
fn window(now: OffsetDateTime, minutes: u32) -> Window {
    let into = Duration::seconds(now.unix_timestamp() % 60)
        + Duration::nanoseconds(i64::from(now.nanosecond()));
    let minute = now - into;
    Window {
        from: minute - Duration::minutes(i64::from(minutes)),
        until: minute + Duration::MINUTE,
    }
}

/// Endpoints whose service is in another Region have no metrics ("CloudWatch metrics
/// for AWS PrivateLink"). The name of a service has its Region.
fn has_metrics(endpoint: &Endpoint, region: &Region) -> bool {
    let of_the_service = endpoint.service_name.split('.').nth(3);
    of_the_service.is_none_or(|it| it == region.as_str())
}

async fn ask<T: Traffic>(
    traffic: &T,
    endpoint: &Endpoint,
    vpc: &VpcId,
    window: &Window,
) -> Result<Carried, StepError> {
    let mut all = Carried::default();
    for of in whole(traffic.dimensions(&endpoint.id).await?, endpoint, vpc) {
        all = all.and(traffic.carried(&of, window).await?);
    }
    Ok(all)
}

/// The dimensions under which the endpoint is measured as a whole: among those that
/// have data the fewest, because any more of them single out a part. Where none have,
/// those that the guide names, for data that are too young to be listed.
pub(crate) fn whole(listed: Vec<Dimensions>, endpoint: &Endpoint, vpc: &VpcId) -> Vec<Dimensions> {
    let Some(fewest) = listed.iter().map(Dimensions::len).min() else {
        return vec![documented(endpoint, vpc)];
    };
    let whole = listed.into_iter().filter(|it| it.len() == fewest);
    whole.collect()
}

/// "Endpoint metrics and dimensions" in the PrivateLink guide.
fn documented(endpoint: &Endpoint, vpc: &VpcId) -> Dimensions {
    [
        ("Endpoint Type", "Interface"),
        ("Service Name", endpoint.service_name.as_str()),
        (ENDPOINT_DIMENSION, endpoint.id.as_str()),
        ("VPC Id", vpc.as_str()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    /// The minute that has begun belongs to it, or what is open now would be missed.
    #[test]
    fn a_window_has_whole_minutes_and_ends_with_the_one_that_has_begun() {
        for now in [
            datetime!(2027-01-15 08:30:00 UTC),
            datetime!(2027-01-15 08:30:59.999 UTC),
        ] {
            let expected = Window {
                from: datetime!(2027-01-15 08:25 UTC),
                until: datetime!(2027-01-15 08:31 UTC),
            };
            assert_eq!(window(now, 5), expected, "{now}");
        }
    }
}
