//! The secret of `tidings announce`, from a file or from the environment. There is no option for it: every user of a
//! machine can read command lines.

use std::path::Path;

use anyhow::Context as _;
use anyhow::bail;
use tidings::Secret;

/// The secret in `file`, which `option` named, or in the environment; `None` if it is in neither.
pub(crate) fn read(option: &str, file: Option<&Path>) -> anyhow::Result<Option<Secret>> {
    let variable = std::env::var_os(VARIABLE);
    match (file, variable) {
        (Some(_), Some(_)) => bail!("{option} and {VARIABLE}: there are two secrets; remove one"),
        (Some(file), None) => {
            let name = || format!("{option}: {}", file.display());
            let secret = std::fs::read(file).with_context(name)?;
            Ok(Some(Secret::new(secret).with_context(name)?))
        }
        (None, Some(secret)) => {
            let secret = Secret::new(secret.as_encoded_bytes()).context(VARIABLE)?;
            Ok(Some(secret))
        }
        (None, None) => Ok(None),
    }
}

/// The variable that may have the secret.
pub(crate) const VARIABLE: &str = "TIDINGS_WEBHOOK_SECRET";
