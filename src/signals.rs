//! Waiting for the order to stop: Ctrl-C, SIGTERM, the closing of a Windows console.
//!
//! The first order means "finish what you are doing", the second "now".

use std::{fmt, io};

/// The orders to stop, one after the other.
#[derive(Debug)]
pub struct Signals {
    orders: platform::Signals,
    at_first: AtFirst,
}

/// What is done at the first order.
#[derive(Default)]
struct AtFirst(Option<Box<dyn FnOnce() + Send>>);

impl fmt::Debug for AtFirst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AtFirst").field(&self.0.is_some()).finish()
    }
}

impl Signals {
    /// Takes over the orders to stop from the operating system, which would end the process at once. Call it
    /// inside a tokio runtime, before work begins; orders between two calls of [`Signals::next`] are not lost.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            orders: platform::Signals::listen()?,
            at_first: AtFirst::default(),
        })
    }

    /// Has `call` made at the first order, before [`Signals::next`] returns it; in place of what was to be called so far.
    pub fn at_first(&mut self, call: impl FnOnce() + Send + 'static) {
        self.at_first = AtFirst(Some(Box::new(call)));
    }

    /// Waits for the next order and names it. Dropping the future loses nothing.
    pub async fn next(&mut self) -> &'static str {
        let order = self.orders.next().await;
        if let Some(call) = self.at_first.0.take() {
            call();
        }
        order
    }
}

#[cfg(unix)]
mod platform {
    use std::io;

    use tokio::signal::unix::{Signal, SignalKind, signal};

    #[derive(Debug)]
    pub(super) struct Signals {
        interrupt: Signal,
        terminate: Signal,
    }

    impl Signals {
        pub(super) fn listen() -> io::Result<Self> {
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
            })
        }

        pub(super) async fn next(&mut self) -> &'static str {
            tokio::select! {
                _ = self.interrupt.recv() => "Ctrl-C",
                _ = self.terminate.recv() => "SIGTERM",
            }
        }
    }
}

#[cfg(windows)]
mod platform {
    use std::io;

    use tokio::signal::windows::{
        CtrlBreak, CtrlC, CtrlClose, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown,
    };

    /// After a close or shutdown Windows ends the process within seconds, however long draining would take.
    #[derive(Debug)]
    pub(super) struct Signals {
        interrupt: CtrlC,
        pause: CtrlBreak,
        close: CtrlClose,
        shutdown: CtrlShutdown,
    }

    impl Signals {
        pub(super) fn listen() -> io::Result<Self> {
            Ok(Self {
                interrupt: ctrl_c()?,
                pause: ctrl_break()?,
                close: ctrl_close()?,
                shutdown: ctrl_shutdown()?,
            })
        }

        pub(super) async fn next(&mut self) -> &'static str {
            tokio::select! {
                _ = self.interrupt.recv() => "Ctrl-C",
                _ = self.pause.recv() => "Ctrl-Break",
                _ = self.close.recv() => "the console was closed",
                _ = self.shutdown.recv() => "Windows is shutting down",
            }
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn hears_the_first_and_the_second_order() {
        let mut signals = Signals::listen().unwrap();
        let calls = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&calls);
        signals.at_first(move || {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        for (signal, name) in [("-TERM", "SIGTERM"), ("-INT", "Ctrl-C")] {
            let own = std::process::id().to_string();
            let sent = Command::new("kill").args([signal, &own]).status().unwrap();
            assert!(sent.success());
            assert_eq!(signals.next().await, name);
            assert_eq!(calls.load(Ordering::Relaxed), 1, "{name}");
        }
    }
}
