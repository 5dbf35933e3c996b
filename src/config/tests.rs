#![allow(clippy::unwrap_used, reason = "a test may")]

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use crate::config::Config;
use crate::config::Group;
use crate::config::OriginKind;
use crate::config::PartialConfig;
use crate::config::Plan;
use crate::config::Setting;
use crate::error::Error;
use crate::error::Key;

/// What one source gives.
fn source(settings: &[(Key, &[&str])]) -> PartialConfig {
    let mut source = PartialConfig::default();
    for (key, values) in settings {
        source.set(*key, values.iter().copied()).unwrap();
    }
    source
}

fn written(partial: &PartialConfig) -> serde_json::Value {
    serde_json::to_value(partial).unwrap()
}

/// A source that gives any of a few settings any of a few values.
fn any_source() -> impl Strategy<Value = PartialConfig> {
    let values: [(Key, &[&[&str]]); 6] = [
        (Key::ROOT, &[&["a"], &["b"]]),
        (Key::H2C, &[&["true"], &["false"]]),
        (Key::MAX_STREAMS, &[&["1"], &["20000"]]),
        (Key::DRAIN, &[&["1s"], &["10s"]]),
        (Key::TRUSTED_PROXY, &[&["private"], &["10.0.0.0/8", "::1"]]),
        (Key::POLICY, &[&["idle"], &["prompt", "/a=force"]]),
    ];
    values
        .map(|(key, values)| {
            let values = select(values);
            prop::option::of(values).prop_map(move |values| (key, values))
        })
        .prop_map(|all| {
            let given = all.into_iter();
            let given: Vec<_> = given
                .filter_map(|(key, values)| Some((key, values?)))
                .collect();
            source(&given)
        })
}

proptest! {
    #[test]
    fn merge_is_associative(a in any_source(), b in any_source(), c in any_source()) {
        let left = a.clone().merge(b.clone()).merge(c.clone());
        let right = a.merge(b.merge(c));
        prop_assert_eq!(written(&left), written(&right));
    }

    #[test]
    fn merge_later_source_wins(earlier in any_source(), later in any_source()) {
        let merged = earlier.clone().merge(later.clone());
        for key in Setting::all().map(Setting::key) {
            let winner = if later.contains(key) { &later } else { &earlier };
            prop_assert_eq!(merged.contains(key), winner.contains(key));
            prop_assert_eq!(merged.raw(key), winner.raw(key));
        }
    }

    #[test]
    fn merge_with_nothing_changes_nothing(a in any_source()) {
        let before = a.clone().merge(PartialConfig::default());
        let after = PartialConfig::default().merge(a.clone());
        prop_assert_eq!(written(&before), written(&a));
        prop_assert_eq!(written(&after), written(&a));
    }
}

#[test]
fn merge_of_file_environment_and_options_takes_the_last_of_each() {
    let file: PartialConfig = serde_json::from_value(json!({
        "root": "/file",
        "drain": "1s",
        "trusted-proxy": ["10.0.0.0/8", "private"],
        "notice": {"snooze": "1h", "policy": "idle"},
    }))
    .unwrap();
    let environment = source(&[(Key::DRAIN, &["2s"]), (Key::PREFIX, &["/env"])]);
    let options = source(&[
        (Key::PREFIX, &["/option"]),
        (Key::TRUSTED_PROXY, &["loopback"]),
    ]);
    let config = file.merge(environment).merge(options).resolve().unwrap();
    assert_eq!(config.root.as_deref(), Some("/file".as_ref()));
    assert_eq!(config.drain.as_secs(), 2);
    assert_eq!(config.prefix, "/option");
    assert_eq!(config.trusted_proxy, ["loopback"]);
    assert_eq!(config.snooze.as_secs(), 3600);
    assert_eq!(config.policy.len(), 1);
    assert_eq!(config.max_streams, Config::default().max_streams);
}

#[test]
fn config_written_and_read_is_the_same() {
    let mut partial = source(&[
        (Key::ROOT, &["dist"]),
        (Key::H2C, &["on"]),
        (Key::RETAIN_RELEASES, &["7"]),
        (Key::MEMORY_LIMIT, &["2G"]),
        (
            Key::ROUTES,
            &["/api=http://a/", "/ws=unix:/run/w.sock:/", "/api=http://b/"],
        ),
        (Key::POLICY, &["silent", "/admin=force"]),
    ]);
    let expected = json!({
        "root": "dist",
        "h2c": true,
        "retain-releases": 7,
        "memory-limit": "2G",
        "routes": {"/api": ["http://a/", "http://b/"], "/ws": "unix:/run/w.sock:/"},
        "notice": {"policy": ["silent", "/admin=force"]},
    });
    assert_eq!(written(&partial), expected);
    partial = serde_json::from_value(expected.clone()).unwrap();
    assert_eq!(written(&partial), expected);
    let config = serde_json::to_value(Config::from(partial)).unwrap();
    let again: Config = serde_json::from_value(config.clone()).unwrap();
    assert_eq!(serde_json::to_value(again).unwrap(), config);
}

#[test]
fn config_file_with_a_fault_is_rejected_with_its_key() {
    for (file, message) in [
        (json!({"rout": "x"}), "unknown setting \"rout\""),
        (json!({"notice": {"x": 1}}), "unknown setting \"notice.x\""),
        (json!({"notice": "toast"}), "unknown setting \"notice\""),
        (json!({"drain": 10}), "drain: invalid value \"10\""),
        (json!({"drain": true}), "drain: invalid value \"true\""),
        (json!({"h2c": "maybe"}), "h2c: invalid value \"maybe\""),
        (
            json!({"max-streams": -1}),
            "max-streams: invalid value \"-1\"",
        ),
        (json!({"listen": ["a:1"]}), "listen: invalid value \"a:1\""),
        (
            json!({"notice": {"style": "popup"}}),
            "notice.style: invalid value \"popup\"",
        ),
        (json!({"routes": {"/": "a:1"}}), "routes: invalid route"),
    ] {
        let error = serde_json::from_value::<PartialConfig>(file).unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
    }
}

#[test]
fn secret_is_never_written() {
    let partial = source(&[(Key::WEBHOOK_SECRET, &["0123456789abcdef"])]);
    assert!(partial.contains(Key::WEBHOOK_SECRET));
    assert_eq!(written(&partial), json!({}));
    assert!(!format!("{partial:?}").contains("0123456789"));
}

#[test]
fn default_of_each_setting_is_a_valid_value_of_it() {
    for setting in Setting::all() {
        let Some(default) = setting.default_value() else {
            continue;
        };
        let mut partial = PartialConfig::default();
        partial.set(setting.key(), [&default]).unwrap();
        assert_eq!(
            partial.raw(setting.key()),
            PartialConfig::from(Config::default()).raw(setting.key())
        );
    }
}

#[test]
fn setting_names_are_unique_and_those_of_the_file() {
    let mut names: Vec<_> = Setting::all().map(Setting::name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    for setting in Setting::all() {
        let name = setting.key().as_str().rsplit('.').next().unwrap();
        let is_other = matches!(setting.key(), Key::ROOT | Key::ROUTES | Key::NOTICE);
        assert_eq!(name == setting.name(), !is_other, "{}", setting.key());
        assert!(setting.help().ends_with('.'), "{}", setting.key());
    }
}

#[test]
fn setting_of_another_kind_of_site_is_rejected() {
    for setting in Setting::all() {
        let (origin, fits) = match setting.group() {
            Group::Directory => (OriginKind::Upstreams, Key::UPSTREAM),
            Group::Polling => (OriginKind::Directory, Key::ROOT),
            _ => continue,
        };
        let value = setting.default_value().unwrap_or_else(|| "/x".to_owned());
        if matches!(setting.key(), Key::ROOT | Key::UPSTREAM) {
            continue;
        }
        let site = if fits == Key::ROOT {
            "dist"
        } else {
            "http://a"
        };
        // Even the default is rejected where it was given.
        let given = source(&[(fits, &[site]), (setting.key(), &[&value])]);
        let error = given.resolve().unwrap_err();
        assert_eq!(error.key(), Some(setting.key()), "{origin:?}: {error}");
    }
}

#[test]
fn plan_rejects_changed_settings_of_another_kind_of_site() {
    let mut config = Config::directory("dist");
    config.poll_page = vec!["/a".to_owned()];
    assert_key(config, Key::POLL_PAGE);
    let mut config = proxy();
    config.debounce *= 2;
    assert_key(config, Key::DEBOUNCE);
    let mut config = proxy();
    config.health_interval *= 2;
    assert_key(config, Key::HEALTH_INTERVAL);
    assert_key(Config::default(), Key::ROOT);
    let mut config = proxy();
    config.root = Some("dist".into());
    let error = assert_key(config, Key::ROOT);
    assert_eq!(
        error.to_string(),
        "root dist and upstream http://a: a site has either a directory or upstreams"
    );
}

#[test]
fn plan_rejects_values_that_make_no_sense_together() {
    let mut config = Config::directory("dist");
    config.debounce = config.incomplete_after * 2;
    let error = assert_key(config, Key::DEBOUNCE);
    assert!(
        error
            .to_string()
            .starts_with("debounce 20s and incomplete-after 10s: "),
        "{error}"
    );
    let mut config = Config::directory("dist");
    config.routes = vec!["/api=http://a".parse().unwrap(); 2];
    assert_key(config, Key::ROUTES);
    let mut config = Config::directory("dist");
    config.prefix = "/api/news".to_owned();
    config.routes = vec!["/api=http://a".parse().unwrap()];
    assert_key(config, Key::ROUTES);
    let mut config = proxy();
    config.poll_host = Some("a b".to_owned());
    assert_key(config, Key::POLL_HOST);
    let mut config = proxy();
    config.poll_page = Vec::new();
    assert_key(config, Key::POLL_PAGE);
}

#[test]
fn error_message_names_keys_as_the_front_end_does() {
    let mut config = Config::directory("dist");
    config.debounce = config.incomplete_after * 2;
    let error = Plan::try_from(config).unwrap_err();
    let message = error.message(|key| format!("<{key}>"));
    assert!(
        message.starts_with("<debounce> 20s and <incomplete-after> 10s: "),
        "{message}"
    );
}

fn proxy() -> Config {
    Config::proxy(["http://a".parse().unwrap()])
}

#[track_caller]
fn assert_key(config: Config, key: Key) -> Error {
    let error = Plan::try_from(config).unwrap_err();
    assert_eq!(error.key(), Some(key), "{error}");
    assert!(error.is_config());
    error
}
