//! The process of a function: decode, handle, answer.

use std::cell::RefCell;
use std::rc::Rc;

pub use lambda_runtime::Error;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shared::StepError;
use shared::config::Config;
use shared::handler::call;
use shared::metrics;
use shared::settings::Settings;
use time::OffsetDateTime;

use crate::aws::{Aws, aws};
use crate::tls::Roots;

/// Serves a handler until the runtime ends the process. What it needs besides its
/// input is built for the settings that come with a call, and kept while they stay.
///
/// The payload is decoded here and not by the runtime: the runtime would report
/// a malformed one under the name of a Rust type, which no `Catch` can match.
///
/// # Errors
/// When the runtime API cannot be reached, or nothing can be built as the environment
/// says.
pub async fn serve<A, I, O, B, H>(build: B, handler: H) -> Result<(), Error>
where
    I: DeserializeOwned,
    O: Serialize,
    B: Fn(&Config, &Aws) -> Result<A, StepError>,
    H: AsyncFn(&A, I) -> Result<O, StepError>,
{
    let around = Config::from_env();
    let aws = aws(&around, Roots::BuiltIn, None).await;
    serve_told(around, |config| build(config, &aws), handler).await
}

/// The same for a handler that calls nobody.
///
/// # Errors
/// When the runtime API cannot be reached.
pub async fn serve_alone<I, O, H>(handler: H) -> Result<(), Error>
where
    I: DeserializeOwned,
    O: Serialize,
    H: AsyncFn(&Config, I) -> Result<O, StepError>,
{
    serve_told(Config::from_env(), |config| Ok(config.clone()), handler).await
}

async fn serve_told<A, I, O, B, H>(around: Config, build: B, handler: H) -> Result<(), Error>
where
    I: DeserializeOwned,
    O: Serialize,
    B: Fn(&Config) -> Result<A, StepError>,
    H: AsyncFn(&A, I) -> Result<O, StepError>,
{
    // Built once while the process starts, when there is more of a processor than later.
    let kept = Kept::new(|settings: &Settings| build(&around.told(settings)))?;
    serve_events(async |mut event: Value| {
        let needed = kept.of(Settings::take(&mut event)?)?;
        let answer = call(async |input| handler(&needed, input).await, event).await;
        if let (Some(stack), Err(error)) = (around.stack.value(), &answer)
            && let Some(line) = metrics::throttled(OffsetDateTime::now_utc(), stack, error)
        {
            metrics::print(&line);
        }
        answer
    })
    .await
}

/// Serves a handler of events as they come, without settings.
///
/// # Errors
/// When the runtime API cannot be reached.
pub async fn serve_events<H>(handler: H) -> Result<(), Error>
where
    H: AsyncFn(Value) -> Result<Value, StepError>,
{
    lambda_runtime::tracing::init_default_subscriber();
    let handler = &handler;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        // Boxed, because the runtime's layers around a handler that calls the SDK
        // nest futures deeper than the compiler wants to look.
        Box::pin(handler(event.payload)).await.map_err(reported)
    }))
    .await
}

/// An error under a name that a `Catch` can match: left to itself, the runtime would
/// report that of a Rust type.
fn reported(error: StepError) -> Diagnostic {
    Diagnostic {
        error_type: error.name().as_str().to_owned(),
        error_message: error.to_string(),
    }
}

/// What was built for the last settings. Clients keep connections and credentials, so
/// they are not made anew for each call; another run may have other settings.
struct Kept<A, B> {
    build: B,
    last: RefCell<(Settings, Rc<A>)>,
}

impl<A, B: Fn(&Settings) -> Result<A, StepError>> Kept<A, B> {
    /// Begins with what is built for no settings.
    fn new(build: B) -> Result<Self, StepError> {
        let first = Rc::new(build(&Settings::default())?);
        Ok(Self {
            build,
            last: RefCell::new((Settings::default(), first)),
        })
    }

    fn of(&self, settings: Settings) -> Result<Rc<A>, StepError> {
        if self.last.borrow().0 != settings {
            let built = Rc::new((self.build)(&settings)?);
            self.last.replace((settings, built));
        }
        Ok(Rc::clone(&self.last.borrow().1))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use serde_json::json;
    use shared::Code;

    use super::*;

    #[test]
    fn what_is_needed_is_built_anew_for_other_settings_only() {
        let around = Config::of(|name| (name == "TAG_PREFIX").then(|| "around".to_owned()));
        let built = Cell::new(0);
        let kept = Kept::new(|settings: &Settings| {
            built.set(built.get() + 1);
            Ok(around.told(settings).tag_prefix)
        })
        .unwrap();
        let told = |prefix: &str| {
            let mut call = json!({"settings": {"tag_prefix": prefix}});
            Settings::take(&mut call).unwrap()
        };
        for (settings, prefix, times) in [
            (Settings::default(), "around", 1),
            (told("one"), "one", 2),
            (told("one"), "one", 2),
            (told("two"), "two", 3),
            (told("two"), "two", 3),
            (told("one"), "one", 4),
            (Settings::default(), "around", 5),
        ] {
            assert_eq!(*kept.of(settings).unwrap(), prefix);
            assert_eq!(built.get(), times, "{prefix}");
        }
    }

    #[test]
    fn settings_that_nothing_can_be_built_for_leave_the_last_ones() {
        let broken = Settings::of(|_| Some("broken".to_owned()));
        let refused = broken.clone();
        let kept = Kept::new(move |settings: &Settings| match *settings == broken {
            true => Err(StepError::new(Code::ConfigurationInvalid, "broken")),
            false => Ok(7),
        })
        .unwrap();
        assert!(kept.of(refused).is_err());
        assert_eq!(*kept.of(Settings::default()).unwrap(), 7);
    }

    #[test]
    fn step_functions_sees_the_name_and_the_code() {
        let error = StepError::new(Code::ApiKeyRefused, "the Cloud API answered 401");
        let diagnostic = reported(error);
        assert_eq!(diagnostic.error_type, "Denied");
        assert_eq!(
            diagnostic.error_message,
            "api-key-refused: the Cloud API answered 401"
        );
    }
}
