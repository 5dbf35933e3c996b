//! Settings of the client: what tabs do about a release, and how the notice looks and speaks.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

pub(crate) use crate::client::messages::Texts;
use crate::error::Error;
use crate::error::Kind;
use crate::release::Policy;

/// What the client is told about manners and looks. `Clone` is cheap enough for a start-up.
///
/// ```
/// use std::time::Duration;
/// use tidings::{ClientSettings, Form, Policy};
///
/// let settings = ClientSettings::new()
///     .policy(Policy::Prompt)
///     .policy_for("/kiosk", Policy::Idle)?
///     .form(Form::Bar)
///     .later(Duration::from_secs(3600))
///     .texts(r#"{"de": {"text": "Frisch aus dem Hafen."}}"#)?;
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ClientSettings {
    policy: Policy,
    policies: Vec<(String, Policy)>,
    form: Form,
    position: Position,
    later: Duration,
    cooldown: Duration,
    wait: Duration,
    idle: Duration,
    countdown: Duration,
    frames: Frames,
    texts: Texts,
}

/// The shape of the notice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// A small card in a corner or at an edge.
    #[default]
    Toast,
    /// A bar over the whole width.
    Bar,
    /// A dialog that has to be answered.
    Modal,
    /// No notice; events all the same.
    None,
}

/// Where a toast or a bar is. Start and end are left and right, but the other way round on a page whose direction is
/// right to left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Position {
    /// The lower corner where lines end.
    #[default]
    BottomEnd,
    /// The lower corner where lines start.
    BottomStart,
    /// The middle of the lower edge; for a bar, the lower edge.
    Bottom,
    /// The upper corner where lines end.
    TopEnd,
    /// The upper corner where lines start.
    TopStart,
    /// The middle of the upper edge; for a bar, the upper edge.
    Top,
}

/// Whether pages inside frames show a notice of their own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frames {
    /// They don't: the page around them does, or nobody.
    #[default]
    Quiet,
    /// They do, like any page.
    Notice,
}

impl ClientSettings {
    /// A toast in the lower corner, with the defaults of this crate for every time.
    pub fn new() -> Self {
        Self {
            policy: Policy::default(),
            policies: Vec::new(),
            form: Form::default(),
            position: Position::default(),
            later: DEFAULT_LATER,
            cooldown: DEFAULT_COOLDOWN,
            wait: DEFAULT_WAIT,
            idle: DEFAULT_IDLE,
            countdown: DEFAULT_COUNTDOWN,
            frames: Frames::default(),
            texts: Texts::default(),
        }
    }

    /// What tabs do about a release whose deploy does not say.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// What they do on pages at `prefix`, such as `/admin`, and below; the longest prefix counts.
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
            .sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        Ok(self)
    }

    /// The shape of the notice.
    pub fn form(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    /// Where it is.
    pub fn position(mut self, position: Position) -> Self {
        self.position = position;
        self
    }

    /// How long "Later" is; each time it is said on the same release it is twice as long, up to a week.
    pub fn later(mut self, quiet: Duration) -> Self {
        self.later = quiet;
        self
    }

    /// The least time between the notices of two releases in one browser. Rollbacks don't wait for it.
    pub fn cooldown(mut self, cooldown: Duration) -> Self {
        self.cooldown = cooldown;
        self
    }

    /// How long [`Policy::Navigate`] waits for a navigation before it shows the notice.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// How long nothing must have been touched for [`Policy::Idle`] to reload a tab in sight.
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// The countdown of [`Policy::Force`].
    pub fn countdown(mut self, countdown: Duration) -> Self {
        self.countdown = countdown;
        self
    }

    /// Whether pages inside frames show a notice.
    pub fn frames(mut self, frames: Frames) -> Self {
        self.frames = frames;
        self
    }

    /// Other texts, as JSON: an object by language (`de`, `pt-BR`, or `*` for all), of objects with any of `title`,
    /// `text`, `rollback`, `broken`, `refresh`, `later`, `no` (for a dialog), `notes`, `countdown` (with `{n}`).
    ///
    /// # Errors
    ///
    /// If it is no such JSON, or names another text.
    pub fn texts(mut self, json: &str) -> Result<Self, Error> {
        self.texts = Texts::parse(json)?;
        Ok(self)
    }

    /// The policy that a tab is told of before there is news: that of all pages, unless tabs out of sight have
    /// something to do on some of them.
    pub(crate) fn standing_policy(&self) -> Policy {
        let lurks = self.policies.iter().any(|(_, own)| *own == Policy::Idle);
        if lurks { Policy::Idle } else { self.policy }
    }

    /// Refuses a countdown that nobody could read, which is the one thing here that could harm.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.countdown < SHORTEST_COUNTDOWN {
            return Err(Error::new(Kind::Config(format!(
                "--countdown {:?} leaves no time to finish a sentence: 5 s is the least",
                self.countdown
            ))));
        }
        Ok(())
    }

    /// What a tab is told once there is news: times in milliseconds, texts in the first of `languages` (as in
    /// `de-AT,de,en`) that there is.
    pub(crate) fn describe(&self, languages: &str) -> Value {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let policies = self.policies.iter();
        let policies: Vec<_> = policies
            .map(|(folder, policy)| json!([folder, policy.as_str()]))
            .collect();
        json!({
            "policy": self.policy.as_str(),
            "policies": policies,
            "form": self.form.as_str(),
            "position": self.position.as_str(),
            "later": ms(self.later),
            "cooldown": ms(self.cooldown),
            "wait": ms(self.wait),
            "idle": ms(self.idle),
            "countdown": self.countdown.as_secs(),
            "frames": self.frames == Frames::Notice,
            "texts": self.texts.choose(languages),
        })
    }
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self::new()
    }
}

impl Form {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Toast => "toast",
            Self::Bar => "bar",
            Self::Modal => "modal",
            Self::None => "none",
        }
    }
}

impl FromStr for Form {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        let all = [Self::Toast, Self::Bar, Self::Modal, Self::None];
        let found = all.into_iter().find(|form| form.as_str() == word);
        found.ok_or_else(|| refused(word, "notice: use toast, bar, modal or none"))
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Position {
    /// The words for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BottomEnd => "bottom-end",
            Self::BottomStart => "bottom-start",
            Self::Bottom => "bottom",
            Self::TopEnd => "top-end",
            Self::TopStart => "top-start",
            Self::Top => "top",
        }
    }
}

impl FromStr for Position {
    type Err = Error;

    fn from_str(words: &str) -> Result<Self, Error> {
        let all = [
            Self::BottomEnd,
            Self::BottomStart,
            Self::Bottom,
            Self::TopEnd,
            Self::TopStart,
            Self::Top,
        ];
        let found = all.into_iter().find(|place| place.as_str() == words);
        found.ok_or_else(|| {
            refused(
                words,
                "position: use bottom-end, bottom-start, bottom, top-end, top-start or top",
            )
        })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn refused(word: &str, what: &str) -> Error {
    Error::new(Kind::Config(format!("{word:?} is no {what}")))
}

/// The quiet after the first "Later": four hours.
pub const DEFAULT_LATER: Duration = Duration::from_secs(4 * 3600);

/// The least time between two notices: none, which suits all but teams that deploy all day.
pub const DEFAULT_COOLDOWN: Duration = Duration::ZERO;

/// How long a navigation is waited for: a day.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(24 * 3600);

/// How long a tab in sight has to be untouched: a quarter of an hour.
pub const DEFAULT_IDLE: Duration = Duration::from_secs(15 * 60);

/// The countdown of a forced refresh: a minute.
pub const DEFAULT_COUNTDOWN: Duration = Duration::from_secs(60);

const SHORTEST_COUNTDOWN: Duration = Duration::from_secs(5);
