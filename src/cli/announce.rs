//! `tidings announce`: its arguments, and what it prints.

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
#[command(
    after_help = "The secret may be in the variable TIDINGS_WEBHOOK_SECRET instead of a file."
)]
pub(crate) struct Announce {
    /// The address of the site, or of its deploys: /__tidings/deploys is added where it has no path
    #[arg(env = "TIDINGS_URL", value_name = "URL")]
    url: String,

    /// The file with the secret of the webhook
    #[arg(long, env = "TIDINGS_WEBHOOK_SECRET_FILE", value_name = "FILE")]
    secret_file: Option<PathBuf>,

    /// What is new: a text, or the URL of one
    #[arg(long, env = "TIDINGS_NOTES", value_name = "TEXT")]
    notes: Option<String>,

    /// The name that people know the release by, such as 1.4.2
    #[arg(long, env = "TIDINGS_LABEL", value_name = "NAME")]
    label: Option<String>,

    /// What tabs do about the release: prompt, navigate, idle, force or silent
    #[arg(long, env = "TIDINGS_RELEASE_POLICY", value_name = "POLICY")]
    policy: Option<Policy>,

    /// Publish the release under this id at once; for a site that is not a directory
    #[arg(long, env = "TIDINGS_ID", value_name = "ID")]
    id: Option<ReleaseId>,
}

impl Announce {
    pub(crate) fn secret(&self) -> anyhow::Result<Secret> {
        let secret = secret::read("--secret-file", self.secret_file.as_deref())?;
        secret.with_context(|| {
            let variable = secret::VARIABLE;
            format!("there is no secret: name its file by --secret-file, or set {variable}")
        })
    }

    /// Announces, prints the answer, and succeeds if that is 202.
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
