//! Tells words and numbers, as people write them, from random characters.

/// How random a token looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Randomness {
    /// Could be a word, a number or a date.
    None,
    /// No word, but too regular to be evidence on its own.
    Possible,
    /// Random characters.
    Certain,
}

/// How random a token looks.
pub(crate) fn randomness(token: &str) -> Randomness {
    let bytes = token.as_bytes();
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = bytes.iter().filter(|b| b.is_ascii_alphabetic()).count();
    if letters == 0 || is_size(token) || is_uuid(token) {
        return Randomness::None;
    }
    if token.split(['-', '_']).all(is_word_or_number) {
        return Randomness::None;
    }
    let class_changes = bytes
        .windows(2)
        .filter(|pair| char_class(pair[0]) != char_class(pair[1]))
        .count();
    let upper = bytes.iter().filter(|b| b.is_ascii_uppercase()).count();
    let all_upper = upper == letters && letters >= 4;
    // A name with a number (`DSC01234`, `chapter12`) changes its class of characters once.
    if class_changes >= 3
        || (class_changes == 2 && digits > 0)
        || all_upper
        || max_consonants(token) >= 5
    {
        return Randomness::Certain;
    }
    Randomness::Possible
}

/// True for a token that a person may have written although there are hashes of the same format beside it: words, at
/// least one of which has four letters, with at most one digit at the end.
pub(crate) fn is_made_of_words(token: &str) -> bool {
    let worded = |part: &str| {
        let word = part.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = part.len() - word.len();
        (word.is_empty() && digits > 0)
            || (digits <= 1
                && word.len() > 1
                && is_word_or_number(word)
                && humps(word).all(has_common_letter_pairs))
    };
    let long = |part: &str| part.bytes().filter(u8::is_ascii_alphabetic).count() >= 4;
    let parts = || token.split(['-', '_']);
    is_size(token) || is_uuid(token) || (parts().all(worded) && parts().any(long))
}

/// True if the word consists of pairs of letters that are common in words.
fn has_common_letter_pairs(word: &str) -> bool {
    let position = |b: u8| usize::from(b.to_ascii_lowercase().wrapping_sub(b'a'));
    let may = |table: &[&str; 26], first: u8, second: u8| {
        let second = second.to_ascii_lowercase();
        let row = table.get(position(first));
        row.is_some_and(|row| row.as_bytes().contains(&second))
    };
    let bytes = word.as_bytes();
    let starts = bytes
        .get(..2)
        .is_none_or(|pair| may(&STARTS, pair[0], pair[1]));
    starts && bytes.windows(2).all(|pair| may(&PAIRS, pair[0], pair[1]))
}

pub(crate) fn is_number(token: &str) -> bool {
    token.bytes().all(|b| b.is_ascii_digit())
}

pub(crate) fn is_date(token: &str) -> bool {
    let part = |from, to| token.get(from..to).and_then(|part: &str| part.parse().ok());
    token.len() == 8
        && is_number(token)
        && (1990..2100).contains(&part(0, 4).unwrap_or(0))
        && (1..=12).contains(&part(4, 6).unwrap_or(0))
        && (1..=31).contains(&part(6, 8).unwrap_or(0))
}

/// True for a part of a name as people write it: `document`, `Document`, `SemiBold`, `v2`, `README`, `2024`.
fn is_word_or_number(part: &str) -> bool {
    let word = part.trim_end_matches(|c: char| c.is_ascii_digit());
    let rest = word.trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.is_empty() {
        return true;
    }
    if rest.len() < word.len() && word.len() < part.len() {
        return false;
    }
    if word.len() < part.len() && rest.len() > 1 && rest.bytes().all(|b| b.is_ascii_uppercase()) {
        // `DSC01234` and `IMG2024` are names that cameras give.
        return rest.len() <= 4 && part.len() - word.len() >= 3;
    }
    let cased = rest.bytes().all(|b| b.is_ascii_lowercase())
        || (has_common_letter_pairs(rest) && rest.bytes().all(|b| b.is_ascii_uppercase()))
        || humps(rest).all(|hump| hump.len() >= 3);
    rest.bytes().all(|b| b.is_ascii_alphabetic()) && cased && is_pronounceable(rest)
}

/// The parts of a CamelCase word, each with its capital letter.
fn humps(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        let next = rest
            .char_indices()
            .skip(1)
            .find(|(_, c)| c.is_ascii_uppercase());
        let (hump, left) = rest.split_at(next.map_or(rest.len(), |(at, _)| at));
        rest = left;
        (!hump.is_empty()).then_some(hump)
    })
}

/// True for a word with vowels, and without long runs of consonants.
fn is_pronounceable(word: &str) -> bool {
    word.len() <= 3 || (max_consonants(word) <= 4 && word.bytes().any(is_vowel))
}

/// The longest run of consonants.
fn max_consonants(word: &str) -> usize {
    word.split(|c: char| !c.is_ascii_alphabetic() || is_vowel(c as u8))
        .map(str::len)
        .max()
        .unwrap_or(0)
}

fn is_vowel(b: u8) -> bool {
    matches!(
        b.to_ascii_lowercase(),
        b'a' | b'e' | b'i' | b'o' | b'u' | b'y'
    )
}

fn is_size(token: &str) -> bool {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    token
        .split_once('x')
        .is_some_and(|(width, height)| number(width) && number(height))
}

fn is_uuid(token: &str) -> bool {
    let lengths = token.split('-').map(str::len);
    token.len() == 36 && lengths.eq([8, 4, 4, 4, 12])
}

fn char_class(b: u8) -> u8 {
    match b {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    }
}

// The letters that follow each letter from a to z at the start of a word, and those that follow it anywhere: every pair
// that occurs in at least one in 3,300 of the common words in the names and summaries of packages (npm, PyPI).
const STARTS: [&str; 26] = [
    "abcdefgiklmnprstuvwxz",
    "aceiloprsuy",
    "acdefhilmoprstuy",
    "abcdeijlmoprstuy",
    "acdfgilmnpqrstuvx",
    "aeilorsu",
    "acehilmnoprsu",
    "acdeimostuy",
    "acdglmnoprst",
    "aeiosu",
    "aeilnoruy",
    "aceilostuy",
    "acdeilmnopstuy",
    "acdegilopstuv",
    "abcdflmnprstuvwx",
    "acdehikloprstuy",
    "u",
    "adeimopstu",
    "abcdehiklmnopqrstuvwy",
    "adefhilmorstuwy",
    "dilmnprst",
    "aceiosu",
    "aehior",
    "acilmps",
    "aeou",
    "aeiou",
];

const PAIRS: [&str; 26] = [
    "abcdefghijklmnopqrstuvwxyz",
    "abcdefghijlmnoprstuvxy",
    "abcdefghiklmnopqrstuvxy",
    "abcdefghijklmnoprstuvwxy",
    "abcdefghijklmnopqrstuvwxyz",
    "abcdefilmoprstuxy",
    "abcdefghilmnoprstuy",
    "abcdefiklmnopqrstuwy",
    "abcdefghijklmnopqrstuvwxz",
    "aeimopsu",
    "abcdefghilmnoprstuwy",
    "abcdefgiklmnoprstuvwy",
    "abcdefgijklmnopqrstuvwy",
    "abcdefghijklmnoprstuvwxyz",
    "abcdefghijklmnopqrstuvwxyz",
    "abcdefghiklmnoprstuwxy",
    "alotu",
    "abcdefghijklmnopqrstuvwxy",
    "abcdefghijklmnopqrstuvwxy",
    "abcdefghijklmnoprstuvwxyz",
    "abcdefgiklmnoprstuvxyz",
    "acdeilmoprstuy",
    "acdehiklnoprst",
    "acdeilmoprsty",
    "abcdefghijklmnoprstuvwxz",
    "aehilmouyz",
];
