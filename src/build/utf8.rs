//! Validates UTF-8 that comes in pieces.

/// Validates text that comes in pieces.
#[derive(Debug, Default)]
pub(crate) struct Utf8Validator {
    /// The incomplete character at the end of the last piece.
    rest: Vec<u8>,
    invalid: bool,
}

impl Utf8Validator {
    /// Validates the next piece.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        if self.invalid {
            return;
        }
        self.rest.extend_from_slice(piece);
        match std::str::from_utf8(&self.rest) {
            Ok(_) => self.rest.clear(),
            Err(error) if error.error_len().is_none() => {
                self.rest.drain(..error.valid_up_to());
            }
            Err(_) => self.invalid = true,
        }
    }

    /// True if everything so far is valid, and ends with a complete character.
    pub(crate) fn is_valid(&self) -> bool {
        !self.invalid && self.rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf8_split_within_a_character_is_valid() {
        let text = "aé漢😀z".as_bytes();
        for cut in 0..=text.len() {
            let mut utf8 = Utf8Validator::default();
            utf8.push(&text[..cut]);
            utf8.push(&text[cut..]);
            assert!(utf8.is_valid(), "cut at {cut}");
        }
        let mut utf8 = Utf8Validator::default();
        utf8.push(&text[..2]);
        assert!(!utf8.is_valid());
        utf8.push(b"x");
        assert!(!utf8.is_valid());
    }
}
