//! Waiting for the order to stop: Ctrl-C, SIGTERM, the closing of a Windows console.
//!
//! The first order means "finish what you are doing", the second "now".

use std::io;

/// The orders to stop, one after the other.
#[derive(Debug)]
pub struct Signals(platform::Signals);

impl Signals {
    /// Takes over the orders to stop from the operating system, which would end the process at once. Call it
    /// inside a tokio runtime, before work begins; orders between two calls of [`Signals::next`] are not lost.
    pub fn listen() -> io::Result<Self> {
        platform::Signals::listen().map(Self)
    }

    /// Waits for the next order and names it. Dropping the future loses nothing.
    pub async fn next(&mut self) -> &'static str {
        self.0.next().await
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

    use super::*;

    #[tokio::test]
    async fn hears_the_first_and_the_second_order() {
        let mut signals = Signals::listen().unwrap();
        for (signal, name) in [("-TERM", "SIGTERM"), ("-INT", "Ctrl-C")] {
            let own = std::process::id().to_string();
            let sent = Command::new("kill").args([signal, &own]).status().unwrap();
            assert!(sent.success());
            assert_eq!(signals.next().await, name);
        }
    }
}
