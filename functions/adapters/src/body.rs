//! The bodies of answers.

use shared::transport::LONGEST_ANSWER;

/// Why an answer could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// It broke off.
    #[error(transparent)]
    BrokeOff(#[from] reqwest::Error),
    /// It is longer than we read.
    #[error("more than {LONGEST_ANSWER} bytes")]
    TooLong,
}

/// The body of an answer, up to [`LONGEST_ANSWER`].
///
/// # Errors
/// When it breaks off or is longer.
pub async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, Unread> {
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await? {
        if body.len() + part.len() > LONGEST_ANSWER {
            return Err(Unread::TooLong);
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}
