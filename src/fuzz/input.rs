//! Taking arbitrary bytes apart.

/// The bytes before the first line break, and those after it.
pub(super) fn line(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|&b| b == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &[]),
    }
}

/// Like [`line`]; the line is empty if it is not UTF-8.
pub(super) fn text_line(data: &[u8]) -> (&str, &[u8]) {
    let (line, rest) = line(data);
    (std::str::from_utf8(line).unwrap_or(""), rest)
}

/// The bytes in pieces, whose sizes come from `cuts` in a cycle; in one piece if that is empty.
pub(super) fn pieces<'a>(bytes: &'a [u8], cuts: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut sizes = cuts.iter().cycle();
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let size = sizes
            .next()
            .map_or(rest.len(), |cut| usize::from(cut % MAX_PIECE) + 1);
        let (piece, after) = rest.split_at(size.min(rest.len()));
        rest = after;
        Some(piece)
    })
}

// Most bugs at a cut show within a few bytes of one.
const MAX_PIECE: u8 = 64;
