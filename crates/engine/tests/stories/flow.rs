//! What follows a failure: another try after a wait, a branch, or stopping there; and steps that are done only when an earlier
//! one says so.

use lineclear_core::run::Resolution;
use lineclear_testkit::{Manner, Northwind, World, seconds};

use crate::undo::made;
use crate::{RENAME, drain, stuck_because};

/// A look at the pool, the drain of the host if the pool is up, and another way when the drain fails.
const FLOW: &str = r#"runbook: v1
id: drain-host
title: Drain a web server, by one way or the other
owner: shop
deadline: 3m
steps:
  - id: look
    do: { http: { service: pool, method: GET, path: /state } }
    timeout: 5s
    outputs: { state: { at: /seen, type: choice, of: [up, down] } }
    on_failure: person
  - id: drain
    when: { step: look, output: state, is: up }
    do: { haproxy_server: { backend: shop, server: "${target.name}", state: drain } }
    timeout: 10s
    verify: { haproxy_server: { backend: shop, server: "${target.name}", expect: drain } }
    undo: { haproxy_server: { backend: shop, server: "${target.name}", state: ready } }
    retry: { attempts: 2, backoff: [30s] }
    on_failure: { goto: spare }
  - id: settle
    do: { wait_for: { query: 'http_error_ratio{service="shop"}', op: "<=", value: "0.01", within: 30s, source: prometheus } }
    timeout: 40s
    on_failure: stop
fallbacks:
  spare:
    - id: open-spare
      do: { haproxy_server: { backend: spare, server: "${target.name}", state: ready } }
      timeout: 10s
      verify: { haproxy_server: { backend: spare, server: "${target.name}", expect: ready } }
      undo: { haproxy_server: { backend: spare, server: "${target.name}", state: maint } }
    - id: wait-for-spare
      do: { wait_for: { query: 'http_error_ratio{service="shop"}', op: "<=", value: "0.01", within: 30s, source: prometheus } }
      timeout: 40s
      on_failure: undo
verification:
  goals: [host_drained, shop_errors_low]
  soak: 5s
"#;

async fn world(state: &str) -> World {
    let world = World::of(&Northwind::default().with("runbooks/drain-host.yaml", FLOW)).await;
    world.production().set("/state", state);
    world
}

async fn run_word(world: &World, change: lineclear_core::ChangeId) -> &'static str {
    use lineclear_core::machine::Machine as _;
    world.view(change).await.run.unwrap().word()
}

#[tokio::test]
async fn a_step_waits_before_it_is_tried_again_and_an_engine_that_starts_anew_waits_as_long() {
    let mut world = world("up").await;
    world.runner().next("drain", Manner::FailsClean);
    let change = drain(&world).await;
    world.settle().await;
    assert_eq!(run_word(&world, change).await, "waiting");
    world.passes(seconds(10)).await;
    world.engine_restarts().await;
    world.passes(seconds(19)).await;
    assert_eq!((run_word(&world, change).await, made(&world)), ("waiting", vec![]));
    world.passes(seconds(2)).await;
    assert_eq!(made(&world), ["drain do 2"]);
    assert_eq!(world.word(change).await, "verifying");
}

#[tokio::test]
async fn a_step_that_fails_for_good_is_followed_by_its_branch() {
    let world = world("up").await;
    world.runner().next("drain", Manner::FailsClean);
    world.runner().next("drain", Manner::FailsClean);
    let change = drain(&world).await;
    world.settle().await;
    world.passes(seconds(31)).await;
    assert_eq!(world.word(change).await, "verifying");
    assert_eq!(made(&world), ["open-spare do 1"]);
    let kinds = world.kinds(change).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "run.branched/1").count(), 1);
}

#[tokio::test]
async fn when_the_branch_fails_too_everything_that_was_done_is_taken_back_and_nothing_else() {
    let world = world("up").await;
    world.runner().next("drain", Manner::FailsPartly);
    world.runner().next("wait-for-spare", Manner::FailsClean);
    let change = drain(&world).await;
    world.settle().await;
    assert_eq!(world.word(change).await, "undone");
    assert_eq!(made(&world), ["drain do 1", "open-spare do 1", "open-spare undo 1", "drain undo 1"]);
    assert_eq!((world.production().get("spare/web-1"), world.production().get("shop/web-1")), ("maint".into(), "ready".into()));
}

#[tokio::test]
async fn a_run_that_stops_leaves_everything_as_it_stands_and_a_person_declares_how_it_ended() {
    let world = world("up").await;
    world.runner().next("settle", Manner::FailsClean);
    let change = drain(&world).await;
    world.settle().await;
    assert_eq!((world.word(change).await, run_word(&world, change).await), ("escalated", "stopped"));
    assert_eq!(made(&world), ["drain do 1"]);
    world.person("frank").declares(change, false).await.unwrap();
    assert_eq!(world.word(change).await, "failed");
}

#[tokio::test]
async fn a_step_is_left_out_when_an_earlier_one_says_so() {
    let world = world("down").await;
    let change = drain(&world).await;
    world.settle().await;
    assert_eq!((world.word(change).await, made(&world)), ("verifying", vec![]));
    let tale = world.tale(change).await;
    assert!(tale.contains("Step `drain` is left out: it is not so that `steps.look.outputs.state` is `up`."), "{tale}");
}

#[tokio::test]
async fn what_an_earlier_step_should_have_said_and_did_not_is_a_persons_to_say() {
    let world = world("on fire").await;
    let change = drain(&world).await;
    world.settle().await;
    assert_eq!(
        stuck_because(&world, change).await,
        "`steps.look.outputs.state` is not known, so nobody knows whether step `drain` is to be done"
    );
    world.person("frank").resolves(change, Resolution::Skip).await.unwrap();
    world.settle().await;
    assert_eq!((world.word(change).await, made(&world)), ("verifying", vec![]));
}

#[tokio::test]
async fn people_approve_the_branches_and_the_conditions_with_the_plan() {
    let world = world("up").await;
    let change = drain(&world).await;
    world.settle().await;
    let view = world.view(change).await;
    let gate = view.change.gate().unwrap();
    let plan = gate.dossier.plan.as_ref().unwrap();
    let shown: Vec<String> = plan
        .steps
        .iter()
        .map(|step| {
            let flow = &step.flow;
            let on = flow.branch.as_ref().map(|branch| format!(" on {branch}")).unwrap_or_default();
            let then = flow.goto.as_ref().map(|branch| format!(" or {branch}")).unwrap_or_default();
            let when: String = flow.when.iter().map(|condition| format!(" when {condition}")).collect();
            format!("{}{on}{then}{when}", step.step)
        })
        .collect();
    assert_eq!(
        shown,
        ["look", "drain or spare when `steps.look.outputs.state` is `up`", "settle", "open-spare on spare", "wait-for-spare on spare"]
    );
    let bound: Vec<&str> = gate.bundle.steps.iter().map(|step| step.step.as_str()).collect();
    assert_eq!(bound, ["look", "drain", "settle", "open-spare", "wait-for-spare"]);
    assert_eq!(gate.bundle.plan, plan.digest().unwrap());
}

#[tokio::test]
async fn a_step_that_the_inputs_leave_out_is_no_part_of_the_plan_and_is_not_done() {
    let announce = "steps:\n  - id: announce\n    when: { input: name, is_not: www.example.test }\n    \
                    do: { http: { service: status, method: POST, path: /announce, body: { n: 1 }, effect: once } }\n    timeout: 5s\n";
    let world = World::of(&Northwind::default().changed("runbooks/update-dns.yaml", "steps:\n", announce)).await;
    let change = world.agent().proposes("dns.update", "zone/example.test", RENAME).await;
    world.settle().await;
    let view = world.view(change).await;
    let plan = view.change.gate().unwrap().dossier.plan.clone().unwrap();
    assert_eq!(
        plan.left_out.iter().map(|step| (step.step.as_str(), step.why.as_str())).collect::<Vec<_>>(),
        [("announce", "it is not so that `inputs.name` is not `www.example.test`")]
    );
    world.person("alice").approves(change).await;
    world.person("bob").approves(change).await;
    world.settle().await;
    assert_eq!(world.production().touched("/announce"), 0);
    assert_eq!(world.production().get("www.example.test A"), "192.0.2.11");
}
