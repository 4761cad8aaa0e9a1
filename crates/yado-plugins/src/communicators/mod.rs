//! Communicators that more than one provider uses. The container provider's own way in lives with it.
