//! Runbooks are owned: their team reviews what becomes of them. Whoever drafts one offers it to people, and nothing more comes of it
//! by itself.

use lineclear_core::IncidentId;
use lineclear_core::PatchId;
use lineclear_core::patch::Refusal;
use lineclear_core::revision::How;
use lineclear_engine::{Caller, EngineError, Sketch};
use lineclear_testkit::{Northwind, World, minutes};

use crate::drain;

/// Another way of draining: the shop's.
fn patient() -> Northwind {
    Northwind::default().changed("runbooks/drain-host.yaml", "deadline: 3m", "deadline: 4m")
}

async fn word(world: &World, revision: lineclear_core::RevisionId) -> &'static str {
    world.engine().revision(revision).await.unwrap().word
}

#[tokio::test]
async fn another_text_of_a_runbook_comes_into_force_only_when_its_team_has_read_it() {
    let world = World::new().await;
    let revision = world.person("frank").proposes_estate(&patient()).await;
    world.settle().await;
    let shown = world.engine().revision(revision).await.unwrap();
    let asked = shown.approval.unwrap().request.needs;
    assert_eq!(asked.reviews.keys().map(ToString::to_string).collect::<Vec<_>>(), ["shop"]);
    assert_eq!(asked.reviews.values().map(std::collections::BTreeSet::len).collect::<Vec<_>>(), [1], "frank proposes, so carol is left");
    // Everybody whom the ladder asks for, and nobody of the shop.
    world.person("alice").approves_estate(revision).await;
    world.person("erin").approves_estate(revision).await;
    assert_eq!(word(&world, revision).await, "awaiting_approval");
    assert!(world.person("bob").activates(revision).await.is_err());
    world.person("carol").approves_estate(revision).await;
    assert_eq!(word(&world, revision).await, "granted");
    world.person("bob").activates(revision).await.unwrap();
}

#[tokio::test]
async fn a_team_with_nobody_but_the_proposer_keeps_the_version_from_people() {
    let world = World::new().await;
    let alone = Northwind::default()
        .changed("runbooks/drain-host.yaml", "deadline: 3m", "deadline: 4m")
        .changed("runbooks/drain-host.yaml", "owner: shop", "owner: legal")
        .changed("catalog/teams.yaml", "metadata:\n  name: shop\n", "metadata:\n  name: legal\n  title: Legal\nspec: { type: team, children: [] }\n---\napiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata:\n  name: shop\n");
    let revision = world.person("frank").proposes_estate(&alone).await;
    world.settle().await;
    let shown = world.engine().revision(revision).await.unwrap();
    assert_eq!(shown.word, "unfit");
    assert!(shown.obstacles.iter().any(|said| said.contains("nobody can review `drain-host` for team `legal`")), "{:?}", shown.obstacles);
}

/// A runbook of the edge team, with a test.
const DRAFT: &str = "runbook: v1
id: warm-cache
title: Warm a cache
owner: edge
deadline: 5m
steps:
  - id: warm
    do: { http: { service: caches, method: POST, path: \"/caches/${target.name}/warm\", effect: converge } }
    timeout: 20s
    verify: { http: { service: caches, method: GET, path: \"/caches/${target.name}\", expect_json: { \"/warm\": 1 } } }
    undo: { http: { service: caches, method: POST, path: \"/caches/${target.name}/cool\", effect: converge } }
tests:
  - name: it warms
    target: cache/pages
    expect: { outcome: done, reached: [warm] }
  - name: it stays cold when the cache does not say that it is warm
    target: cache/pages
    fakes: { warm.verify: fails }
    expect: { outcome: undone, reached: [warm] }
";

fn sketch(text: &str) -> Sketch {
    Sketch { text: text.into(), note: "the third time this week".into(), incident: None }
}

async fn drafted(world: &World) -> PatchId {
    world.engine().draft_runbook(&world.agent().as_caller(), sketch(DRAFT)).await.unwrap()
}

#[tokio::test]
async fn an_agents_draft_is_read_rehearsed_and_kept_and_nothing_runs_it() {
    let world = World::new().await;
    let before = world.engine().estate().digest;
    let id = drafted(&world).await;
    let shown = world.engine().patch(id).await.unwrap();
    let review = &shown.patch.review;
    assert_eq!((shown.word, shown.patch.how, review.owner.as_str()), ("offered", How::Added, "edge"));
    assert_eq!((review.tests.len(), review.holding()), (2, 1), "the second test forgot the way back, and people see that");
    assert_eq!(review.tests[0].plan, ["warm: http effect=\"converge\" method=\"POST\" path=\"/caches/pages/warm\" service=\"caches\""]);
    assert!(review.warnings.iter().any(|said| said.contains("no action uses it")), "{:?}", review.warnings);
    assert_eq!(review.permissions.to_string(), "`http` with method `GET` or `POST` and service `caches`");
    world.settle().await;
    assert_eq!(world.engine().estate().digest, before);
    assert!(!world.engine().estate().runbooks.contains_key(&"warm-cache".parse().unwrap()));
}

#[tokio::test]
async fn what_is_no_runbook_of_this_estate_or_has_no_test_is_not_kept() {
    let world = World::new().await;
    let agent = world.agent().as_caller();
    for (text, why) in [
        (DRAFT.replace("owner: edge", "owner: nobody"), "nobody"),
        (DRAFT.replace("http:", "htpp:"), "is no tool"),
        (DRAFT.split("tests:").next().unwrap().to_owned(), "comes with its tests"),
        (DRAFT.replace("cache/pages", "cache/nowhere"), "nowhere"),
    ] {
        match world.engine().draft_runbook(&agent, sketch(&text)).await {
            Err(EngineError::Unfit(faults)) => assert!(faults.join("; ").contains(why), "{faults:?}"),
            other => panic!("{other:?}"),
        }
    }
    let huge = Sketch { text: "x".repeat(70_000), ..sketch("") };
    assert!(matches!(world.engine().draft_runbook(&agent, huge).await, Err(EngineError::Malformed { .. })));
    let mute = Sketch { note: " ".into(), ..sketch(DRAFT) };
    assert!(matches!(world.engine().draft_runbook(&agent, mute).await, Err(EngineError::Malformed { .. })));
    let lost: IncidentId = "incident_0193f0c4a1007a3e8b11d2c3b4a5ffff".parse().unwrap();
    let astray = Sketch { incident: Some(lost), ..sketch(DRAFT) };
    assert!(matches!(world.engine().draft_runbook(&agent, astray).await, Err(EngineError::NotFound(_))));
    let rows = world.engine().list(lineclear_store::RowQuery { kind: "patch".into(), limit: 10, ..Default::default() }).await.unwrap();
    assert!(rows.rows.is_empty());
}

#[tokio::test]
async fn only_a_person_takes_a_draft_up_and_then_it_goes_the_way_of_every_version() {
    let world = World::new().await;
    let id = drafted(&world).await;
    let agent = world.agent().as_caller();
    assert!(matches!(world.engine().take_up(&agent, id).await, Err(EngineError::PeopleOnly)));
    assert!(matches!(world.engine().decline_patch(&agent, id, "no".into()).await, Err(EngineError::PeopleOnly)));
    let frank = world.person("frank").as_caller();
    let revision = world.engine().take_up(&frank, id).await.unwrap();
    assert_eq!(world.engine().patch(id).await.unwrap().word, "taken_up");
    let again = world.engine().take_up(&frank, id).await;
    assert!(matches!(again, Err(EngineError::Patch(Refusal::Ended { .. }))), "{again:?}");
    world.settle().await;
    let shown = world.engine().revision(revision).await.unwrap();
    assert_eq!(shown.approval.unwrap().request.needs.reviews.keys().map(ToString::to_string).collect::<Vec<_>>(), ["edge"]);
    assert!(!world.engine().estate().runbooks.contains_key(&"warm-cache".parse().unwrap()), "proposed is not in force");
    // alice is of the edge team, and one of the two whom the ladder asks for.
    world.person("alice").approves_estate(revision).await;
    world.person("erin").approves_estate(revision).await;
    world.person("bob").activates(revision).await.unwrap();
    assert!(world.engine().estate().runbooks.contains_key(&"warm-cache".parse().unwrap()));
}

#[tokio::test]
async fn a_draft_that_nobody_takes_up_lapses_and_one_that_is_declined_says_why() {
    let world = World::new().await;
    let (first, second) = (drafted(&world).await, drafted(&world).await);
    let dave = world.person("dave").as_caller();
    assert!(matches!(world.engine().decline_patch(&dave, first, String::new()).await, Err(EngineError::Patch(Refusal::Unreasoned))));
    world.engine().decline_patch(&dave, first, "we have a better one".into()).await.unwrap();
    let told = world.engine().patch(first).await.unwrap();
    assert_eq!(told.word, "declined");
    assert!(told.timeline.iter().any(|moment| moment.says.contains("we have a better one")));
    world.sleeps(minutes(14 * 24 * 60));
    world.settle().await;
    assert_eq!(world.engine().patch(second).await.unwrap().word, "lapsed");
    assert!(matches!(world.engine().take_up(&dave, second).await, Err(EngineError::Patch(Refusal::Ended { .. }))));
}

#[tokio::test]
async fn what_the_steps_can_get_is_in_the_plan_and_in_what_people_sign() {
    let world = World::new().await;
    let change = drain(&world).await;
    world.settle().await;
    let gate = world.view(change).await.change.gate().cloned().unwrap();
    let plan = gate.dossier.plan.unwrap();
    assert_eq!(
        plan.permissions.to_string(),
        "`haproxy_server` with backend `shop` and server `web-1`; `wait_for` with source `prometheus`"
    );
    assert_eq!(gate.bundle.permissions.as_ref(), Some(&plan.permissions));
    assert!(gate.dossier.situation.permissions.contains("haproxy_server.server=web-1"));
}

#[tokio::test]
async fn a_stranger_drafts_nothing() {
    let world = World::new().await;
    let stranger = Caller::Agent("agent_0193f0c4a1007a3e8b11d2c3b4a5ffff".parse().unwrap());
    assert!(matches!(world.engine().draft_runbook(&stranger, sketch(DRAFT)).await, Err(EngineError::Stranger)));
}
