//! The verifier against every kind of tampering, and frozen bytes that verify for ever.

#[cfg(test)]
mod flips;
#[cfg(test)]
mod frozen;
#[cfg(test)]
mod heads;
#[cfg(test)]
mod log;
#[cfg(test)]
mod payloads;
#[cfg(test)]
mod tampering;
