//! Tests of the whole room: the table of verdicts, every known way to fail open, the laws, the reasons.

mod comparison;
mod decisions;
mod fixture;
mod laws;
mod plain;
mod reasons;
mod refusals;
mod traps;

fn estate() -> lineclear_core::estate::Estate {
    fixture::estate_of(0)
}

fn policies() -> crate::Policies {
    fixture::policies_of(0)
}
