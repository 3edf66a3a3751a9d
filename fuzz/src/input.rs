//! Inputs: the first byte chooses what is done with the rest, so that one target can hold several small parsers.

/// The parser that an input chooses, `a` being number 0, and what it is given; nothing for an empty input.
pub fn pick(data: &[u8], parsers: u8) -> Option<(u8, &[u8])> {
    let (first, rest) = data.split_first()?;
    Some((first.wrapping_sub(b'a') % parsers, rest))
}

/// The bytes as text; parsers of text are never given anything else.
pub fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_else(|error| std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or(""))
}
