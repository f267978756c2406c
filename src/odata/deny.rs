//! Sets that are not shown, because their rows carry secrets.
