//! Telling words and numbers, as people write them, from noise.

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Look {
    /// Could be a word, a number, a date.
    Plain,
    /// No word, but too orderly to prove anything by itself.
    Possible,
    /// Noise.
    Random,
}

/// How much a token looks like noise.
pub(crate) fn look(token: &str) -> Look {
    let bytes = token.as_bytes();
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = bytes.iter().filter(|b| b.is_ascii_alphabetic()).count();
    if letters == 0 || is_size(token) || is_uuid(token) {
        return Look::Plain;
    }
    if token.split(['-', '_']).all(is_word_or_number) {
        return Look::Plain;
    }
    let turns = bytes
        .windows(2)
        .filter(|pair| class(pair[0]) != class(pair[1]))
        .count();
    let upper = bytes.iter().filter(|b| b.is_ascii_uppercase()).count();
    let all_upper = upper == letters && letters >= 4;
    // A number behind a name (`DSC01234`, `chapter12`) turns once.
    if turns >= 3 || (turns == 2 && digits > 0) || all_upper || consonants(token) >= 5 {
        return Look::Random;
    }
    Look::Possible
}

/// True for a token that a person may have written although hashes of the same form stand beside it: words, of
/// which at least one has four letters, with no more than a digit behind.
pub(crate) fn is_worded(token: &str) -> bool {
    let worded = |part: &str| {
        let word = part.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = part.len() - word.len();
        (word.is_empty() && digits > 0)
            || (digits <= 1
                && word.len() > 1
                && is_word_or_number(word)
                && humps(word).all(is_spelled))
    };
    let long = |part: &str| part.bytes().filter(u8::is_ascii_alphabetic).count() >= 4;
    let parts = || token.split(['-', '_']);
    is_size(token) || is_uuid(token) || (parts().all(worded) && parts().any(long))
}

/// True if every letter may stand where it stands in a word.
fn is_spelled(word: &str) -> bool {
    let place = |b: u8| usize::from(b.to_ascii_lowercase().wrapping_sub(b'a'));
    let may = |table: &[&str; 26], first: u8, second: u8| {
        let second = second.to_ascii_lowercase();
        let row = table.get(place(first));
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

/// True for a part of a name as people write them: `document`, `Document`, `SemiBold`, `v2`, `README`, `2024`.
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
        // `DSC01234` and `IMG2024` are cameras' names.
        return rest.len() <= 4 && part.len() - word.len() >= 3;
    }
    let cased = rest.bytes().all(|b| b.is_ascii_lowercase())
        || (is_spelled(rest) && rest.bytes().all(|b| b.is_ascii_uppercase()))
        || humps(rest).all(|hump| hump.len() >= 3);
    rest.bytes().all(|b| b.is_ascii_alphabetic()) && cased && is_sayable(rest)
}

/// The parts of a CamelCase word, each with its capital.
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

/// Words have vowels, and no long runs without one.
fn is_sayable(word: &str) -> bool {
    word.len() <= 3 || (consonants(word) <= 4 && word.bytes().any(is_vowel))
}

/// The longest run of consonants.
fn consonants(word: &str) -> usize {
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

fn class(b: u8) -> u8 {
    match b {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    }
}

// The letters that begin a word behind each letter from a to z, and those that follow it anywhere: every pair that
// at least one in 3,300 of the common words has that occur in the names and summaries of packages (npm, PyPI).
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
