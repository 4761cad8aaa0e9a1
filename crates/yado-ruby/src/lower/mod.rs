//! Lowering: prism's tree to ours.
