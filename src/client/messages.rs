//! The texts of the notice, and the choice of a language.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Map;
use serde_json::Value;

use crate::error::Error;
use crate::error::Kind;

/// The texts of each language, with those that the operator wants otherwise.
#[derive(Debug, Clone, Default)]
pub(crate) struct Texts {
    /// By language in lower case; `*` is for all.
    own: BTreeMap<String, Language>,
}

type Language = Map<String, Value>;

impl Texts {
    /// Reads an object of objects of strings.
    pub(crate) fn parse(json: &str) -> Result<Self, Error> {
        let refuse = |why: String| Error::new(Kind::InvalidTexts(why));
        let languages: BTreeMap<String, BTreeMap<String, String>> =
            serde_json::from_str(json).map_err(|error| refuse(error.to_string()))?;
        let mut own = BTreeMap::new();
        for (language, texts) in languages {
            if let Some(unknown) = texts.keys().find(|name| !NAMES.contains(&name.as_str())) {
                return Err(refuse(format!(
                    "{unknown:?} is none of {}",
                    NAMES.join(", ")
                )));
            }
            let texts = texts.into_iter();
            let texts = texts.map(|(name, text)| (name, Value::String(text)));
            own.insert(language.to_ascii_lowercase(), texts.collect());
        }
        Ok(Self { own })
    }

    /// All texts in the first of the wanted languages (BCP 47, the most wanted first, divided by commas) that there
    /// is, else in English; with `lang`.
    pub(crate) fn choose(&self, wanted: &str) -> Value {
        let wanted = wanted.split(',').map(|tag| tag.trim().to_ascii_lowercase());
        let known = |tag: &String| self.own.contains_key(tag) || BUILT_IN.contains_key(tag);
        let chosen = wanted.flat_map(|tag| ranges(&tag)).find(known);
        let chosen = chosen.unwrap_or_else(|| "en".to_owned());
        let mut texts = Language::new();
        // From the most general to the most special: each overrules the one before it.
        let mut layers: Vec<_> = ranges(&chosen).collect();
        layers.reverse();
        let own = |tag: &str| self.own.get(tag).into_iter();
        let built_in = |tag: &String| BUILT_IN.get(tag.as_str());
        let base = layers.iter().rev().find_map(built_in);
        texts.extend(base.unwrap_or(&BUILT_IN["en"]).clone());
        for layer in own("*").chain(layers.iter().flat_map(|tag| own(tag))) {
            texts.extend(layer.clone());
        }
        texts.insert("lang".to_owned(), written(&chosen).into());
        Value::Object(texts)
    }
}

/// A language tag and the more general ones that it falls back to (RFC 4647, section 3.4), in lower case; what is
/// written in traditional Chinese characters falls back to `zh-tw`, all other Chinese to `zh-cn`.
fn ranges(tag: &str) -> impl Iterator<Item = String> + use<> {
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

/// A tag as it is written: `zh-CN`.
fn written(tag: &str) -> String {
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
    let lower = |(tag, texts): (String, Language)| (tag.to_ascii_lowercase(), texts);
    languages.into_iter().map(lower).collect()
});

const NAMES: [&str; 9] = [
    "title",
    "text",
    "rollback",
    "broken",
    "refresh",
    "later",
    // What a dialog says instead of "later".
    "no",
    "notes",
    "countdown",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(texts: &Texts, wanted: &str) -> (String, String) {
        let chosen = texts.choose(wanted);
        let text = |name: &str| chosen[name].as_str().unwrap().to_owned();
        (text("lang"), text("refresh"))
    }

    #[test]
    fn every_language_has_every_text() {
        assert_eq!(BUILT_IN.len(), 12);
        for (language, texts) in &*BUILT_IN {
            for name in NAMES {
                let text = texts.get(name).and_then(Value::as_str);
                assert!(
                    text.is_some_and(|text| !text.is_empty()),
                    "{language} {name}"
                );
            }
            assert_eq!(texts.len(), NAMES.len(), "{language}");
            let countdown = texts["countdown"].as_str().unwrap();
            assert_eq!(countdown.matches("{n}").count(), 1, "{language}");
        }
    }

    #[test]
    fn the_first_language_that_there_is_wins() {
        let texts = Texts::default();
        for (wanted, expected) in [
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
            assert_eq!(choose(&texts, wanted).0, expected, "{wanted}");
        }
    }

    #[test]
    fn own_texts_overrule_the_built_in_ones() {
        let json = r#"{"de": {"refresh": "Los"}, "de-AT": {"refresh": "Auf geht's"}, "nl": {"text": "Nieuw"},
            "*": {"refresh": "Go", "title": "Harbour"}}"#;
        let texts = Texts::parse(json).unwrap();
        assert_eq!(choose(&texts, "de-CH").1, "Los");
        assert_eq!(choose(&texts, "de-at").1, "Auf geht's");
        assert_eq!(choose(&texts, "fr").1, "Go");
        assert_eq!(texts.choose("fr")["title"], "Harbour");
        let dutch = texts.choose("nl-BE,fr");
        assert_eq!(
            (&dutch["lang"], &dutch["text"]),
            (&"nl".into(), &"Nieuw".into())
        );
        assert_eq!(dutch["later"], "Later");
    }

    #[test]
    fn what_is_no_table_of_texts_is_refused() {
        for json in [
            "",
            "[]",
            r#"{"de": "x"}"#,
            r#"{"de": {"text": 1}}"#,
            r#"{"de": {"button": "x"}}"#,
        ] {
            let error = Texts::parse(json).unwrap_err().to_string();
            assert!(error.starts_with("the texts can't be read: "), "{error}");
        }
    }
}
