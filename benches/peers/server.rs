//! The servers that are compared, and how each of them is started.

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use clap::ValueEnum;

use super::cores::Cores;
use super::process::{FOLDERS, Process, free_address};

/// A server that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Server {
    /// This project's proxy
    Ours,
    /// nginx with `proxy_cache`
    Nginx,
    /// Varnish with storage in memory
    Varnish,
    /// An axum server that does nothing but send the same bytes
    Bare,
}

impl Server {
    pub(crate) const ALL: [Self; 4] = [Self::Ours, Self::Nginx, Self::Varnish, Self::Bare];

    /// Whether its program is on this machine; says so when not.
    pub(crate) fn is_there(self) -> bool {
        let program = match self {
            Self::Ours | Self::Bare => return true,
            Self::Nginx => "nginx",
            Self::Varnish => "varnishd",
        };
        let there = FOLDERS
            .iter()
            .any(|folder| Path::new(folder).join(program).exists());
        if !there {
            eprintln!(
                "{self} is left out: there is no program {program} in {}",
                FOLDERS.join(", ")
            );
        }
        there
    }

    /// Starts it on `cores`, in front of the origin.
    pub(crate) fn start(self, origin: SocketAddr, cores: &Cores) -> Result<Process, String> {
        let address = free_address();
        let folder = tempfile::tempdir().unwrap();
        let fill = |template: &str| {
            template
                .replace("{address}", &address.to_string())
                .replace("{origin}", &origin.to_string())
                .replace("{origin_host}", &origin.ip().to_string())
                .replace("{origin_port}", &origin.port().to_string())
                .replace("{workers}", &cores.count().to_string())
                .replace("{folder}", folder.path().to_str().unwrap())
        };
        let settings = folder.path().join("settings");
        let command = match self {
            Self::Ours => {
                fs::write(&settings, fill(include_str!("proxy.toml"))).unwrap();
                let mut command = cores.command(env!("CARGO_BIN_EXE_citrix-odata-proxy"));
                command.arg("serve").arg("--config").arg(settings);
                command
            }
            Self::Nginx => {
                fs::write(&settings, fill(include_str!("nginx.conf"))).unwrap();
                let mut command = cores.command("nginx");
                command.arg("-c").arg(settings);
                // Its workers would become another account, which may not enter the folder.
                if is_root() {
                    command.args(["-g", "user root;"]);
                }
                command
            }
            Self::Varnish => {
                fs::write(&settings, fill(include_str!("varnish.vcl"))).unwrap();
                let mut command = cores.command("varnishd");
                command.args(["-F", "-j", "none", "-s", "malloc,256m"]);
                command.arg("-a").arg(address.to_string());
                command.arg("-f").arg(settings);
                command.arg("-n").arg(folder.path().join("varnish"));
                // Stores what the origin sends by its Vary, and unpacks nothing for clients that want it plain.
                command.args(["-p", "http_gzip_support=off"]);
                command
            }
            Self::Bare => stock(address, cores),
        };
        Process::start(command, address, folder)
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

/// This program as the origin or the bare server.
pub(crate) fn stock(address: SocketAddr, cores: &Cores) -> Command {
    let mut command = cores.command(std::env::current_exe().unwrap());
    command.args(["--bench", "--stock", &address.to_string()]);
    command
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ours => "ours",
            Self::Nginx => "nginx",
            Self::Varnish => "varnish",
            Self::Bare => "bare",
        })
    }
}
