//! The messages of the notice, and the choice of a language.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Map;
use serde_json::Value;

use crate::error::Error;
use crate::error::Kind;

/// The messages of each language: the built-in ones, and those of the operator, which override them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Messages {
    /// By language in lower case; `*` is for all.
    custom: BTreeMap<String, Language>,
}

type Language = Map<String, Value>;

impl Messages {
    /// Reads an object of objects of strings.
    pub(crate) fn parse(json: &str) -> Result<Self, Error> {
        let invalid = |reason: String| Error::new(Kind::InvalidMessages(reason));
        let languages: BTreeMap<String, BTreeMap<String, String>> =
            serde_json::from_str(json).map_err(|error| invalid(error.to_string()))?;
        let mut custom = BTreeMap::new();
        for (language, messages) in languages {
            if let Some(unknown) = messages.keys().find(|name| !NAMES.contains(&name.as_str())) {
                return Err(invalid(format!(
                    "{unknown:?} is not one of {}",
                    NAMES.join(", ")
                )));
            }
            let messages = messages.into_iter();
            let messages = messages.map(|(name, text)| (name, Value::String(text)));
            custom.insert(language.to_ascii_lowercase(), messages.collect());
        }
        Ok(Self { custom })
    }

    /// All messages in the first available one of `languages` (BCP 47 tags in order of preference, separated by
    /// commas), else in English; and its tag as `lang`.
    pub(crate) fn choose(&self, languages: &str) -> Value {
        let mut tags = languages
            .split(',')
            .flat_map(|tag| fallbacks(&tag.trim().to_ascii_lowercase()));
        let is_known = |tag: &String| self.custom.contains_key(tag) || BUILT_IN.contains_key(tag);
        let chosen = tags.find(is_known);
        let chosen = chosen.unwrap_or_else(|| "en".to_owned());
        let mut messages = Language::new();
        // From the most general to the most specific: each overrides the one before it.
        let mut layers: Vec<_> = fallbacks(&chosen).collect();
        layers.reverse();
        let custom = |tag: &str| self.custom.get(tag).into_iter();
        let built_in = |tag: &String| BUILT_IN.get(tag.as_str());
        let base = layers.iter().rev().find_map(built_in);
        messages.extend(base.unwrap_or(&BUILT_IN["en"]).clone());
        for layer in custom("*").chain(layers.iter().flat_map(|tag| custom(tag))) {
            messages.extend(layer.clone());
        }
        messages.insert("lang".to_owned(), conventional_case(&chosen).into());
        Value::Object(messages)
    }
}

/// A language tag and the more general ones that it falls back to (RFC 4647, section 3.4), in lower case. Traditional
/// Chinese falls back to `zh-tw`, other Chinese to `zh-cn`.
fn fallbacks(tag: &str) -> impl Iterator<Item = String> + use<> {
    let mut all = Vec::new();
    let mut rest = tag;
    while !rest.is_empty() {
        all.push(rest.to_owned());
        rest = rest.rsplit_once('-').map_or("", |(general, _)| general);
    }
    if all.last().is_some_and(|language| language == "zh") {
        let mut parts = tag.split('-');
        let is_traditional =
            !tag.contains("-hans") && parts.any(|part| matches!(part, "hant" | "tw" | "hk" | "mo"));
        let script = if is_traditional { "zh-tw" } else { "zh-cn" };
        if !all.iter().any(|known| known == script) {
            all.insert(all.len() - 1, script.to_owned());
        }
    }
    all.into_iter()
}

/// A tag in the conventional case (RFC 5646, section 2.1.1): `zh-CN`.
fn conventional_case(tag: &str) -> String {
    match tag.split_once('-') {
        Some((language, region)) if region.len() == 2 => {
            format!("{language}-{}", region.to_ascii_uppercase())
        }
        _ => tag.to_owned(),
    }
}

static BUILT_IN: LazyLock<BTreeMap<String, Language>> = LazyLock::new(|| {
    let languages: BTreeMap<String, Language> =
        serde_json::from_str(include_str!("messages.json")).unwrap_or_default();
    let lower = |(tag, messages): (String, Language)| (tag.to_ascii_lowercase(), messages);
    languages.into_iter().map(lower).collect()
});

const NAMES: [&str; 9] = [
    "title",
    "text",
    "rollback",
    "broken",
    "refresh",
    "later",
    // In place of "later" in a dialog.
    "no",
    "notes",
    "countdown",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(messages: &Messages, languages: &str) -> (String, String) {
        let chosen = messages.choose(languages);
        let text = |name: &str| chosen[name].as_str().unwrap().to_owned();
        (text("lang"), text("refresh"))
    }

    #[test]
    fn built_in_languages_have_every_message() {
        assert_eq!(BUILT_IN.len(), 12);
        for (language, messages) in &*BUILT_IN {
            for name in NAMES {
                let text = messages.get(name).and_then(Value::as_str);
                assert!(
                    text.is_some_and(|text| !text.is_empty()),
                    "{language} {name}"
                );
            }
            assert_eq!(messages.len(), NAMES.len(), "{language}");
            let countdown = messages["countdown"].as_str().unwrap();
            assert_eq!(countdown.matches("{n}").count(), 1, "{language}");
        }
    }

    #[test]
    fn choose_takes_the_first_available_language() {
        let messages = Messages::default();
        for (languages, expected) in [
            ("", "en"),
            ("xx", "en"),
            ("xx,fr,de", "fr"),
            ("de-AT", "de"),
            ("pt-BR,en", "pt"),
            ("zh", "zh-CN"),
            ("zh-Hans-HK", "zh-CN"),
            ("zh-Hant", "zh-TW"),
            ("zh-HK", "zh-TW"),
            ("ZH-TW", "zh-TW"),
            ("ar-EG", "ar"),
        ] {
            assert_eq!(choose(&messages, languages).0, expected, "{languages}");
        }
    }

    #[test]
    fn custom_messages_override_built_in_ones() {
        let json = r#"{"de": {"refresh": "Los"}, "de-AT": {"refresh": "Auf geht's"}, "nl": {"text": "Nieuw"},
            "*": {"refresh": "Go", "title": "Harbour"}}"#;
        let messages = Messages::parse(json).unwrap();
        assert_eq!(choose(&messages, "de-CH").1, "Los");
        assert_eq!(choose(&messages, "de-at").1, "Auf geht's");
        assert_eq!(choose(&messages, "fr").1, "Go");
        assert_eq!(messages.choose("fr")["title"], "Harbour");
        let dutch = messages.choose("nl-BE,fr");
        assert_eq!(
            (&dutch["lang"], &dutch["text"]),
            (&"nl".into(), &"Nieuw".into())
        );
        assert_eq!(dutch["later"], "Later");
    }

    #[test]
    fn invalid_messages_are_rejected() {
        for json in [
            "",
            "[]",
            r#"{"de": "x"}"#,
            r#"{"de": {"text": 1}}"#,
            r#"{"de": {"button": "x"}}"#,
        ] {
            let error = Messages::parse(json).unwrap_err().to_string();
            assert!(error.starts_with("invalid messages: "), "{error}");
        }
    }
}
