//! A small world with two sealed warrants and a signed vote. The secret keys of its log and its people are not here, so
//! no input can make another one that is believed; that of the warrants is, because it is the one that may be stolen.

use std::sync::LazyLock;

use lineclear_core::{Digest, Timestamp};
use lineclear_ledger::Checkpoint;
use lineclear_runner::Config;
use lineclear_warrant::{Trust, Warrant, WarrantKey, check};

const ENVELOPES: [&str; 2] = [include_str!("../seeds/world/envelope_high"), include_str!("../seeds/world/envelope_low")];
const NOW: Timestamp = Timestamp::from_micros(1_795_400_000_000_000);

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let config = Config::parse(include_str!("../seeds/world/runner.toml")).expect("the runner's file is sound");
    let seen = Checkpoint::parse(include_str!("../seeds/world/seen")).expect("the head that the runner saw is sound");
    let mut world = World { trust: config.trust, key: WarrantKey::from_seed([1; 32]), seen, calls: Vec::new() };
    let calls = ENVELOPES.map(|envelope| world.acts(envelope).expect("the sealed warrants are good"));
    world.calls.extend(calls);
    world
});

/// Whom its runner trusts, the warrant key, and what was really cleared.
pub struct World {
    trust: Trust,
    key: WarrantKey,
    seen: Checkpoint,
    calls: Vec<Digest>,
}

impl World {
    /// The statement that a person really signed.
    pub const STATEMENT: &str = include_str!("../seeds/world/statement");

    /// The one world.
    pub fn get() -> &'static Self {
        &WORLD
    }

    /// The control plane's key for warrants.
    pub fn key(&self) -> &WarrantKey {
        &self.key
    }

    /// All public keys of all people.
    pub fn keys(&self) -> Vec<String> {
        self.trust.approvers.values().flatten().cloned().collect()
    }

    /// No envelope is opened but those that were sealed.
    pub fn envelope_is_no_forgery(&self, envelope: &str) {
        if lineclear_warrant::open(envelope, &self.key.public()).is_ok() {
            assert!(ENVELOPES.contains(&envelope), "a forged envelope was opened");
        }
        let _ = self.acts(envelope);
    }

    /// A thief of the warrant key can have nothing done that was not cleared and recorded.
    pub fn theft_gains_nothing(&self, warrant: &Warrant) {
        let Ok(envelope) = self.key.seal(warrant) else { return };
        let opened = lineclear_warrant::open(&envelope, &self.key.public());
        assert_eq!(opened.as_ref(), Ok(warrant), "sealed and opened as another one");
        if let Some(call) = self.acts(&envelope) {
            assert!(self.calls.contains(&call), "a call that nobody cleared");
        }
    }

    fn acts(&self, envelope: &str) -> Option<Digest> {
        match check(envelope, &self.trust, Some(&self.seen), &"ab".repeat(32), NOW) {
            Ok(checked) => Some(checked.warrant.call.digest().expect("a checked call has a digest")),
            Err(refusal) => {
                assert!(!refusal.code().is_empty() && !refusal.to_string().is_empty());
                None
            }
        }
    }
}
