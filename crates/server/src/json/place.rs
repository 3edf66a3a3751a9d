//! Where a value stands in a body; prints as a JSON pointer (RFC 6901). It borrows its way down, so that it costs nothing
//! until somebody complains.

use std::fmt;

/// Where a value stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'a> {
    Root,
    Member(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Member(above, name) => write!(f, "{above}/{}", name.replace('~', "~0").replace('/', "~1")),
            Self::Item(above, index) => write!(f, "{above}/{index}"),
        }
    }
}
