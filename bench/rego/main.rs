//! The same twenty-five rules in Cedar and in Rego: first both must say the same at every rung, then both are timed.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lineclear_core::authority::Approvals;
use lineclear_core::catalogue::Risk;
use lineclear_core::estate::Estate;
use lineclear_core::posture::Posture;
use lineclear_core::situation::{Actor, Case};
use lineclear_core::topology::Environment;
use lineclear_core::verdict::Bearing;
use lineclear_policy::{Policies, RungAnswer, Source};
use regorus::rvm::Program;
use regorus::rvm::vm::RegoVM;
use regorus::{Engine, Value};
use serde_json::json;

#[path = "../../crates/policy/src/tests/fixture.rs"]
mod fixture;
#[path = "../../crates/policy/src/tests/plain.rs"]
mod plain;

use plain::Plain;

const RULES: &str = include_str!("rules.rego");
const ENTRY: &str = "data.rules.answer";
const ROUNDS: usize = 301;

/// Ways in which a day may differ from a good one.
const DAYS: [(&str, fn(&mut Case)); 9] = [
    ("good", |_| ()),
    ("frozen, in doubt", |c| {
        c.situation.freeze = true;
        c.situation.confidence = 5_000.try_into().unwrap();
    }),
    ("stopped", |c| c.situation.posture = Posture::Stopped),
    ("advise only", |c| c.situation.posture = Posture::AdviseOnly),
    ("routine only", |c| c.situation.posture = Posture::RoutineOnly),
    ("routine", |c| c.situation.routine = true),
    ("conflicting, a third of the fleet", |c| {
        c.situation.conflicting = true;
        c.situation.fleet_bp = 3_300;
    }),
    ("emergency", |c| {
        c.situation.emergency = true;
        c.situation.severity = 2;
    }),
    ("nothing confirmed", |c| {
        c.situation.evidence.values_mut().for_each(|held| *held = false);
        c.situation.confirmed = 0;
    }),
];

fn cases(day: fn(&mut Case)) -> Vec<Case> {
    let environments = [Environment::Production, Environment::Staging, Environment::Dev];
    let asked = fixture::actions().flat_map(|action| [fixture::AGENT, fixture::ADA].map(|actor| (action, actor)));
    let good = asked.flat_map(|(action, actor)| environments.map(|environment| fixture::case(actor, action, environment)));
    good.map(|mut case| {
        day(&mut case);
        case
    })
    .collect()
}

/// What Rego is asked: only the facts that the rules read, which is kind to it.
fn input(estate: &Estate, case: &Case, given: &Approvals) -> Value {
    let word = |name: &str| name.replace(['.', '-'], "_");
    let s = &case.situation;
    let mut approvals = json!({ "humans": given.humans, "owner": given.owner, "grade": given.grade.rank() });
    for role in &estate.authority.roles {
        approvals[word(role.as_str())] = given.roles.contains(role).into();
    }
    let evidence: serde_json::Map<_, _> = s.evidence.iter().map(|(fact, held)| (word(fact.as_str()), (*held).into())).collect();
    let thing = estate.topology.get(&case.target).unwrap();
    let risk = match estate.catalogue.actions[&case.action].risk {
        Risk::Low => "low",
        Risk::Medium => "medium",
        Risk::High => "high",
    };
    let document = json!({
        "principal": { "type": if matches!(case.principal, Actor::Agent(_)) { "Agent" } else { "Operator" } },
        "action": case.action.as_str(),
        "risk": risk,
        "resource": { "environment": format!("{:?}", thing.environment).to_lowercase(), "money_path": thing.money_path },
        "approvals": approvals,
        "evidence": evidence,
        "facts": {
            "confidence_bp": s.confidence.basis_points(), "conflicting": s.conflicting, "emergency": s.emergency,
            "fleet_bp": s.fleet_bp, "freeze": s.freeze, "hosts": s.hosts, "posture": s.posture.rank(),
            "reversible": s.reversible, "routine": s.routine, "severity": s.severity, "undo_drilled": s.undo_drilled,
        },
    });
    Value::from_json_str(&document.to_string()).unwrap()
}

/// Cedar and Rego name the same policies and come to the same end.
fn agree(answer: &RungAnswer, rego: &Value) -> bool {
    let said: serde_json::Value = serde_json::from_str(&rego.to_json_str().unwrap()).unwrap();
    let names = |key: &str| -> BTreeSet<String> { said[key].as_array().unwrap().iter().map(|n| n.as_str().unwrap().to_owned()).collect() };
    let named = |bearing: Bearing| -> BTreeSet<String> {
        answer.because.iter().filter(|r| r.bearing == bearing).filter_map(|r| r.policy.as_ref().map(ToString::to_string)).collect()
    };
    let (permits, forbids) = (names("permits"), names("forbids"));
    let allowed = forbids.is_empty() && !permits.is_empty();
    allowed == answer.allowed && named(Bearing::Forbids) == forbids && (!allowed || named(Bearing::Permits) == permits)
}

/// The bytecode machine with the rules in it.
fn machine(engine: &mut Engine) -> RegoVM {
    let compiled = engine.compile_with_entrypoint(&ENTRY.into()).unwrap();
    let program: Arc<Program> = regorus::languages::rego::compiler::Compiler::compile_from_policy(&compiled, &[ENTRY]).unwrap();
    let mut vm = RegoVM::new();
    vm.load_program(program);
    vm.set_data(Value::new_object()).unwrap();
    vm
}

/// Mean over the cases of each one's median, in microseconds.
fn measure<T>(name: &str, cases: &[T], mut call: impl FnMut(&T)) {
    let mut times = vec![Vec::with_capacity(ROUNDS); cases.len()];
    for _ in 0..ROUNDS {
        for (case, times) in cases.iter().zip(&mut times) {
            let start = Instant::now();
            call(case);
            times.push(start.elapsed());
        }
    }
    let median = |mut times: Vec<Duration>| {
        times.sort();
        times[ROUNDS / 2]
    };
    let sum: Duration = times.into_iter().map(median).sum();
    println!("{name:<52}{:>8.1} µs", sum.as_secs_f64() * 1e6 / cases.len() as f64);
}

fn main() {
    let policies: Policies = fixture::policies_of(0);
    let (estate, plain) = (policies.estate(), Plain::new(&policies));
    let rungs: Vec<Approvals> = estate.authority.rungs.iter().map(lineclear_core::authority::Rung::brings).collect();
    let inputs = |case: &Case| -> Vec<Value> { rungs.iter().map(|given| input(estate, case, given)).collect() };
    let mut engine = Engine::new();
    engine.add_policy("rules.rego".into(), RULES.into()).unwrap();
    let mut vm = machine(&mut engine);
    let walked = |engine: &mut Engine, input: &Value| {
        engine.set_input(input.clone());
        engine.eval_rule(ENTRY.into()).unwrap()
    };
    let ran = |vm: &mut RegoVM, input: &Value| {
        vm.set_input(input.clone());
        vm.execute().unwrap()
    };

    let (mut asked, mut allowed) = (0, 0);
    for (day, change) in DAYS {
        for case in cases(change) {
            for ((answer, given), input) in policies.ladder(&case).unwrap().iter().zip(&rungs).zip(inputs(&case)) {
                assert!(plain.ask(&case, given).agrees(answer.allowed, &answer.because), "{day}: {case:?}");
                for said in [walked(&mut engine, &input), ran(&mut vm, &input)] {
                    assert!(agree(answer, &said), "{day}: {case:?}\nCedar {answer:?}\nRego {said:?}");
                }
                asked += 1;
                allowed += usize::from(answer.allowed);
            }
        }
    }
    println!("{} policies; {asked} questions, {allowed} allowed: Cedar and Rego name the same policies in all of them\n", policies.len());

    let cases = cases(|_| ());
    println!("all {} rungs of one case; {} cases, {ROUNDS} rounds, mean of their medians\n", rungs.len(), cases.len());
    let ready: Vec<Vec<Value>> = cases.iter().map(inputs).collect();
    measure("Rego, tree walker, inputs ready", &ready, |all| all.iter().for_each(|i| drop(black_box(walked(&mut engine, i)))));
    measure("Rego, bytecode, inputs ready", &ready, |all| all.iter().for_each(|i| drop(black_box(ran(&mut vm, i)))));
    let ready: Vec<Vec<_>> = cases.iter().map(|case| rungs.iter().map(|given| plain.request(case, given)).collect()).collect();
    measure("Cedar, no index, requests ready", &ready, |all| all.iter().for_each(|r| drop(black_box(plain.answer(r)))));
    measure("lineclear: facts typed and checked, with reasons", &cases, |case| drop(black_box(policies.ladder(case))));
}
