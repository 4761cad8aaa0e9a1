//! Medians, and how far chance may have moved them.

/// The middle of the values; of an even number the mean of the two in the middle.
pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value below which this part of the values lies, by linear interpolation.
pub(crate) fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = part * last as f64;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    sorted[low] + (sorted[high] - sorted[low]) * (place - low as f64)
}

/// Half the distance between the quartiles, as a part of the median: how much single values spread.
pub(crate) fn spread(values: &[f64]) -> f64 {
    (quantile(values, 0.75) - quantile(values, 0.25)) / 2.0 / median(values)
}

/// The fewest values on both sides that an interval is worth its name with. With three, all of one lying above all of
/// the other happens by chance in one of ten cases; with five, in one of 126.
pub(crate) const ENOUGH: usize = 5;

/// A ratio of two medians with the interval that 95 of 100 repetitions would lie in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ratio {
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Ratio {
    /// The ratio of `values` to `reference`, its interval by the bootstrap: both are drawn anew, with replacement,
    /// 2,000 times (B. Efron, 1979). The same values always give the same interval.
    pub(crate) fn of(values: &[f64], reference: &[f64]) -> Self {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let drawn = (0..2000).map(|_| median(&random.draw(values)) / median(&random.draw(reference)));
        Self::between(median(values) / median(reference), drawn.collect(), 0.025)
    }

    /// How two ratios differ: (`new` to `new_reference`) to (`old` to `old_reference`), with the interval that 99 of 100
    /// repetitions would lie in, since many such are looked at side by side.
    pub(crate) fn of_ratios(new: [&[f64]; 2], old: [&[f64]; 2]) -> Self {
        let ratio = |[values, reference]: [f64; 2]| values / reference;
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let drawn = (0..4000).map(|_| {
            let mut redrawn = |pair: [&[f64]; 2]| ratio(pair.map(|values| median(&random.draw(values))));
            redrawn(new) / redrawn(old)
        });
        let value = ratio(new.map(median)) / ratio(old.map(median));
        Self::between(value, drawn.collect(), 0.005)
    }

    fn between(value: f64, mut drawn: Vec<f64>, outside: f64) -> Self {
        drawn.sort_by(f64::total_cmp);
        Self { value, low: quantile(&drawn, outside), high: quantile(&drawn, 1.0 - outside) }
    }

    /// Whether the figures tell the two apart: a ratio of one lies outside the interval, and the difference is more
    /// than one part in a hundred, below which no one run of programs can be trusted.
    pub(crate) fn differs(self) -> bool {
        (self.low > 1.0 || self.high < 1.0) && (self.value - 1.0).abs() > 0.01
    }
}

/// Random enough for drawing samples (xorshift, G. Marsaglia, 2003).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn draw(&mut self, values: &[f64]) -> Vec<f64> {
        values.iter().map(|_| values[(self.next() % values.len() as u64) as usize]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_quartiles() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(quantile(&[0.0, 10.0], 0.25), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn values_that_overlap_are_not_told_apart_and_others_are() {
        let one = [100.0, 103.0, 98.0, 101.0, 99.0];
        let same = [101.0, 99.0, 102.0, 97.0, 100.0];
        let half = [50.0, 51.0, 49.0, 50.5, 49.5];
        assert!(!Ratio::of(&one, &same).differs());
        let ratio = Ratio::of(&half, &one);
        assert!(ratio.differs() && (ratio.value - 0.5).abs() < 0.01);
        assert!(ratio.low <= ratio.value && ratio.value <= ratio.high);
        assert_eq!(ratio, Ratio::of(&half, &one), "the same values, the same answer");
    }

    #[test]
    fn a_machine_that_became_slower_as_a_whole_changes_no_ratio() {
        let (fast, slow) = ([100.0, 103.0, 98.0, 101.0, 99.0], [80.0, 82.0, 79.0, 81.0, 78.0]);
        assert!(!Ratio::of_ratios([&slow, &slow], [&fast, &fast]).differs());
        assert!(Ratio::of_ratios([&slow, &fast], [&fast, &fast]).differs());
    }
}
