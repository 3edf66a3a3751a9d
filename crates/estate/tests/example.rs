//! The shipped example is an estate that loads, whose catalogue keeps the law, whose stories hold, and whose verdicts are one table.

#[cfg(test)]
#[path = "example/catalogue.rs"]
mod catalogue;
#[cfg(test)]
#[path = "example/house.rs"]
mod house;
#[cfg(test)]
#[path = "example/mistakes.rs"]
mod mistakes;
#[cfg(test)]
#[path = "example/verdicts.rs"]
mod verdicts;
