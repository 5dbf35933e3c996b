//! `tidings announce`: its arguments, and its output.

use std::io;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use tidings::Announcement;
use tidings::Policy;
use tidings::ReleaseId;
use tidings::Secret;

use crate::cli::secret;

#[derive(Debug, Args)]
#[command(after_help = "TIDINGS_WEBHOOK_SECRET may have the secret instead of a file.")]
pub(crate) struct Announce {
    /// URL of the site, or of its webhook; /__tidings/deploys is added to a URL without a path
    #[arg(env = "TIDINGS_URL", hide_env_values = true, value_name = "URL")]
    url: String,

    /// File with the secret of the webhook
    #[arg(
        long,
        env = "TIDINGS_WEBHOOK_SECRET_FILE",
        hide_env_values = true,
        value_name = "FILE"
    )]
    secret_file: Option<PathBuf>,

    /// What is new: a text, or the URL of a page
    #[arg(
        long,
        env = "TIDINGS_NOTES",
        hide_env_values = true,
        value_name = "TEXT"
    )]
    notes: Option<String>,

    /// Name of the release for people, such as 1.4.2
    #[arg(
        long,
        env = "TIDINGS_LABEL",
        hide_env_values = true,
        value_name = "NAME"
    )]
    label: Option<String>,

    /// What tabs do about the release: prompt, navigate, idle, force or silent
    #[arg(
        long,
        env = "TIDINGS_RELEASE_POLICY",
        hide_env_values = true,
        value_name = "POLICY"
    )]
    policy: Option<Policy>,

    /// Publish the release with this id at once; for a site that is not a directory
    #[arg(long, env = "TIDINGS_ID", hide_env_values = true, value_name = "ID")]
    id: Option<ReleaseId>,
}

impl Announce {
    /// The secret of the webhook.
    pub(crate) fn secret(&self) -> anyhow::Result<Secret> {
        let secret = secret::read("--secret-file", self.secret_file.as_deref())?;
        secret.with_context(|| {
            let variable = secret::VARIABLE;
            format!("there is no secret: use --secret-file, or set {variable}")
        })
    }

    /// Sends the announcement, prints the response, and succeeds if that is 202.
    #[tokio::main(flavor = "current_thread")]
    pub(crate) async fn run(self, secret: &Secret) -> anyhow::Result<ExitCode> {
        let mut announcement = Announcement::new();
        if let Some(id) = self.id {
            announcement = announcement.id(id);
        }
        if let Some(notes) = self.notes {
            announcement = announcement.notes(notes);
        }
        if let Some(label) = self.label {
            announcement = announcement.label(label);
        }
        if let Some(policy) = self.policy {
            announcement = announcement.policy(policy);
        }
        let announced = announcement.send(&self.url, secret).await?;
        let text = announced.text().trim_end();
        if announced.is_accepted() {
            writeln!(io::stdout(), "{text}")?;
            return Ok(ExitCode::SUCCESS);
        }
        writeln!(io::stderr(), "error: {}: {text}", announced.status())?;
        Ok(ExitCode::FAILURE)
    }
}
