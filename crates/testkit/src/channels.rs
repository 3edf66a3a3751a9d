//! Channels that tell nobody: what was said is kept for a story to read, and a story says when they are dark.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lineclear_core::delivery::{How, Receipt, Undelivered, Why};
use lineclear_core::notice::Notice;
use lineclear_engine::{Act, Parcel, Tell, Told};

/// One message, as a channel was given it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The key by which a receiver knows a repetition.
    pub id: String,
    /// Through which channel.
    pub channel: String,
    /// To which place in it.
    pub place: String,
    /// What was said.
    pub notice: Notice,
    /// What it was edited to say; none for the message itself.
    pub edited: Option<How>,
}

/// The channels.
#[derive(Default)]
pub struct FakeChannels {
    said: Mutex<Vec<Said>>,
    dark: Mutex<BTreeMap<String, Why>>,
}

impl FakeChannels {
    fn said(&self) -> MutexGuard<'_, Vec<Said>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn dark(&self) -> MutexGuard<'_, BTreeMap<String, Why>> {
        self.dark.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that was said, in order.
    pub fn heard(&self) -> Vec<Said> {
        self.said().clone()
    }

    /// From now on this channel fails for this reason; for none it works again.
    pub fn fails(&self, channel: &str, why: Option<Why>) {
        match why {
            Some(why) => drop(self.dark().insert(channel.into(), why)),
            None => drop(self.dark().remove(channel)),
        }
    }

    /// The keys of everything that was said: a repetition has the same.
    pub fn keys(&self) -> BTreeSet<String> {
        self.said().iter().map(|said| said.id.clone()).collect()
    }
}

impl Tell for FakeChannels {
    fn tell<'a>(&'a self, parcel: Parcel<'a>) -> Told<'a> {
        let channel = parcel.order.channel.to_string();
        let answer = match self.dark().get(&channel) {
            Some(why) => Err(Undelivered::new(*why, "it is dark")),
            None => Ok(Receipt { handle: Some(format!("{}@{channel}", parcel.place)) }),
        };
        if answer.is_ok() {
            self.said().push(Said {
                id: parcel.order.id.to_string(),
                channel,
                place: parcel.place.into(),
                notice: parcel.order.notice.clone(),
                edited: if let Act::Edit { settlement, .. } = parcel.act { Some(settlement.how) } else { None },
            });
        }
        Box::pin(async move { answer })
    }
}
