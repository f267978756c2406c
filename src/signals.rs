//! Waiting for the order to stop: Ctrl-C, SIGTERM, the closing of a Windows console, a service manager.
//!
//! The first order means "finish what you are doing", the second "now".

use std::{fmt, future, io};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The orders to stop, one after the other.
#[derive(Debug)]
pub struct Signals {
    source: Source,
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

/// Where orders come from.
#[derive(Debug)]
enum Source {
    System(platform::Signals),
    Orders(UnboundedReceiver<&'static str>),
}

/// Gives orders to stop, from any thread.
#[derive(Debug, Clone)]
pub struct Orders(UnboundedSender<&'static str>);

impl Signals {
    /// Takes over the orders to stop from the operating system, which would end the process at once. Call it
    /// inside a tokio runtime, before work begins; orders between two calls of [`Signals::next`] are not lost.
    pub fn listen() -> io::Result<Self> {
        platform::Signals::listen()
            .map(Source::System)
            .map(Self::of)
    }

    /// Orders that somebody in this process gives, in place of the operating system's: a service of Windows hears of a
    /// shutdown from its manager, and would hear it twice.
    pub fn by_hand() -> (Orders, Self) {
        let (orders, given) = unbounded_channel();
        (Orders(orders), Self::of(Source::Orders(given)))
    }

    fn of(source: Source) -> Self {
        Self {
            source,
            at_first: AtFirst::default(),
        }
    }

    /// Has `call` made at the first order, before [`Signals::next`] returns it; in place of what was to be called so far.
    pub fn at_first(&mut self, call: impl FnOnce() + Send + 'static) {
        self.at_first = AtFirst(Some(Box::new(call)));
    }

    /// Waits for the next order and names it. Dropping the future loses nothing.
    pub async fn next(&mut self) -> &'static str {
        let order = match &mut self.source {
            Source::System(signals) => signals.next().await,
            Source::Orders(given) => match given.recv().await {
                Some(order) => order,
                // Nobody can give one any more.
                None => future::pending().await,
            },
        };
        if let Some(call) = self.at_first.0.take() {
            call();
        }
        order
    }
}

impl Orders {
    /// Orders to stop; `from` is who wants it, for the log.
    pub fn stop(&self, from: &'static str) {
        // Who has stopped listening has stopped.
        self.0.send(from).unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn orders_are_heard_one_by_one_and_not_for_want_of_anybody_to_give_them() {
        let (orders, mut signals) = Signals::by_hand();
        for order in ["first", "second"] {
            orders.clone().stop(order);
        }
        assert_eq!(signals.next().await, "first");
        assert_eq!(signals.next().await, "second");
        drop(orders);
        let never = timeout(Duration::from_mins(1), signals.next()).await;
        assert!(never.is_err());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn hears_the_first_and_the_second_order() {
        use std::process::Command;
        use std::sync::Arc;
        use std::sync::atomic::{AtomicU32, Ordering};

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
