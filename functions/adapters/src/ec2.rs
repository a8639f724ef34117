//! The adapter: EC2 by the AWS SDK. One file for each port.

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use shared::ec2::errors;
use shared::ids::{AccountId, Malformed};
use shared::ownership::Tags;
use shared::{Code, StepError, plain};
use tokio::sync::OnceCell;

use crate::accounts::{STS_ATTEMPT, STS_OPERATION};
use crate::sdk;

mod endpoints;
mod groups;
mod hosted_zones;
mod inventory;
mod network;
mod resolver;
mod surroundings;
mod vpc_tags;

/// The size of a page. A list that is asked for without one is throttled harder
/// (EC2 developer guide, "Request throttling for the Amazon EC2 API").
const PAGE: i32 = 1000;
/// The values that one filter takes (EC2 user guide, "Filtering resources").
const FILTER_VALUES: usize = 200;

/// EC2 in one Region, and Route 53 for what EC2 does not know.
#[derive(Debug, Clone)]
pub struct AwsEc2 {
    client: Client,
    config: SdkConfig,
    acting: Acting,
}

/// Whose credentials these are.
#[derive(Debug, Clone)]
enum Acting {
    /// Those of this account: a function's own, or of a role that is assumed there. So
    /// they are good.
    Known(AccountId),
    /// A person's, of whatever account and age.
    Unknown(Arc<Asked>),
}

/// The account of a person's credentials, which only STS knows: asked once.
#[derive(Debug)]
struct Asked {
    sts: aws_sdk_sts::Client,
    account: OnceCell<Option<AccountId>>,
}

impl Asked {
    fn of(config: &SdkConfig) -> Self {
        let limits = TimeoutConfig::builder()
            .operation_attempt_timeout(STS_ATTEMPT)
            .operation_timeout(STS_OPERATION)
            .build();
        let config = config.clone().into_builder().timeout_config(limits);
        Self {
            sts: aws_sdk_sts::Client::new(&config.build()),
            account: OnceCell::new(),
        }
    }

    /// `None` if STS does not tell, which keeps nobody from going on.
    async fn account(&self) -> Option<AccountId> {
        let ask = || async {
            match self.sts.get_caller_identity().send().await {
                Ok(identity) => identity.account()?.parse().ok(),
                Err(error) => {
                    let why = sdk::reasons(&error);
                    tracing::info!("STS does not tell the account: {}", plain::text(&why));
                    None
                }
            }
        };
        self.account.get_or_init(ask).await.clone()
    }
}

impl AwsEc2 {
    /// EC2 with the credentials and Region of the configuration.
    pub fn new(config: &SdkConfig) -> Self {
        Self::of(config, None)
    }

    /// The same, where it is known that the credentials are those of this account.
    pub fn of(config: &SdkConfig, account: Option<AccountId>) -> Self {
        Self {
            client: Client::new(config),
            config: config.clone(),
            acting: match account {
                Some(account) => Acting::Known(account),
                None => Acting::Unknown(Arc::new(Asked::of(config))),
            },
        }
    }

    /// An error of the SDK in our words.
    fn failure<E>(&self, operation: &str, error: SdkError<E, HttpResponse>) -> StepError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let region = self.client.config().region();
        let region = region.map_or("no Region", |region| region.as_ref());
        let are_good = matches!(self.acting, Acting::Known(_));
        sdk::failure(&format!("EC2 {operation}"), &error, |code, message| {
            errors::classify_in(region, are_good, operation, code, message)
        })
    }

    /// `None` where EC2 refuses with such a code.
    fn unless<T, E>(
        &self,
        is_none: fn(&str) -> bool,
        operation: &str,
        sent: Result<T, SdkError<E, HttpResponse>>,
    ) -> Result<Option<T>, StepError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match sent {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if code_of(&error).is_some_and(is_none) => Ok(None),
            Err(error) => Err(self.failure(operation, error)),
        }
    }

    /// `None` where EC2 says that the thing does not exist.
    fn present<T, E>(
        &self,
        operation: &str,
        sent: Result<T, SdkError<E, HttpResponse>>,
    ) -> Result<Option<T>, StepError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.unless(errors::is_absent, operation, sent)
    }

    /// Success where EC2 says that the thing does not exist.
    fn unless_absent<E>(
        &self,
        operation: &str,
        sent: Result<(), SdkError<E, HttpResponse>>,
    ) -> Result<(), StepError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.present(operation, sent).map(|_| ())
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
            .map_err(|error| self.failure("CreateTags", error))
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
        self.unless_absent("DeleteTags", sent.map(|_| ()))
    }
}

fn code_of<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<&str> {
    error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code)
}

/// The code and the message of an error that EC2 names.
fn said<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<(&str, &str)> {
    let error = error.as_service_error()?;
    Some((error.code()?, error.message().unwrap_or_default()))
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
