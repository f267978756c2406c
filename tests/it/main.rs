//! The program as its users meet it.

mod process;
mod upstream;
mod wire;

mod binary;
mod check;
mod failing;
mod proxies;
mod socket;
#[cfg(unix)]
mod stop;
mod tls;
