//! The post: the channels of the estate in force, with the secrets that they name read from this machine at that moment, so that
//! a secret that was put there or changed counts at once.

use std::path::PathBuf;

use lineclear_connect::tell::Teller;
use lineclear_engine::{Parcel, Tell, Told};

/// Sends what people are told.
pub struct Post {
    teller: Teller,
    data: PathBuf,
}

impl Post {
    /// A post whose links lead to this console, with its secrets in this data directory.
    ///
    /// # Errors
    /// When there can be no HTTP client.
    pub fn new(console: &str, data: PathBuf) -> Result<Self, String> {
        Ok(Self { teller: Teller::new(console).map_err(|error| error.to_string())?, data })
    }
}

impl Tell for Post {
    fn tell<'a>(&'a self, parcel: Parcel<'a>) -> Told<'a> {
        let secret = |name: &lineclear_core::signal::SecretName| match crate::secrets::one(&self.data, name) {
            Ok(bytes) => String::from_utf8(bytes).ok(),
            Err(why) => {
                tracing::warn!(channel = %parcel.order.channel, why, "a channel cannot be used: its secret cannot be read");
                None
            }
        };
        Box::pin(async move { self.teller.tell(parcel, &secret).await })
    }
}
