//! The one suite that every store passes, with the store in memory as the oracle; and what only a store on disk promises.

#[cfg(test)]
mod append;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod proofs;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod world;
