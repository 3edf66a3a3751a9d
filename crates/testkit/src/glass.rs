//! Journals of broken glasses, as a runner's host would hold them after one step that went well.

use std::collections::BTreeMap;

use lineclear_core::catalogue::Risk;
use lineclear_core::glass::{Closing, GLASS_NAMESPACE, GLASS_TYPE, GlassStatement, Line, Plane, Said};
use lineclear_core::plan::Plan;
use lineclear_core::run::{Event, Order, RunEnd, SEMANTICS};
use lineclear_core::{Digest, Span};
use lineclear_warrant::SessionKey;
use lineclear_warrant::glass::{digest_of, nothing};

use crate::people::sign_in;
use crate::world::World;

/// The journal of a glass that `login` broke a minute ago to carry out this runbook; `seed` tells journals apart.
pub fn broken_glass(world: &World, login: &str, action: &str, target: &str, seed: u8) -> String {
    let estate = world.engine().estate();
    let (issued_at, key) = (world.now() - Span::from_secs(60), SessionKey::from_seed([seed; 32]));
    let named = estate.catalogue.actions.values().find(|known| known.name.as_str() == action).expect("an action of the estate");
    let runbook = named.runbook.as_ref().and_then(|name| estate.runbooks.get(name)).expect("an action with a runbook");
    let person = estate.directory.operator(&login.parse().expect("a login")).expect("a person of the estate");
    let statement = GlassStatement {
        kind: GLASS_TYPE.into(),
        audience: estate.origin.clone(),
        runner: world.runner().id(),
        person: person.id,
        action: named.name.clone(),
        target: target.parse().expect("a thing"),
        runbook: runbook.digest,
        inputs: BTreeMap::new(),
        justification: "the plane was down and the shop answered nobody".into(),
        plane: Plane::Unreachable { why: "connection refused".into() },
        session_key: key.public(),
        issued_at,
        expires_at: issued_at + Span::from_secs(600),
        nonce: format!("{seed:064x}"),
    };
    let text = statement.to_text();
    let plan = Plan {
        runbook: runbook.id.clone(),
        runbook_digest: runbook.digest,
        steps: Vec::new(),
        left_out: Vec::new(),
        concurrency_key: None,
        permissions: lineclear_core::permission::Permissions::default(),
        runs_on: lineclear_core::label::Labels::default(),
        read: issued_at,
    };
    let number = u128::from(seed);
    let order = Order {
        id: format!("run_{number:032x}").parse().expect("an id"),
        change: format!("change_{number:032x}").parse().expect("an id"),
        bundle: Digest::of(text.as_bytes()),
        plan,
        rules: Vec::new(),
        begun: issued_at,
        deadline: issued_at + Span::from_secs(600),
        semantics: SEMANTICS,
        risk: Risk::Medium,
        emergency: None,
    };
    let signature = sign_in(login, GLASS_NAMESPACE, &text);
    let all = [
        Said::Opened { text, signature },
        Said::Ran { event: Box::new(Event::Begun { order: Box::new(order) }) },
        Said::Ran { event: Box::new(Event::Ended { how: RunEnd::Done, at: issued_at }) },
        Said::Closed { how: Closing::Done },
    ];
    let (mut journal, mut prev) = (String::new(), nothing());
    for (number, said) in (0..).zip(all) {
        let sealed = key.seal(&Line { number, prev, at: issued_at, said });
        prev = digest_of(&sealed);
        journal.push_str(&sealed);
    }
    journal
}
