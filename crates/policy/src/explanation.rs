//! Everything policy has to say of one case: the verdict, every rung with its reasons, and what would move it; as values,
//! and as the one text that console, command line and agents show.

use std::fmt;

use lineclear_core::situation::Case;
use lineclear_core::verdict::{Reason, Verdict};
use serde::Serialize;

use crate::ask::AskError;
use crate::policies::{Policies, RungAnswer};
use crate::remedy::Remedy;

/// What policy says of a case, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// What it comes to.
    pub verdict: Verdict,
    /// The answer at every rung, lowest first.
    pub rungs: Vec<RungAnswer>,
    /// The smallest sets of things that can happen and would move the verdict; a claim is not among them.
    pub remedies: Vec<Remedy>,
}

impl Policies {
    /// Explains a case.
    ///
    /// # Errors
    /// When the case cannot be asked.
    pub fn explain(&self, case: &Case) -> Result<Explanation, AskError> {
        Ok(Explanation { verdict: self.judge(case)?, rungs: self.ladder(case)?, remedies: self.remedies(case)? })
    }
}

impl fmt::Display for Explanation {
    /// Lines for people: first the verdict, then every rung up to the one that is enough, then what would change it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.verdict {
            Verdict::Clear { .. } => writeln!(f, "clear: nobody needs to be asked")?,
            Verdict::NeedsApproval { rung, .. } => {
                let title = self.rungs.iter().find(|one| one.rung == *rung).map_or("", |one| one.title.as_str());
                writeln!(f, "needs {rung}: {title}")?;
            }
            Verdict::Denied { .. } => writeln!(f, "denied: no approval helps")?,
        }
        let mut above: Option<&RungAnswer> = None;
        for rung in &self.rungs {
            // What stops one rung often stops the next as well; it is said once.
            if above.is_some_and(|above| above.allowed == rung.allowed && above.because == rung.because) {
                writeln!(f, "  {} {}: the same", mark(rung), rung.rung)?;
            } else {
                writeln!(f, "  {} {} ({})", mark(rung), rung.rung, rung.title)?;
                rung.because.iter().try_for_each(|reason| line(f, reason))?;
            }
            if rung.allowed {
                break;
            }
            above = Some(rung);
        }
        if !self.remedies.is_empty() {
            writeln!(f, "what would change it")?;
            self.remedies.iter().try_for_each(|remedy| writeln!(f, "  - {remedy}"))?;
        }
        Ok(())
    }
}

const fn mark(rung: &RungAnswer) -> &'static str {
    if rung.allowed { "✓" } else { "✗" }
}

fn line(f: &mut fmt::Formatter<'_>, reason: &Reason) -> fmt::Result {
    writeln!(f, "      {reason}")
}
