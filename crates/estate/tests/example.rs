//! The shipped example is an estate that loads, whose stories hold, and whose verdicts are one table.

#[cfg(test)]
#[path = "example/verdicts.rs"]
mod verdicts;
