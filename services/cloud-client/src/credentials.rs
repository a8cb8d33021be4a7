//! Where credentials come from. They live in secrecy types from here to the signature.

use std::future::Future;
use std::pin::Pin;

use secrecy::{ExposeSecret as _, SecretString};

/// A key pair, with a token where it is temporary.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// `AccessKeyId`: no secret by itself, but it never shows either.
    pub key_id: SecretString,
    /// `AccessKeySecret`.
    pub secret: SecretString,
    /// `SecurityToken` of temporary credentials.
    pub token: Option<SecretString>,
}

impl Credentials {
    /// Whether the key id and the token can stand in headers, as they have to.
    ///
    /// # Errors
    /// The first that cannot, by the variable that it usually comes from.
    pub(crate) fn check(&self) -> Result<(), CredentialsError> {
        let fits = |value: &SecretString| value.expose_secret().bytes().all(|byte| byte.is_ascii_graphic());
        if !fits(&self.key_id) {
            return Err(CredentialsError::Malformed(KEY_ID));
        }
        if !self.token.as_ref().is_none_or(fits) {
            return Err(CredentialsError::Malformed(TOKEN));
        }
        Ok(())
    }
}

/// Why there are no credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// The environment has none.
    #[error("no credentials: set {0} in the environment")]
    Missing(&'static str),
    /// A value that no HTTP header can hold, which is never sent.
    #[error(
        "unusable credentials: the value of {0} holds a space, a line break or another character that none has; set it anew"
    )]
    Malformed(&'static str),
    /// A source of credentials could not be used.
    #[error("no credentials from {from}: {reason}")]
    Unusable {
        /// Which source.
        from: &'static str,
        /// Why; holds no secret.
        reason: String,
    },
}

/// What [`CredentialsProvider::credentials`] returns.
pub type Pending<'a> = Pin<Box<dyn Future<Output = Result<Credentials, CredentialsError>> + Send + 'a>>;

/// Gives the credentials to sign the next call with. Asked before every attempt, so it caches what is dear.
pub trait CredentialsProvider: Send + Sync {
    /// The credentials to use now.
    fn credentials(&self) -> Pending<'_>;
}

/// Reads `ALIBABA_CLOUD_ACCESS_KEY_ID`, `…_ACCESS_KEY_SECRET` and `ALIBABA_CLOUD_SECURITY_TOKEN` at each use, without the space around
/// them.
#[derive(Debug, Clone, Copy, Default)]
pub struct EnvironmentCredentials;

const KEY_ID: &str = "ALIBABA_CLOUD_ACCESS_KEY_ID";
const SECRET: &str = "ALIBABA_CLOUD_ACCESS_KEY_SECRET";
const TOKEN: &str = "ALIBABA_CLOUD_SECURITY_TOKEN";

fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Credentials, CredentialsError> {
    let get = |name: &'static str| {
        // A value from a file often ends with a line break.
        variable(name)
            .map(SecretString::from)
            .map(|value| SecretString::from(value.expose_secret().trim()))
            .filter(|value| !value.expose_secret().is_empty())
    };
    Ok(Credentials {
        key_id: get(KEY_ID).ok_or(CredentialsError::Missing(KEY_ID))?,
        secret: get(SECRET).ok_or(CredentialsError::Missing(SECRET))?,
        token: get(TOKEN),
    })
}

impl CredentialsProvider for EnvironmentCredentials {
    fn credentials(&self) -> Pending<'_> {
        Box::pin(std::future::ready(from_variables(|name| {
            std::env::var(name).ok()
        })))
    }
}

/// The same credentials for ever; of the sandbox and of tests.
#[derive(Debug, Clone)]
pub struct FixedCredentials(pub Credentials);

impl FixedCredentials {
    /// Of a key pair without a token.
    #[must_use]
    pub fn new(key_id: &str, secret: &str) -> Self {
        Self(Credentials {
            key_id: SecretString::from(key_id),
            secret: SecretString::from(secret),
            token: None,
        })
    }
}

impl CredentialsProvider for FixedCredentials {
    fn credentials(&self) -> Pending<'_> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_or_empty_variable_is_named() {
        let only_id = |name: &str| (name == KEY_ID).then(|| "LTAIexample".to_owned());
        assert_eq!(
            from_variables(only_id).unwrap_err(),
            CredentialsError::Missing(SECRET)
        );
        assert_eq!(
            from_variables(|_| Some(String::new())).unwrap_err(),
            CredentialsError::Missing(KEY_ID)
        );
    }

    #[test]
    fn space_around_a_value_is_no_part_of_it() {
        let with_newline = |name: &str| (name != TOKEN).then(|| format!(" value-of-{name}\n"));
        let credentials = from_variables(with_newline).unwrap();
        assert_eq!(credentials.key_id.expose_secret(), format!("value-of-{KEY_ID}"));
        assert_eq!(credentials.secret.expose_secret(), format!("value-of-{SECRET}"));
        let blank = |name: &str| Some(if name == SECRET { "\n" } else { "value" }.to_owned());
        assert_eq!(
            from_variables(blank).unwrap_err(),
            CredentialsError::Missing(SECRET)
        );
    }

    #[test]
    fn debug_shows_nothing() {
        let shown = format!("{:?}", FixedCredentials::new("LTAIexample", "very-secret"));
        assert!(
            !shown.contains("LTAI") && !shown.contains("very-secret"),
            "{shown}"
        );
    }
}
