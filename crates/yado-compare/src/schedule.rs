//! Which measures are taken in a round, so that all of it keeps to a time: what is cheap is measured often, what is
//! dear at least once, and the report says how often.

use std::time::Duration;

/// How often everything should be measured at least.
pub(crate) const ENOUGH: u32 = 3;

/// Chooses, by what each cost the last time (nothing yet: never taken), those that fit.
///
/// `left` is the time that remains and `round` counts from zero. The answer tells for each whether it is taken; none
/// is when the time is over.
pub(crate) fn choose(costs: &[Option<Duration>], round: u32, left: Duration) -> Vec<bool> {
    if round == 0 {
        return vec![true; costs.len()];
    }
    // Until there are enough rounds, no round may eat what the next ones need.
    let owed = ENOUGH.saturating_sub(round).max(1);
    let allowed = left / owed;
    let mut order: Vec<usize> = (0..costs.len()).collect();
    order.sort_by_key(|place| costs[*place]);
    let mut spent = Duration::ZERO;
    let mut taken = vec![false; costs.len()];
    for place in order {
        spent += costs[place].unwrap_or_default();
        if spent > allowed {
            break;
        }
        taken[place] = true;
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Option<Duration> {
        Some(Duration::from_secs(seconds))
    }

    #[test]
    fn all_are_taken_once_and_the_dear_ones_not_again() {
        let left = Duration::from_secs(20);
        assert_eq!(choose(&[None, None], 0, Duration::ZERO), [true, true]);
        assert_eq!(choose(&[seconds(60), seconds(1), seconds(2)], 1, left), [false, true, true]);
        assert_eq!(choose(&[seconds(9), seconds(1), seconds(2)], 2, left), [true, true, true]);
        assert_eq!(choose(&[seconds(9), seconds(1)], 5, Duration::ZERO), [false, false]);
    }

    #[test]
    fn a_round_leaves_time_for_those_that_are_owed() {
        let left = Duration::from_secs(10);
        assert_eq!(choose(&[seconds(4), seconds(3)], 1, left), [false, true]);
    }
}
