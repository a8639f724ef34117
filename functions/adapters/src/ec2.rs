//! The adapter: EC2 by the AWS SDK. One file for each port.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use shared::ec2::errors;
use shared::ids::Malformed;
use shared::ownership::Tags;
use shared::{Code, StepError};

use crate::sdk;

mod endpoints;
mod groups;
mod hosted_zones;
mod inventory;
mod network;
mod surroundings;
mod vpc_tags;

/// The size of a page. A list that is asked for without one is throttled harder
/// (EC2 developer guide, "Request throttling for the Amazon EC2 API").
const PAGE: i32 = 1000;
/// The values that one filter takes (EC2 user guide, "Filtering resources").
const FILTER_VALUES: usize = 200;

/// EC2 in one Region, and Route 53 for the one question that EC2 does not answer.
#[derive(Debug, Clone)]
pub struct AwsEc2 {
    client: Client,
    route53: aws_sdk_route53::Client,
}

impl AwsEc2 {
    /// EC2 with the credentials and Region of the configuration.
    pub fn new(config: &aws_config::SdkConfig) -> Self {
        Self {
            client: Client::new(config),
            route53: aws_sdk_route53::Client::new(config),
        }
    }

    /// Adds tags; both kinds of resource are tagged by the same action.
    async fn tag(&self, id: &str, tags: &Tags) -> Result<(), StepError> {
        let request = self
            .client
            .create_tags()
            .resources(id)
            .set_tags(Some(tag_list(tags)));
        request
            .send()
            .await
            .map(|_| ())
            .map_err(|error| failure("CreateTags", error))
    }

    /// Removes tags whatever their values; a resource that is gone has none.
    async fn untag(&self, id: &str, keys: &[String]) -> Result<(), StepError> {
        let tags = keys
            .iter()
            .map(|key| Tag::builder().key(key).build())
            .collect();
        let sent = self
            .client
            .delete_tags()
            .resources(id)
            .set_tags(Some(tags))
            .send()
            .await;
        unless_absent("DeleteTags", sent.map(|_| ()))
    }
}

/// An error of the SDK in our words.
fn failure<E>(operation: &str, error: SdkError<E, HttpResponse>) -> StepError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    sdk::failure(&format!("EC2 {operation}"), &error, |code, message| {
        errors::classify(operation, code, message)
    })
}

/// `None` where EC2 says that the thing does not exist.
fn present<T, E>(
    operation: &str,
    sent: Result<T, SdkError<E, HttpResponse>>,
) -> Result<Option<T>, StepError>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match sent {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if code_of(&error).is_some_and(errors::is_absent) => Ok(None),
        Err(error) => Err(failure(operation, error)),
    }
}

/// Success where EC2 says that the thing does not exist.
fn unless_absent<E>(
    operation: &str,
    sent: Result<(), SdkError<E, HttpResponse>>,
) -> Result<(), StepError>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    present(operation, sent).map(|_| ())
}

fn code_of<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<&str> {
    error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code)
}

fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

fn filter_any<T: ToString>(name: &str, values: &[T]) -> Filter {
    let values = values.iter().map(T::to_string).collect();
    Filter::builder()
        .name(name)
        .set_values(Some(values))
        .build()
}

fn tag_list(tags: &Tags) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

fn tags_at_creation(kind: ResourceType, tags: &Tags) -> TagSpecification {
    TagSpecification::builder()
        .resource_type(kind)
        .set_tags(Some(tag_list(tags)))
        .build()
}

fn tags_of(list: &[Tag]) -> Tags {
    list.iter()
        .filter_map(|tag| {
            Some((
                tag.key()?.to_owned(),
                tag.value().unwrap_or_default().to_owned(),
            ))
        })
        .collect()
}

/// A field that EC2 may leave out by its model, but not in this answer.
fn field<T>(operation: &str, name: &str, value: Option<T>) -> Result<T, StepError> {
    value.ok_or_else(|| {
        StepError::new(
            Code::UnexpectedAwsAnswer,
            format!("EC2 {operation} answered without {name}"),
        )
    })
}

/// An identifier from an answer.
fn id<T: std::str::FromStr<Err = Malformed>>(
    operation: &str,
    name: &str,
    value: Option<&str>,
) -> Result<T, StepError> {
    field(operation, name, value)?
        .parse()
        .map_err(|error: Malformed| {
            StepError::new(
                Code::UnexpectedAwsAnswer,
                format!("EC2 {operation}, {name}: {error}"),
            )
        })
}
