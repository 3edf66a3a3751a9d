//! Another version of the estate comes into force on people's word alone, and what is under way keeps to the version it began under.

use lineclear_core::approval::VoteRefusal;
use lineclear_core::machine::Machine as _;
use lineclear_core::posture::Posture;
use lineclear_core::record::Stream;
use lineclear_core::revision::Refusal;
use lineclear_core::statement::{Decision, Signature};
use lineclear_core::{RevisionId, Span};
use lineclear_engine::{Caller, EngineError, RevisionView};
use lineclear_testkit::{Break, Northwind, World, minutes, seconds, sign};

use crate::{RENAME, drain, rename, renamed_and_signed};

/// The same house, with one comment more in its policies.
fn read_again() -> Northwind {
    Northwind::default().changed("policies/high.cedar", "// High risk.", "// High risk, read again.")
}

/// Another comment.
fn read_twice() -> Northwind {
    Northwind::default().changed("policies/high.cedar", "// High risk.", "// High risk, read twice.")
}

async fn view(world: &World, revision: RevisionId) -> RevisionView {
    world.engine().revision(revision).await.unwrap()
}

async fn word(world: &World, revision: RevisionId) -> &'static str {
    view(world, revision).await.word
}

async fn in_force(world: &World) -> lineclear_core::Digest {
    let recorded = world.engine().installation().await.unwrap().estate;
    assert_eq!(recorded, world.engine().estate().digest, "what decides is what is recorded");
    recorded
}

#[tokio::test]
async fn a_wider_estate_shows_what_it_opens_and_comes_into_force_on_two_signatures() {
    let world = World::new().await;
    world.estates().opens("an agent may rename www.example.test, and nobody is asked");
    let before = in_force(&world).await;
    let revision = world.person("frank").proposes_estate(&read_again()).await;
    assert_eq!(word(&world, revision).await, "proposed");
    world.settle().await;

    let shown = view(&world, revision).await;
    let report = shown.revision.report.unwrap();
    assert_eq!(shown.word, "awaiting_approval");
    assert_eq!(report.opened[0].sentence, "an agent may rename www.example.test, and nobody is asked");
    assert_eq!(report.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["policies/high.cedar"]);
    let request = shown.approval.unwrap().request;
    assert_eq!((request.needs.rung.as_str(), request.needs.humans, request.needs.owner), ("two-with-security", 2, false));
    assert_eq!((request.policy, request.evidence), (before, report.digest().unwrap()));

    world.person("alice").approves_estate(revision).await;
    assert_eq!(word(&world, revision).await, "awaiting_approval", "one of two");
    world.person("erin").approves_estate(revision).await;
    assert_eq!(word(&world, revision).await, "granted");
    assert_eq!(in_force(&world).await, before, "granted is not activated");

    world.person("bob").activates(revision).await.unwrap();
    let shown = view(&world, revision).await;
    assert_eq!((shown.word, shown.in_force), ("activated", true));
    assert_eq!(in_force(&world).await, shown.revision.estate);
    assert_eq!(world.estates().came(), [shown.revision.estate]);
    let told = shown.timeline.iter().map(|moment| format!("{}: {}", moment.name, moment.says)).collect::<Vec<_>>().join("\n");
    // The example estate moves with every edit of it.
    insta::assert_snapshot!(told.replace(&shown.revision.estate.short(), "DIGEST"));
}

#[tokio::test]
async fn what_is_unfit_is_put_to_nobody() {
    let refuted = World::new().await;
    refuted.estates().refutes("an agent may delete the database, and nobody is asked");
    let unsolved = World::new().await;
    unsolved.estates().lose_the_solver();
    for (world, why) in [(refuted, "an agent may delete the database"), (unsolved, "there is no solver")] {
        let revision = world.person("frank").proposes_estate(&read_again()).await;
        world.settle().await;
        let shown = view(&world, revision).await;
        assert_eq!((shown.word, shown.approval.is_none()), ("unfit", true));
        assert!(shown.obstacles.iter().any(|obstacle| obstacle.contains(why)), "{:?}", shown.obstacles);
        let tried = world.person("alice").activates(revision).await;
        assert!(matches!(tried, Err(EngineError::Revision(Refusal::WrongState { state: "unfit", .. }))), "{tried:?}");
    }
    let world = World::new().await;
    let before = in_force(&world).await;
    let broken = [
        Northwind::default().with("policies/broken.cedar", "permit (principal, action, resource);"),
        Northwind::default().changed("lineclear.toml", "origin = \"", "origin = \"other."),
    ];
    for estate in broken {
        let revision = world.person("frank").proposes_estate(&estate).await;
        world.settle().await;
        assert_eq!(word(&world, revision).await, "unfit");
    }
    assert_eq!(in_force(&world).await, before);
}

#[tokio::test]
async fn no_agent_proposes_withdraws_or_activates_an_estate() {
    let world = World::new().await;
    let tried = world.agent().tries_to_propose_estate(&read_again()).await;
    assert!(matches!(tried, Err(EngineError::PeopleOnly)), "{tried:?}");
    let revision = world.estate_is_granted(&read_again()).await;
    assert!(matches!(world.agent().tries_to_activate(revision).await, Err(EngineError::PeopleOnly)));
    assert!(matches!(world.agent().tries_to_withdraw_estate(revision).await, Err(EngineError::PeopleOnly)));
    assert_eq!(word(&world, revision).await, "granted");
}

#[tokio::test]
async fn who_proposes_an_estate_does_not_approve_it_and_a_session_is_no_signature() {
    let world = World::new().await;
    let revision = world.person("alice").proposes_estate(&read_again()).await;
    world.settle().await;
    let own = world.person("alice").tries_to_approve_estate(revision).await;
    assert!(matches!(own, Err(EngineError::VoteRefused { why: VoteRefusal::SelfApproval, .. })), "{own:?}");
    let (request, text) = world.person("bob").estate_statement(revision, Decision::Approve, "").await;
    let weak = world.person("bob").casts(request, text, Signature::Session).await;
    assert!(matches!(weak, Err(EngineError::VoteRefused { why: VoteRefusal::TooWeak { .. }, .. })), "{weak:?}");
    // Two signatures, and nobody of them is the security officer.
    world.person("bob").approves_estate(revision).await;
    world.person("dave").approves_estate(revision).await;
    assert_eq!(word(&world, revision).await, "awaiting_approval");
    world.person("erin").approves_estate(revision).await;
    assert_eq!(word(&world, revision).await, "granted");
}

#[tokio::test]
async fn an_estate_that_changes_who_may_activate_is_judged_by_the_one_in_force() {
    let world = World::new().await;
    let looser =
        Northwind::default().changed("authority.yaml", "activation: { rung: two-with-security }", "activation: { rung: one-operator }");
    let revision = world.person("frank").proposes_estate(&looser).await;
    world.settle().await;
    let shown = view(&world, revision).await;
    assert_eq!(shown.approval.unwrap().request.needs.rung.as_str(), "two-with-security");
}

#[tokio::test]
async fn an_unanswered_estate_lapses_and_a_granted_one_too() {
    let world = World::new().await;
    let asked = world.person("frank").proposes_estate(&read_again()).await;
    let granted = world.estate_is_granted(&read_twice()).await;
    world.sleeps(Span::from_secs(24 * 3_600));
    let late = world.person("bob").activates(granted).await;
    assert!(matches!(late, Err(EngineError::Approval(_))), "{late:?}");
    world.settle().await;
    assert_eq!((word(&world, asked).await, word(&world, granted).await), ("lapsed", "lapsed"));
}

#[tokio::test]
async fn an_estate_that_was_overtaken_is_examined_and_asked_again() {
    let world = World::new().await;
    let slow = world.estate_is_granted(&read_twice()).await;
    let (request, text) = world.person("bob").estate_statement(slow, Decision::Reject, "not yet").await;
    let fast = world.estate_is_granted(&read_again()).await;
    world.person("bob").activates(fast).await.unwrap();

    let tried = world.person("bob").activates(slow).await;
    assert!(matches!(tried, Err(EngineError::Revision(Refusal::WrongState { .. }))), "{tried:?}");
    world.settle().await;
    let shown = view(&world, slow).await;
    assert_eq!((shown.word, shown.revision.rounds, shown.revision.base), ("awaiting_approval", 2, in_force(&world).await));
    let approval = shown.approval.unwrap();
    assert_eq!(approval.votes().len(), 0, "earlier signatures count for nothing");
    let late = world.person("bob").casts(request, text.clone(), sign("bob", &text)).await;
    assert!(matches!(late, Err(EngineError::VoteRefused { why: VoteRefusal::NotOpen { .. }, .. })), "{late:?}");

    world.person("alice").approves_estate(slow).await;
    world.person("erin").approves_estate(slow).await;
    world.person("bob").activates(slow).await.unwrap();
    assert_eq!(in_force(&world).await, shown.revision.estate);
}

#[tokio::test]
async fn a_running_change_finishes_by_the_version_that_it_was_dispatched_under() {
    let stricter = Northwind::default().changed("actions/medium.yaml", "closes: machine", "closes: person");
    let world = World::new().await;
    let granted = world.estate_is_granted(&stricter).await;
    let begun = drain(&world).await;
    world.settle().await;
    assert_eq!(world.word(begun).await, "verifying");
    let before = in_force(&world).await;
    world.person("bob").activates(granted).await.unwrap();
    assert_ne!(in_force(&world).await, before);

    world.fact_reads("host_drained", "1");
    world.fact_reads("shop_errors_low", "0.001");
    world.passes(seconds(40)).await;
    assert_eq!(world.word(begun).await, "succeeded", "the machine closes it, as was cleared");
    assert_eq!(world.view(begun).await.change.dossier().unwrap().policy, before);
}

#[tokio::test]
async fn a_running_change_finishes_by_its_own_version_after_a_restart_and_not_without_it() {
    let stricter = Northwind::default().changed("actions/medium.yaml", "closes: machine", "closes: person");
    let mut world = World::new().await;
    let granted = world.estate_is_granted(&stricter).await;
    let begun = drain(&world).await;
    world.settle().await;
    let before = in_force(&world).await;
    world.person("bob").activates(granted).await.unwrap();
    world.engine_restarts_under(&stricter).await;
    world.fact_reads("host_drained", "1");
    world.fact_reads("shop_errors_low", "0.001");
    world.passes(seconds(2)).await;
    assert_eq!(world.word(begun).await, "verifying");

    world.estates().forget(before);
    let without = world.engine_tries_to_start_under(&stricter).await;
    assert!(matches!(without, Err(EngineError::Estate { digest, .. }) if digest == before), "{without:?}");
}

#[tokio::test]
async fn who_waits_is_asked_again_under_the_new_version() {
    let world = World::new().await;
    let granted = world.estate_is_granted(&read_again()).await;
    let change = rename(&world).await;
    let before = world.engine().request(change).await.unwrap().request.id;
    world.person("alice").approves(change).await;
    world.person("bob").activates(granted).await.unwrap();
    world.settle().await;

    assert_eq!(world.word(change).await, "awaiting_approval");
    let request = world.engine().request(change).await.unwrap();
    assert_ne!(request.request.id, before);
    assert_eq!((request.request.policy, request.votes().len()), (in_force(&world).await, 0));
    let differences: Vec<String> = world.view(change).await.change.differences.into_iter().map(|difference| difference.what).collect();
    assert_eq!(differences, ["policy"]);
    assert_eq!(world.production().effects(), []);
    world.person("alice").approves(change).await;
    world.person("bob").approves(change).await;
    world.settle().await;
    assert_eq!(world.production().effects().len(), 1);
}

#[tokio::test]
async fn what_the_new_version_no_longer_holds_ends_as_a_misfit() {
    let spare = "apiVersion: backstage.io/v1alpha1\nkind: Resource\nmetadata:\n  name: spare.test\n  title: Zone spare.test\n  \
                 annotations: { lineclear.dev/part-of: component:dns }\nspec: { type: zone, owner: edge, system: hosting }\n";
    let world = World::of(&Northwind::default().with("catalog/spare.yaml", spare)).await;
    let granted = world.estate_is_granted(&Northwind::default()).await;
    let change = world.agent().proposes("dns.update", "zone/spare.test", RENAME).await;
    world.settle().await;
    assert_eq!(world.word(change).await, "awaiting_approval");
    world.person("bob").activates(granted).await.unwrap();
    world.settle().await;
    assert_eq!(world.word(change).await, "misfit");
    assert!(world.kinds(change).await.contains(&"approval.withdrawn/1".to_owned()));
}

#[tokio::test]
async fn a_crash_between_the_commit_and_the_swap_is_healed_by_the_next_start() {
    let mut world = World::new().await;
    let granted = world.estate_is_granted(&read_again()).await;
    let change = rename(&world).await;
    let old = world.engine().estate().digest;
    world.disk().breaks_at(1, Break::AfterCommit);
    let lost = world.person("bob").activates(granted).await;
    assert!(matches!(lost, Err(EngineError::Store(_))), "{lost:?}");
    assert_eq!(world.engine().estate().digest, old, "nobody heard of it");

    world.disk().mend();
    let wrong = world.engine_tries_to_start_under(&Northwind::default()).await;
    assert!(matches!(wrong, Err(EngineError::OtherEstate { given, .. }) if given == old), "{wrong:?}");
    world.engine_restarts_under(&read_again()).await;
    assert_eq!(in_force(&world).await, view(&world, granted).await.revision.estate);
    world.settle().await;
    let request = world.engine().request(change).await.unwrap();
    assert_eq!(request.request.policy, in_force(&world).await, "who waited is asked again");
}

#[tokio::test]
async fn an_activation_whose_answer_was_lost_is_carried_through_before_anything_is_decided() {
    let world = World::new().await;
    let granted = world.estate_is_granted(&read_again()).await;
    world.disk().breaks_at(1, Break::AfterCommit);
    assert!(world.person("bob").activates(granted).await.is_err());
    world.disk().mend();
    let change = rename(&world).await;
    let policy = world.view(change).await.change.dossier().unwrap().policy;
    assert_eq!((policy, policy == view(&world, granted).await.revision.estate), (in_force(&world).await, true));
}

#[tokio::test]
async fn an_activation_never_touches_the_posture() {
    let fuller = Northwind::default().changed("lineclear.toml", "posture = \"full\"", "posture = \"advise-only\"");
    let world = World::new().await;
    world.person("alice").sets_posture(Posture::Stopped).await;
    let granted = world.estate_is_granted(&fuller).await;
    world.person("bob").activates(granted).await.unwrap();
    assert_eq!(world.engine().installation().await.unwrap().posture, Posture::Stopped);
}

#[tokio::test]
async fn an_agent_who_is_gone_is_gone_at_once() {
    let world = World::new().await;
    let known = "agent_0193f0c4a1007a3e8b11d2c3b4a60001";
    let gone = Northwind::default().changed("catalog/agents.yaml", known, "agent_0193f0c4a1007a3e8b11d2c3b4a6ffff");
    let caller = Caller::Agent(known.parse().unwrap());
    let granted = world.estate_is_granted(&gone).await;
    assert!(world.engine().known(&caller).is_ok());
    world.person("bob").activates(granted).await.unwrap();
    assert!(matches!(world.engine().known(&caller), Err(EngineError::Stranger)));
}

#[tokio::test]
async fn an_approval_of_an_estate_is_used_once_and_every_step_is_on_record() {
    let world = World::new().await;
    let granted = world.estate_is_granted(&read_again()).await;
    world.person("bob").activates(granted).await.unwrap();
    let again = world.person("bob").activates(granted).await;
    assert!(matches!(again, Err(EngineError::Revision(Refusal::WrongState { .. }))), "{again:?}");
    let kinds: Vec<String> = view(&world, granted).await.timeline.into_iter().map(|moment| moment.kind).collect();
    assert_eq!(
        kinds,
        [
            "revision.proposed/1",
            "approval.asked/1",
            "revision.asked/1",
            "approval.voted/1",
            "approval.voted/1",
            "approval.granted/1",
            "revision.granted/1",
            "approval.consumed/1",
            "revision.activated/1"
        ]
    );
    let last = world.events(Stream::Installation).await.pop().unwrap();
    assert_eq!(last.happened.event.kind(), "installation.activated/1");
    assert!(view(&world, granted).await.approval.is_some_and(|approval| approval.word() == "consumed"));
}

#[tokio::test]
async fn a_proposal_is_bounded_and_the_same_files_are_proposed_once() {
    let world = World::new().await;
    let same = world.person("frank").tries_to_propose_estate(&Northwind::default()).await;
    assert!(matches!(same, Err(EngineError::Malformed { .. })), "{same:?}");
    world.person("frank").proposes_estate(&read_again()).await;
    let twice = world.person("bob").tries_to_propose_estate(&read_again()).await;
    assert!(matches!(twice, Err(EngineError::Malformed { .. })), "{twice:?}");
    for path in ["../escape.md", "/etc/passwd", ".git/config", "a/b/c/d/e.md"] {
        let bad = world.person("frank").tries_to_propose_estate(&Northwind::default().with(path, "x")).await;
        assert!(matches!(bad, Err(EngineError::Malformed { .. })), "{path}");
    }
    let large = world.person("frank").tries_to_propose_estate(&Northwind::default().with("notes.md", &"x".repeat(256 * 1024 + 1))).await;
    assert!(matches!(large, Err(EngineError::Malformed { .. })), "{large:?}");
    for number in 0..lineclear_engine::OPEN_MAX - 1 {
        world.person("frank").proposes_estate(&Northwind::default().with("notes.md", &number.to_string())).await;
    }
    let full = world.person("frank").tries_to_propose_estate(&Northwind::default().with("notes.md", "one more")).await;
    assert!(matches!(full, Err(EngineError::Malformed { message, .. }) if message.contains("withdraw one first")));
}

#[tokio::test]
async fn what_was_withdrawn_is_asked_of_nobody() {
    let world = World::new().await;
    let revision = world.estate_is_granted(&read_again()).await;
    world.person("carol").withdraws_estate(revision).await.unwrap();
    assert_eq!(word(&world, revision).await, "withdrawn");
    assert!(world.person("bob").activates(revision).await.is_err());
    // The files may be proposed again.
    world.person("carol").proposes_estate(&read_again()).await;
}

#[tokio::test]
async fn a_cleared_change_is_judged_anew_when_another_version_came_into_force_before_its_run() {
    let world = World::new().await;
    let granted = world.estate_is_granted(&read_again()).await;
    let change = renamed_and_signed(&world).await;
    world.person("bob").activates(granted).await.unwrap();
    world.settle().await;
    assert_eq!(world.word(change).await, "awaiting_approval");
    assert_eq!(world.production().effects(), []);
    let late = world.agent().tries_to_propose("dns.update", "zone/example.test", RENAME).await;
    assert!(late.is_ok());
    world.passes(minutes(1)).await;
    assert_eq!(world.production().effects(), []);
}
