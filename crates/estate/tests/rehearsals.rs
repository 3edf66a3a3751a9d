//! Every shipped runbook is rehearsed in every way that a step can fail: it ends as declared, the same when everything is said
//! twice, and the same when the control plane dies after any commit.

#[cfg(test)]
#[path = "rehearsals/ground.rs"]
mod ground;
#[cfg(test)]
#[path = "rehearsals/oracle.rs"]
mod oracle;
#[cfg(test)]
#[path = "rehearsals/page.rs"]
mod page;
#[cfg(test)]
#[path = "rehearsals/shipped.rs"]
mod shipped;
