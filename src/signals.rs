//! Waiting for the order to stop: Ctrl-C, SIGTERM, the closing of a Windows console.
