//! Limits: memory, processes, processor time; freezing.

use crate::Test;

pub(crate) const TESTS: &[Test] = &[];
