//! How long to wait before trying again. Used for Services, directives and the actuator's streams.

use std::time::Duration;

use rand::Rng as _;

/// Doubles from `first` to at most `most`, each wait shortened by up to a half at random, so that many which failed together do
/// not come back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Backoff {
    /// The first wait.
    pub(crate) first: Duration,
    /// The longest wait.
    pub(crate) most: Duration,
}

impl Backoff {
    /// The wait after this many failures in a row, 1 for the first.
    pub(crate) fn delay(self, failures: u32) -> Duration {
        let longest = self.longest(failures);
        longest.mul_f64(rand::rng().random_range(0.5..=1.0))
    }

    /// The wait without the random part.
    pub(crate) fn longest(self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(30);
        self.first
            .saturating_mul(2_u32.saturating_pow(doublings))
            .min(self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_most_and_never_fall_below_half() {
        let backoff = Backoff {
            first: Duration::from_millis(100),
            most: Duration::from_secs(1),
        };
        let longest: Vec<_> = [0, 1, 2, 3, 4, 5, 6, 1000]
            .map(|failures| backoff.longest(failures).as_millis())
            .to_vec();
        assert_eq!(longest, [100, 100, 200, 400, 800, 1000, 1000, 1000]);
        for failures in 1..20 {
            let delay = backoff.delay(failures);
            assert!(delay <= backoff.longest(failures) && delay * 2 >= backoff.longest(failures));
        }
    }
}
