//! What people read when an estate is wrong: one table for each kind of file, each row one mistake in a text that is otherwise right.

#[cfg(test)]
#[path = "faults/bench.rs"]
mod bench;
#[cfg(test)]
#[path = "faults/files.rs"]
mod files;
#[cfg(test)]
#[path = "faults/flow.rs"]
mod flow;
#[cfg(test)]
#[path = "faults/links.rs"]
mod links;
#[cfg(test)]
#[path = "faults/mutations.rs"]
mod mutations;
#[cfg(test)]
#[path = "faults/permissions.rs"]
mod permissions;
#[cfg(test)]
#[path = "faults/promises.rs"]
mod promises;
#[cfg(test)]
#[path = "faults/tools.rs"]
mod tools;
#[cfg(test)]
#[path = "faults/yaml.rs"]
mod yaml;
