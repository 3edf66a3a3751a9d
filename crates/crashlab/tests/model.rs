//! A model of lease, epoch and two journals, checked exhaustively over small bounds: two planes that may each believe what is long past,
//! two runners that may die, messages that come late, twice, out of order or never, and one step with up to two attempts.
//!
//! Described in docs/never-twice.md. Each rule can be dropped, and then the checker finds the story in which something happens twice.

#![expect(clippy::indexing_slicing, reason = "every index is one of the small bounds of the model")]

use std::collections::BTreeSet;

use stateright::{Checker, HasDiscoveries, Model, Property};

const PLANES: usize = 2;
const RUNNERS: usize = 2;
const ATTEMPTS: usize = 2;
const CRASHES: u8 = 2;

/// What keeps us from doing it twice.
#[derive(Clone, Copy)]
struct Rules {
    /// A commit that was decided on an older state of the ledger fails.
    ledger: bool,
    /// A warrant is sent only after its dispatch was committed.
    record: bool,
    /// A runner's journal outlives the runner.
    journal: bool,
    /// A look that finds nothing is believed only when nothing of the attempt can come any more.
    fence: bool,
}

const ALL: Rules = Rules { ledger: true, record: true, journal: true, fence: true };

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Word {
    Open,
    Applied,
    NotApplied,
    /// A named person decides.
    Stuck,
}

/// An attempt in the ledger; the lease is its holder, until its time is over.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Attempt {
    holder: Option<usize>,
    word: Word,
}

/// An attempt in a runner's journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Seen {
    Nothing,
    Accepted,
    Started,
    Ended(bool),
    Never,
    Lost,
}

/// An attempt in a runner's hand, gone when it dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Hand {
    Empty,
    Accepted,
    Started,
    Sent,
    Done(bool),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Runner {
    journal: [Seen; ATTEMPTS],
    hand: [Hand; ATTEMPTS],
    /// The highest epoch that a warrant showed.
    epoch: usize,
}

/// Messages are never taken away: each may come at any time, any number of times, or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Message {
    Warrant {
        attempt: usize,
        to: usize,
        epoch: usize,
    },
    /// What a runner reports, or answers when it is asked.
    Told {
        attempt: usize,
        from: usize,
        word: Word,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    ledger: Vec<Attempt>,
    /// What each plane believes the ledger to be. The second plane is the younger: its epoch is higher.
    views: [Vec<Attempt>; PLANES],
    runners: [Runner; RUNNERS],
    messages: BTreeSet<Message>,
    /// Requests that have left a runner: attempt and runner.
    flying: BTreeSet<(usize, usize)>,
    /// Whose time is over.
    over: [bool; ATTEMPTS],
    starts: [u8; ATTEMPTS],
    effects: [u8; ATTEMPTS],
    /// Whether something took effect that no record stood behind.
    unrecorded: bool,
    crashes: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Step {
    Read(usize),
    Intend(usize),
    Dispatch(usize, usize),
    SendEarly(usize, usize),
    Hear(usize, Message),
    AskPerson(usize),
    Expire(usize),
    Over(usize),
    Take(Message),
    Start(usize, usize),
    Act(usize, usize),
    Arrive(usize, usize),
    Refuse(usize, usize),
    Finish(usize, usize),
    Ask(usize, usize),
    Crash(usize),
}

impl World {
    /// A plane decides on what it believes, and commits it: it believes right, or nobody checks.
    fn commit(&mut self, plane: usize, rules: Rules, change: impl Fn(&mut Vec<Attempt>)) -> bool {
        let right = self.views[plane] == self.ledger;
        if rules.ledger && !right {
            return false;
        }
        change(&mut self.views[plane]);
        change(&mut self.ledger);
        self.views[plane].clone_from(&self.ledger);
        true
    }

    fn tell(&mut self, attempt: usize, from: usize, word: Word) {
        self.messages.insert(Message::Told { attempt, from, word });
    }

    fn apply(&mut self, step: Step, rules: Rules) -> bool {
        match step {
            Step::Read(plane) => self.views[plane].clone_from(&self.ledger),
            Step::Intend(plane) => {
                return self.commit(plane, rules, |ledger| {
                    if ledger.len() < ATTEMPTS {
                        ledger.push(Attempt { holder: None, word: Word::Open });
                    }
                });
            }
            Step::Dispatch(plane, to) => {
                let attempt = self.views[plane].len() - 1;
                if !self.commit(plane, rules, |ledger| ledger[attempt].holder = Some(to)) {
                    return false;
                }
                self.messages.insert(Message::Warrant { attempt, to, epoch: plane });
            }
            Step::SendEarly(plane, to) => {
                let attempt = self.views[plane].len() - 1;
                self.messages.insert(Message::Warrant { attempt, to, epoch: plane });
            }
            Step::Hear(plane, Message::Told { attempt, word, .. }) => {
                return self.commit(plane, rules, |ledger| ledger[attempt].word = word);
            }
            Step::AskPerson(plane) => {
                let attempt = self.views[plane].len() - 1;
                return self.commit(plane, rules, |ledger| ledger[attempt].word = Word::Stuck);
            }
            // Nobody took it in time, so nobody ever will.
            Step::Expire(plane) => {
                let attempt = self.views[plane].len() - 1;
                return self.commit(plane, rules, |ledger| ledger[attempt].word = Word::NotApplied);
            }
            Step::Hear(_, Message::Warrant { .. }) => return false,
            Step::Over(_)
            | Step::Take(_)
            | Step::Start(..)
            | Step::Act(..)
            | Step::Arrive(..)
            | Step::Refuse(..)
            | Step::Finish(..)
            | Step::Ask(..)
            | Step::Crash(_) => return self.happen(step, rules),
        }
        true
    }

    /// What a runner does, what reaches the target, what time and misfortune do.
    fn happen(&mut self, step: Step, rules: Rules) -> bool {
        match step {
            // A request does not arrive after the attempt's own time: that is what the target's timeout is for.
            Step::Over(attempt) => {
                self.over[attempt] = true;
                self.flying.retain(|(flying, _)| *flying != attempt);
            }
            Step::Take(Message::Warrant { attempt, to, epoch }) => {
                let runner = &mut self.runners[to];
                runner.epoch = runner.epoch.max(epoch);
                runner.journal[attempt] = Seen::Accepted;
                runner.hand[attempt] = Hand::Accepted;
            }
            Step::Start(runner, attempt) => {
                self.runners[runner].journal[attempt] = Seen::Started;
                self.runners[runner].hand[attempt] = Hand::Started;
                self.starts[attempt] += 1;
            }
            Step::Act(runner, attempt) => {
                self.runners[runner].hand[attempt] = Hand::Sent;
                self.flying.insert((attempt, runner));
            }
            Step::Arrive(attempt, runner) => {
                self.flying.remove(&(attempt, runner));
                self.effects[attempt] += 1;
                self.unrecorded |= self.ledger.get(attempt).is_none_or(|known| known.holder.is_none());
                if self.runners[runner].hand[attempt] == Hand::Sent {
                    self.runners[runner].hand[attempt] = Hand::Done(true);
                }
            }
            Step::Refuse(attempt, runner) => {
                self.flying.remove(&(attempt, runner));
                if self.runners[runner].hand[attempt] == Hand::Sent {
                    self.runners[runner].hand[attempt] = Hand::Done(false);
                }
            }
            Step::Finish(runner, attempt) => {
                let Hand::Done(applied) = self.runners[runner].hand[attempt] else { return false };
                self.runners[runner].journal[attempt] = Seen::Ended(applied);
                self.runners[runner].hand[attempt] = Hand::Empty;
                self.tell(attempt, runner, if applied { Word::Applied } else { Word::NotApplied });
            }
            Step::Ask(runner, attempt) => return self.ask(runner, attempt, rules),
            Step::Take(Message::Told { .. })
            | Step::Read(_)
            | Step::Intend(_)
            | Step::Dispatch(..)
            | Step::SendEarly(..)
            | Step::Hear(..)
            | Step::AskPerson(_)
            | Step::Expire(_) => return false,
            Step::Crash(runner) => self.crash(runner, rules),
        }
        true
    }

    fn crash(&mut self, runner: usize, rules: Rules) {
        self.crashes += 1;
        let runner = &mut self.runners[runner];
        runner.hand = [Hand::Empty; ATTEMPTS];
        for seen in &mut runner.journal {
            *seen = match *seen {
                _ if !rules.journal => Seen::Nothing,
                Seen::Accepted => Seen::Never,
                Seen::Started => Seen::Lost,
                Seen::Nothing | Seen::Ended(_) | Seen::Never | Seen::Lost => *seen,
            };
        }
        if !rules.journal {
            runner.epoch = 0;
        }
    }

    /// A runner is asked what became of an attempt, and looks when it has lost it.
    fn ask(&mut self, runner: usize, attempt: usize, rules: Rules) -> bool {
        let word = match self.runners[runner].journal[attempt] {
            Seen::Ended(true) => Word::Applied,
            Seen::Ended(false) => Word::NotApplied,
            Seen::Nothing | Seen::Never => {
                self.runners[runner].journal[attempt] = Seen::Never;
                Word::NotApplied
            }
            Seen::Lost if self.effects[attempt] > 0 => Word::Applied,
            Seen::Lost if self.over[attempt] || !rules.fence => Word::NotApplied,
            Seen::Accepted | Seen::Started | Seen::Lost => return false,
        };
        self.tell(attempt, runner, word);
        true
    }

    /// What a plane may do, by what it believes.
    fn planes(&self, rules: Rules, steps: &mut Vec<Step>) {
        for (plane, view) in self.views.iter().enumerate() {
            if *view != self.ledger {
                steps.push(Step::Read(plane));
            }
            let Some((attempt, last)) = view.iter().enumerate().next_back() else {
                steps.push(Step::Intend(plane));
                continue;
            };
            if last.word == Word::NotApplied && view.len() < ATTEMPTS {
                steps.push(Step::Intend(plane));
            }
            if last.word != Word::Open {
                continue;
            }
            if last.holder.is_none() && self.over[attempt] {
                steps.push(Step::Expire(plane));
            }
            if last.holder.is_none() && !self.over[attempt] {
                steps.extend((0..RUNNERS).map(|to| Step::Dispatch(plane, to)));
                steps.extend((0..RUNNERS).filter(|_| !rules.record).map(|to| Step::SendEarly(plane, to)));
            }
            if let Some(holder) = last.holder {
                // Only the holder is asked and heard about an attempt.
                let heard =
                    |message: &&Message| matches!(message, Message::Told { attempt: of, from, .. } if *of == attempt && *from == holder);
                steps.extend(self.messages.iter().filter(heard).map(|message| Step::Hear(plane, *message)));
                steps.push(Step::Ask(holder, attempt));
                if self.over[attempt] {
                    steps.push(Step::AskPerson(plane));
                }
            }
        }
    }

    /// What runners, requests, time and misfortune may do.
    fn outside(&self, steps: &mut Vec<Step>) {
        for message in &self.messages {
            if let Message::Warrant { attempt, to, epoch } = message {
                let runner = &self.runners[*to];
                if runner.journal[*attempt] == Seen::Nothing && *epoch >= runner.epoch && !self.over[*attempt] {
                    steps.push(Step::Take(*message));
                }
            }
        }
        for (at, runner) in self.runners.iter().enumerate() {
            for (attempt, hand) in runner.hand.iter().enumerate() {
                match hand {
                    Hand::Accepted if !self.over[attempt] => steps.push(Step::Start(at, attempt)),
                    Hand::Started if !self.over[attempt] => steps.push(Step::Act(at, attempt)),
                    Hand::Done(_) => steps.push(Step::Finish(at, attempt)),
                    Hand::Empty | Hand::Accepted | Hand::Started | Hand::Sent => {}
                }
            }
            if self.crashes < CRASHES {
                steps.push(Step::Crash(at));
            }
        }
        for (attempt, runner) in &self.flying {
            steps.extend([Step::Arrive(*attempt, *runner), Step::Refuse(*attempt, *runner)]);
        }
        let known = self.views.iter().map(Vec::len).max().unwrap_or(0).max(self.ledger.len());
        steps.extend((0..known).filter(|attempt| !self.over[*attempt]).map(Step::Over));
    }
}

impl Model for Rules {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        let runner = Runner { journal: [Seen::Nothing; ATTEMPTS], hand: [Hand::Empty; ATTEMPTS], epoch: 0 };
        vec![World {
            ledger: Vec::new(),
            views: [Vec::new(), Vec::new()],
            runners: [runner.clone(), runner],
            messages: BTreeSet::new(),
            flying: BTreeSet::new(),
            over: [false; ATTEMPTS],
            starts: [0; ATTEMPTS],
            effects: [0; ATTEMPTS],
            unrecorded: false,
            crashes: 0,
        }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        world.planes(*self, steps);
        world.outside(steps);
    }

    fn next_state(&self, before: &World, step: Step) -> Option<World> {
        let mut world = before.clone();
        (world.apply(step, *self) && world != *before).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(STARTED_ONCE, |_, world: &World| world.starts.iter().all(|starts| *starts <= 1)),
            Property::always(NEVER_TWICE, |_, world: &World| world.effects.iter().sum::<u8>() <= 1),
            Property::always(RECORDED, |_, world: &World| !world.unrecorded),
            Property::always(HONEST, |_, world: &World| {
                let wrong = |(at, attempt): (usize, &Attempt)| match attempt.word {
                    Word::Applied => world.effects[at] != 1,
                    Word::NotApplied => world.effects[at] != 0,
                    Word::Open | Word::Stuck => false,
                };
                !world.ledger.iter().enumerate().any(wrong)
            }),
            Property::sometimes("a crash is survived and the step applied by a second attempt", |_, world: &World| {
                world.crashes > 0 && world.ledger.get(1).is_some_and(|second| second.word == Word::Applied)
            }),
            Property::sometimes("a person is asked", |_, world: &World| world.ledger.iter().any(|attempt| attempt.word == Word::Stuck)),
        ]
    }
}

const STARTED_ONCE: &str = "an attempt is started at most once";
const NEVER_TWICE: &str = "the step takes effect at most once";
const RECORDED: &str = "no effect without an earlier record";
const HONEST: &str = "the record says what happened";

/// Whether a story is found in which the property is broken.
fn broken(rules: Rules, property: &'static str) -> bool {
    rules.checker().threads(2).finish_when(HasDiscoveries::AnyOf([property].into())).spawn_bfs().join().discovery(property).is_some()
}

#[test]
fn with_every_rule_nothing_happens_twice_and_nothing_without_a_record() {
    let checked = ALL.checker().threads(2).spawn_bfs().join();
    checked.assert_properties();
    println!("{} states, {} deep", checked.unique_state_count(), checked.max_depth());
    assert!(checked.unique_state_count() > 10_000, "only {} states", checked.unique_state_count());
}

#[test]
fn without_the_fence_a_late_request_makes_it_twice() {
    assert!(broken(Rules { fence: false, ..ALL }, NEVER_TWICE));
}

#[test]
fn without_the_runners_journal_a_crash_makes_it_twice() {
    assert!(broken(Rules { journal: false, ..ALL }, NEVER_TWICE));
}

#[test]
fn when_a_stale_plane_may_commit_two_runners_make_it_twice() {
    assert!(broken(Rules { ledger: false, ..ALL }, NEVER_TWICE));
}

#[test]
fn when_a_warrant_leaves_before_its_record_there_are_effects_without_one() {
    assert!(broken(Rules { record: false, ..ALL }, RECORDED));
}
