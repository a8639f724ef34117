//! The adapter: EC2 by the AWS SDK. One file for each port.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};

use super::errors;
use crate::ids::Malformed;
use crate::ownership::Tags;
use crate::{Code, StepError};

mod endpoints;
mod groups;
mod network;

/// EC2 in one Region.
#[derive(Debug, Clone)]
pub struct AwsEc2 {
    client: Client,
}

impl AwsEc2 {
    /// EC2 with the credentials and Region of the configuration.
    pub fn new(config: &aws_config::SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }

    /// Adds tags; both kinds of resource are tagged by the same action.
    async fn tag(&self, id: &str, tags: &Tags) -> Result<(), StepError> {
        let request = self.client.create_tags().resources(id).set_tags(Some(tag_list(tags)));
        request.send().await.map(|_| ()).map_err(|error| failure("CreateTags", error))
    }

    /// Removes tags whatever their values; a resource that is gone has none.
    async fn untag(&self, id: &str, keys: &[String]) -> Result<(), StepError> {
        let tags = keys.iter().map(|key| Tag::builder().key(key).build()).collect();
        let sent = self.client.delete_tags().resources(id).set_tags(Some(tags)).send().await;
        unless_absent("DeleteTags", sent.map(|_| ()))
    }
}

/// An error of the SDK in our words.
fn failure<E, R>(operation: &str, error: SdkError<E, R>) -> StepError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    match error.as_service_error() {
        Some(service) => errors::classify(
            operation,
            service.code().unwrap_or("unnamed error"),
            service.message().unwrap_or_default(),
        ),
        None => unanswered(operation, &error),
    }
}

/// No answer of EC2: either it could not be asked, or nothing came back.
fn unanswered<E, R>(operation: &str, error: &SdkError<E, R>) -> StepError
where
    E: std::error::Error + 'static,
    R: std::fmt::Debug,
{
    let what = DisplayErrorContext(error).to_string();
    if matches!(error, SdkError::ConstructionFailure(_)) || what.contains("credentials") {
        return StepError::new(Code::AwsCredentialsInvalid, format!("EC2 {operation}: {what}"));
    }
    errors::no_answer(operation, &what)
}

/// `None` where EC2 says that the thing does not exist.
fn present<T, E, R>(operation: &str, sent: Result<T, SdkError<E, R>>) -> Result<Option<T>, StepError>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    match sent {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if code_of(&error).is_some_and(errors::is_absent) => Ok(None),
        Err(error) => Err(failure(operation, error)),
    }
}

/// Success where EC2 says that the thing does not exist.
fn unless_absent<E, R>(operation: &str, sent: Result<(), SdkError<E, R>>) -> Result<(), StepError>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    present(operation, sent).map(|_| ())
}

fn code_of<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<&str> {
    error.as_service_error().and_then(ProvideErrorMetadata::code)
}

fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

fn tag_list(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

fn tags_at_creation(kind: ResourceType, tags: &Tags) -> TagSpecification {
    TagSpecification::builder().resource_type(kind).set_tags(Some(tag_list(tags))).build()
}

fn tags_of(list: &[Tag]) -> Tags {
    list.iter()
        .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())))
        .collect()
}

/// A field that EC2 may leave out by its model, but not in this answer.
fn field<T>(operation: &str, name: &str, value: Option<T>) -> Result<T, StepError> {
    value.ok_or_else(|| {
        StepError::new(Code::UnexpectedAwsAnswer, format!("EC2 {operation} answered without {name}"))
    })
}

/// An identifier from an answer.
fn id<T: std::str::FromStr<Err = Malformed>>(
    operation: &str,
    name: &str,
    value: Option<&str>,
) -> Result<T, StepError> {
    field(operation, name, value)?.parse().map_err(|error: Malformed| {
        StepError::new(Code::UnexpectedAwsAnswer, format!("EC2 {operation}, {name}: {error}"))
    })
}
