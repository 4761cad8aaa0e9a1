//! The file tree: what is hidden, who owns what, what stays.

use crate::Test;

pub(crate) const TESTS: &[Test] = &[];
