//! Everything a story needs, in one value.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::poll;
use lineclear_core::authority::Grade;
use lineclear_core::catalogue::Risk;
use lineclear_core::estate::Estate;
use lineclear_core::machine::Machine as _;
use lineclear_core::name::ToolName;
use lineclear_core::record::{Event, Stream};
use lineclear_core::runner::RunnerKey;
use lineclear_core::slo::Slo;
use lineclear_core::{ChangeId, RevisionId, RunnerId, Span};
use lineclear_engine::{Caller, ChangeView, Clock as _, Engine, EngineError, Estates as _, Parts};
use lineclear_ledger::LogKey;
use lineclear_policy::Policies;
use lineclear_store::{Memory, Store as _, Stored};
use lineclear_warrant::{Rule, TargetRule, Trust, TrustDraft, WarrantKey};

use crate::brittle::Brittle;
use crate::channels::FakeChannels;
use crate::clock::{FakeClock, FakeIds};
use crate::estates::FakeEstates;
use crate::northwind::Northwind;
use crate::people::{public_key, unheard};
use crate::production::Production;
use crate::runner::FakeRunner;
use crate::telemetry::FakeTelemetry;
use crate::voices::{AgentVoice, PersonVoice};

/// Seed of the ledger's key.
const LOG_SEED: [u8; 32] = [11; 32];
/// Seed of the key that seals warrants.
const WARRANT_SEED: [u8; 32] = [22; 32];
/// The one runner.
const RUNNER: &str = "runner_0193f0c4a1007a3e8b11d2c3b4a70001";
/// How often something may move before a story is taken to go round in circles.
const ROUNDS_MAX: usize = 500;
/// How often something that waits may turn out not to wait for the runner.
const PATIENCE: u32 = 3;
/// How old readings are unless a story says otherwise.
const AGE: Span = Span::from_secs(1);
/// What every fact reads in the beginning: one web server down, the shop in trouble, one wrong name.
const BEGINNING: [(&str, &str); 15] = [
    ("backend_down", "0"),
    ("healthy_peers", "0.75"),
    ("host_drained", "0"),
    ("shop_budget_left", "0.4"),
    ("shop_errors_high", "0.2"),
    ("replicas_known", "3"),
    ("replicas_as_wanted", "0"),
    ("serving_traffic", "50"),
    ("service_errors_low", "0.001"),
    ("cache_known", "0.9"),
    ("cache_warm", "0.9"),
    ("certificate_expiring", "12"),
    ("certificate_fresh", "12"),
    ("dns_watched", "0"),
    ("dns_right", "0"),
];

/// This many minutes.
pub const fn minutes(count: u64) -> Span {
    Span::from_secs(count * 60)
}

/// This many seconds.
pub const fn seconds(count: u64) -> Span {
    Span::from_secs(count)
}

/// An engine with everything around it.
pub struct World {
    clock: Arc<FakeClock>,
    ids: Arc<FakeIds>,
    telemetry: Arc<FakeTelemetry>,
    channels: Arc<FakeChannels>,
    production: Arc<Production>,
    estates: Arc<FakeEstates>,
    runner: FakeRunner,
    /// Runners on other machines.
    others: Mutex<Vec<Arc<FakeRunner>>>,
    disk: Arc<Brittle>,
    log: LogKey,
    estate: Arc<Estate>,
    policies: Arc<Policies>,
    engine: Engine,
}

impl World {
    /// The example estate, with its facts as in the beginning.
    pub async fn new() -> Self {
        Self::of(&Northwind::default()).await
    }

    /// Another estate, with the same facts.
    pub async fn of(northwind: &Northwind) -> Self {
        let (estate, policies) = northwind.load();
        let (clock, ids) = (Arc::new(FakeClock::default()), Arc::new(FakeIds::default()));
        let (telemetry, production) = (Arc::new(FakeTelemetry::default()), Arc::new(Production::default()));
        let (estates, channels) = (Arc::new(FakeEstates::default()), Arc::new(FakeChannels::default()));
        estates.keep(&northwind.files()).await.expect("memory keeps anything");
        let log = || LogKey::from_seed(&estate.origin, &LOG_SEED).expect("the origin names a log");
        let disk = Arc::new(Brittle::new(Memory::new(log())));
        let runner = FakeRunner::new(
            trust(&estate, &log(), RUNNER.parse().expect("an id")),
            Arc::clone(&clock),
            Arc::clone(&production),
            WARRANT_SEED,
        );
        let parts = Parts {
            store: Arc::clone(&disk) as _,
            estate: Arc::clone(&estate),
            policies: Arc::clone(&policies),
            estates: Arc::clone(&estates) as _,
            telemetry: Arc::clone(&telemetry) as _,
            tell: Arc::clone(&channels) as _,
            clock: Arc::clone(&clock) as _,
            ids: Arc::clone(&ids) as _,
            warrant_key: WarrantKey::from_seed(WARRANT_SEED),
            log: log().verifier(),
            runners: vec![runner.id()],
            version: "0.0.0-story".into(),
        };
        let engine = Engine::start(parts).await.expect("an engine starts on an empty store");
        let log = log();
        let world = Self {
            clock,
            ids,
            telemetry,
            channels,
            production,
            estates,
            runner,
            others: Mutex::default(),
            disk,
            log,
            estate,
            policies,
            engine,
        };
        for (fact, value) in BEGINNING {
            world.fact_reads(fact, value);
        }
        for slo in world.estate.slos.values() {
            world.telemetry.objective(slo, |_| Some(0));
        }
        world.production.set("shop/web-1", "ready");
        world.production.set("www.example.test A", "192.0.2.10");
        world
    }

    async fn start(&self) -> Result<Engine, EngineError> {
        let parts = Parts {
            store: Arc::clone(&self.disk) as _,
            estate: Arc::clone(&self.estate),
            policies: Arc::clone(&self.policies),
            estates: Arc::clone(&self.estates) as _,
            telemetry: Arc::clone(&self.telemetry) as _,
            tell: Arc::clone(&self.channels) as _,
            clock: Arc::clone(&self.clock) as _,
            ids: Arc::clone(&self.ids) as _,
            warrant_key: WarrantKey::from_seed(WARRANT_SEED),
            log: self.log.verifier(),
            runners: vec![self.runner.id()],
            version: "0.0.0-story".into(),
        };
        Engine::start(parts).await
    }

    /// The engine's process ends where it stands, and another one starts over the same store.
    pub async fn engine_restarts(&mut self) {
        self.disk.mend();
        self.engine = self.start().await.expect("an engine starts on what it left");
    }

    /// What keeps it from starting under this estate.
    ///
    /// # Errors
    /// Why it does not start.
    pub async fn engine_tries_to_start_under(&mut self, northwind: &Northwind) -> Result<(), EngineError> {
        let before = (Arc::clone(&self.estate), Arc::clone(&self.policies));
        (self.estate, self.policies) = northwind.load();
        let started = self.start().await;
        if started.is_err() {
            (self.estate, self.policies) = before;
        }
        self.engine = started?;
        Ok(())
    }

    /// The same under the estate that is on record.
    pub async fn engine_restarts_under(&mut self, northwind: &Northwind) {
        self.disk.mend();
        self.engine_tries_to_start_under(northwind).await.expect("an engine starts under the estate on record");
    }

    /// frank proposes another estate; alice, the security officer and the teams that have to review it sign. Nothing else moves.
    pub async fn estate_is_granted(&self, northwind: &Northwind) -> RevisionId {
        let revision = self.person("frank").proposes_estate(northwind).await;
        self.settle().await;
        self.person("alice").approves_estate(revision).await;
        self.person("erin").approves_estate(revision).await;
        let asked = self.engine.revision(revision).await.expect("it is there").approval;
        for login in unheard(asked.as_ref(), &self.estate.directory) {
            self.person(&login).approves_estate(revision).await;
        }
        revision
    }

    /// By which people are told.
    pub fn channels(&self) -> &FakeChannels {
        &self.channels
    }

    /// Versions of the estate.
    pub fn estates(&self) -> &FakeEstates {
        &self.estates
    }

    /// The engine.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The runner.
    pub const fn runner(&self) -> &FakeRunner {
        &self.runner
    }

    /// What is acted on.
    pub fn production(&self) -> &Production {
        &self.production
    }

    /// Where everything is kept.
    pub fn disk(&self) -> &Brittle {
        &self.disk
    }

    /// The agent that watches the shop; carol owns it.
    pub fn agent(&self) -> AgentVoice<'_> {
        self.agent_named("triage-agent")
    }

    /// An agent by its login.
    pub fn agent_named(&self, login: &str) -> AgentVoice<'_> {
        let login = login.parse().expect("a login");
        let agent = self.estate.directory.agent(&login).expect("an agent of the estate");
        AgentVoice {
            engine: &self.engine,
            caller: Caller::Agent(agent.id),
            confidence_bp: 9_300,
            evidence: Vec::new(),
            incident: None,
            key: None,
        }
    }

    /// A person by their login.
    pub fn person(&self, login: &str) -> PersonVoice<'_> {
        let name = login.parse().expect("a login");
        let person = self.estate.directory.operator(&name).expect("a person of the estate");
        PersonVoice { engine: &self.engine, caller: Caller::Operator(person.id), login: login.into() }
    }

    fn template(&self, fact: &str) -> &str {
        let name = fact.parse().expect("a fact's name");
        let spec = self.estate.facts.get(&name);
        spec.map_or_else(|| panic!("the estate has no fact `{fact}`"), |spec| spec.query.as_str())
    }

    /// A fact reads this value, a second old whenever it is asked.
    pub fn fact_reads(&self, fact: &str, value: &str) {
        self.fact_reads_since(fact, value, AGE);
    }

    /// A fact reads this value, and is this old whenever it is asked.
    pub fn fact_reads_since(&self, fact: &str, value: &str, age: Span) {
        self.telemetry.reads(self.template(fact), value, age);
    }

    /// A fact cannot be read.
    pub fn fact_is_absent(&self, fact: &str, why: &str) {
        self.telemetry.is_absent(self.template(fact), why);
    }

    fn slo(&self, name: &str) -> &Slo {
        let found = self.estate.slos.values().find(|slo| slo.name.as_str() == name);
        found.unwrap_or_else(|| panic!("the estate has no objective `{name}`"))
    }

    /// What failed of an objective over each window, in parts per million; where there is none, the source has no series.
    pub fn objective_fails(&self, slo: &str, failed_ppm: impl Fn(Span) -> Option<u32>) {
        self.telemetry.objective(self.slo(slo), failed_ppm);
    }

    /// How old the newest sample of an objective is.
    pub fn objective_is_old(&self, slo: &str, age: Span) {
        self.telemetry.objective_is_old(self.slo(slo), age.as_secs());
    }

    /// Everything that is owed now is performed, and what that leads to, until nothing moves.
    pub async fn settle(&self) {
        if let Err(error) = self.try_settle().await {
            panic!("what was owed could not be performed: {error:?}");
        }
    }

    /// The same, for stories in which something breaks.
    ///
    /// # Errors
    /// What could not be performed.
    pub async fn try_settle(&self) -> Result<(), EngineError> {
        for _ in 0..ROUNDS_MAX {
            tokio::task::yield_now().await;
            let moved = self.beat().await?;
            let mut worked = false;
            while self.turn().await {
                worked = true;
            }
            if moved == 0 && !worked {
                return Ok(());
            }
        }
        panic!("it goes round in circles");
    }

    /// One beat of the engine, with the runner at hand: a change makes one step.
    ///
    /// # Errors
    /// What could not be performed.
    pub async fn beat(&self) -> Result<usize, EngineError> {
        self.with_runner(self.engine.beat_once()).await
    }

    /// Something that needs the runner's answers, with the runner at hand.
    pub async fn with_runner<T>(&self, asked: impl Future<Output = T>) -> T {
        let mut asked = pin!(asked);
        loop {
            if let std::task::Poll::Ready(answer) = poll!(&mut asked) {
                return answer;
            }
            let mut patience = PATIENCE;
            while !self.turn().await {
                // A task that has done much is made to wait its turn by the runtime; that is no waiting.
                assert!(patience > 0, "it waits, and not for the runner");
                patience -= 1;
                tokio::task::yield_now().await;
                if let std::task::Poll::Ready(answer) = poll!(&mut asked) {
                    return answer;
                }
            }
        }
    }

    /// Each runner asks for work until one finds some.
    async fn turn(&self) -> bool {
        if self.runner.turn(&self.engine).await {
            return true;
        }
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for other in others {
            if other.turn(&self.engine).await {
                return true;
            }
        }
        false
    }

    /// One runner on another machine asks for work once, and does it.
    pub async fn turn_of(&self, runner: &FakeRunner) -> bool {
        runner.turn(&self.engine).await
    }

    /// frank invites a runner on another machine, which enrols and is there from now on.
    pub async fn runner_comes(&self, name: &str, labels: &str) -> Arc<FakeRunner> {
        let (name, labels) = (name.parse().expect("a runner's name"), labels.parse().expect("labels"));
        let frank = self.person("frank").caller;
        let invitation = self.engine.invite_runner(&frank, name, labels).await.expect("a person invites");
        let key = RunnerKey::from_bytes([7; 32]);
        self.engine.enrol_runner(&invitation.token, key, "0.0.0-story").await.expect("the token enrols");
        let trust = trust(&self.estate, &self.log, invitation.runner);
        let runner = Arc::new(FakeRunner::new(trust, Arc::clone(&self.clock), Arc::clone(&self.production), WARRANT_SEED));
        self.others.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&runner));
        runner
    }

    /// The runner asks for work once, and does it.
    pub async fn one_turn(&self) {
        self.runner.turn(&self.engine).await;
    }

    /// A stolen control plane seals a spent warrant anew, as the answer to a fresh poll. What the runner says to it.
    pub async fn hand_over_again(&self, envelope: &str) -> String {
        self.runner.is_handed(&self.engine, envelope).await
    }

    /// Time passes second by second, and everything owed meanwhile is performed.
    pub async fn passes(&self, span: Span) {
        for _ in 0..span.as_secs() {
            self.clock.advance(seconds(1));
            self.settle().await;
        }
    }

    /// Time passes and nobody is there; what is owed is not performed yet.
    pub fn sleeps(&self, span: Span) {
        self.clock.advance(span);
    }

    /// A change as everybody sees it.
    pub async fn view(&self, change: ChangeId) -> ChangeView {
        self.engine.view(change).await.expect("the change can be seen")
    }

    /// The word for where a change stands.
    pub async fn word(&self, change: ChangeId) -> &'static str {
        self.view(change).await.word
    }

    /// The life of a change, one sentence a line.
    pub async fn tale(&self, change: ChangeId) -> String {
        self.view(change).await.timeline.iter().map(|moment| format!("{}: {}", moment.name, moment.says)).collect::<Vec<_>>().join("\n")
    }

    /// The kinds of everything that happened to a change, its requests and its run, in order.
    pub async fn kinds(&self, change: ChangeId) -> Vec<String> {
        self.view(change).await.timeline.into_iter().map(|moment| moment.kind).collect()
    }

    /// Every event of a stream.
    pub async fn events(&self, stream: Stream) -> Vec<Stored> {
        self.disk.events(stream, 0).await.expect("the store answers")
    }

    /// Effects that no journalled and dispatched attempt stands behind; none, whatever happens.
    pub async fn unrecorded_effects(&self, change: ChangeId) -> Vec<String> {
        let Some(run) = self.view(change).await.run else {
            return self.production.effects().into_iter().map(|effect| effect.attempt).collect();
        };
        let (mut intended, mut recorded) = (String::new(), BTreeSet::new());
        for stored in self.events(Stream::Run(run.order.id)).await {
            if let Event::Run(lineclear_core::run::Event::Intended { attempt, .. }) = &stored.happened.event {
                intended = format!("{} {} {}", attempt.key.step, attempt.key.direction.word(), attempt.key.number);
            } else if stored.happened.event.kind() == "run.dispatched/1" {
                recorded.insert(intended.clone());
            }
        }
        self.production.effects().into_iter().map(|effect| effect.attempt).filter(|attempt| !recorded.contains(attempt)).collect()
    }

    /// Whether a change is over, or needs a named person to end.
    pub async fn at_rest(&self, change: ChangeId) -> bool {
        let view = self.view(change).await;
        !view.change.open() || matches!(view.word, "stuck" | "escalated")
    }

    /// Now.
    pub fn now(&self) -> lineclear_core::Timestamp {
        self.clock.now()
    }
}

/// A runner that believes in this estate's people, and in its own word on risk.
fn trust(estate: &Estate, log: &LogKey, runner: RunnerId) -> Trust {
    let rule = |action: &lineclear_core::catalogue::Action| {
        let runbook = action.runbook.as_ref().and_then(|name| estate.runbooks.get(name))?;
        let calls = runbook.steps.iter().flat_map(|step| [Some(&step.call), step.verify.as_ref(), step.undo.as_ref()]).flatten();
        let mut tools: BTreeSet<ToolName> = calls.map(|call| call.tool.clone()).collect();
        let services = runbook.steps.iter().flat_map(|step| [Some(&step.call), step.verify.as_ref(), step.undo.as_ref()]).flatten();
        let services = services.filter_map(|call| call.with.get("service")?.as_str().map(str::to_owned)).collect();
        tools.insert("wait_for".parse().ok()?);
        let high = action.risk == Risk::High;
        let (humans, grade) = if high { (1, Grade::Ssh) } else { (0, Grade::None) };
        Some(Rule {
            risk: action.risk,
            tools,
            services,
            with: BTreeMap::new(),
            targets: BTreeSet::from([TargetRule::Every(action.resource)]),
            humans,
            grade,
        })
    };
    let allow: BTreeMap<_, _> = estate.catalogue.actions.values().filter_map(|action| Some((action.name.clone(), rule(action)?))).collect();
    let people = estate.directory.operators.values();
    let draft = TrustDraft {
        runner,
        audience: estate.origin.clone(),
        log: log.verifier(),
        warrants: WarrantKey::from_seed(WARRANT_SEED).public(),
        approvers: people.map(|person| (person.id, vec![public_key(person.login.as_str())])).collect(),
        allow,
    };
    Trust::new(draft).expect("the runner's own file is in order")
}
