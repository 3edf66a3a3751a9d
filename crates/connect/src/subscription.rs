//! Agreeing to what a topic of SNS asks: the one address that is called because somebody outside named it. It is called only
//! when the estate names the topic, only at SNS itself, and its answer is not read.

use std::time::Duration;

use crate::hook::is_sns;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a subscription was not confirmed.
#[derive(Debug, thiserror::Error)]
pub enum SubscriptionError {
    /// The address is not one of SNS.
    #[error("the address to confirm at is not one of SNS")]
    Foreign,
    /// SNS could not be asked, or refused.
    #[error("SNS could not be told: {0}")]
    Failed(String),
}

/// Opens the address by which a subscription is confirmed; no redirection is followed.
///
/// # Errors
/// When it is not an address of SNS, or SNS does not answer that it is done.
pub async fn confirm(url: &str) -> Result<(), SubscriptionError> {
    if !is_sns(url) {
        return Err(SubscriptionError::Foreign);
    }
    crate::install_tls();
    let failed = |error: reqwest::Error| SubscriptionError::Failed(error.without_url().to_string());
    let client = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).no_proxy();
    let answer = client.build().map_err(failed)?.get(url).send().await.map_err(failed)?;
    if answer.status().is_success() { Ok(()) } else { Err(SubscriptionError::Failed(format!("it answered {}", answer.status().as_u16()))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_sns_itself_is_called() {
        for url in ["http://127.0.0.1:1/", "https://sns.eu-central-1.amazonaws.com.evil.test/", ""] {
            assert!(matches!(confirm(url).await, Err(SubscriptionError::Foreign)), "{url}");
        }
    }
}
