//! The settings of the client: what tabs do about a new release, and the style, place and messages of the notice.

use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::client::frames::Frames;
use crate::client::messages::Messages;
use crate::client::notice_style::NoticeStyle;
use crate::client::position::Position;
use crate::error::Error;
use crate::error::Kind;
use crate::release::Policy;

/// The settings of the client script. `Clone` copies them, which is cheap enough at start-up.
///
/// ```
/// use std::time::Duration;
/// use tidings::{ClientSettings, NoticeStyle, Policy};
///
/// let settings = ClientSettings::new()
///     .policy(Policy::Prompt)
///     .policy_for("/kiosk", Policy::Idle)?
///     .notice_style(NoticeStyle::Bar)
///     .snooze(Duration::from_secs(3600))
///     .messages(r#"{"de": {"text": "Frisch aus dem Hafen."}}"#)?;
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ClientSettings {
    policy: Policy,
    /// By folder, with a slash at the end; the longest first.
    policies: Vec<(String, Policy)>,
    notice_style: NoticeStyle,
    position: Position,
    snooze: Duration,
    cooldown: Duration,
    navigate_wait: Duration,
    idle_after: Duration,
    countdown: Duration,
    frames: Frames,
    messages: Messages,
}

impl ClientSettings {
    /// The policy `prompt`, and a toast in the lower corner, with the `DEFAULT_*` durations of this crate.
    pub fn new() -> Self {
        Self {
            policy: Policy::default(),
            policies: Vec::new(),
            notice_style: NoticeStyle::default(),
            position: Position::default(),
            snooze: DEFAULT_SNOOZE,
            cooldown: DEFAULT_COOLDOWN,
            navigate_wait: DEFAULT_NAVIGATE_WAIT,
            idle_after: DEFAULT_IDLE_AFTER,
            countdown: DEFAULT_COUNTDOWN,
            frames: Frames::default(),
            messages: Messages::default(),
        }
    }

    /// What tabs do about a release that has no policy of its own.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// What tabs do about it on pages at `prefix`, such as `/admin`, and below. The longest matching prefix applies.
    ///
    /// # Errors
    ///
    /// If `prefix` does not begin with a slash.
    pub fn policy_for(mut self, prefix: &str, policy: Policy) -> Result<Self, Error> {
        if !prefix.starts_with('/') {
            return Err(Error::new(Kind::InvalidPolicy(format!(
                "{prefix}={policy}"
            ))));
        }
        let folder = format!("{}/", prefix.trim_end_matches('/'));
        self.policies.retain(|(known, _)| *known != folder);
        self.policies.push((folder, policy));
        self.policies
            .sort_by_key(|(folder, _)| std::cmp::Reverse(folder.len()));
        Ok(self)
    }

    /// The style of the notice.
    pub fn notice_style(mut self, style: NoticeStyle) -> Self {
        self.notice_style = style;
        self
    }

    /// The position of the notice, if it is a toast or a bar.
    pub fn position(mut self, position: Position) -> Self {
        self.position = position;
        self
    }

    /// How long the notice of a release stays hidden after "Later". Doubles each time, up to a week.
    pub fn snooze(mut self, snooze: Duration) -> Self {
        self.snooze = snooze;
        self
    }

    /// The minimum time between the notices of two releases in one browser. Rollbacks are exempt.
    pub fn cooldown(mut self, cooldown: Duration) -> Self {
        self.cooldown = cooldown;
        self
    }

    /// How long [`Policy::Navigate`] waits for a navigation before it shows the notice.
    pub fn navigate_wait(mut self, wait: Duration) -> Self {
        self.navigate_wait = wait;
        self
    }

    /// How long a visible tab has to be without input before [`Policy::Idle`] reloads it.
    pub fn idle_after(mut self, idle: Duration) -> Self {
        self.idle_after = idle;
        self
    }

    /// The countdown of [`Policy::Force`], of at least 5 seconds.
    pub fn countdown(mut self, countdown: Duration) -> Self {
        self.countdown = countdown;
        self
    }

    /// Whether pages in frames show a notice.
    pub fn frames(mut self, frames: Frames) -> Self {
        self.frames = frames;
        self
    }

    /// Other messages, as JSON: an object by language (`de`, `pt-BR`, or `*` for all), of objects with any of `title`,
    /// `text`, `rollback`, `broken`, `refresh`, `later`, `no` (for a dialog), `notes`, `countdown` (with `{n}`).
    ///
    /// # Errors
    ///
    /// If it is not such JSON, or has a message of another name.
    pub fn messages(mut self, json: &str) -> Result<Self, Error> {
        self.messages = Messages::parse(json)?;
        Ok(self)
    }

    /// The policy that is sent at the start of an event stream: that of all pages, unless some pages have the policy
    /// `idle`, with which background tabs act without a notice.
    pub(crate) fn stream_policy(&self) -> Policy {
        let has_idle = self
            .policies
            .iter()
            .any(|(_, policy)| *policy == Policy::Idle);
        if has_idle { Policy::Idle } else { self.policy }
    }

    /// The settings as JSON, as the client reads them once there is a new release: durations in milliseconds, the
    /// countdown in seconds, messages in the first available one of `languages` (as in `de-AT,de,en`).
    pub(crate) fn to_json(&self, languages: &str) -> Value {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let policies = self.policies.iter();
        let policies: Vec<_> = policies
            .map(|(folder, policy)| json!([folder, policy.as_str()]))
            .collect();
        json!({
            "policy": self.policy.as_str(),
            "policies": policies,
            "form": self.notice_style.as_str(),
            "position": self.position.as_str(),
            "later": ms(self.snooze),
            "cooldown": ms(self.cooldown),
            "wait": ms(self.navigate_wait),
            "idle": ms(self.idle_after),
            "countdown": self.countdown.as_secs(),
            "frames": self.frames == Frames::Notice,
            "texts": self.messages.choose(languages),
        })
    }
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self::new()
    }
}

/// The default of [`ClientSettings::snooze`]: four hours.
pub const DEFAULT_SNOOZE: Duration = Duration::from_secs(4 * 3600);

/// The default of [`ClientSettings::cooldown`]: none, which suits all but teams that deploy all day.
pub const DEFAULT_COOLDOWN: Duration = Duration::ZERO;

/// The default of [`ClientSettings::navigate_wait`]: a day.
pub const DEFAULT_NAVIGATE_WAIT: Duration = Duration::from_secs(24 * 3600);

/// The default of [`ClientSettings::idle_after`]: a quarter of an hour.
pub const DEFAULT_IDLE_AFTER: Duration = Duration::from_secs(15 * 60);

/// The default of [`ClientSettings::countdown`]: a minute.
pub const DEFAULT_COUNTDOWN: Duration = Duration::from_secs(60);
