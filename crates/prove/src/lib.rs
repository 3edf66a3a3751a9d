//! What no policy set may ever permit, proved for every request by an SMT solver: needed where policy changes, never
//! where it is applied.
