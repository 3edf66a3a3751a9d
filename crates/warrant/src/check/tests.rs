use std::collections::BTreeMap;

use lineclear_core::authority::Grade;
use lineclear_core::catalogue::Risk;
use lineclear_core::permission::Permissions;
use lineclear_core::plan::EffectClass;
use lineclear_core::run::Direction;
use lineclear_core::situation::Actor;
use lineclear_core::statement::{Decision, Signature, Vote};
use lineclear_core::{Digest, Span};
use proptest::prelude::*;
use serde_json::json;

use crate::TrustDraft;
use crate::passkey::authenticator::edwards;

use super::fixture::{NOW, Voter, World, call, id, person, ssh_line};

fn check(expected: &str, change: impl FnOnce(&mut World)) {
    let mut world = World::new();
    change(&mut world);
    assert_eq!(world.outcome(), expected);
}

#[test]
fn a_high_risk_act_that_a_person_signed_is_acted_on() {
    check("acts", |_| {});
    check("acts", |world| world.seen = None);
    check("acts", |world| world.seen = Some(0));
    check("acts", |world| (world.after, world.seen) = (0, Some(5)));
}

#[test]
fn a_low_risk_act_needs_no_vote() {
    assert_eq!(World::low().outcome(), "acts");
}

#[test]
fn an_undo_is_acted_on_without_a_check_of_its_own() {
    check("acts", |world| world.attempt.direction = Direction::Undo);
    check("wrong_bundle", |world| {
        world.attempt.direction = Direction::Undo;
        world.bundle.steps[0].undo = None;
    });
    check("wrong_bundle", |world| {
        world.attempt.direction = Direction::Undo;
        world.tamper = |warrant| warrant.verify = Some(warrant.call.clone());
    });
}

#[test]
fn a_warrant_for_somebody_else_or_another_time_is_refused() {
    check("bad_envelope", |world| world.warrant_seed = 2);
    check("wrong_audience", |world| world.tamper = |warrant| warrant.audience = "ledger.example/g2".into());
    check("wrong_runner", |world| world.tamper = |warrant| warrant.runner = id("runner", 2));
    check("stale_nonce", |world| world.tamper = |warrant| warrant.nonce = "ac".repeat(32));
    check("stale_nonce", |world| world.nonce = "ac".repeat(32));
    check("stale_nonce", |world| {
        world.nonce = String::new();
        world.tamper = |warrant| warrant.nonce = String::new();
    });
    check("expired", |world| world.now = NOW + Span::from_secs(80));
    check("acts", |world| world.now = NOW + Span::from_millis(79_999));
}

#[test]
fn no_record_no_act() {
    check("no_record", |world| world.tamper = |warrant| warrant.entry = "{}".into());
    check("no_record", |world| world.tamper = |warrant| warrant.entry = warrant.entry.replace("\"v\":1", "\"v\": 1"));
    check("no_record", |world| world.record = |draft| draft.log = "ledger.example/g2".into());
    check("no_record", |world| world.record = |draft| draft.kind = "run.began/1".into());
    check("no_record", |world| world.record = |draft| draft.stream = id::<lineclear_core::RunId>("run", 2).to_string());
    check("no_record", |world| world.record = |draft| draft.body["extra"] = json!(1));
    for member in ["change", "bundle", "run", "step", "direction", "attempt", "warrant", "epoch", "call", "deadline"] {
        let mut world = World::new();
        world.record = |_| {};
        let mut warrant = world.warrant();
        let body = lineclear_ledger::Entry::parse(warrant.entry.as_bytes()).unwrap().body()[member].to_string();
        let old = format!("\"{member}\":{body}");
        assert!(warrant.entry.contains(&old), "{member}");
        let other = if body.starts_with('"') { body.replace(['1', 'o', 'w'], "2") } else { "9".into() };
        warrant.entry = warrant.entry.replacen(&old, &format!("\"{member}\":{other}"), 1);
        assert_eq!(world.outcome_of(&world.key().seal(&warrant).unwrap()), "no_record", "{member}");
    }
}

#[test]
fn a_warrant_that_says_something_else_than_its_record_is_refused() {
    check("no_record", |world| world.tamper = |warrant| warrant.attempt.run = id("run", 2));
    check("no_record", |world| world.tamper = |warrant| warrant.attempt.number = 2);
    check("no_record", |world| world.tamper = |warrant| warrant.attempt.step = "other".parse().unwrap());
    check("no_record", |world| world.tamper = |warrant| warrant.attempt.direction = Direction::Undo);
    check("no_record", |world| world.tamper = |warrant| warrant.id = id("warrant", 2));
    check("no_record", |world| world.tamper = |warrant| warrant.epoch = 4);
    check("no_record", |world| world.tamper = |warrant| warrant.change = id("change", 2));
    check("no_record", |world| world.tamper = |warrant| warrant.deadline = warrant.deadline + Span::from_secs(60));
    check("no_record", |world| world.tamper = |warrant| drop(warrant.call.with.insert("with".into(), json!(["203.0.113.6"]))));
    check("no_record", |world| world.tamper = |warrant| warrant.bundle.push(' '));
}

#[test]
fn a_record_that_is_not_proven_is_worth_nothing() {
    check("no_proof", |world| world.tamper = |warrant| warrant.ticket = String::new());
    check("no_proof", |world| world.log_seed = 2);
    check("no_proof", |world| world.tamper = |warrant| warrant.ticket = warrant.ticket.replace("index 5", "index 4"));
    check("no_proof", |world| world.tamper = |warrant| warrant.ticket = warrant.ticket.replace("\n9\n", "\n10\n"));
    // A proof that is right, for a record that is another.
    check("no_proof", |world| {
        world.tamper = |warrant| {
            let mut other = World::new();
            other.attempt.number = 2;
            warrant.ticket = other.warrant().ticket;
        };
    });
}

#[test]
fn a_ledger_that_forgot_or_changed_what_was_seen_is_refused() {
    check("forked", |world| world.forked = true);
    check("forked", |world| world.seen = Some(10));
    check("forked", |world| world.tamper = |warrant| warrant.consistency.clear());
    check("forked", |world| world.tamper = |warrant| warrant.consistency.push("AAAA".into()));
    check("forked", |world| world.tamper = |warrant| warrant.consistency = vec![warrant.consistency[0].clone(); 64]);
}

#[test]
fn only_what_the_runners_own_file_allows_is_done() {
    check("not_allowed", |world| world.draft = |draft| drop(draft.allow.remove(&"dns.update".parse().unwrap())));
    check("not_allowed", |world| world.bundle.action = "dns.delete".parse().unwrap());
    check("not_allowed", |world| world.bundle.target = "zone/other.test".parse().unwrap());
    check("not_allowed", |world| {
        world.call = call("shell", json!({"argv": ["/bin/true"]}));
        world.bind(EffectClass::Cas);
    });
    // The tool is allowed, and what it would reach is another service than the one that this action is for.
    check("not_allowed", |world| {
        world.draft = |draft| {
            let rule = draft.allow.get_mut(&"dns.update".parse().unwrap()).unwrap();
            rule.tools.insert("http".parse().unwrap());
        };
        world.call = call("http", json!({"service": "waf", "method": "PUT", "path": "/waf/shop/rules/942100"}));
        world.bind(EffectClass::Cas);
    });
    check("not_allowed", |world| {
        world.verify = Some(call("shell", json!({"argv": ["/bin/true"]})));
        world.bind(EffectClass::Cas);
    });
}

#[test]
fn nothing_is_called_that_the_approved_bundle_does_not_permit() {
    let only = |permissions: &[lineclear_core::plan::ToolCall]| Some(Permissions::of(permissions));
    check("not_permitted", |world| world.bundle.permissions = None);
    check("not_permitted", |world| world.bundle.permissions = only(&[]));
    // The call is permitted, and its check looks elsewhere.
    check("not_permitted", |world| {
        if let Some(look) = world.verify.as_mut() {
            look.with.insert("type".into(), json!("TXT"));
        }
        world.bind(EffectClass::Cas);
        world.bundle.permissions = only(std::slice::from_ref(&world.call));
    });
    // The same tool, aimed elsewhere than at what people saw.
    check("not_permitted", |world| {
        let mut elsewhere = world.call.clone();
        elsewhere.with.insert("zone".into(), json!("other.test"));
        world.bundle.permissions = only(&[elsewhere]);
    });
    check("acts", |world| {
        let mut wider = world.bundle.permissions.clone().unwrap();
        wider.add(&"dns_update".parse().unwrap(), "zone", "other.test".into());
        world.bundle.permissions = Some(wider);
    });
}

#[test]
fn a_permission_that_is_added_after_people_signed_is_worth_nothing() {
    // The bundle that they signed permits nothing; the one that is sent permits the call, and nobody signed that one.
    let mut world = World::new();
    world.bundle.permissions = Some(Permissions::none());
    assert_eq!(world.outcome(), "not_permitted");
    let (signed, mut sent) = (world.warrant(), World::new().warrant());
    sent.votes = signed.votes;
    assert_eq!(world.outcome_of(&world.key().seal(&sent).unwrap()), "bad_vote");
}

#[test]
fn an_argument_that_the_runners_file_pins_is_that_or_nothing() {
    // Policy cleared it for `web-1`, and nobody signed: only the runner's own file keeps it from another server.
    let aimed = |expected: &str, with: serde_json::Value| {
        check(expected, |world| {
            *world = World::low();
            world.draft = |draft| {
                let rule = draft.allow.get_mut(&"host.drain".parse().unwrap()).unwrap();
                let texts = |text: &str| std::collections::BTreeSet::from([text.to_owned()]);
                let pinned = BTreeMap::from([("server".to_owned(), texts("${target.name}")), ("backend".to_owned(), texts("shop"))]);
                rule.with = BTreeMap::from([("haproxy_server".parse().unwrap(), pinned)]);
            };
            world.call = call("haproxy_server", with);
            world.bind(EffectClass::Converge);
        });
    };
    aimed("acts", json!({"backend": "shop", "server": "web-1", "state": "drain"}));
    aimed("not_allowed", json!({"backend": "shop", "server": "web-2", "state": "drain"}));
    aimed("not_allowed", json!({"backend": "mail", "server": "web-1", "state": "drain"}));
    aimed("not_allowed", json!({"backend": "shop", "server": ["web-1"], "state": "drain"}));
    aimed("not_allowed", json!({"backend": "shop", "state": "drain"}));
    // The look is aimed as well: one that is answered by another server proves nothing.
    check("not_allowed", |world| {
        *world = World::low();
        world.draft = |draft| {
            let rule = draft.allow.get_mut(&"host.drain".parse().unwrap()).unwrap();
            let pinned = BTreeMap::from([("server".to_owned(), std::collections::BTreeSet::from(["${target.name}".to_owned()]))]);
            rule.with = BTreeMap::from([("haproxy_server".parse().unwrap(), pinned)]);
        };
        world.verify = Some(call("haproxy_server", json!({"backend": "shop", "server": "web-2", "expect": "drain"})));
        world.bind(EffectClass::Converge);
    });
}

#[test]
fn what_was_approved_is_what_runs() {
    check("wrong_bundle", |world| world.bundle.audience = "ledger.example/g2".into());
    check("wrong_bundle", |world| world.bundle.format = "lineclear.bundle/2".into());
    check("wrong_bundle", |world| {
        world.bundle.target = "zone/other.test".parse().unwrap();
        world.tamper = |warrant| warrant.target = "zone/example.test".parse().unwrap();
    });
    check("wrong_bundle", |world| {
        world.bundle.action = "dns.delete".parse().unwrap();
        world.tamper = |warrant| warrant.action = "dns.update".parse().unwrap();
    });
    check("wrong_bundle", |world| world.tamper = |warrant| warrant.risk = Risk::Low);
    check("wrong_bundle", |world| world.tamper = |warrant| warrant.proposer = Actor::Engine);
    check("wrong_bundle", |world| world.tamper = |warrant| warrant.effect = EffectClass::Converge);
    check("wrong_bundle", |world| world.tamper = |warrant| warrant.verify = None);
    check("wrong_bundle", |world| world.bundle.steps[0].call = Digest::of(b"another call"));
    check("wrong_bundle", |world| world.bundle.steps[0].tool = "http".parse().unwrap());
    check("wrong_bundle", |world| world.bundle.steps[0].step = "other".parse().unwrap());
    check("wrong_bundle", |world| world.bundle.steps.push(world.bundle.steps[0].clone()));
    // The runner's word on risk stands, whatever the catalogue of the control plane says today.
    check("wrong_bundle", |world| world.bundle.risk = Risk::Low);
    check("wrong_bundle", |world| {
        world.bundle.risk = Risk::Medium;
        world.voters.clear();
    });
}

#[test]
fn a_high_risk_act_that_no_person_signed_is_refused_even_when_all_else_is_right() {
    check("unsigned", |world| world.voters.clear());
    check("unsigned", |world| world.voters = vec![Voter::session(1)]);
    check("unsigned", |world| world.voters = vec![Voter::session(1), Voter::session(2)]);
    // The control plane's own idea of what is needed does not help.
    check("unsigned", |world| {
        world.voters.clear();
        (world.bundle.needs.humans, world.bundle.needs.grade) = (0, Grade::None);
    });
    // Somebody whom only the control plane knows.
    check("unsigned", |world| world.voters = vec![Voter::ssh(9)]);
    check("acts", |world| world.voters.push(Voter::ssh(9)));
    check("unsigned", |world| world.bundle.needs.humans = 2);
    check("acts", |world| (world.bundle.needs.humans, world.voters) = (2, vec![Voter::ssh(1), Voter::ssh(2)]));
    check("unsigned", |world| (world.bundle.needs.humans, world.voters) = (2, vec![Voter::ssh(1), Voter::session(2)]));
    check("unsigned", |world| world.bundle.needs.grade = Grade::Passkey);
    let two = |draft: &mut crate::TrustDraft| draft.allow.get_mut(&"dns.update".parse().unwrap()).unwrap().humans = 2;
    check("unsigned", |world| world.draft = two);
    check("acts", |world| (world.draft, world.voters) = (two, vec![Voter::ssh(1), Voter::ssh(2)]));
}

/// The vote, signed with the passkey of this seed, by a person whom the authenticator verified or did not.
fn by_passkey(vote: &mut Vote, seed: u8, flags: u8) {
    vote.signature = Signature::Passkey(edwards(seed).asserts(&vote.statement, flags, |_| ()));
}

#[test]
fn a_passkey_that_the_runner_knows_is_a_signature_and_the_strongest() {
    fn knows(draft: &mut TrustDraft) {
        draft.approvers.get_mut(&person(1)).unwrap().push(edwards(21).passkey().to_string());
    }
    fn demands(draft: &mut TrustDraft) {
        knows(draft);
        draft.allow.get_mut(&"dns.update".parse().unwrap()).unwrap().grade = Grade::Passkey;
    }
    let with = |expected: &str, draft: fn(&mut TrustDraft), vote: fn(&mut Vote)| {
        check(expected, |world| {
            world.draft = draft;
            world.voters[0].vote = vote;
        });
    };
    with("acts", knows, |vote| by_passkey(vote, 21, 0x05));
    with("acts", demands, |vote| by_passkey(vote, 21, 0x05));
    with("unsigned", demands, |_| ());
    with("bad_vote", knows, |vote| by_passkey(vote, 22, 0x05));
    with("bad_vote", knows, |vote| by_passkey(vote, 21, 0x01));
    with("bad_vote", |_| (), |vote| by_passkey(vote, 21, 0x05));
    with("bad_vote", knows, |vote| {
        by_passkey(vote, 21, 0x05);
        vote.statement = vote.statement.replace("cdcd", "cded");
    });
}

#[test]
fn a_vote_that_is_not_what_it_claims_to_be_stops_everything() {
    let check = |change: fn(&mut Voter)| {
        check("bad_vote", |world| change(&mut world.voters[0]));
    };
    check(|voter| voter.key = 2);
    check(|voter| voter.key = 9);
    check(|voter| voter.namespace = "git");
    check(|voter| voter.vote = |vote| vote.statement = vote.statement.replace("cdcd", "cded"));
    check(|voter| voter.vote = |vote| vote.statement = "{}".into());
    check(|voter| voter.vote = |vote| vote.by = person(2));
    check(|voter| voter.vote = |vote| vote.decision = Decision::Reject);
    check(|voter| voter.vote = |vote| vote.signature = lineclear_core::statement::Signature::Ssh { armored: "x".into() });
    check(|voter| {
        voter.statement = |said| (said.decision, said.reason) = (Decision::Reject, "no".into());
        voter.vote = |vote| vote.decision = Decision::Approve;
    });
    check(|voter| voter.statement = |said| (said.decision, said.reason) = (Decision::Reject, "no".into()));
    check(|voter| voter.statement = |said| said.audience = "ledger.example/g2".into());
    check(|voter| voter.statement = |said| said.about = id::<lineclear_core::ChangeId>("change", 2).into());
    check(|voter| voter.statement = |said| said.bundle_digest = Digest::of(b"what was shown before"));
    check(|voter| voter.statement = |said| said.policy_digest = Digest::of(b"older policies"));
    check(|voter| voter.statement = |said| said.evidence_digest = Digest::of(b"other readings"));
    check(|voter| voter.statement = |said| said.issued_at = said.expires_at);
    check(|voter| voter.statement = |said| said.issued_at = NOW + Span::from_secs(1));
}

#[test]
fn nobody_votes_twice_or_on_what_they_proposed() {
    check("bad_vote", |world| world.voters.push(Voter::ssh(1)));
    check("bad_vote", |world| world.voters = vec![Voter::ssh(3)]);
    check("bad_vote", |world| world.bundle.proposer = Actor::Operator(person(1)));
    check("bad_vote", |world| world.tamper = |warrant| warrant.votes = vec![warrant.votes[0].clone(); 65]);
    // A second key of one person is no second person.
    check("unsigned", |world| {
        world.draft = |draft| draft.approvers = BTreeMap::from([(person(1), vec![ssh_line(1), ssh_line(2)])]);
        world.bundle.needs.humans = 2;
    });
}

#[test]
fn a_single_operator_may_approve_what_their_own_agent_proposes_and_the_bundle_says_so() {
    let alone = |world: &mut World| (world.bundle.single_operator, world.voters) = (true, vec![Voter::ssh(3)]);
    check("acts", alone);
    check("acts", |world| {
        alone(world);
        world.bundle.proposer = Actor::Operator(person(3));
    });
    check("unsigned", |world| {
        alone(world);
        world.voters = vec![Voter::session(3)];
    });
}

#[test]
fn an_approval_that_lapsed_starts_nothing_but_what_it_started_may_go_on_and_back() {
    let lapsed = |ago: u64| {
        move |world: &mut World| {
            world.voters[0].statement = match ago {
                30 => |said| (said.issued_at, said.expires_at) = (NOW - Span::from_secs(900), NOW - Span::from_secs(30)),
                3_600 => |said| (said.issued_at, said.expires_at) = (NOW - Span::from_secs(9_000), NOW - Span::from_secs(3_600)),
                _ => |said| (said.issued_at, said.expires_at) = (NOW - Span::from_secs(90_000), NOW - Span::from_secs(86_401)),
            };
        }
    };
    // It was consumed just in time; a runner may take the first attempt a little later.
    check("acts", lapsed(30));
    check("bad_vote", lapsed(3_600));
    let later = |world: &mut World| world.attempt.number = 2;
    check("acts", |world| (lapsed(3_600)(world), later(world)).1);
    check("bad_vote", |world| (lapsed(86_401)(world), later(world)).1);
    check("acts", |world| (lapsed(86_401)(world), world.attempt.direction = Direction::Undo).1);
}

#[test]
fn a_request_that_was_open_for_longer_than_a_day_counts_for_nothing_whatever_it_says() {
    // A stolen control plane writes an expiry of its liking into what people sign; the runner believes a day of it.
    let day = |world: &mut World| {
        world.voters[0].statement = |said| said.expires_at = said.issued_at + Span::from_secs(86_400);
    };
    let longer = |world: &mut World| {
        world.voters[0].statement = |said| said.expires_at = said.issued_at + Span::from_millis(86_400_001);
    };
    let year = |world: &mut World| {
        world.voters[0].statement = |said| said.expires_at = said.issued_at + Span::from_secs(365 * 86_400);
    };
    check("acts", day);
    check("bad_vote", longer);
    check("bad_vote", year);
    // Nor on the way back, where far more time is left.
    let back = |world: &mut World| world.attempt.direction = Direction::Undo;
    check("acts", |world| (day(world), back(world)).1);
    check("bad_vote", |world| (longer(world), back(world)).1);
    let mut world = World::new();
    year(&mut world);
    let trust = crate::Trust::new(world.trust_draft()).unwrap();
    let refusal = super::check(&world.envelope(), &trust, None, &world.nonce, world.now).unwrap_err();
    assert!(refusal.to_string().ends_with("counts for nothing: the request was open for longer than a day"), "{refusal}");
}

#[test]
fn a_medium_risk_act_with_a_session_is_acted_on_when_the_runner_asks_no_more() {
    let medium = |world: &mut World| {
        (world.bundle.action, world.bundle.risk) = ("service.scale".parse().unwrap(), Risk::Medium);
        (world.bundle.needs.grade, world.voters) = (Grade::Session, vec![Voter::session(1)]);
    };
    check("acts", medium);
    check("unsigned", |world| {
        medium(world);
        world.voters.clear();
    });
}

#[test]
fn every_refusal_has_a_sentence() {
    let world = World { voters: Vec::new(), ..World::new() };
    let trust = crate::Trust::new(world.trust_draft()).unwrap();
    let refusal = super::check(&world.envelope(), &trust, None, &world.nonce, NOW).unwrap_err();
    assert_eq!(refusal.to_string(), "1 people of grade `ssh` are needed, 0 have signed");
}

fn sealed() -> &'static str {
    static ENVELOPE: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    ENVELOPE.get_or_init(|| World::new().envelope())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_changed_byte_of_an_envelope_passes(at in 0_usize..1_000_000, flip in 1_u8..=255) {
        let mut bytes = sealed().as_bytes().to_vec();
        let at = at % bytes.len();
        bytes[at] ^= flip;
        if let Ok(text) = String::from_utf8(bytes) {
            prop_assert_eq!(World::new().outcome_of(&text), "bad_envelope");
        }
    }

    #[test]
    fn arbitrary_text_is_refused(text in "\\PC{0,200}") {
        prop_assert_eq!(World::new().outcome_of(&text), "bad_envelope");
    }

    #[test]
    fn a_changed_byte_inside_a_signed_warrant_never_panics(at in 0_usize..1_000_000, flip in 1_u8..128) {
        let world = World::new();
        let mut bytes = serde_json::to_vec(&world.warrant()).unwrap();
        let at = at % bytes.len();
        bytes[at] ^= flip;
        // Whoever holds the key of warrants can write anything; what acts must then still be a whole warrant.
        if let Ok(warrant) = serde_json::from_slice(&bytes)
            && let Ok(envelope) = world.key().seal(&warrant)
        {
            prop_assert_ne!(world.outcome_of(&envelope), "bad_envelope");
        }
    }
}
