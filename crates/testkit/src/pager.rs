//! A person's pager: what they were told, read from the record, so that nobody was told what is not on record.

use lineclear_core::page::Event;
use lineclear_core::record::{Event as Recorded, Stream};
use lineclear_core::situation::Actor;
use lineclear_core::{OperatorId, PageId, Timestamp};
use lineclear_store::RowQuery;

use crate::world::World;

/// Most pages that a story looks through.
const PAGES_MAX: u32 = 200;

/// One person's pager.
pub struct Pager<'w> {
    world: &'w World,
    person: OperatorId,
    login: String,
}

impl World {
    /// The pager of a person, by their login.
    pub fn pager(&self, login: &str) -> Pager<'_> {
        let name = login.parse().expect("a login");
        let person = self.engine().estate().directory.operator(&name).expect("a person of the estate").id;
        Pager { world: self, person, login: login.into() }
    }

    /// Every page that was ever begun, oldest first.
    pub async fn pages(&self) -> Vec<PageId> {
        let query = RowQuery { kind: "page".into(), limit: PAGES_MAX, ..RowQuery::default() };
        let mut rows = self.engine().list(query).await.expect("the store answers").rows;
        rows.reverse();
        rows.iter().filter_map(|row| if let Stream::Page(id) = row.stream { Some(id) } else { None }).collect()
    }

    /// A page as it stands, in one word.
    pub async fn page_word(&self, id: PageId) -> &'static str {
        self.engine().page(id).await.expect("there is such a page").word
    }

    /// The life of a page, one sentence a line.
    pub async fn page_tale(&self, id: PageId) -> String {
        let view = self.engine().page(id).await.expect("there is such a page");
        view.timeline.iter().map(|moment| format!("{}: {}", moment.name, moment.says)).collect::<Vec<_>>().join("\n")
    }
}

impl Pager<'_> {
    /// Every time it rang, oldest first: for which page, and when.
    pub async fn rang(&self) -> Vec<(PageId, Timestamp)> {
        let mut rang = Vec::new();
        for id in self.world.pages().await {
            for stored in self.world.events(Stream::Page(id)).await {
                let Recorded::Page(event) = &stored.happened.event else { continue };
                let told = match event {
                    Event::Told { people, .. } | Event::Reminded { people, .. } => people.contains(&self.person),
                    Event::HandedOver { to, .. } => *to == self.person,
                    Event::Opened { .. }
                    | Event::Acknowledged { .. }
                    | Event::AnsweredLate { .. }
                    | Event::Acted { .. }
                    | Event::Forgotten { .. }
                    | Event::CommanderLeft { .. }
                    | Event::Regraded { .. }
                    | Event::Rerouted { .. }
                    | Event::Rested { .. }
                    | Event::Resumed { .. }
                    | Event::Ended { .. } => false,
                };
                rang.extend(told.then_some((id, stored.happened.at)));
            }
        }
        rang
    }

    /// The seconds after a moment at which it rang.
    pub async fn rang_after(&self, moment: Timestamp) -> Vec<u64> {
        self.rang().await.into_iter().map(|(_, at)| at.since(moment).as_secs()).collect()
    }

    /// The newest page that it rang for.
    pub async fn expect_page(&self) -> PageId {
        let rang = self.rang().await;
        rang.last().unwrap_or_else(|| panic!("the pager of {} never rang", self.login)).0
    }

    /// It never rang.
    pub async fn expect_silence(&self) {
        let rang = self.rang().await;
        assert!(rang.is_empty(), "the pager of {} rang: {rang:?}", self.login);
    }

    /// Answers the newest page that it rang for.
    pub async fn answers(&self) -> lineclear_engine::Answered {
        let page = self.expect_page().await;
        let caller = lineclear_engine::Caller::Operator(self.person);
        self.world.engine().acknowledge_page(&caller, page).await.expect("a page can be answered")
    }

    /// As records name them.
    pub const fn actor(&self) -> Actor {
        Actor::Operator(self.person)
    }

    /// As the engine takes callers.
    pub const fn caller(&self) -> lineclear_engine::Caller {
        lineclear_engine::Caller::Operator(self.person)
    }
}
