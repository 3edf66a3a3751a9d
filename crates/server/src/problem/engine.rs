//! The engine's errors as problems; every variant, and nothing that our faults would tell a stranger.

use lineclear_core::approval::VoteRefusal;
use lineclear_core::catalogue::InputFault;
use lineclear_core::dossier::Misfit;
use lineclear_core::{approval, change, delivery, emergency, incident, installation, page, patch, revision, run, runner};
use lineclear_engine::EngineError;
use lineclear_store::StoreError;

use super::{Code, Problem};

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let detail = error.to_string();
        match error {
            EngineError::NotFound(_) => Self::with(Code::NotFound, detail),
            EngineError::PeopleOnly => Self::with(Code::PeopleOnly, detail),
            EngineError::Stranger => Self::with(Code::Stranger, detail),
            EngineError::Malformed { pointer, message } => Self::with(Code::Malformed, message).at(pointer),
            EngineError::Misfit { change, misfit } => of_misfit(&misfit, detail).on(change),
            EngineError::VoteRefused { about, approval, why } => {
                Self { approval: Some(approval), ..Self::with(of_vote(&why), detail).about(*about) }
            }
            EngineError::Revision(refusal) => of_revision(&refusal, detail),
            EngineError::Delivery(refusal) => said(of_delivery(&refusal), detail),
            EngineError::Patch(patch::Refusal::Ended { .. }) => Self::with(Code::WrongState, detail),
            EngineError::Patch(patch::Refusal::Unreasoned) => said(Code::Unreasoned, detail),
            EngineError::Unfit(_) => Self::with(Code::UnfitDraft, detail).at("/text"),
            EngineError::Estate { .. } => Self::with(Code::UnusableEstate, detail),
            EngineError::Change(refusal) => of_change(&refusal, detail),
            EngineError::Approval(approval::Refusal::NotUsable { approval, .. } | approval::Refusal::Ended { approval, .. }) => {
                Self { approval: Some(approval), ..Self::with(Code::ApprovalEnded, detail) }
            }
            EngineError::Run(refusal) => said(of_run(&refusal), detail),
            EngineError::Held(_) => Self::with(Code::Held, detail),
            EngineError::Page(refusal) => said(of_page(&refusal), detail),
            EngineError::Incident(refusal) => said(of_incident(&refusal), detail),
            EngineError::Emergency(refusal) => of_emergency(&refusal, detail),
            EngineError::Posture(refusal) => said(of_posture(&refusal), detail),
            EngineError::Busy(_) => Self::with(Code::Busy, detail),
            EngineError::KeyReused => Self::with(Code::KeyReused, detail),
            EngineError::Store(StoreError::Closed) => Self::new(Code::ShuttingDown),
            EngineError::Head(_) => Self::with(Code::ForeignHead, detail),
            EngineError::Journal(_) => Self::with(Code::BadJournal, detail),
            EngineError::OtherJournal(_) => Self::with(Code::OtherJournal, detail),
            EngineError::UnknownRunner(_) => Self::with(Code::UnknownRunner, detail),
            EngineError::NotAsked(_) => Self::with(Code::NotAsked, detail),
            EngineError::Runner(refusal) => said(of_runner(&refusal), detail),
            EngineError::NoInvitation => Self::with(Code::NoInvitation, detail),
            EngineError::NameTaken(_) => Self::with(Code::NameTaken, detail).at("/name"),
            EngineError::TooManyRunners => Self::with(Code::TooManyRunners, detail),
            fault @ (EngineError::Broken { .. }
            | EngineError::OtherEstate { .. }
            | EngineError::Digest(_)
            | EngineError::Store(_)
            | EngineError::Warrant(_)) => of_fault(&fault),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        EngineError::from(error).into()
    }
}

/// A refusal in its own words; a missing reason has a place, too.
fn said(code: Code, detail: String) -> Problem {
    let problem = Problem::with(code, detail);
    let place = [(Code::Unreasoned, "/reason"), (Code::Unproven, "/evidence"), (Code::NoTaker, "/to")];
    match place.into_iter().find(|(needs, _)| *needs == code) {
        Some((_, pointer)) => problem.at(pointer),
        None => problem,
    }
}

const fn of_delivery(refusal: &delivery::Refusal) -> Code {
    match refusal {
        delivery::Refusal::Unreasoned => Code::Unreasoned,
        delivery::Refusal::NotDead { .. } | delivery::Refusal::NotWaiting { .. } | delivery::Refusal::TooOften(_) => Code::WrongState,
    }
}

/// Our own fault: logged here, once, and told to nobody.
fn of_fault(fault: &EngineError) -> Problem {
    let source = std::error::Error::source(fault).map(ToString::to_string).unwrap_or_default();
    tracing::error!(error = %fault, source, "a request failed through a fault of this server");
    Problem::new(Code::Fault)
}

fn of_misfit(misfit: &Misfit, detail: String) -> Problem {
    match misfit {
        Misfit::UnknownAction(_) => Problem::with(Code::UnknownAction, detail).at("/action"),
        Misfit::UnknownTarget(_) => Problem::with(Code::UnknownTarget, detail).at("/target"),
        Misfit::WrongKind { .. } => Problem::with(Code::WrongKind, detail).at("/target"),
        Misfit::Inputs(fault) => {
            let (InputFault::Unknown(name) | InputFault::Missing(name) | InputFault::Kind { name, .. }) = fault;
            Problem::with(Code::BadInputs, detail).at(format!("/inputs/{name}"))
        }
        Misfit::UnknownProposer(_) => Problem::with(Code::UnknownProposer, detail),
    }
}

const fn of_vote(why: &VoteRefusal) -> Code {
    match why {
        VoteRefusal::NotOpen { .. } => Code::NotOpen,
        VoteRefusal::Late { .. } => Code::Late,
        VoteRefusal::SelfApproval => Code::SelfApproval,
        VoteRefusal::Twice => Code::Twice,
        VoteRefusal::Mismatch { .. } => Code::Mismatch,
        VoteRefusal::NotYours { .. } => Code::NotYours,
        VoteRefusal::BadSignature => Code::BadSignature,
        VoteRefusal::TooWeak { .. } => Code::TooWeak,
        VoteRefusal::Full => Code::Full,
        VoteRefusal::Unknown => Code::UnknownPerson,
    }
}

fn of_change(refusal: &change::Refusal, detail: String) -> Problem {
    match refusal {
        change::Refusal::WrongState { change, .. } => Problem::with(Code::WrongState, detail).on(*change),
        change::Refusal::NotYours { change } => Problem::with(Code::NotYourChange, detail).on(*change),
        change::Refusal::Unreasoned => said(Code::Unreasoned, detail),
    }
}

fn of_revision(refusal: &revision::Refusal, detail: String) -> Problem {
    match refusal {
        revision::Refusal::WrongState { revision, .. } => Problem { revision: Some(*revision), ..Problem::with(Code::WrongState, detail) },
        revision::Refusal::BaseMoved { revision, .. } => Problem { revision: Some(*revision), ..Problem::with(Code::BaseMoved, detail) },
        revision::Refusal::Unreasoned => said(Code::Unreasoned, detail),
    }
}

const fn of_run(refusal: &run::Refusal) -> Code {
    match refusal {
        run::Refusal::WrongState { .. } => Code::WrongState,
        run::Refusal::OtherAttempt { .. } => Code::OtherAttempt,
        run::Refusal::Unreasoned => Code::Unreasoned,
        run::Refusal::Unproven => Code::Unproven,
        run::Refusal::NoTaker => Code::NoTaker,
        run::Refusal::NeedsAnother => Code::NeedsAnother,
        run::Refusal::InDoubt => Code::InDoubt,
        run::Refusal::NotUnderstood { .. } => Code::NotUnderstood,
    }
}

fn of_runner(refusal: &runner::Refusal) -> Code {
    match refusal {
        runner::Refusal::WrongState { command: "enrol", .. } | runner::Refusal::Late { .. } => Code::NoInvitation,
        runner::Refusal::WrongState { .. } | runner::Refusal::Worn(_) => Code::WrongState,
        runner::Refusal::Unreasoned => Code::Unreasoned,
    }
}

const fn of_incident(refusal: &incident::Refusal) -> Code {
    match refusal {
        incident::Refusal::LoweredByMachine(_) => Code::LoweredByMachine,
        incident::Refusal::Closed(_) => Code::IncidentClosed,
        incident::Refusal::Unreasoned(_) => Code::Unreasoned,
        incident::Refusal::Merged(..) => Code::IncidentMerged,
        incident::Refusal::Held { .. } => Code::RoleHeld,
        incident::Refusal::NotHeld { .. } => Code::RoleNotHeld,
        incident::Refusal::Itself(_) | incident::Refusal::Unsplittable(_) => Code::Unsplittable,
    }
}

const fn of_page(refusal: &page::Refusal) -> Code {
    match refusal {
        page::Refusal::Over(_) => Code::PageOver,
        page::Refusal::NotYours(_) => Code::NotYourPage,
        page::Refusal::Recused(_) | page::Refusal::ToRecused(_) => Code::PageRecused,
        page::Refusal::Unreasoned(_) => Code::Unreasoned,
        page::Refusal::TooMany(_) => Code::PageFull,
    }
}

fn of_emergency(refusal: &emergency::Refusal, detail: String) -> Problem {
    let code = match refusal {
        emergency::Refusal::NotHere => Code::NoEmergencies,
        emergency::Refusal::NotYours(_) => Code::NotYourEmergency,
        emergency::Refusal::Words(_) => return Problem::with(Code::Unreasoned, detail),
        emergency::Refusal::Lasts(_) => return Problem::with(Code::Malformed, detail).at("/lasts_s"),
        emergency::Refusal::Services => return Problem::with(Code::Malformed, detail).at("/services"),
        emergency::Refusal::Unreviewed { .. } => Code::Unreviewed,
        emergency::Refusal::WrongState { .. } => Code::WrongState,
        emergency::Refusal::OwnReview(_) => Code::OwnReview,
    };
    Problem::with(code, detail)
}

const fn of_posture(refusal: &installation::Refusal) -> Code {
    match refusal {
        installation::Refusal::RaisedByMachine { .. } => Code::RaisedByMachine,
        installation::Refusal::Unreasoned => Code::Unreasoned,
    }
}
