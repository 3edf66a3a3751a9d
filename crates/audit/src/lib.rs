//! What happened, asked again: drift and back-tests. Pure over records: no I/O, no clock.
