//! Reads single fields, naming message and field where one is wrong. proto3 has no "unset" for plain texts and numbers: empty
//! and 0 stand for it.

use std::fmt::Display;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use clb_model::InvalidText;

use crate::WireError;

/// The longest duration that is sent or taken. None of ours is anywhere near, and what is added to a point in time must not overflow it.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The message whose fields are read.
#[derive(Clone, Copy)]
pub(crate) struct Reader(pub(crate) &'static str);

impl Reader {
    pub(crate) fn invalid(
        self,
        field: &'static str,
        value: impl Display,
        allowed: &'static str,
    ) -> WireError {
        WireError::Invalid {
            message: self.0,
            field,
            value: value.to_string(),
            allowed,
        }
    }

    pub(crate) fn required<T>(
        self,
        field: &'static str,
        value: Option<T>,
        allowed: &'static str,
    ) -> Result<T, WireError> {
        value.ok_or(WireError::Missing {
            message: self.0,
            field,
            allowed,
        })
    }

    pub(crate) fn text<T: FromStr<Err = InvalidText>>(
        self,
        field: &'static str,
        text: &str,
    ) -> Result<T, WireError> {
        text.parse().map_err(WireError::from_text(self.0, field))
    }

    pub(crate) fn optional_text<T: FromStr<Err = InvalidText>>(
        self,
        field: &'static str,
        text: &str,
    ) -> Result<Option<T>, WireError> {
        if text.is_empty() {
            return Ok(None);
        }
        self.text(field, text).map(Some)
    }

    pub(crate) fn port(self, field: &'static str, number: u32) -> Result<u16, WireError> {
        self.optional_port(field, number)?
            .ok_or_else(|| self.invalid(field, number, "1 to 65535"))
    }

    pub(crate) fn optional_port(self, field: &'static str, number: u32) -> Result<Option<u16>, WireError> {
        match u16::try_from(number) {
            Ok(0) => Ok(None),
            Ok(port) => Ok(Some(port)),
            Err(_) => Err(self.invalid(field, number, "0 to 65535")),
        }
    }

    pub(crate) fn address(self, field: &'static str, text: &str) -> Result<IpAddr, WireError> {
        text.parse()
            .map_err(|_| self.invalid(field, text, "an IPv4 or IPv6 address"))
    }

    pub(crate) fn duration(
        self,
        field: &'static str,
        value: Option<prost_types::Duration>,
    ) -> Result<Duration, WireError> {
        let value = self.required(field, value, "a duration")?;
        Duration::try_from(value)
            .ok()
            .filter(|duration| *duration <= LONGEST)
            .ok_or_else(|| self.invalid(field, format!("{} s", value.seconds), "0 s to a day"))
    }
}

/// A duration beyond the longest that is taken is sent as that.
pub(crate) fn duration_to_proto(duration: Duration) -> prost_types::Duration {
    let duration = duration.min(LONGEST);
    prost_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or_default(),
    }
}

/// Empty stands for unset.
pub(crate) fn non_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
