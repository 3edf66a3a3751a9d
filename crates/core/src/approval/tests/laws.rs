//! Laws of the fold of votes, and of requests under any sequence of commands.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::{Approval, Command, Event, State, amount};
use super::{asked, ballot, ssh};
use crate::authority::Grade;
use crate::id::RunId;
use crate::machine::{Machine as _, fold};
use crate::sample::{id, needs, person, request, second, vote};
use crate::statement::{Decision, Signature, Vote};
use crate::subject::Use;

fn votes() -> impl Strategy<Value = Vec<Vote>> {
    let one = (0_u128..10, any::<bool>(), any::<bool>(), 0_i64..1_500, 0_u8..3, any::<bool>());
    let cast = one.prop_map(|(by, yes, session, at, role, owner)| {
        let mut vote = vote(by, if yes { Decision::Approve } else { Decision::Reject });
        if session {
            vote.signature = Signature::Session;
        }
        vote.at = second(at);
        vote.owner = owner;
        vote.roles = BTreeSet::from([format!("role-{role}").parse().unwrap()]);
        vote
    });
    prop::collection::vec(cast, 0..20)
}

proptest! {
    #[test]
    fn only_timely_strong_approvals_of_distinct_people_count(votes in votes(), now in 0_i64..1_500, single: bool, strong: bool) {
        let grade = if strong { Grade::Ssh } else { Grade::Session };
        let request = request(needs(2, grade), single);
        let counts = |vote: &&Vote| {
            vote.decision == Decision::Approve
                && vote.at < second(1_000)
                && now < 1_000
                && vote.signature.grade() >= grade
                && (single || vote.by != person(9))
        };
        let people: BTreeSet<_> = votes.iter().filter(counts).map(|vote| vote.by).collect();
        let given = amount(&request, &votes, second(now));
        prop_assert_eq!(usize::from(given.humans), people.len());
        prop_assert_eq!(given.humans == 0, given.grade == Grade::None);
        prop_assert!(given.humans == 0 || given.grade >= grade);
        prop_assert!(given.roles.iter().all(|role| votes.iter().filter(counts).any(|vote| vote.roles.contains(role))));
        prop_assert!(!given.owner || votes.iter().filter(counts).any(|vote| vote.owner));
        // More votes never reduce it, nor does their repetition.
        for shorter in 0..votes.len() {
            let fewer = amount(&request, &votes[..shorter], second(now));
            prop_assert!(fewer.humans <= given.humans && fewer.roles.is_subset(&given.roles) && fewer.owner <= given.owner);
            prop_assert!(!request.needs.met_by(&fewer) || request.needs.met_by(&given));
        }
        let twice: Vec<Vote> = votes.iter().chain(&votes).cloned().collect();
        prop_assert_eq!(amount(&request, &twice, second(now)), given);
    }

    #[test]
    fn nothing_is_granted_by_fewer_people_than_asked_nor_used_twice(
        humans in 1_u8..4,
        commands in prop::collection::vec((0_u8..12, 0_u128..10, 0_i64..120), 0..40),
    ) {
        let mut approval = asked(humans, false);
        let mut history = vec![Event::Asked { request: Box::new(approval.request.clone()) }];
        let (mut now, mut used) = (0, 0);
        for (kind, number, pause) in commands {
            now += pause;
            let cast = |decision, signature| Command::Cast(Box::new(ballot(&approval.request, person(number), decision, signature)));
            let command = match kind {
                0..=5 => cast(Decision::Approve, ssh()),
                6 => cast(Decision::Approve, Signature::Session),
                7 => if number == 0 { cast(Decision::Reject, Signature::Session) } else { Command::Tick },
                8 => if number == 0 { Command::Withdraw(super::Withdrawal::Drifted) } else { Command::Tick },
                9 | 10 => Command::Consume(Use::Run { run: RunId::new(id(number)) }),
                _ => Command::Tick,
            };
            let before = approval.clone();
            let Ok(events) = approval.decide(command, second(now)) else { continue };
            for event in &events {
                approval = approval.apply(event).unwrap();
                if let Event::Granted { .. } = event {
                    let people: BTreeSet<_> = approval.votes().iter().map(|vote| vote.by).collect();
                    prop_assert!(people.len() >= usize::from(humans) && now < 1_000 && !people.contains(&person(9)));
                }
                used += usize::from(matches!(event, Event::Consumed { .. }));
            }
            history.extend(events);
            prop_assert!(used <= 1);
            prop_assert!(before.open() || before == approval, "what ended stays as it is");
            prop_assert_eq!(approval.due().is_some(), approval.open());
        }
        let consumed = matches!(approval.state, State::Consumed { .. });
        prop_assert_eq!(used, usize::from(consumed));
        prop_assert_eq!(fold::<Approval>(&history).unwrap(), Some(approval));
    }
}
