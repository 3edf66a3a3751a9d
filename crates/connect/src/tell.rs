//! People told: a notice rendered for each kind of channel, apart from the sending of it. Only addresses that the estate names are
//! called; no redirection is followed, every wait and every answer is bounded, and no address or secret gets into an error.

mod http;
mod mail;
mod ntfy;
mod pagerduty;
mod render;
pub mod slack;
mod teams;
#[cfg(test)]
mod tests;
mod webhook;

use lineclear_core::Timestamp;
use lineclear_core::delivery::{Order, Receipt, Settlement, Undelivered, Why};
use lineclear_core::notice::{Carrier, Channel, Notice};
use lineclear_core::signal::SecretName;

pub use http::ClientError;

/// What a channel is to do with a message.
#[derive(Debug, Clone, Copy)]
pub enum Act<'a> {
    /// Send it.
    Send,
    /// Make it say what became of it; where a message cannot be edited, say so in another one.
    Edit {
        /// How to find it.
        receipt: &'a Receipt,
        /// What became of it.
        settlement: &'a Settlement,
        /// By whom, as people know them.
        by: Option<&'a str>,
    },
}

/// A message for a channel.
#[derive(Debug, Clone, Copy)]
pub struct Parcel<'a> {
    /// What is delivered; its id stays the same over every try.
    pub order: &'a Order,
    /// When it was handed over, which is what the message is dated.
    pub queued: Timestamp,
    /// The channel, as the estate in force has it.
    pub channel: &'a Channel,
    /// The recipient's place in it.
    pub place: &'a str,
    /// What to do.
    pub act: Act<'a>,
    /// Now.
    pub now: Timestamp,
}

/// Sends messages.
#[derive(Debug)]
pub struct Teller {
    http: http::Http,
    console: String,
}

impl Teller {
    /// Links lead to this console: its public address, without a slash at the end.
    ///
    /// # Errors
    /// When there can be no HTTP client.
    pub fn new(console: &str) -> Result<Self, ClientError> {
        crate::install_tls();
        Ok(Self { http: http::Http::new()?, console: console.trim_end_matches('/').to_owned() })
    }

    /// Sends or edits one message; secrets are looked up by name at that moment.
    ///
    /// # Errors
    /// Why it did not arrive, and how long the receiver asks to be left alone.
    pub async fn tell(&self, parcel: Parcel<'_>, secret: &(dyn Fn(&SecretName) -> Option<String> + Sync)) -> Result<Receipt, Undelivered> {
        let need = |name: &SecretName| secret(name).ok_or_else(|| Undelivered::new(Why::NoSecret, "its secret cannot be read"));
        let link = self.link(&parcel.order.notice);
        match &parcel.channel.carrier {
            Carrier::Slack { api, token, signing, .. } => {
                slack::tell(&self.http, api, &need(token)?, &parcel, &link, signing.is_some()).await
            }
            Carrier::Teams { url } => teams::tell(&self.http, &need(url)?, &parcel, &link).await,
            Carrier::Mail { server, from, user, password } => {
                let password = password.as_ref().map(need).transpose()?;
                let account = user.as_deref().zip(password.as_deref());
                Box::pin(mail::tell(server, from, account, &parcel, &link)).await
            }
            Carrier::Webhook { url, secret } => webhook::tell(&self.http, url, &need(secret)?, &parcel, &link).await,
            Carrier::Pagerduty { url, key } => pagerduty::tell(&self.http, url, &need(key)?, &parcel, &link).await,
            Carrier::Ntfy { url, token } => {
                let token = token.as_ref().map(need).transpose()?;
                ntfy::tell(&self.http, url, token.as_deref(), &parcel, &link).await
            }
        }
    }

    fn link(&self, notice: &Notice) -> String {
        format!("{}{}", self.console, notice.path)
    }
}
